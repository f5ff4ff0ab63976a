//! The job list behind the Jobs button: running, queued, paused and finished jobs.

use egui::{Align, Button, Label, Layout, Popup, PopupCloseBehavior, RichText, ScrollArea, SetOpenCommand, Ui, vec2};

use super::View;
use crate::app::actions::{Action, Command};
use crate::app::format;
use crate::app::state::{Job, JobStatus};
use crate::app::theme::{self, GAP, tokens};
use whence_engine::journal_path;
use whence_jobs::Priority;

/// Draws the button, and the list where it is open.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    let waiting = view.state.jobs.len();
    let text = if waiting > 1 { format!("Jobs ({waiting})") } else { "Jobs".to_owned() };
    let button = Button::new(RichText::new(text).font(theme::caption())).min_size(vec2(64.0, 26.0));
    let response = ui.add(button).on_hover_text(Action::Jobs.hint(ui.ctx()));
    let toggle = std::mem::take(&mut view.forms.toggle_jobs) || response.clicked();
    Popup::from_response(&response)
        .open_memory(toggle.then_some(SetOpenCommand::Toggle))
        .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
        .frame(egui::Frame::popup(ui.style()).inner_margin(14.0))
        .accessible_name("Jobs")
        .show(|ui| list(ui, view));
}

fn list(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    ui.set_width(560.0);
    let state = view.state;
    ScrollArea::vertical().max_height(360.0).show(ui, |ui| {
        if state.jobs.is_empty() {
            ui.label(RichText::new("No jobs running or queued").color(t.weak));
        }
        for (position, job) in state.jobs.iter().enumerate() {
            row(ui, job, position, view.out);
        }
        if !state.history.is_empty() {
            ui.add_space(GAP);
            ui.label(RichText::new("Finished").font(theme::caption()).color(t.weak));
        }
        for job in &state.history {
            let color = if matches!(job.status, JobStatus::Failed(_)) { t.error } else { t.text };
            let text = RichText::new(job.outcome()).font(theme::caption()).color(color);
            ui.add(Label::new(text).wrap().selectable(true));
        }
    });
    ui.add_space(6.0);
    let log = format!("Log of all jobs: {}", journal_path().display());
    ui.add(Label::new(RichText::new(log).font(theme::caption()).color(t.weak)).wrap().selectable(true));
}

/// A running, queued or paused job, with its buttons.
fn row(ui: &mut Ui, job: &Job, position: usize, out: &mut Vec<Command>) {
    let t = tokens(ui);
    ui.horizontal(|ui| {
        ui.set_min_height(26.0);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let button = |ui: &mut Ui, word: &str, enabled: bool, hint: &str| {
                let widget = Button::new(RichText::new(word).font(theme::caption())).small();
                let response = ui.add_enabled(enabled, widget).accessible_name(format!("{word}: {}", job.title));
                response.on_hover_text(hint).clicked()
            };
            if button(ui, "Cancel", !job.cancelling, Action::CancelJob.tooltip()) {
                out.push(Command::Cancel(job.id));
            }
            if job.status == JobStatus::Paused {
                if button(ui, "Resume", !job.cancelling, RESUME_HINT) {
                    out.push(Command::Resume(job.id));
                }
            } else if button(ui, "Pause", job.can_pause(), Action::PauseJob.tooltip()) {
                out.push(Command::Pause(job.id));
            }
            let movable = job.status == JobStatus::Waiting && job.priority != Priority::Prompt && position > 0;
            if movable && button(ui, "First", !job.cancelling, "Run this job before the other queued jobs.") {
                out.push(Command::Raise(job.id));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.label(RichText::new(format::cut(&job.title, 40)).color(t.strong));
                let status = RichText::new(status(job)).font(theme::caption()).color(t.weak);
                ui.add(Label::new(status).truncate());
            });
        });
    });
}

/// Tooltip of the resume buttons.
pub(super) const RESUME_HINT: &str = "Resume this job";

/// A job's status and progress, in a word or two.
fn status(job: &Job) -> String {
    let share = job.progress.as_ref().map(|p| format!("{:.0}%", p.fraction * 100.0));
    let word = match (&job.status, job.cancelling, job.pausing) {
        (_, true, _) => "stopping…",
        (_, _, true) => "pausing…",
        (JobStatus::Running, ..) => "running",
        (JobStatus::Paused, ..) => "paused",
        _ => "queued",
    };
    share.map_or_else(|| word.to_owned(), |share| format!("{word}, {share}"))
}
