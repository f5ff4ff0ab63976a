//! The program in the window: takes in what the engine and the background_tasks tell, then draws one frame.

use std::path::PathBuf;
use std::sync::Arc;

use egui::Context;
use parking_lot::Mutex;

use super::Options;
use super::actions::{self, Command};
use super::backend::Backend;
use super::background_tasks::{BackgroundTasks, Message};
use super::dock::Dock;
use super::files::{FilePicker, Kind, Pick, SystemPicker};
use super::forms::{Forms, NEAREST, Settings};
use super::library::Library;
use super::panels::{self, PanelId, View};
use super::session::Session;
use super::shell::Shell;
use super::state::{Effect, Slot, State};
use super::theme;
use super::widgets::Textures;
use whence_engine::{Engine, journal_path};

/// Events taken in before a frame is drawn; the rest waits for the next.
const EVENTS_A_FRAME: usize = 256;

/// Frames between the last change and the image of the window.
const SETTLED: u32 = 8;

/// How the image of the window is coming along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shot {
    /// Not asked for, or done.
    None,
    /// Waits for the window to settle; frames without a change.
    Waiting(u32),
    /// Asked for.
    Asked,
}

/// The program in the window.
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
    opened: bool,
    /// What was last written into the project of how it looks.
    kept_session: Option<Session>,
    /// Whether what is kept of a query is recalled when it comes on screen.
    pub(super) recalls: bool,
    /// Explain the first query as soon as that is possible.
    explain_soon: bool,
    /// Nearest images that are being looked for: query, dataset, group.
    pub(super) looking: Option<(u64, u64, usize)>,
    shot: Shot,
    /// The image of the view that is being taken.
    pub(super) view_shot: super::export::Shot,
    /// The view that is opened again, step by step.
    pub(super) reopening: Option<super::export::Reopening>,
    failure: Arc<Mutex<Option<String>>>,
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
            kept_session: None,
            recalls: options.screenshot.is_none(),
            explain_soon: options.attribute,
            looking: None,
            shot: if options.screenshot.is_some() { Shot::Waiting(0) } else { Shot::None },
            view_shot: super::export::Shot::default(),
            reopening: None,
            failure: Arc::default(),
            options,
        }
    }

    /// Where to say that the image of the window could not be saved.
    pub fn report_failures_to(&mut self, failure: Arc<Mutex<Option<String>>>) {
        self.failure = failure;
    }

    /// The program with another engine and other dialogs, which opens nothing by itself.
    pub(super) fn for_test(ctx: &Context, backend: Box<dyn Backend>, picker: Arc<dyn FilePicker>) -> Self {
        let mut app = Self::new(ctx, Options::default());
        (app.backend, app.picker) = (Some(backend), picker);
        (app.state.opening, app.opened, app.recalls) = (false, true, false);
        app
    }

    /// Whether an errand is under way whose answer will change what is shown.
    #[cfg(test)]
    pub(super) fn is_looking(&self) -> bool {
        self.looking.is_some()
    }

    /// Starts the engine and the first jobs. Happens after the first frame, so that a window is up at once.
    fn open(&mut self, ctx: &Context) {
        self.opened = true;
        if self.backend.is_none() {
            let wake = ctx.clone();
            match Engine::start_logged(&self.options.device, journal_path(), move || wake.request_repaint()) {
                Ok(engine) => self.backend = Some(Box::new(engine)),
                Err(error) => {
                    self.state.notify(Slot::Other, None, true, error.to_string(), None);
                    return;
                }
            }
        }
        let last = self.last_project.take();
        match self.options.project.clone() {
            Some(path) => self.command(ctx, Command::Open(path)),
            None => {
                self.welcome(ctx, last.is_none());
                self.state.opening = self.background_tasks.run("demo", move || {
                    let last = last.filter(|root| root.join("project.json").is_file());
                    Message::Demo(last.map_or_else(|| crate::demo::demo_folder().map_err(|e| e.to_string()), Ok))
                });
            }
        }
    }

    /// Shows the tour once, at the very first start, which is on the demo.
    pub(super) fn welcome(&mut self, ctx: &Context, first: bool) {
        if first && !self.shell.toured && self.options.screenshot.is_none() {
            self.command(ctx, Command::Act(actions::Action::Tour));
        }
    }

    /// Takes in what happened since the last frame. True where something did.
    fn take_in(&mut self, ctx: &Context) -> bool {
        let mut changed = false;
        for _ in 0..EVENTS_A_FRAME {
            let Some(event) = self.backend.as_mut().and_then(|b| b.next_event()) else { break };
            changed = true;
            for effect in self.state.reduce(event) {
                self.carry_out(effect);
            }
        }
        while let Ok(message) = self.background_tasks.inbox.try_recv() {
            changed = true;
            self.take_message(ctx, message);
        }
        if changed {
            let model = self.state.model.as_ref().map(|m| m.hash.clone());
            self.shell.history.stand_on((self.state.dataset_number, model), self.moment());
            ctx.request_repaint();
        }
        changed
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Run(spec, show) => self.start(spec, show),
            Effect::RunFor(spec, query) => self.start_for(spec, Some(query), false),
            Effect::Cancel(job) => self.cancel(job),
            Effect::NextSeed(seed) => self.forms.seed = seed,
            Effect::ReadRecipe(path) => {
                self.forms.reading_recipe = self.background_tasks.run("recipe", move || {
                    Message::Recipe(whence_training::unlearning::Recipe::load(&path).map_err(|e| e.to_string()))
                });
            }
            Effect::Remember(root) => {
                let name = self.state.project.as_ref().map_or_else(String::new, |p| p.file.name.clone());
                self.shell.remember(&root, &name);
                self.shell.history.forget(self.moment());
                self.last_project = Some(root);
            }
        }
    }

    pub(super) fn take_message(&mut self, ctx: &Context, message: Message) {
        match message {
            Message::Picked(Pick::Export, path) => {
                self.forms.dialog_open = false;
                path.iter().for_each(|path| self.forms.export.choose(path));
            }
            Message::Failed(name) => self.errand_failed(ctx, name),
            Message::Exported(result) => self.exported(result),
            Message::ViewShot(image) => self.take_view(&image),
            Message::View(Ok(recipe)) => self.command(ctx, Command::OpenView(recipe)),
            Message::View(Err(text)) => (self.state.opening, self.forms.path_error) = (false, Some(text)),
            Message::Picked(what, path) => {
                self.forms.dialog_open = false;
                if let Some(path) = path {
                    let command = what
                        .kind()
                        .map_or_else(|| Command::Open(path.clone()), |kind| Command::OpenAs(kind, path.clone()));
                    self.command(ctx, command);
                }
            }
            Message::Looked(kind, path) => self.command(ctx, Command::OpenAs(kind, path)),
            Message::Recent(there, path) => self.recent_looked_up(ctx, there, path),
            Message::Demo(Ok(root)) => self.command(ctx, Command::OpenAs(Kind::Project, root)),
            Message::Demo(Err(text)) => self.state.notify(Slot::Project, None, true, text, None),
            Message::Recipe(Ok(recipe)) => {
                (self.forms.settings, self.forms.reading_recipe) = (Settings::with(recipe), false);
            }
            Message::Recipe(Err(text)) => {
                self.forms.reading_recipe = false;
                let text = format!("{text}. The default recipe is used instead");
                self.state.notify(Slot::Explain, None, false, text, None);
            }
            Message::Nearest { query, dataset, group, nearest } => {
                self.looking = None;
                if self.state.dataset_number == dataset
                    && let Some(query) = self.state.query_mut(query)
                {
                    query.nearest.entry(group).or_insert(nearest);
                }
            }
            Message::SessionKept(session) => self.kept_session = session.map(|s| *s),
            Message::Arranged(key, arrangement) => self.library.take(key, arrangement),
            Message::Shot(image) => {
                if let Some(path) = self.options.screenshot.clone() {
                    self.background_tasks
                        .run("screenshot", move || Message::Saved(super::background_tasks::save(&image, &path)));
                }
            }
            Message::Saved(result) => {
                if let Err(text) = result {
                    *self.failure.lock() = Some(text);
                }
                ctx.send_viewport_cmd(egui::ViewportCommand::Close);
            }
        }
    }

    /// How the project looks and where that belongs, where it is not written yet.
    fn unkept_session(&self) -> Option<(Session, PathBuf)> {
        let session = Session::of(&self.state, self.forms.seed).filter(|_| self.recalls)?;
        let root = self.state.project.as_ref()?.root.clone();
        (self.kept_session.as_ref() != Some(&session)).then_some((session, root))
    }

    /// Writes into the project how it looks.
    pub(super) fn keep_session_now(&self) {
        if let Some((session, root)) = self.unkept_session()
            && let Err(error) = session.write(&root)
        {
            tracing::warn!("{error}: the next start will not find this project as it was left");
        }
    }

    /// The same, off the window's thread.
    fn keep_session(&self) {
        let Some((session, root)) = self.unkept_session() else { return };
        self.background_tasks.run("session", move || match session.write(&root) {
            Ok(()) => Message::SessionKept(Some(Box::new(session))),
            Err(error) => {
                tracing::warn!("{error}");
                Message::SessionKept(None)
            }
        });
    }

    /// Looks for the nearest images of the selected group, where nobody has yet.
    fn look_for_nearest(&mut self) {
        let (Some(group), Some(query), Some(dataset)) = (self.state.group, self.state.query(), &self.state.dataset)
        else {
            return;
        };
        let want = (query.key, self.state.dataset_number, group);
        let fits = query.image.shape == dataset.shape();
        if !fits || self.looking.is_some() || query.nearest.contains_key(&group) {
            return;
        }
        let (dataset, pixels) = (dataset.clone(), query.image.pixels.clone());
        let (query, number, group) = want;
        let begun = self.background_tasks.run("nearest", move || Message::Nearest {
            query,
            dataset: number,
            group,
            nearest: whence_data::nearest(&dataset, &pixels, group, NEAREST),
        });
        // Without a thread nobody looks, and no answer will come.
        self.looking = begun.then_some(want);
    }

    /// Takes the image of the window once nothing changes any more.
    fn take_shot(&mut self, ctx: &Context, changed: bool) {
        let Shot::Waiting(still) = self.shot else { return };
        let idle = self.opened && self.state.jobs.is_empty() && !self.explain_soon && self.looking.is_none();
        // A window that has not begun to open anything is not settled.
        let begun = !self.state.history.is_empty() || !self.state.notices.is_empty();
        let still = if idle && begun && !changed { still + 1 } else { 0 };
        if still < SETTLED {
            self.shot = Shot::Waiting(still);
            if still > 0 || (idle && begun) {
                ctx.request_repaint();
            }
            return;
        }
        self.shot = Shot::Asked;
        let post = self.background_tasks.post();
        ctx.request_screenshot(move |image| post(Message::Shot(image)));
    }
}

impl eframe::App for WhenceApp {
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        if self.frames > 0 && !self.opened {
            self.open(ctx);
        }
        let changed = self.take_in(ctx);
        self.shell.log.follow(&self.state, ctx.input(|i| i.time));
        self.follow_queue();
        self.follow_view(ctx);
        if self.explain_soon {
            if self.state.can_explain().is_ok() {
                self.explain_soon = false;
                self.command(ctx, Command::Act(actions::Action::Explain));
            } else if self.opened && self.state.jobs.is_empty() && self.state.notices.iter().any(|n| n.failed) {
                // What it waits for will not come.
                self.explain_soon = false;
            }
        }
        self.look_for_nearest();
        self.recall();
        self.library.open = self.dock.shown().contains(&PanelId::Library);
        self.library.arrange(&self.state, &self.background_tasks);
        self.take_shot(ctx, changed);
        self.follow_shot(ctx);
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
        self.shell.history.follow(self.moment());
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
        // Tabs are chosen in the panels themselves.
        self.shell.history.record(self.moment());
        if !out.is_empty() {
            ctx.request_repaint();
        }
        for command in out {
            self.command(&ctx, command);
        }
        // Where no field came of it.
        self.forms.ahead.clear();
        self.frames += 1;
        if self.frames == 1 {
            // The first frame is on screen before anything is opened.
            ctx.request_repaint();
        }
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        self.keep(storage);
        self.keep_session();
    }

    fn on_exit(&mut self) {
        self.keep_session_now();
    }

    fn persist_egui_memory(&self) -> bool {
        // The size of a presentation is not that of the next start.
        self.options.screenshot.is_none() && !self.shell.presenting
    }
}
