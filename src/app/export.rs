//! What leaves the window: an image of the view, a table, a report.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `form` | the dialog's contents, and how they become a request |
//! | `explanations` | the explanations of a query, and their comparison |
//! | `evidence` | regenerated images and maps for a report |
//! | `gather` | the plain data of a table or a report, and how it is written off the window's thread |
//! | `offscreen` | the view drawn into an image, larger than it is on screen |
//! | `figures` | bars, tables and curves as drawings |
//! | `reopen` | an image of a view becomes the view again |

mod evidence;
mod explanations;
mod figures;
mod form;
mod gather;
mod offscreen;
mod reopen;

use std::path::{Path, PathBuf};

use eframe::egui_wgpu::RenderState;
use egui::{ColorImage, Context};

pub use figures::Drawing;
pub use form::{Content, ExportForm, Table, has_comparison};
pub use reopen::{Reopening, view_recipe};

use super::background_tasks::Message;
use super::files::stays_inside;
use super::panels::{self, View};
use super::task_failures;
use super::widgets::Textures;
use super::window::WhenceApp;
use whence_report::{TableFormat, ViewRecipe, read_recipe_png, write_recipe_png};

/// What is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Export {
    /// An image of the view, so many times as large as on screen.
    Image {
        /// Pixels per pixel on screen.
        scale: u8,
    },
    /// A table.
    Table {
        /// Of what.
        table: Table,
        /// How.
        format: TableFormat,
    },
    /// Bars, a table or curves as a vector graphic.
    Drawing(Drawing),
    /// A report on all images that are explained.
    Report,
}

/// A request to save something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportRequest {
    /// What.
    pub what: Export,
    /// Where.
    pub path: PathBuf,
    /// Whether a file that is there already may be replaced.
    pub replace: bool,
    /// Whether its folder may be created.
    pub create_folder: bool,
}

/// What is copied to the clipboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// An image of the view.
    Image {
        /// Pixels per pixel on screen.
        scale: u8,
    },
    /// The scores of the image on screen, or of all images.
    Table {
        /// Whether of all.
        all: bool,
    },
}

/// An image of the view that is taken before the next frame: of the view as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct Capture {
    scale: u8,
    /// Where it is saved; to the clipboard where absent.
    request: Option<ExportRequest>,
}

/// Why something was not saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaveError {
    /// The file exists, and the user did not agree to replace it.
    Exists(PathBuf),
    /// The folder does not exist, and the user did not ask to create it.
    NoFolder(PathBuf),
    /// Something failed: what, and what to do.
    Failed(String),
}

impl From<String> for SaveError {
    fn from(text: String) -> Self {
        Self::Failed(text)
    }
}

impl WhenceApp {
    /// Begins to save; the result comes as a message.
    pub(super) fn export(&mut self, ctx: &Context, request: ExportRequest) {
        let form = &mut self.forms.export;
        (form.error, form.saved) = (None, None);
        form.busy = match request.what {
            Export::Image { scale } => {
                // The dialog is not part of the view.
                form.open = false;
                self.view_capture = Some(Capture { scale, request: Some(request) });
                true
            }
            Export::Table { .. } | Export::Drawing(_) | Export::Report => match gather::work(request, &self.state) {
                Ok(work) => {
                    self.background_tasks.run(task_failures::EXPORT, move || Message::Exported(work()));
                    true
                }
                Err(text) => {
                    form.error = Some(text);
                    false
                }
            },
        };
        ctx.request_repaint();
    }

    /// Copies something to the clipboard.
    pub(super) fn copy(&mut self, ctx: &Context, what: Copied) {
        match what {
            Copied::Image { scale } => {
                self.forms.export.close();
                self.view_capture = Some(Capture { scale, request: None });
                ctx.request_repaint();
            }
            Copied::Table { all } => match figures::copied_table(&self.state, all) {
                Ok(table) => {
                    ctx.copy_text(table);
                    self.toast(ctx, "Table copied to the clipboard");
                }
                Err(reason) => self.forms.export.error = Some(reason.into()),
            },
        }
    }

    /// Draws the image of the view that was asked for, as the view is now: before events and input can change it.
    pub(super) fn take_view(&mut self, ctx: &Context, graphics: Option<&RenderState>) {
        let Some(Capture { scale, request }) = self.view_capture.take() else { return };
        let area = self.forms.export.area.unwrap_or_else(|| ctx.content_rect());
        let drawn = match graphics {
            Some(graphics) => self.draw_view(ctx, graphics, f32::from(scale.max(1)), area),
            None => {
                Err("This window has no graphics card to draw the image with. Save a vector graphic instead.".into())
            }
        };
        let drawn = match drawn {
            Ok(drawn) => drawn,
            Err(text) => return self.exported(Err(text.into())),
        };
        let recipe = view_recipe(&self.state, &self.dock.shown());
        self.background_tasks.run(task_failures::EXPORT, move || {
            let image = match (drawn.read(), &request) {
                (Ok(image), Some(_)) => image,
                (Ok(image), None) => return Message::ViewCaptured(std::sync::Arc::new(image)),
                (Err(text), _) => return Message::Exported(Err(text.into())),
            };
            Message::Exported(request.map_or(Err(SaveError::Failed(String::new())), |request| {
                write_view(&request, &image, &recipe).map(|()| request.path)
            }))
        });
    }

    /// Lays the window out once more in a context of its own, and draws it.
    fn draw_view(
        &mut self,
        ctx: &Context,
        graphics: &RenderState,
        scale: f32,
        area: egui::Rect,
    ) -> Result<offscreen::Drawn, String> {
        // Messages are not part of the view, and may name folders. What is drawn on the map of points belongs to the window's
        // own context.
        let toasts = std::mem::take(&mut self.shell.log.toasts);
        let notifications = std::mem::take(&mut self.state.notifications);
        let points = std::mem::take(&mut self.forms.embedding.points);
        let own = Context::default();
        self.fonts.install(&own);
        let drawn = offscreen::draw(ctx, &own, graphics, scale, area, self.layout_again());
        self.forms.embedding.points = points;
        self.state.notifications = notifications;
        self.shell.log.toasts = toasts;
        self.forms.export.area = Some(area);
        drawn
    }

    /// Lays the panels out in another context, with textures of their own; what is clicked there is nothing.
    fn layout_again(&mut self) -> impl FnMut(&mut egui::Ui) {
        let mut textures = Textures::default();
        move |ui| {
            let mut out = Vec::new();
            let mut view = View {
                state: &self.state,
                forms: &mut self.forms,
                library: &mut self.library,
                textures: &mut textures,
                shell: &mut self.shell,
                out: &mut out,
            };
            panels::show(ui, &mut view, &mut self.dock);
        }
    }

    /// An image of the view is there: it goes to the clipboard.
    pub(super) fn copied(&mut self, ctx: &Context, image: &ColorImage) {
        ctx.copy_image(image.clone());
        self.toast(ctx, "Image copied to the clipboard");
    }

    /// Something was saved, or not.
    pub(super) fn exported(&mut self, result: Result<PathBuf, SaveError>) {
        let form = &mut self.forms.export;
        (form.open, form.busy) = (true, false);
        match result {
            Ok(path) => form.saved = Some(path),
            Err(why) => form.refuse(why),
        }
    }
}

/// The recipe in an image of a view.
///
/// # Errors
/// What is wrong with the file.
pub fn read_view(path: &Path) -> Result<Box<ViewRecipe>, String> {
    let gone = || format!("{} contains no view. Choose an image that was exported from Whence.", path.display());
    read_recipe_png(path).map_err(|e| e.to_string())?.map(Box::new).ok_or_else(gone)
}

/// A path as it may leave this computer: relative to the project's folder where it lies inside, else its last name alone.
fn portable_path(path: &Path, project: Option<&Path>) -> PathBuf {
    let inside = project.and_then(|root| path.strip_prefix(root).ok()).filter(|p| stays_inside(p).is_ok());
    match inside {
        Some(inside) if !inside.as_os_str().is_empty() => inside.to_owned(),
        _ => path.file_name().map_or_else(PathBuf::new, PathBuf::from),
    }
}

/// Writes an image of a view with its recipe.
fn write_view(request: &ExportRequest, image: &ColorImage, recipe: &ViewRecipe) -> Result<(), SaveError> {
    free(request)?;
    let rgb: Vec<u8> = image.pixels.iter().flat_map(|p| [p.r(), p.g(), p.b()]).collect();
    let [width, height] = image.size;
    write_recipe_png(&request.path, &rgb, (width as u32, height as u32), recipe).map_err(|e| e.to_string().into())
}

/// Refuses to replace a file where that was not agreed to, and to create a folder that nobody asked for.
fn free(request: &ExportRequest) -> Result<(), SaveError> {
    if let Some(folder) = request.path.parent().filter(|folder| !folder.is_dir()) {
        if !request.create_folder {
            return Err(SaveError::NoFolder(folder.to_owned()));
        }
        whence_store::create_folder(folder).map_err(|e| e.to_string())?;
    }
    if !request.replace && request.path.exists() { Err(SaveError::Exists(request.path.clone())) } else { Ok(()) }
}
