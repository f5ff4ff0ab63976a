//! Short work off the window's thread: dialogs, disk look-ups, nearest images, saving an image.
//!
//! Each errand runs on a named thread and answers with one message; the window is woken when it arrives.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use egui::{ColorImage, Context};

use super::export::Unsaved;
use super::files::{Kind, Pick};
use super::session::Session;
use whence_data::Neighbour;
use whence_report::ViewRecipe;
use whence_training::unlearning::Recipe;

/// The answer of an errand.
#[derive(Debug)]
pub enum Message {
    /// A dialog closed.
    Picked(Pick, Option<PathBuf>),
    /// A path was looked up.
    Looked(Kind, PathBuf),
    /// Whether a project that was open lately is still there.
    Recent(bool, PathBuf),
    /// The demo project lies there.
    Demo(Result<PathBuf, String>),
    /// A recipe file was read.
    Recipe(Result<Recipe, String>),
    /// The nearest images of a group to a query.
    Nearest {
        /// Key of the query.
        query: u64,
        /// Number of the dataset.
        dataset: u64,
        /// The group.
        group: usize,
        /// Nearest first.
        nearest: Vec<Neighbour>,
    },
    /// How the project looks is written into it; nothing where that failed.
    SessionKept(Option<Box<Session>>),
    /// The library's images in their order.
    Arranged(super::library::Key, super::library::Arrangement),
    /// Something was exported to that file.
    Exported(Result<PathBuf, Unsaved>),
    /// An image of the view, to be exported.
    ViewShot(Arc<ColorImage>),
    /// An image of a view was read.
    View(Result<Box<ViewRecipe>, String>),
    /// The window's own image.
    Shot(Arc<ColorImage>),
    /// The window's own image lies in its file.
    Saved(Result<(), String>),
    /// The errand of this name panicked: nothing else will come of it.
    Failed(&'static str),
}

/// Runs background_tasks.
pub struct BackgroundTasks {
    ctx: Context,
    sender: Sender<Message>,
    /// Answers.
    pub inbox: Receiver<Message>,
}

impl BackgroundTasks {
    /// BackgroundTasks that wake this window.
    pub fn new(ctx: &Context) -> Self {
        let (sender, inbox) = bounded(64);
        Self { ctx: ctx.clone(), sender, inbox }
    }

    /// Runs `work` on a thread of that name. False where the system gives no thread.
    pub fn run(&self, name: &'static str, work: impl FnOnce() -> Message + Send + 'static) -> bool {
        let post = self.post();
        // Whoever waits for the answer would wait for ever. What the panic left half done is dropped with the errand.
        let answer = move || post(catch_unwind(AssertUnwindSafe(work)).unwrap_or(Message::Failed(name)));
        std::thread::Builder::new().name(format!("whence-{name}")).spawn(answer).is_ok()
    }

    /// Delivers a message and wakes the window.
    pub fn post(&self) -> impl Fn(Message) + Send + 'static {
        let (sender, ctx) = (self.sender.clone(), self.ctx.clone());
        move |message| {
            // Nobody listens any more once the window is closed.
            if sender.send(message).is_ok() {
                ctx.request_repaint();
            }
        }
    }
}

/// Writes an image of the window.
pub fn save(image: &ColorImage, path: &std::path::Path) -> Result<(), String> {
    let [width, height] = image.size;
    let bytes: Vec<u8> = image.pixels.iter().flat_map(|p| [p.r(), p.g(), p.b()]).collect();
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_raw(width as u32, height as u32, bytes)
        .ok_or_else(|| "the image of the window is cut short".to_owned())?
        .write_to(&mut png, image::ImageFormat::Png)
        .map_err(|e| e.to_string())?;
    whence_store::write_atomic(path, &png.into_inner()).map_err(|e| e.to_string())
}
