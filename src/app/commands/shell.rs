//! Commands about the window itself: dialogs, undo, presentation, recent projects.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use egui::{Context, ViewportCommand};

use crate::app::actions::Action;
use crate::app::background_tasks::Message;
use crate::app::dock::Dock;
use crate::app::files::PathKind;
use crate::app::history::Snapshot;
use crate::app::palette::Palette;
use crate::app::panels::PanelId;
use crate::app::shell::Naming;
use crate::app::state::{Rating, Slot};
use crate::app::task_failures;
use crate::app::theme::{self, Choice};
use crate::app::widgets::Mode;
use crate::app::window::WhenceApp;

/// So that the window wakes when a message is due and not a frame before.
const AFTER: f64 = 0.05;

impl WhenceApp {
    /// What follows the clock, in frames that are drawn anyway.
    pub(in crate::app) fn tick(&mut self, ctx: &Context) {
        let now = ctx.input(|i| i.time);
        self.shell.memory.follow(now, whence_engine::device::memory::now);
        if let Some(due) = self.shell.log.expire(now) {
            // One frame when the next message is due; until then the window sleeps.
            ctx.request_repaint_after(Duration::from_secs_f64(due + AFTER));
        }
    }

    /// Carries out an action that concerns the window itself. False where it is another.
    pub(super) fn act_on_window(&mut self, ctx: &Context, action: Action) -> bool {
        let shell = &mut self.shell;
        match action {
            Action::Palette => {
                let text = std::mem::take(&mut self.forms.pending_text);
                shell.palette = if shell.palette.is_some() { None } else { Some(Palette { text, chosen: 0 }) };
            }
            Action::Recent => shell.palette = Some(Palette { text: "open project ".into(), chosen: 0 }),
            Action::Export => {
                // A report or a table may be about every query.
                self.state.recall_all_explanations();
                let typed = std::mem::take(&mut self.forms.pending_text);
                self.forms.export.show(typed);
            }
            Action::Filter => {
                self.dock.show(PanelId::Library);
                shell.focus_filter = true;
            }
            Action::Wipe => self.forms.appearance.contrast.mode = Mode::Wipe,
            Action::Blink => self.forms.appearance.contrast.mode = Mode::Blink,
            Action::Difference => self.forms.appearance.contrast.mode = Mode::Difference,
            Action::ShowPanel(panel) => self.dock.show(panel),
            Action::ResetLayout => {
                self.dock = Dock::default();
                self.toast(ctx, "Layout reset");
            }
            Action::Present => self.present(ctx, !self.shell.presenting),
            Action::ZoomIn => egui::gui_zoom::zoom_in(ctx),
            Action::ZoomOut => egui::gui_zoom::zoom_out(ctx),
            Action::ZoomReset => ctx.set_zoom_factor(if self.shell.presenting { theme::PRESENTING } else { 1.0 }),
            Action::Theme(choice) => {
                shell.contrast = choice == Choice::Contrast;
                choice.apply(ctx);
            }
            Action::Log => shell.log_open = !shell.log_open,
            Action::CopyLog => {
                ctx.copy_text(shell.log.plain());
                self.toast(ctx, "Log copied to the clipboard");
            }
            Action::Tour => {
                (shell.tour, shell.toured, shell.tour_explained) = (Some(0), true, false);
                // Its cards are about what the first tab shows.
                self.dock.show(PanelId::Ranking);
            }
            Action::Glossary => shell.glossary = if shell.glossary.is_some() { None } else { Some(None) },
            Action::Help => self.forms.help = !self.forms.help,
            Action::Star => self.star(ctx),
            Action::Rate(stars) => self.rate(ctx, |rating| rating.with_stars(stars)),
            Action::Reject => self.rate(ctx, |rating| Rating { rejected: !rating.rejected, ..rating }),
            Action::PairView => self.show_pair(),
            Action::SaveWorkspace => shell.naming = Some(Naming::workspace()),
            Action::Undo => self.step(ctx, false),
            Action::Redo => self.step(ctx, true),
            _ => return false,
        }
        true
    }

    /// Closes the topmost dialog; without one, clears the selection.
    pub(super) fn clear(&mut self, ctx: &Context) {
        if self.forms.export.open {
            return self.forms.export.close();
        }
        if self.forms.run.take().is_some() {
            return;
        }
        let shell = &mut self.shell;
        if shell.glossary.take().is_some() {
            return;
        }
        if self.forms.choice.take().is_some() {
            return;
        }
        // While something is being made, only its own button stops it.
        if self.forms.new_project.open || self.forms.save_as.open {
            if self.forms.new_project.creating.is_none() {
                self.cancel_new_project();
            }
            if self.forms.save_as.copying.is_none() {
                self.forms.save_as.close();
            }
            return;
        }
        if shell.palette.take().is_some() || std::mem::take(&mut self.forms.help) || shell.tour.take().is_some() {
            return;
        }
        if shell.presenting {
            return self.present(ctx, false);
        }
        if std::mem::take(&mut self.forms.advanced) {
            return;
        }
        if self.forms.appearance.brush.take().is_none() {
            self.state.group = None;
        }
    }

    /// Shows a short message that belongs to no panel.
    pub(in crate::app) fn toast(&mut self, ctx: &Context, text: impl Into<String>) {
        self.shell.log.toast(text, ctx.input(|i| i.time));
    }

    fn present(&mut self, ctx: &Context, on: bool) {
        self.shell.presenting = on;
        ctx.send_viewport_cmd(ViewportCommand::Fullscreen(on));
        let zoom = ctx.zoom_factor();
        ctx.set_zoom_factor(if on { zoom * theme::PRESENTING } else { zoom / theme::PRESENTING });
    }

    /// Opens a recent project. Whether it still exists is found out off the window's thread.
    pub(in crate::app) fn open_recent(&mut self, path: PathBuf) {
        self.background_tasks.run(task_failures::RECENT, move || {
            let there = path.join("project.json").is_file();
            Message::RecentInspected(there, path)
        });
    }

    /// Whether a recent project still exists is known.
    pub(in crate::app) fn recent_looked_up(&mut self, ctx: &Context, there: bool, path: PathBuf) {
        if there {
            return self.open_as(PathKind::Project, path);
        }
        if self.state.opening {
            // The last project: there is nothing else to open by itself.
            self.shell.gone.push(path.clone());
            let text = format!("The last project is no longer at {}.", path.display());
            self.state.notify(Slot::Project, None, false, text, None);
            return self.show_welcome(ctx);
        }
        self.shell.remove_recent(&path);
        let text = format!(
            "The project is no longer at {} and was removed from the list. If it was moved, open it where it is now.",
            path.display()
        );
        self.state.notify(Slot::Project, None, false, text, None);
        ctx.request_repaint();
    }

    /// What is shown and selected now.
    pub(in crate::app) fn snapshot(&self) -> Snapshot {
        Snapshot {
            query: self.state.current,
            group: self.state.group,
            tabs: self.dock.shown(),
            ratings: self.state.queries.iter().map(|q| (q.key, q.rating)).collect(),
            image_ratings: Arc::clone(&self.state.annotations.ratings),
            layout: self.dock.layout(),
        }
    }

    /// Undoes or redoes the last step that changes anything.
    fn step(&mut self, ctx: &Context, forward: bool) {
        let before = self.snapshot();
        loop {
            let (state, history) = (&self.state, &mut self.shell.history);
            let exists = |key: &u64| state.queries.iter().any(|q| q.key == *key);
            let possible = |snapshot: Snapshot| Snapshot {
                query: snapshot.query.filter(exists).or(before.query),
                group: snapshot.group.filter(|g| *g < state.groups().len()),
                ratings: snapshot.ratings.into_iter().filter(|(key, _)| exists(key)).collect(),
                ..snapshot
            };
            let found = if forward { history.redo(possible) } else { history.undo(possible) };
            let Some(snapshot) = found else { return };
            self.state.current = snapshot.query;
            self.state.group = snapshot.group;
            // Images that were read since then keep theirs.
            for query in &mut self.state.queries {
                query.rating = snapshot.ratings.get(&query.key).copied().unwrap_or(query.rating);
            }
            self.state.annotations.ratings = snapshot.image_ratings;
            if self.dock.layout() != snapshot.layout
                && let Ok(dock) = snapshot.layout.read()
            {
                self.dock = dock;
            }
            if self.dock.shown() != snapshot.tabs {
                for tab in &snapshot.tabs {
                    self.dock.show(*tab);
                }
            }
            // Tabs that were moved since cannot always be shown as they were.
            let now = self.snapshot();
            self.shell.history.follow(now.clone());
            if now != before {
                let word = if forward { "Redid" } else { "Undid" };
                let what = before.difference(&now);
                return self.toast(ctx, format!("{word} {what}"));
            }
        }
    }
}
