//! What leaves the window: an image of the view, a table, a report.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `form` | the dialog's contents, and how they become a request |
//! | `explanations` | the explanations of a query, and their comparison |
//! | `evidence` | regenerated images and maps for a report |
//! | `gather` | the plain data of a table or a report, and how it is written off the window's thread |
//! | `capture` | how the window takes an image of itself, larger than it is |
//! | `reopen` | an image of a view becomes the view again |

mod capture;
mod evidence;
mod explanations;
mod form;
mod gather;
mod reopen;

use std::path::{Path, PathBuf};

use egui::{ColorImage, Context};

pub use capture::Capture;
pub use form::{Content, ExportForm, Table, has_comparison};
pub use reopen::{Reopening, view_recipe};

use super::background_tasks::Message;
use super::files::stays_inside;
use super::task_failures;
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
}

/// Why something was not saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaveError {
    /// The file exists, and the user did not agree to replace it.
    Exists(PathBuf),
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
                self.view_capture.begin(ctx, scale, form.area, request).map_or_else(
                    |text| {
                        (form.open, form.error) = (true, Some(text));
                        false
                    },
                    |()| true,
                )
            }
            Export::Table { .. } | Export::Report => match gather::work(request, &self.state) {
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

    /// Takes the next step of an image of the view.
    pub(super) fn follow_capture(&mut self, ctx: &Context) {
        let post = self.background_tasks.post();
        if let Err(text) = self.view_capture.follow(ctx, move |image| post(Message::ViewCaptured(image))) {
            self.exported(Err(text.into()));
        }
    }

    /// An image of the view was taken: it gets its recipe and goes to its file.
    pub(super) fn take_view(&mut self, image: &std::sync::Arc<ColorImage>) {
        let Some((request, rgb, size)) = self.view_capture.finish(image) else { return };
        let recipe = view_recipe(&self.state, &self.dock.shown());
        let write = move || {
            free(&request)?;
            write_recipe_png(&request.path, &rgb, size, &recipe).map_err(|e| e.to_string())?;
            Ok(request.path)
        };
        self.background_tasks.run(task_failures::EXPORT, move || Message::Exported(write()));
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

/// Refuses to replace a file where that was not agreed to.
fn free(request: &ExportRequest) -> Result<(), SaveError> {
    if !request.replace && request.path.exists() { Err(SaveError::Exists(request.path.clone())) } else { Ok(()) }
}
