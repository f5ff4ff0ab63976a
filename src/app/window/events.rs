//! What the application takes in: events of the engine, and messages of background tasks.

use egui::Context;

use super::WhenceApp;
use crate::app::actions::Command;
use crate::app::background_tasks::{self, Message};
use crate::app::files::{PathKind, Pick};
use crate::app::forms::Settings;
use crate::app::state::{Effect, Slot};
use crate::app::task_failures;
use whence_base::Error;

/// Events taken in before a frame is drawn; the rest waits for the next.
const EVENTS_A_FRAME: usize = 256;

impl WhenceApp {
    /// Receives what happened since the last frame. True where something did.
    pub(super) fn take_in(&mut self, ctx: &Context) -> bool {
        let mut changed = false;
        let ready = self.state.query().and_then(|query| query.ready);
        for _ in 0..EVENTS_A_FRAME {
            let Some(event) = self.backend.as_mut().and_then(|b| b.next_event()) else { break };
            changed = true;
            if self.take_estimate(&event) {
                continue;
            }
            if matches!(event.kind, whence_jobs::EventKind::ProjectOpened(_)) {
                // The last changes of the project before.
                self.submit_session();
            }
            for effect in self.state.reduce(event) {
                self.carry_out(effect);
            }
        }
        self.announce_result(ctx, ready);
        while let Ok(message) = self.background_tasks.inbox.try_recv() {
            changed = true;
            self.take_message(ctx, message);
        }
        if changed {
            let model = self.state.model.as_ref().map(|m| m.hash.clone());
            self.shell.history.set_scope((self.state.dataset_id, model), self.snapshot());
            ctx.request_repaint();
        }
        changed
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Run(spec, show) => self.start(spec, show),
            Effect::Cancel(job) => self.cancel(job),
            Effect::NextSeed(seed) => self.forms.seed = seed,
            Effect::ReadRecipe(path) => {
                self.forms.reading_recipe = true;
                self.background_tasks.run(task_failures::RECIPE, move || {
                    Message::Recipe(whence_training::unlearning::Recipe::load(&path).map_err(|e| e.to_string()))
                });
            }
            Effect::AddRecent(root) => {
                self.take_access(&root);
                let name = self.state.project.as_ref().map_or_else(String::new, |p| p.file.name.clone());
                self.shell.add_recent(&root, &name);
                self.shell.history.forget(self.snapshot());
                self.last_project = Some(root);
            }
        }
    }

    pub(in crate::app) fn take_message(&mut self, ctx: &Context, message: Message) {
        match message {
            Message::Picked(Pick::Export, path) => {
                self.forms.dialog_open = false;
                if let Some(path) = path {
                    self.forms.export.choose(&path);
                }
            }
            Message::Picked(Pick::NewFolder, path) => {
                self.forms.dialog_open = false;
                if let Some(path) = path {
                    self.forms.new_project.folder = path.display().to_string();
                }
            }
            Message::Picked(Pick::CopyFolder, path) => {
                self.forms.dialog_open = false;
                if let Some(path) = path {
                    self.forms.save_as.folder = path.display().to_string();
                }
            }
            Message::Project(message) => self.take_project_message(ctx, message),
            Message::TaskFailed(task, failure) => {
                tracing::error!("the task whence-{} failed: {failure:?}", task.name);
                (task.on_failure)(self, ctx, failure);
            }
            Message::Exported(result) => self.exported(result),
            Message::ViewCaptured(image) => self.copied(ctx, &image),
            Message::View(Ok(recipe)) => {
                // Search or run has its place back.
                self.forms.path.clear();
                self.command(ctx, Command::OpenView(recipe));
            }
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
            Message::PathInspected(kind, path) => self.command(ctx, Command::OpenAs(kind, path)),
            Message::RecentInspected(there, path) => self.recent_looked_up(ctx, there, path),
            Message::Demo(Ok(root)) => self.command(ctx, Command::OpenAs(PathKind::Project, root)),
            Message::Demo(Err(text)) => self.state.notify(Slot::Project, None, true, text, None),
            Message::Recipe(Ok(recipe)) => {
                (self.forms.settings, self.forms.reading_recipe) = (Settings::with_recipe(recipe), false);
            }
            Message::Recipe(Err(text)) => {
                self.forms.reading_recipe = false;
                let text = format!("{text}. The default recipe is used instead.");
                self.state.notify(Slot::Explain, None, false, text, None);
            }
            Message::Nearest { query, dataset, group, nearest } => {
                self.nearest_lookup = None;
                if self.state.dataset_id == dataset
                    && let Some(query) = self.state.query_mut(query)
                {
                    query.nearest.entry(group).or_insert(nearest);
                }
            }
            Message::Arranged(key, arrangement) => self.library.take(key, arrangement),
            Message::FontsFound(system, found) => self.fonts.take(ctx, *system, found),
            Message::Screenshot(image) => {
                if let Some(path) = self.options.screenshot.clone() {
                    self.background_tasks.run(task_failures::SCREENSHOT, move || {
                        Message::ScreenshotSaved(background_tasks::save(&image, &path))
                    });
                }
            }
            Message::ScreenshotSaved(result) => {
                if let Err(text) = result {
                    *self.failure.lock() = Some(Error::input(text, "--screenshot", "choose another file"));
                }
                ctx.send_viewport_cmd(egui::ViewportCommand::Close);
            }
        }
    }
}
