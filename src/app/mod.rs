//! The window: the only place that knows egui, and one that knows no tensor.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `window` | the program in the window: events in, frames out |
//! | `state` | what is shown, as plain data; one pure function applies the engine's events |
//! | `commands` | what happens when the user asks for something |
//! | `actions` | the table of actions: text, tooltip, keys |
//! | `costs` | asks what the jobs would cost whose buttons are on screen |
//! | `agreement` | how far methods agree over all images |
//! | `evidence_jobs` | jobs that compute or recall evidence |
//! | `dock` | the panes of the middle and how they lie |
//! | `shell` | what the window remembers of itself |
//! | `palette`, `log`, `history` | finding by letters; messages; undo, as plain data |
//! | `preferences` | layout, theme and recent projects from one start to the next |
//! | `forms` | what is typed, and how it becomes a job |
//! | `session` | the saved state of a project's window |
//! | `background_tasks` | short work off the window's thread |
//! | `library` | which training images the library shows, in which order |
//! | `files` | dialogs, and what a path holds |
//! | `export` | what leaves the window: images, tables, reports |
//! | `task_failures` | the background tasks, and what happens where one fails |
//! | `backend` | the line to the engine |
//! | `bench` | the window without a screen, for measuring frames |
//! | `panels` | one file per panel |
//! | `widgets` | widgets shared by several panels |
//! | `theme`, `format` | every colour and size; numbers as people read them |
//!
//! Panels read the state and hand out [`actions::Command`]s; they change nothing themselves. The window repaints when
//! the engine, a background task or the user causes a change, and sleeps otherwise.

mod actions;
mod agreement;
mod backend;
mod background_tasks;
#[doc(hidden)]
pub mod bench;
mod commands;
mod costs;
mod dock;
mod evidence_jobs;
mod export;
mod files;
mod format;
mod forms;
mod history;
mod library;
mod log;
mod palette;
mod panels;
mod preferences;
mod session;
mod shell;
mod state;
mod task_failures;
#[cfg(test)]
mod tests;
mod theme;
mod widgets;
mod window;

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;

pub use window::WhenceApp;

use whence_base::{Error, Result};

/// How the window is opened.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What to open: a project, or anything else that the path field takes. The last project, or the demo, where absent.
    pub project: Option<PathBuf>,
    /// The compute device, as `--device` takes it.
    pub device: String,
    /// Save an image of the window here once it has settled, then close.
    pub screenshot: Option<PathBuf>,
    /// Explain the first image at once.
    pub attribute: bool,
}

/// Opens the window and stays until it is closed.
///
/// # Errors
/// Where no window can be opened, or the image of it cannot be saved.
pub fn run(options: Options) -> Result<()> {
    let plain = options.screenshot.is_some();
    let native = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("Whence")
            .with_app_id("whence")
            .with_inner_size([1280.0, 800.0])
            .with_min_inner_size([960.0, 600.0]),
        // Screenshots look the same on every machine: bundled fonts only, nothing restored. Otherwise the system's fonts
        // provide scripts that the bundled ones lack.
        system_font_fallback: !plain,
        persist_window: !plain,
        persistence_path: Some(whence_store::user_data_folder().join("window.ron")),
        ..Default::default()
    };
    let failure: Arc<Mutex<Option<Error>>> = Arc::default();
    let reported = Arc::clone(&failure);
    eframe::run_native(
        "Whence",
        native,
        Box::new(move |creation| {
            let mut app = WhenceApp::new(&creation.egui_ctx, options);
            app.report_failures_to(reported);
            if let Some(storage) = creation.storage.filter(|_| !plain) {
                app.restore_preferences(&creation.egui_ctx, storage);
            }
            Ok(Box::new(app))
        }),
    )
    .map_err(|e| Error::Device {
        device: "window".into(),
        what: format!("no window could be opened: {e}"),
        remedy: "Start Whence in a desktop session, or use its commands: whence --help".into(),
    })?;
    match failure.lock().take() {
        Some(error) => Err(error),
        None => Ok(()),
    }
}
