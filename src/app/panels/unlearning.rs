//! The course of a group's unlearning: losses, the query's score, and the query drawn again on the way.

use egui::{RichText, Slider, Ui, UiBuilder, Vec2, vec2};

use super::View;
use crate::app::actions::Command;
use crate::app::format;
use crate::app::state::{Course, Query, Slot};
use crate::app::theme::{self, GAP, tokens};
use crate::app::widgets::{Series, TextureKey, content, curve, show_image, swatch};
use whence_jobs::{Evidence, UnlearningPoint};

/// Draws the panel.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    let state = view.state;
    super::notices(ui, view, &[Slot::Evidence], 120.0);
    let Some(query) = state.query() else {
        super::placeholder(
            ui,
            "Unlearning",
            "How a group is unlearned, step by step. Draw or open an image first",
            None,
        );
        return;
    };
    // What is being unlearned now comes before what is selected: it is what changes.
    let running = state.jobs.iter().filter(|j| j.query == state.current).find_map(|j| Some(j.unlearning()?.group));
    let Some(group) = state.group.or(running) else {
        super::placeholder(ui, "Unlearning", "Select a group to see how it is unlearned, step by step", None);
        return;
    };
    let name = state.group_name(group);
    let job = state.looking(Evidence::Watch, Some(group));
    let course = query.found.courses.get(&group).filter(|c| !c.points.is_empty());
    if course.is_none() && job.is_none() {
        let about = "Its model was made before, or comes with the project. Watching unlearns it once more, and draws this image again on the way";
        let ready = state.can_look().map(|()| HINT);
        let title = format!("Unlearning {}", format::cut(name, 40));
        if super::placeholder(ui, &title, about, Some(("Watch it unlearn", ready))) {
            view.out.push(Command::Look(Evidence::Watch, Some(group)));
        }
        return;
    }
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(14.0, 24.0), egui::Sense::hover());
        swatch(ui.painter(), rect.center(), 6.0, group, t);
        let title = format!("Unlearning {}", format::cut(name, 40));
        ui.label(RichText::new(title).font(theme::lead()).color(t.strong));
        ui.add_space(8.0);
        let watched = query.found.courses.get(&group).is_some_and(Course::is_watched);
        match job {
            Some(_) => _ = ui.label(RichText::new("Watching…").color(t.weak)),
            None if !watched => watch(ui, view, group),
            None => {}
        }
    });
    let Some(course) = course else {
        super::empty(ui, "The first step is on its way");
        return;
    };
    ui.add_space(8.0);
    let room = ui.available_rect_before_wrap();
    let side = (room.height() - 130.0).min(room.width() * 0.45).max(120.0);
    let left = egui::Rect::from_min_size(room.min, vec2(side, room.height()));
    let right = egui::Rect::from_min_max(egui::pos2(left.right() + GAP, room.top()), room.max);
    ui.scope_builder(UiBuilder::new().id_salt("course").max_rect(left), |ui| {
        glance(ui, view, query, group, course, side);
    });
    ui.scope_builder(UiBuilder::new().id_salt("curves").max_rect(right), |ui| curves(ui, view, group, course));
}

/// What watching is.
const HINT: &str = "Unlearn this group once more, and draw the image again on the way";

fn watch(ui: &mut Ui, view: &mut View<'_>, group: usize) {
    let ready = view.state.can_look();
    let button = ui.add_enabled(ready.is_ok(), egui::Button::new("Watch it unlearn"));
    if button.on_hover_text(HINT).on_disabled_hover_text(ready.err().unwrap_or(HINT)).clicked() {
        view.out.push(Command::Look(Evidence::Watch, Some(group)));
    }
}

/// The step that is shown: where the scrubber is, else the last.
fn step_of(view: &View<'_>, query: &Query, group: usize, course: &Course) -> usize {
    let last = course.points.last().map_or(0, |p| p.step);
    match view.forms.scrub {
        Some((key, of, step)) if (key, of) == (query.key, group) => step.min(last),
        _ => last,
    }
}

/// The image at a step, and the scrubber.
fn glance(ui: &mut Ui, view: &mut View<'_>, query: &Query, group: usize, course: &Course, side: f32) {
    let t = tokens(ui);
    let shape = query.image.shape;
    let step = step_of(view, query, group, course);
    let at = course.image_at(step);
    let shown = at.and_then(|i| course.images.get(i));
    let texture = shown.and_then(|(_, pixels)| {
        view.textures.get(ui.ctx(), TextureKey::Regenerated(content(pixels), true), shape, pixels)
    });
    let label = match shown {
        Some((at, _)) => format!("The image drawn again after {} of unlearning", format::plural(*at, "step")),
        None => "No image was drawn on the way".into(),
    };
    show_image(ui, texture, shape, Vec2::splat(side), "The image at this step");
    ui.label(RichText::new(label).font(theme::caption()).color(t.weak));
    let last = course.points.last().map_or(0, |p| p.step);
    let mut chosen = step;
    ui.spacing_mut().slider_width = (side - 90.0).max(60.0);
    let slider = ui.add(Slider::new(&mut chosen, 0..=last).text("step"));
    if slider.on_hover_text("Go through the unlearning; arrow keys move by one step").changed() {
        view.forms.scrub = (chosen < last).then_some((query.key, group, chosen));
    }
    let point = course.points.iter().rfind(|p| p.step <= step);
    if let Some(point) = point {
        let score = course.points.iter().filter(|p| p.step <= step).rev().find_map(|p| p.query_score);
        let score = score
            .map_or_else(String::new, |s| format!(" · this image {} nats", format::signed(s, format::decimals(s))));
        let text = format!("forget {:.4} · rest {:.4}{score}", point.forget_loss, point.retain_loss);
        ui.label(RichText::new(text).color(t.text));
    }
}

fn curves(ui: &mut Ui, view: &mut View<'_>, group: usize, course: &Course) {
    let t = tokens(ui);
    let steps = course.points.last().map_or(1, |p| p.steps) as f64;
    let losses = |of: fn(&UnlearningPoint) -> f32| -> Vec<[f64; 2]> {
        course.points.iter().map(|p| [p.step as f64, f64::from(of(p))]).collect()
    };
    let (forget, retain) = (losses(|p| p.forget_loss), losses(|p| p.retain_loss));
    let told = course.points.iter().filter_map(|p| Some([p.step as f64, p.query_score?]));
    let score: Vec<[f64; 2]> = std::iter::once([0.0, 0.0]).chain(told).collect();
    let gate = view
        .state
        .answer()
        .and_then(|a| a.board.rows.iter().find(|r| r.group == Some(group)))
        .and_then(|r| r.gate.as_ref());
    let below = if gate.is_some() { 120.0 } else { 40.0 };
    let height = ((ui.available_height() - below) / 2.0).clamp(90.0, 320.0);
    let size = vec2(ui.available_width(), height);
    let color = t.group(group);
    let series = [
        Series { name: "forget", color, points: &forget, noisy: true },
        Series { name: "rest", color: t.weak, points: &retain, noisy: true },
    ];
    curve(ui, size, "Loss by step", &series, steps, false, |v| format!("{v:.4}"))
        .on_hover_text("Mean squared error of the predicted noise: on images to forget, and on the others");
    ui.add_space(GAP);
    let largest = score.iter().fold(0.0f64, |m, p| m.max(p[1].abs()));
    let digits = format::decimals(largest);
    let series = [Series { name: "this image", color, points: &score, noisy: false }];
    curve(ui, size, "Score by step, nats, on a few timesteps", &series, steps, true, |v| format::signed(v, digits))
        .on_hover_text("How much less likely the image has become. Unlearning overshoots: compare groups, not nats");
    if let Some(judgement) = gate {
        ui.add_space(8.0);
        super::score::check(ui, judgement, view.state.group_name(group));
    }
}
