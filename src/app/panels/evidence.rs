//! Evidence for the selected group: its training images nearest to the query image, those most affected by unlearning, and
//! the check of the unlearned model.

use egui::{Align, Button, Label, Layout, Rect, RichText, ScrollArea, Sense, Ui, UiBuilder, Vec2, vec2};

use super::View;
use super::neighbours::{self, StripImage};
use crate::app::actions::Command;
use crate::app::state::{Query, Subject};
use crate::app::theme::{self, GAP, tokens};
use crate::app::widgets::{job_progress, swatch};
use crate::app::{bidi, format};
use whence_jobs::{Evidence, JobSpec};

/// Height at which the images of both strips are still recognisable.
const MIN_HEIGHT: f32 = 180.0;

/// Draws the panel.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    let (state, Some(query)) = (view.state, view.state.query()) else {
        super::empty(ui, "Training images that support a group appear here once you choose an image.");
        return;
    };
    let Some(group) = state.group else {
        super::empty(ui, "Select a group to see the image without it and its most relevant training images.");
        return;
    };
    title(ui, view, group);
    let name = state.group_name(group);
    if !view.shell.presenting {
        super::notes::field(ui, view, Subject::Group(name.to_owned()), name);
    }
    let room = ui.available_rect_before_wrap();
    // Images too small to recognise are no evidence: scroll instead.
    if room.height() < MIN_HEIGHT {
        ScrollArea::vertical().id_salt("evidence").auto_shrink([false, false]).show(ui, |ui| {
            strips(ui, view, query, group, vec2(ui.available_width(), MIN_HEIGHT));
        });
        return;
    }
    strips(ui, view, query, group, room.size());
}

fn title(ui: &mut Ui, view: &View<'_>, group: usize) {
    let t = tokens(ui);
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(12.0, 18.0), Sense::hover());
        swatch(ui.painter(), rect.center(), 5.0, group, t);
        let text = format!("Evidence for {}", format::cut(view.state.group_name(group), 40));
        ui.label(RichText::new(bidi::display(&text)).color(t.strong));
        if let Some((query, explanation)) = view.state.query().zip(view.state.explanation()) {
            let text = RichText::new(super::result::title(explanation, query)).font(theme::caption()).color(t.weak);
            ui.add(Label::new(text).truncate());
        }
    });
    let checked = view.state.explanation().is_some_and(|a| a.ranking.rows.iter().any(|r| r.gate.is_some()));
    if checked {
        neighbours::check_line(ui, view.state, group);
    }
}

/// The two strips of training images.
fn strips(ui: &mut Ui, view: &mut View<'_>, query: &Query, group: usize, space: Vec2) {
    let name = format::cut(view.state.group_name(group), 16);
    let half = vec2(space.x, ((space.y - GAP) / 2.0).max(90.0));
    let top = Rect::from_min_size(ui.cursor().min, half);
    let bottom = top.translate(vec2(0.0, half.y + GAP));
    ui.scope_builder(UiBuilder::new().id_salt("nearest").max_rect(top), |ui| {
        let head = heading(ui, &format!("Nearest images of {name}"), "similarity is not causation");
        head.on_hover_text("Euclidean distance between the pixels, scaled to −1 to 1. A similar training image need not have influenced this image.");
        match query.nearest.get(&group) {
            Some(images) => neighbours::strip(ui, view, "nearest", &neighbours::nearest(images), ui.available_size()),
            None => super::empty(ui, "Finding the nearest images…"),
        }
    });
    ui.scope_builder(UiBuilder::new().id_salt("affected").max_rect(bottom), |ui| {
        let head = heading(ui, &format!("{name} images most affected by unlearning"), "nats");
        head.on_hover_text(
            "By how much the log-likelihood of each image of the group fell when the group was unlearned.",
        );
        let job = view.state.running_evidence(Evidence::MostAffected, Some(group));
        match (query.evidence.affected.get(&group), job) {
            (Some(images), _) => {
                let shown: Vec<StripImage> =
                    images.iter().filter(|i| i.score > 0.0).take(MAX_AFFECTED).map(affected_image).collect();
                match shown.is_empty() {
                    true => super::empty(ui, "No image of the group became less likely."),
                    false => neighbours::strip(ui, view, "affected", &shown, ui.available_size()),
                }
            }
            (None, Some(job)) => job_progress(ui, job, "Scoring the images"),
            (None, None) => request_button(ui, view, "Compute", Evidence::MostAffected, Some(group)),
        }
    });
    ui.advance_cursor_after_rect(top.union(bottom));
}

/// Number of affected images in the strip, at most.
const MAX_AFFECTED: usize = 12;

fn affected_image(image: &whence_jobs::AffectedImage) -> StripImage {
    let nats = format::signed(-image.score, format::decimals(image.score));
    let about = format!("{nats} nats when its group was unlearned");
    StripImage { index: image.index, caption: nats, description: about }
}

/// A strip's title and its caveat.
fn heading(ui: &mut Ui, text: &str, caveat: &str) -> egui::Response {
    let t = tokens(ui);
    let line = vec2(ui.available_width(), 18.0);
    ui.allocate_ui_with_layout(line, Layout::right_to_left(Align::Center), |ui| {
        if !caveat.is_empty() {
            ui.label(RichText::new(caveat).font(theme::caption()).color(t.weak));
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.add(Label::new(RichText::new(bidi::display(text)).font(theme::caption()).color(t.text)).truncate());
        });
    })
    .response
}

/// The button that requests evidence; disabled with the reason where that is not possible.
pub(super) fn request_button(ui: &mut Ui, view: &mut View<'_>, text: &str, what: Evidence, group: Option<usize>) {
    let ready = view.state.can_compute_evidence();
    let font = if group.is_some() { theme::caption() } else { theme::body() };
    let hint = match (ready, what) {
        (Err(reason), _) => reason,
        (_, Evidence::Regenerate) => "Generate the image from the same noise with the model without the group.",
        (_, Evidence::Map) => "Compute where in the image and at which timesteps each group's score arises.",
        (_, Evidence::MostAffected) => "Score each image of the group under both models.",
        (_, Evidence::Watch | Evidence::Known) => "Repeat the unlearning and regenerate the image at each stage.",
    };
    let cost = cost(view, what, group);
    let mut button = Button::new(RichText::new(bidi::display(text)).font(font));
    if let Some(cost) = &cost {
        button = button.right_text(RichText::new(cost).font(theme::caption()));
    }
    let response = ui.add_enabled(ready.is_ok(), button).accessible_name(named(text, cost));
    if response.on_hover_text(hint).on_disabled_hover_text(hint).clicked() {
        view.out.push(Command::ComputeEvidence(what, group));
    }
}

/// What this evidence would cost, where that is worth knowing.
pub(super) fn cost(view: &View<'_>, what: Evidence, group: Option<usize>) -> Option<String> {
    let job = view.forms.build_evidence_job(view.state, what, group).ok()?;
    format::cost_worth_knowing(view.state.cost(JobSpec::Evidence(Box::new(job))))
}

/// A button's accessible name, with its cost.
pub(super) fn named(text: &str, cost: Option<String>) -> String {
    cost.map_or_else(|| text.to_owned(), |cost| format!("{text}, {cost}"))
}
