//! Short work off the window's thread: dialogs, disk look-ups, nearest images, saving an image.
//!
//! Each task runs on a named thread and answers with one message; the window is woken when it arrives. A task that panics,
//! or gets no thread, answers with [`Message::TaskFailed`], so that nothing waits for it for ever.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use egui::{ColorImage, Context};

use super::export::SaveError;
use super::files::{PathKind, Pick};
use super::window::WhenceApp;
use whence_data::Neighbour;
use whence_report::ViewRecipe;
use whence_training::unlearning::Recipe;

/// A kind of task, with what the window does where it fails.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// Name of its thread, without the program's.
    pub name: &'static str,
    /// Ends the wait for its answer, and reports the failure beside what it was for.
    pub on_failure: fn(&mut WhenceApp, &Context, Failure),
}

/// Why a task gives no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It panicked.
    Panicked,
    /// The system gave it no thread.
    NoThread,
}

impl Failure {
    /// The cause, at the end of a sentence.
    pub fn cause(self) -> &'static str {
        match self {
            Self::Panicked => "there was an internal error, which is in the log",
            Self::NoThread => "the system provides no more threads; close other programs",
        }
    }
}

/// The answer of a task.
#[derive(Debug)]
pub enum Message {
    /// A dialog closed.
    Picked(Pick, Option<PathBuf>),
    /// What lies at a path.
    PathInspected(PathKind, PathBuf),
    /// Whether a recent project is still at its path.
    RecentInspected(bool, PathBuf),
    /// Where the demo project is.
    Demo(Result<PathBuf, String>),
    /// A recipe file was read.
    Recipe(Result<Recipe, String>),
    /// The nearest images of a group to a query.
    Nearest {
        /// Key of the query.
        query: u64,
        /// Id of the dataset in this window.
        dataset: u64,
        /// Index of the group.
        group: usize,
        /// Nearest first.
        nearest: Vec<Neighbour>,
    },
    /// About projects.
    Project(super::projects::ProjectMessage),
    /// The library's images in their order.
    Arranged(super::library::Key, super::library::Arrangement),
    /// Something was exported to that file.
    Exported(Result<PathBuf, SaveError>),
    /// An image of the view, for the clipboard.
    ViewCaptured(Arc<ColorImage>),
    /// The recipe of an exported image was read.
    View(Result<Box<ViewRecipe>, String>),
    /// Fonts of the system were searched for characters.
    FontsFound(Box<super::fonts::System>, super::fonts::Found),
    /// The window's own image, for `--screenshot`.
    Screenshot(Arc<ColorImage>),
    /// The same, written to its file.
    ScreenshotSaved(Result<(), String>),
    /// A task gives no answer.
    TaskFailed(Task, Failure),
}

/// Runs tasks, and receives their answers.
pub struct BackgroundTasks {
    ctx: Context,
    sender: Sender<Message>,
    /// Answers.
    pub inbox: Receiver<Message>,
}

impl BackgroundTasks {
    /// Tasks whose answers wake this window.
    pub fn new(ctx: &Context) -> Self {
        let (sender, inbox) = bounded(64);
        Self { ctx: ctx.clone(), sender, inbox }
    }

    /// Runs `work` on a thread of its own.
    pub fn run(&self, task: Task, work: impl FnOnce() -> Message + Send + 'static) {
        let post = self.post();
        // What a panic leaves half done is dropped with the task.
        let answer = move || {
            post(catch_unwind(AssertUnwindSafe(work)).unwrap_or(Message::TaskFailed(task, Failure::Panicked)));
        };
        if std::thread::Builder::new().name(format!("whence-{}", task.name)).spawn(answer).is_err() {
            // From the window's own thread, which must not wait for itself where the inbox is full.
            match self.sender.try_send(Message::TaskFailed(task, Failure::NoThread)) {
                Ok(()) => self.ctx.request_repaint(),
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                    tracing::error!("the system gave no thread to whence-{}", task.name);
                }
            }
        }
    }

    /// Delivers a message and wakes the window.
    pub fn post(&self) -> impl Fn(Message) + Send + 'static {
        let (sender, ctx) = (self.sender.clone(), self.ctx.clone());
        move |message| {
            // Once the window is closed, nobody receives.
            if sender.send(message).is_ok() {
                ctx.request_repaint();
            }
        }
    }
}

/// Writes an image of the window.
///
/// # Errors
/// Where it cannot be encoded or written.
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
