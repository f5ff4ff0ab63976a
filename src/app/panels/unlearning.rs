//! A group's unlearning, step by step: the losses, the query image's score, and the image regenerated at each stage.

use egui::{RichText, Slider, Ui, UiBuilder, Vec2, vec2};

use super::View;
use crate::app::actions::Command;
use crate::app::format;
use crate::app::state::{Query, UnlearningCurve};
use crate::app::theme::{self, GAP, Mark, tokens};
use crate::app::widgets::{Axis, Chart, Scaling, Series, TextureKey, chart, content, show_image, swatch};
use whence_jobs::{Evidence, UnlearningPoint};

/// Draws the panel.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    let state = view.state;
    let Some(query) = state.query() else {
        super::placeholder(
            ui,
            "Unlearning",
            "How a group is unlearned, step by step. Generate or open an image first.",
            None,
        );
        return;
    };
    // Without a selection, the group that is being unlearned is shown.
    let running = state.jobs.iter().filter(|j| j.query == state.current).find_map(|j| Some(j.unlearning()?.group));
    let Some(group) = state.group.or(running) else {
        super::placeholder(ui, "Unlearning", "Select a group to see how it is unlearned, step by step.", None);
        return;
    };
    let name = state.group_name(group);
    let job = state.running_evidence(Evidence::Watch, Some(group));
    let course = query.evidence.curves.get(&group).filter(|c| !c.points.is_empty());
    if course.is_none() && job.is_none() {
        let about =
            "This group's model already exists. Watch repeats the unlearning and regenerates the image at each stage.";
        let ready = state.can_compute_evidence().map(|()| HINT);
        let title = format!("Unlearning {}", format::cut(name, 40));
        let text = match super::evidence::cost(view, Evidence::Watch, Some(group)) {
            Some(cost) => format!("Watch the unlearning ({cost})"),
            None => "Watch the unlearning".to_owned(),
        };
        if super::placeholder(ui, &title, about, Some((&text, ready))) {
            view.out.push(Command::ComputeEvidence(Evidence::Watch, Some(group)));
        }
        return;
    }
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(14.0, 24.0), egui::Sense::hover());
        swatch(ui.painter(), rect.center(), 6.0, group, t);
        let title = format!("Unlearning {}", format::cut(name, 40));
        ui.label(RichText::new(title).font(theme::lead()).color(t.strong));
        ui.add_space(8.0);
        let watched = query.evidence.curves.get(&group).is_some_and(UnlearningCurve::is_watched);
        match job {
            Some(_) => _ = ui.label(RichText::new("Watching…").color(t.weak)),
            None if !watched => watch(ui, view, group),
            None => {}
        }
    });
    let Some(course) = course else {
        super::empty(ui, "Waiting for the first step…");
        return;
    };
    ui.add_space(8.0);
    let room = ui.available_rect_before_wrap();
    let side = (room.height() - 130.0).min(room.width() * 0.45).max(120.0);
    let left = egui::Rect::from_min_size(room.min, vec2(side, room.height()));
    let right = egui::Rect::from_min_max(egui::pos2(left.right() + GAP, room.top()), room.max);
    ui.scope_builder(UiBuilder::new().id_salt("image at step").max_rect(left), |ui| {
        image_at_step(ui, view, query, group, course, side);
    });
    ui.scope_builder(UiBuilder::new().id_salt("curves").max_rect(right), |ui| curves(ui, view, group, course));
}

/// Tooltips of the two charts.
const LOSSES: &str = "Mean squared error of the predicted noise on images to forget and on images to retain. Faint: \
                      single steps; strong: their running mean.";
const SCORES: &str = "How much less likely the image has become, estimated on a few timesteps. Unlearning overshoots \
                      retraining: trust the order, not the absolute values.";

/// A number beside an axis.
fn short(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').replace('-', "\u{2212}")
}

/// Tooltip of the watch button.
const HINT: &str = "Repeat the unlearning of this group and regenerate the image at each stage.";

fn watch(ui: &mut Ui, view: &mut View<'_>, group: usize) {
    let ready = view.state.can_compute_evidence();
    let cost = super::evidence::cost(view, Evidence::Watch, Some(group));
    let text = super::evidence::named("Watch the unlearning", cost);
    let button = ui.add_enabled(ready.is_ok(), egui::Button::new(text));
    if button.on_hover_text(HINT).on_disabled_hover_text(ready.err().unwrap_or(HINT)).clicked() {
        view.out.push(Command::ComputeEvidence(Evidence::Watch, Some(group)));
    }
}

/// The step on screen: that of the slider, else the last.
fn step_of(view: &View<'_>, query: &Query, group: usize, course: &UnlearningCurve) -> usize {
    let last = course.points.last().map_or(0, |p| p.step);
    match view.forms.scrub {
        Some((key, of, step)) if (key, of) == (query.key, group) => step.min(last),
        _ => last,
    }
}

/// The image at a step, with the slider and the values.
fn image_at_step(ui: &mut Ui, view: &mut View<'_>, query: &Query, group: usize, course: &UnlearningCurve, side: f32) {
    let t = tokens(ui);
    let shape = query.image.shape;
    let step = step_of(view, query, group, course);
    let at = course.image_at(step);
    let shown = at.and_then(|i| course.images.get(i));
    let texture = shown.and_then(|(_, pixels)| {
        view.textures.get(ui.ctx(), TextureKey::Regenerated(content(pixels), true), shape, pixels)
    });
    let label = match shown {
        Some((at, _)) => format!("Regenerated after {} of unlearning", format::plural(*at, "step")),
        None => "No image was regenerated during this unlearning".into(),
    };
    show_image(ui, texture, shape, Vec2::splat(side), "The image at this step");
    ui.label(RichText::new(label).font(theme::caption()).color(t.weak));
    let last = course.points.last().map_or(0, |p| p.step);
    let mut chosen = step;
    ui.spacing_mut().slider_width = (side - 90.0).max(60.0);
    let slider = ui.add(Slider::new(&mut chosen, 0..=last).text("step"));
    if slider.on_hover_text("Step through the unlearning; arrow keys move by one step.").changed() {
        view.forms.scrub = (chosen < last).then_some((query.key, group, chosen));
    }
    let point = course.points.iter().rfind(|p| p.step <= step);
    if let Some(point) = point {
        let score = course.points.iter().filter(|p| p.step <= step).rev().find_map(|p| p.query_score);
        let score =
            score.map_or_else(String::new, |s| format!(" · score {} nats", format::signed(s, format::decimals(s))));
        let text = format!("forget loss {:.4} · retain loss {:.4}{score}", point.forget_loss, point.retain_loss);
        ui.label(RichText::new(text).color(t.text));
    }
}

fn curves(ui: &mut Ui, view: &mut View<'_>, group: usize, course: &UnlearningCurve) {
    let t = tokens(ui);
    let steps = course.points.last().map_or(1, |p| p.steps) as f64;
    let losses = |of: fn(&UnlearningPoint) -> f32| -> Vec<[f64; 2]> {
        course.points.iter().map(|p| [p.step as f64, f64::from(of(p))]).collect()
    };
    let (forget, retain) = (losses(|p| p.forget_loss), losses(|p| p.retain_loss));
    let scores = course.points.iter().filter_map(|p| Some([p.step as f64, p.query_score?]));
    let score: Vec<[f64; 2]> = std::iter::once([0.0, 0.0]).chain(scores).collect();
    let gate = view
        .state
        .explanation()
        .and_then(|a| a.ranking.rows.iter().find(|r| r.group == Some(group)))
        .and_then(|r| r.gate.as_ref())
        // While it is unlearned once more, the check would be that of the earlier model.
        .filter(|_| view.state.running_evidence(Evidence::Watch, Some(group)).is_none());
    let below = if gate.is_some() { 120.0 } else { 40.0 };
    let height = ((ui.available_height() - below) / 2.0).clamp(150.0, 420.0);
    let size = vec2(ui.available_width(), height);
    let color = t.group(group);
    let loss_at =
        |points: &[[f64; 2]]| points.last().map_or_else(|| "not known yet".into(), |p| format!("{:.4}", p[1]));
    let series = [
        Series { name: "forget loss", color, points: &forget, noisy: true, faint: false, mark: None },
        Series { name: "retain loss", color: t.weak, points: &retain, noisy: true, faint: false, mark: None },
    ];
    let summary = format!("Last step: forget loss {}, retain loss {}", loss_at(&forget), loss_at(&retain));
    let losses = Chart {
        title: "Loss by step",
        summary: &summary,
        size,
        x: Axis { label: "unlearning step", scaling: Scaling::Linear, format: &|v| format!("{v:.0}") },
        y: Axis { label: "mean squared error", scaling: Scaling::Linear, format: &short },
        reversed: false,
        include: &[[0.0, f64::NAN], [steps, f64::NAN]],
        series: &series,
        describe: &|step, loss| format!("step {step:.0}\nrunning mean {loss:.4}"),
    };
    chart(ui, &losses).on_hover_text(LOSSES);
    ui.add_space(GAP);
    let digits = format::decimals(score.iter().fold(0.0f64, |m, p| m.max(p[1].abs())));
    let mark = Some(Mark::of(group));
    let series = [Series { name: "this image", color, points: &score, noisy: false, faint: false, mark }];
    let summary =
        score.last().map_or_else(String::new, |p| format!("{} nats, coarse estimate", format::signed(p[1], digits)));
    let scores = Chart {
        title: "Score during unlearning",
        summary: &summary,
        size,
        x: Axis { label: "unlearning step", scaling: Scaling::Linear, format: &|v| format!("{v:.0}") },
        y: Axis { label: "nats", scaling: Scaling::Linear, format: &short },
        reversed: false,
        include: &[[0.0, 0.0], [steps, 0.0]],
        series: &series,
        describe: &|step, score| format!("step {step:.0}: {} nats", format::signed(score, digits)),
    };
    chart(ui, &scores).on_hover_text(SCORES);
    if let Some(judgement) = gate {
        ui.add_space(8.0);
        super::score::check(ui, judgement, view.state.group_name(group));
    }
}
