//! The application: receives events of the engine and of background tasks, then draws one frame.

mod events;
mod screenshot;

use std::path::PathBuf;
use std::sync::Arc;

use egui::Context;
use parking_lot::Mutex;

use super::Options;
use super::actions::{self, Command};
use super::backend::Backend;
use super::background_tasks::{BackgroundTasks, Message};
use super::commands::WRITING;
use super::dock::Dock;
use super::files::{FilePicker, SystemPicker};
use super::fonts::Fonts;
use super::forms::{Forms, NEAREST};
use super::library::Library;
use super::panels::{self, PanelId, View};
use super::session::{Session, SessionWriter};
use super::shell::Shell;
use super::state::{Slot, State};
use super::task_failures;
use super::theme;
use super::widgets::Textures;
use whence_base::Error;
use whence_engine::{Engine, journal_path};
use whence_jobs::{AttributeJob, JobId};

use screenshot::Screenshot;

/// Interval at which changes of the session are detected, seconds.
const SESSION_INTERVAL: f64 = 0.5;

/// The application.
pub struct WhenceApp {
    pub(super) state: State,
    pub(super) forms: Forms,
    pub(super) shell: Shell,
    pub(super) dock: Dock,
    pub(super) backend: Option<Box<dyn Backend>>,
    pub(super) background_tasks: BackgroundTasks,
    pub(super) picker: Arc<dyn FilePicker>,
    pub(super) options: Options,
    pub(super) library: Library,
    /// Project of the last run.
    pub(super) last_project: Option<PathBuf>,
    textures: Textures,
    frames: u64,
    pub(super) opened: bool,
    /// The session that was last handed to the writer, and its project.
    pub(super) submitted_session: Option<(PathBuf, Session)>,
    /// Writes sessions.
    pub(super) session_writer: SessionWriter,
    /// When the session was last compared with what is on screen, in the window's seconds.
    session_checked: f64,
    /// Whether stored evidence is recalled and sessions are saved; off for screenshots.
    pub(super) recalls: bool,
    /// Whether the engine is asked what jobs would cost; off for screenshots.
    pub(super) estimates: bool,
    /// What the costs that were last looked up depend on.
    pub(super) costs_shown: Option<super::costs::Shown>,
    /// Explain the first query as soon as that is possible.
    explain_soon: bool,
    /// The running search for nearest images: query, dataset, group.
    pub(super) nearest_lookup: Option<(u64, u64, usize)>,
    shot: Screenshot,
    /// The image of the view that is being taken.
    pub(super) view_capture: Option<super::export::Capture>,
    /// Locks of projects.
    pub(super) access: super::projects::Access,
    /// A part that replaces that of the open project once it is read.
    pub(super) replacement: Option<super::projects::Replacement>,
    /// The view that is opened again, step by step.
    pub(super) reopening: Option<super::export::Reopening>,
    /// The job that recalls the scores of such a view, and the one that would compute them.
    pub(super) view_recall: Option<(JobId, Box<AttributeJob>)>,
    failure: Arc<Mutex<Option<Error>>>,
    /// Fonts of the system, for scripts that the built-in ones lack.
    pub(super) fonts: Fonts,
}

impl WhenceApp {
    /// The program, before its first frame. Nothing is opened yet.
    pub fn new(ctx: &Context, options: Options) -> Self {
        theme::apply(ctx);
        Self {
            state: State::at_start(),
            forms: Forms::default(),
            shell: Shell::default(),
            dock: Dock::default(),
            backend: None,
            background_tasks: BackgroundTasks::new(ctx),
            picker: Arc::new(SystemPicker),
            library: Library::default(),
            last_project: None,
            textures: Textures::default(),
            frames: 0,
            opened: false,
            submitted_session: None,
            session_writer: SessionWriter::default(),
            session_checked: f64::NEG_INFINITY,
            recalls: options.screenshot.is_none(),
            estimates: options.screenshot.is_none(),
            costs_shown: None,
            explain_soon: options.attribute,
            nearest_lookup: None,
            shot: if options.screenshot.is_some() { Screenshot::Waiting(0) } else { Screenshot::None },
            view_capture: None,
            access: super::projects::Access::default(),
            replacement: None,
            reopening: None,
            view_recall: None,
            failure: Arc::default(),
            fonts: Fonts::default(),
            options,
        }
    }

    /// Uses fonts of the system for characters that the built-in fonts lack.
    pub fn use_system_fonts(&self, ctx: &Context) {
        self.fonts.install(ctx);
    }

    /// Where to report why there is no image of the window.
    pub fn report_failures_to(&mut self, failure: Arc<Mutex<Option<Error>>>) {
        self.failure = failure;
    }

    /// The program with another engine and other dialogs, which opens nothing by itself.
    pub(super) fn for_test(ctx: &Context, backend: Box<dyn Backend>, picker: Arc<dyn FilePicker>) -> Self {
        let mut app = Self::new(ctx, Options::default());
        (app.backend, app.picker) = (Some(backend), picker);
        (app.state.opening, app.opened, app.recalls, app.estimates) = (false, true, false, false);
        app
    }

    /// Whether a task is under way whose answer will change what is shown.
    #[cfg(test)]
    pub(super) fn is_finding_nearest(&self) -> bool {
        self.nearest_lookup.is_some()
    }

    /// Starts the engine and the first jobs. Happens after the first frame, so that a window is up at once.
    fn open(&mut self, ctx: &Context) {
        self.opened = true;
        if self.backend.is_none() {
            let wake = ctx.clone();
            match Engine::start_logged(&self.options.device, journal_path(), move || wake.request_repaint()) {
                Ok(engine) => self.backend = Some(Box::new(engine)),
                Err(error) => {
                    self.state.notify_failure(Slot::Other, None, &error.failure(), None);
                    return;
                }
            }
        }
        // Where what is opened cannot be opened, the user needs another way to begin.
        self.shell.welcome = true;
        self.look_for_recent();
        match (self.options.project.clone(), self.last_project.take()) {
            (Some(path), _) => self.command(ctx, Command::Open(path)),
            // The project was closed before the program was.
            (None, Some(last)) if last.as_os_str().is_empty() => self.show_welcome(ctx),
            (None, Some(last)) => {
                self.state.opening = true;
                self.open_recent(last);
            }
            // The very first start.
            (None, None) => {
                self.welcome(ctx, true);
                self.open_example();
            }
        }
    }

    /// Shows the tour once, at the very first start, which is on the demo.
    pub(super) fn welcome(&mut self, ctx: &Context, first: bool) {
        if first && !self.shell.toured && self.options.screenshot.is_none() {
            self.command(ctx, Command::Act(actions::Action::Tour));
        }
    }

    /// Has the first image of the example explained, so that the tour's cards are about bars that are there. Nobody's own
    /// project is computed on because of a tour.
    fn explain_for_tour(&mut self, ctx: &Context) {
        if self.shell.tour.is_none() || self.shell.tour_explained || !self.state.is_example() {
            return;
        }
        let waiting = !self.state.restore_queue.is_empty() || !self.state.jobs.is_empty();
        if self.state.explanation().is_some() {
            self.shell.tour_explained = true;
        } else if !waiting && self.state.can_explain().is_ok() {
            self.shell.tour_explained = true;
            self.command(ctx, Command::Act(actions::Action::Explain));
        }
    }

    /// Hands the session to its writer where it changed since the last time.
    pub(super) fn submit_session(&mut self) {
        if !self.recalls || self.state.read_only.is_some() {
            return;
        }
        let Some(root) = self.state.project.as_ref().map(|p| p.root.clone()) else { return };
        let Some(session) = Session::capture(&self.state, self.forms.seed) else { return };
        let now = (root, session);
        if self.submitted_session.as_ref() != Some(&now) {
            self.session_writer.submit(now.0.clone(), now.1.clone(), self.access.lock());
            self.submitted_session = Some(now);
        }
    }

    /// Submits the session about half a second after a change. Asks for one more frame at most: an idle window sleeps.
    fn follow_session(&mut self, ctx: &Context) {
        let now = ctx.input(|i| i.time);
        if !self.recalls {
            return;
        }
        let wait = self.session_checked + SESSION_INTERVAL - now;
        if wait > 0.0 {
            return ctx.request_repaint_after(std::time::Duration::from_secs_f64(wait + 0.01));
        }
        self.session_checked = now;
        self.submit_session();
    }

    /// Finds the nearest images of the selected group, unless they are known.
    fn find_nearest(&mut self) {
        let (Some(group), Some(query), Some(dataset)) = (self.state.group, self.state.query(), &self.state.dataset)
        else {
            return;
        };
        let want = (query.key, self.state.dataset_id, group);
        let fits = query.image.shape == dataset.shape();
        if !fits || self.nearest_lookup.is_some() || query.nearest.contains_key(&group) {
            return;
        }
        let (dataset, pixels) = (dataset.clone(), query.image.pixels.clone());
        let (query, number, group) = want;
        self.nearest_lookup = Some(want);
        self.background_tasks.run(task_failures::NEAREST, move || Message::Nearest {
            query,
            dataset: number,
            group,
            nearest: whence_data::nearest(&dataset, &pixels, group, NEAREST),
        });
    }
}

impl eframe::App for WhenceApp {
    fn logic(&mut self, ctx: &Context, frame: &mut eframe::Frame) {
        self.take_view(ctx, frame.wgpu_render_state());
        if self.frames > 0 && !self.opened {
            self.open(ctx);
        }
        let changed = self.take_in(ctx);
        self.shell.log.follow(&self.state, ctx.input(|i| i.time));
        self.follow_queue();
        self.follow_new_project(ctx);
        self.follow_replacement();
        if self.state.busy(Slot::Project).is_none() {
            self.access.give_up();
        }
        self.follow_view(ctx);
        if self.explain_soon {
            if self.state.can_explain().is_ok() {
                self.explain_soon = false;
                self.command(ctx, Command::Act(actions::Action::Explain));
            } else if self.opened && self.state.jobs.is_empty() && self.state.notifications.iter().any(|n| n.failed) {
                // What it waits for will not come.
                self.explain_soon = false;
            }
        }
        self.explain_for_tour(ctx);
        self.find_nearest();
        self.restore();
        self.follow_costs();
        self.follow_embedding();
        self.follow_session(ctx);
        self.library.open = self.dock.shown().contains(&PanelId::Library);
        self.library.arrange(&self.state, &self.background_tasks);
        self.take_screenshot(ctx, changed);
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut eframe::Frame) {
        let ctx = ui.ctx().clone();
        self.library.grid.attach(frame.wgpu_render_state());
        if let Some(graphics) = frame.wgpu_render_state().filter(|_| self.frames == 0) {
            super::widgets::install(&ctx, graphics);
        }
        let keys = actions::pressed(&ctx, &mut self.forms);
        let mut out: Vec<Command> = keys.into_iter().map(Command::Act).collect();
        self.tick(&ctx);
        self.shell.history.follow(self.snapshot());
        let mut view = View {
            state: &self.state,
            forms: &mut self.forms,
            library: &mut self.library,
            textures: &mut self.textures,
            shell: &mut self.shell,
            out: &mut out,
        };
        panels::show(ui, &mut view, &mut self.dock);
        self.textures.end_frame();
        self.fonts.follow(&self.background_tasks);
        // Tabs are chosen in the panels themselves.
        self.shell.history.record(self.snapshot());
        if !out.is_empty() {
            ctx.request_repaint();
        }
        for command in out {
            self.command(&ctx, command);
        }
        // Where no field came of it.
        self.forms.pending_text.clear();
        self.frames += 1;
        if self.frames == 1 {
            // The first frame is on screen before anything is opened.
            ctx.request_repaint();
        }
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        self.save_preferences(storage);
        if self.session_writer.failed() {
            self.submitted_session = None;
        }
        self.submit_session();
    }

    fn on_exit(&mut self) {
        self.submit_session();
        if !self.session_writer.flush(WRITING) {
            tracing::warn!("the session could not be written: the next start will not restore this project's window");
        }
    }

    fn persist_egui_memory(&self) -> bool {
        // The size of a presentation is not that of the next start.
        self.options.screenshot.is_none() && !self.shell.presenting
    }
}
