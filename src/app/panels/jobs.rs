//! The job strip at the bottom: the running job with its progress and measurements, or the outcome of the last one.

use egui::{Align, Button, Label, Layout, ProgressBar, RichText, Ui, vec2};

use super::View;
use crate::app::actions::{Action, Command};
use crate::app::state::{Curve, Job, JobStatus};
use crate::app::theme::{self, tokens};
use crate::app::widgets::swatch;
use crate::app::{bidi, format};
use whence_jobs::Progress;

/// Draws the strip.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    match view.state.active() {
        Some(job) => running(ui, view, job),
        None => idle(ui, view),
    }
}

fn idle(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    right_aligned(ui, 24.0, |ui| {
        status(ui, view);
        super::queue::show(ui, view);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let nothing = || if view.state.opening { "Opening…" } else { "Ready" }.to_owned();
            // What failed is a message of its own.
            let ended = view.state.history.first().filter(|job| !matches!(job.status, JobStatus::Failed(_)));
            let text = ended.map_or_else(nothing, Job::outcome);
            ui.add(Label::new(RichText::new(format::cut(&text, 160)).font(theme::caption()).color(t.weak)).truncate());
        });
    });
}

/// A line laid out from the right, so that a long text is truncated and does not push the buttons out of the window.
fn right_aligned(ui: &mut Ui, height: f32, contents: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        ui.set_min_height(height);
        ui.with_layout(Layout::right_to_left(Align::Center), contents);
    });
}

/// The log button with the number of notices, and the memory in use.
fn status(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    let (action, notices) = (Action::Log, view.state.shown_notifications().count());
    let (text, name) = match notices {
        0 => (action.text().to_owned(), "Log".to_owned()),
        n => (format!("{} {n}", action.text()), format!("Log, {}", format::plural(n, "message"))),
    };
    let color = if view.state.shown_notifications().any(|n| n.failed) { t.error } else { t.text };
    let button = Button::new(RichText::new(text).font(theme::caption()).color(color)).min_size(vec2(48.0, 26.0));
    let response = ui.add(button.selected(view.shell.log_open)).accessible_name(name);
    if response.on_hover_text(action.hint(ui.ctx())).clicked() {
        view.out.push(Command::Act(action));
    }
    if let Some(bytes) = view.shell.memory.bytes {
        let text = RichText::new(format::memory(bytes)).font(theme::caption()).color(t.weak);
        ui.label(text).on_hover_text("Memory in use by this program, without that of the graphics card.");
    }
}

fn running(ui: &mut Ui, view: &mut View<'_>, job: &Job) {
    let t = tokens(ui);
    let progress = job.progress.as_ref();
    right_aligned(ui, 28.0, |ui| {
        status(ui, view);
        let cancel = Button::new(Action::CancelJob.text()).min_size(vec2(76.0, 26.0));
        if ui.add_enabled(!job.cancelling, cancel).on_hover_text(Action::CancelJob.hint(ui.ctx())).clicked() {
            view.out.push(Command::Cancel(job.id));
        }
        pause(ui, view, job);
        super::queue::show(ui, view);
        let left = progress.filter(|_| job.status == JobStatus::Running).map(time_left);
        let text = RichText::new(left.unwrap_or_default()).font(theme::caption()).color(t.text);
        ui.add_sized(vec2(110.0, 20.0), Label::new(text))
            .on_hover_text("Time left for this job, and for the whole queue.");
        let fraction = progress.map_or(0.0, |p| p.fraction) as f32;
        ui.label(RichText::new(format!("{:.0}%", fraction * 100.0)).font(theme::caption()).color(t.text));
        let width = (ui.available_width() * 0.35).clamp(40.0, 420.0);
        ui.add(ProgressBar::new(fraction).desired_width(width).desired_height(6.0).fill(t.strong).corner_radius(3))
            .accessible_name("Progress");
        ui.add_space(8.0);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.label(RichText::new(format::cut(&job.title, 48)).color(t.strong));
            // Once the time left is known, that is the one time shown.
            let measured = progress.is_some_and(|p| p.seconds_left.is_some());
            if let Some(estimate) = job.estimate.as_ref().filter(|_| !measured) {
                // Before the phase, whose length changes, so that it does not move.
                let text = RichText::new(format::cost(estimate)).font(theme::caption()).color(t.text);
                ui.label(text).on_hover_text(format!(
                    "Estimate for the whole job: {} to create, at most {}.",
                    format::plural(estimate.models, "model"),
                    format::plural(estimate.evaluations, "network evaluation"),
                ));
            }
            let phase = match (&job.status, progress) {
                _ if job.cancelling => "stopping…",
                _ if job.pausing => "pausing…",
                (JobStatus::Paused, _) => "paused",
                (JobStatus::Waiting, _) => "queued",
                (_, Some(progress)) => progress.phase.as_str(),
                (_, None) => "starting…",
            };
            ui.add(Label::new(RichText::new(phase).font(theme::caption()).color(t.weak)).truncate());
        });
    });
    if let Some(curves) = job.unlearning() {
        ui.add_space(2.0);
        unlearning(ui, view, curves);
    }
}

fn pause(ui: &mut Ui, view: &mut View<'_>, job: &Job) {
    let (word, enabled, hint, command) = if job.status == JobStatus::Paused {
        ("Resume", !job.cancelling, super::queue::RESUME_HINT, Command::Resume(job.id))
    } else {
        (Action::PauseJob.text(), job.can_pause(), Action::PauseJob.tooltip(), Command::Pause(job.id))
    };
    let hint = format!("{hint} ({})", Action::PauseJob.keys(ui.ctx()));
    let button = Button::new(word).min_size(vec2(76.0, 26.0));
    if ui.add_enabled(enabled, button).on_hover_text(hint).clicked() {
        view.out.push(command);
    }
}

/// Time left for this job, and for the whole queue where that is longer and known.
fn time_left(progress: &Progress) -> String {
    let job = progress.seconds_left.map(|s| format!("{} left", format::duration(s)));
    let queue = progress
        .queue_seconds_left
        .filter(|queue| progress.seconds_left.is_some_and(|job| *queue > job + 1.0))
        .map(|s| format!(", {} in total", format::duration(s)));
    job.unwrap_or_default() + &queue.unwrap_or_default()
}

/// The group that is being unlearned, with its losses and the image's score so far, in one line. The curves are on the
/// Unlearning tab.
fn unlearning(ui: &mut Ui, view: &mut View<'_>, curves: &Curve) {
    let t = tokens(ui);
    let Some(last) = curves.points.last() else { return };
    let caption = |text: String, color| RichText::new(text).font(theme::caption()).color(color);
    ui.horizontal(|ui| {
        ui.set_min_height(20.0);
        ui.spacing_mut().interact_size.y = 20.0;
        let (rect, _) = ui.allocate_exact_size(vec2(12.0, 20.0), egui::Sense::hover());
        swatch(ui.painter(), rect.center(), 5.0, curves.group, t);
        let word = if last.step < last.steps { "Unlearning" } else { "Unlearned" };
        let name = format::cut(view.state.group_name(curves.group), 32);
        ui.label(caption(bidi::display(&format!("{word} {name}")).into_owned(), t.strong));
        let score = curves.points.iter().rev().find_map(|p| p.query_score);
        let score = score.map_or_else(String::new, |s| {
            format!(" · score of this image {} nats", format::signed(s, format::decimals(s)))
        });
        let text = format!(
            "step {} of {} · forget loss {:.4} · retain loss {:.4}{score}",
            last.step, last.steps, last.forget_loss, last.retain_loss
        );
        ui.label(caption(text, t.text)).on_hover_text("Values of the last step.");
        let action = Action::ShowPanel(super::PanelId::Unlearning);
        let curves = Button::new(caption("Show curves".into(), t.weak)).frame(false);
        if ui.add(curves).on_hover_text(action.hint(ui.ctx())).clicked() {
            view.out.push(Command::Act(action));
        }
    });
}
