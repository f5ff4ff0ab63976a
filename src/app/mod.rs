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
//! | `projects` | making, copying, closing projects; who may write them |
//! | `forms` | what is typed, and how it becomes a job |
//! | `session` | the saved state of a project's window |
//! | `background_tasks` | short work off the window's thread |
//! | `library` | which training images the library shows, in which order |
//! | `files` | dialogs, and what a path holds |
//! | `export` | what leaves the window: images, tables, reports |
//! | `task_failures` | the background tasks, and what happens where one fails |
//! | `backend` | the line to the engine |
//! | `bench` | the window without a screen, for measuring frames |
//! | `render_target` | a texture drawn into instead of the window |
//! | `panels` | one file per panel |
//! | `widgets` | widgets shared by several panels |
//! | `fonts`, `bidi` | fonts of the system for scripts that the built-in ones lack; right-to-left names |
//! | `glossary` | what the words of the window mean |
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
mod bidi;
mod commands;
mod costs;
mod dock;
mod evidence_jobs;
mod export;
mod files;
mod fonts;
mod format;
mod forms;
mod glossary;
mod history;
mod library;
mod log;
mod palette;
mod panels;
mod preferences;
mod projects;
mod render_target;
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

/// How long a window may take to close after a signal before the process ends in any case.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// Closes the window in order where the system ends the program (SIGTERM, Ctrl+C), so that its state is written. A second
/// signal, or a window that does not close, ends it at once.
fn close_on_signals(ctx: &egui::Context) {
    let ctx = ctx.clone();
    let closing = std::sync::atomic::AtomicBool::new(false);
    let handler = move || {
        if closing.swap(true, std::sync::atomic::Ordering::Relaxed) {
            std::process::exit(143);
        }
        ctx.send_viewport_cmd_to(egui::ViewportId::ROOT, egui::ViewportCommand::Close);
        ctx.request_repaint_of(egui::ViewportId::ROOT);
        let last_resort = || {
            std::thread::sleep(PATIENCE);
            std::process::exit(143);
        };
        if let Err(error) = std::thread::Builder::new().name("whence-exit".into()).spawn(last_resort) {
            tracing::warn!("nothing ends the program if its window does not close: {error}");
        }
    };
    if let Err(error) = ctrlc::set_handler(handler) {
        tracing::warn!("signals end the program without closing its window: {error}");
    }
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
        // The window finds fonts of the system itself, see `fonts`.
        system_font_fallback: false,
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
            // Screenshots look the same on every machine: bundled fonts only, nothing restored.
            if !plain {
                app.use_system_fonts(&creation.egui_ctx);
            }
            close_on_signals(&creation.egui_ctx);
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
