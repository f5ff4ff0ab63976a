//! The strip at the bottom: what runs, how far it is, what it measures; and what was done.

use egui::{Align, Button, Label, Layout, ProgressBar, RichText, Ui, vec2};

use super::View;
use crate::app::actions::{Action, Command};
use crate::app::format;
use crate::app::state::{Curve, Job, JobStatus, State};
use crate::app::theme::{self, tokens};
use crate::app::widgets::{Series, curve, swatch};

/// Draws the strip.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    match view.state.active() {
        Some(job) => running(ui, view, job),
        None => idle(ui, view),
    }
}

fn idle(ui: &mut Ui, view: &View<'_>) {
    let t = tokens(ui);
    ui.horizontal(|ui| {
        ui.set_min_height(24.0);
        let text = view.state.history.first().map_or_else(|| "Ready".to_owned(), outcome);
        ui.add(Label::new(RichText::new(format::cut(&text, 160)).font(theme::caption()).color(t.weak)).truncate());
        history(ui, view.state);
    });
}

/// How a job ended, in a line.
fn outcome(job: &Job) -> String {
    match &job.status {
        JobStatus::Finished(summary) if summary.is_empty() => format!("{}: done", job.title),
        JobStatus::Finished(summary) => format!("{}: {summary}", job.title),
        JobStatus::Cancelled => format!("{}: cancelled, what was finished is kept", job.title),
        JobStatus::Failed(text) => format!("{}: failed. {text}", job.title),
        JobStatus::Waiting | JobStatus::Running => job.title.clone(),
    }
}

/// Earlier jobs, behind a button at the right.
fn history(ui: &mut Ui, state: &State) {
    if state.history.is_empty() {
        return;
    }
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let t = tokens(ui);
        let text = RichText::new(format!("Jobs ({})", state.history.len())).font(theme::caption());
        ui.menu_button(text, |ui| {
            ui.set_min_width(420.0);
            egui::ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
                for job in &state.history {
                    let color = if matches!(job.status, JobStatus::Failed(_)) { t.error } else { t.text };
                    ui.add(
                        Label::new(RichText::new(outcome(job)).font(theme::caption()).color(color))
                            .wrap()
                            .selectable(true),
                    );
                }
            });
        });
    });
}

fn running(ui: &mut Ui, view: &mut View<'_>, job: &Job) {
    let t = tokens(ui);
    let progress = job.progress.as_ref();
    ui.horizontal(|ui| {
        ui.set_min_height(28.0);
        ui.label(RichText::new(format::cut(&job.title, 48)).color(t.strong));
        let phase = match (job.cancelling, &job.status, progress) {
            (true, ..) => "stopping…",
            (false, JobStatus::Waiting, _) => "waiting",
            (false, _, Some(progress)) => progress.phase.as_str(),
            (false, _, None) => "starting…",
        };
        ui.label(RichText::new(format::cut(phase, 64)).font(theme::caption()).color(t.weak));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let cancel = Button::new(Action::CancelJob.text()).min_size(vec2(76.0, 26.0));
            if ui.add_enabled(!job.cancelling, cancel).on_hover_text(Action::CancelJob.hint(ui.ctx())).clicked() {
                view.out.push(Command::Cancel(job.id));
            }
            let waiting = view.state.jobs.len().saturating_sub(1);
            if waiting > 0 {
                ui.label(RichText::new(format!("{waiting} waiting")).font(theme::caption()).color(t.weak));
            }
            let left = progress.and_then(|p| p.seconds_left).map(|s| format!("{} left", format::duration(s)));
            ui.add_sized(
                vec2(110.0, 20.0),
                Label::new(RichText::new(left.unwrap_or_default()).font(theme::caption()).color(t.text)),
            );
            let fraction = progress.map_or(0.0, |p| p.fraction) as f32;
            ui.label(RichText::new(format!("{:.0} %", fraction * 100.0)).font(theme::caption()).color(t.text));
            let width = (ui.available_width() - 8.0).clamp(40.0, 420.0);
            ui.add(ProgressBar::new(fraction).desired_width(width).desired_height(6.0).fill(t.strong).corner_radius(3))
                .accessible_name("Progress");
        });
    });
    if let Some(course) = job.unlearning() {
        ui.add_space(2.0);
        unlearning(ui, view.state, course);
    }
}

/// The group that is being unlearned: its losses and the picture's score as they come.
fn unlearning(ui: &mut Ui, state: &State, course: &Curve) {
    let t = tokens(ui);
    let color = t.group(course.group);
    let Some(last) = course.points.last() else { return };
    let line = |value: &dyn Fn(&crate::engine::api::UnlearningPoint) -> Option<f64>| -> Vec<[f64; 2]> {
        course.points.iter().filter_map(|p| value(p).map(|v| [p.step as f64, v])).collect()
    };
    let forget = line(&|p| Some(f64::from(p.forget_loss)));
    let rest = line(&|p| Some(f64::from(p.retain_loss)));
    let score = line(&|p| p.query_score);
    let end = last.steps.max(1) as f64;
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 20.0;
        ui.allocate_ui_with_layout(vec2(190.0, 84.0), Layout::top_down(Align::Min), |ui| {
            ui.set_min_width(190.0);
            ui.label(RichText::new("Unlearning").font(theme::caption()).color(t.weak));
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 8.0;
                let (rect, _) = ui.allocate_exact_size(vec2(12.0, 20.0), egui::Sense::hover());
                swatch(ui.painter(), rect.center(), 5.0, course.group, t);
                let name = state.group_name(course.group);
                ui.add(Label::new(RichText::new(name).color(t.strong)).truncate());
            });
            ui.label(
                RichText::new(format!("step {} of {}", last.step, last.steps)).font(theme::caption()).color(t.text),
            );
        });
        let width = ((ui.available_width() - 20.0) / 2.0).max(120.0);
        let losses = [
            Series { name: "forget", color, points: &forget, noisy: true },
            Series { name: "rest", color: t.weak, points: &rest, noisy: true },
        ];
        curve(ui, vec2(width, 84.0), "Losses", &losses, end, false, |v| format!("{v:.4}"));
        let scores = [Series { name: "this picture's score", color, points: &score, noisy: false }];
        curve(ui, vec2(width, 84.0), "", &scores, end, true, |v| {
            format!("{} nats", format::signed(v, format::decimals(v)))
        });
    });
}
