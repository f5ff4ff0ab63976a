//! Which training images speak for the selected group, and what its model forgot.

use egui::{Align, Button, Label, Layout, Rect, RichText, ScrollArea, Sense, Ui, UiBuilder, Vec2, vec2};

use super::View;
use super::neighbours::{self, Shown};
use crate::app::actions::Command;
use crate::app::format;
use crate::app::state::{Query, Slot};
use crate::app::theme::{self, GAP, tokens};
use crate::app::widgets::{swatch, work};
use whence_jobs::Evidence;

/// Height of two strips whose images can be told apart.
const LOWEST: f32 = 180.0;

/// Draws the panel.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    super::notices(ui, view, &[Slot::Evidence], 120.0);
    let (state, Some(query)) = (view.state, view.state.query()) else {
        super::empty(ui, "Here you see which training images speak for a group, once there is an image to ask about");
        return;
    };
    let Some(group) = state.group else {
        super::empty(ui, "Select a group to see the image without it, and which of its images speak for it");
        return;
    };
    title(ui, view, group);
    let room = ui.available_rect_before_wrap();
    // Images that cannot be told apart are no evidence: rather scroll.
    if room.height() < LOWEST {
        ScrollArea::vertical().id_salt("evidence").auto_shrink([false, false]).show(ui, |ui| {
            strips(ui, view, query, group, vec2(ui.available_width(), LOWEST));
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
        ui.label(RichText::new(text).color(t.strong));
    });
    let checked = view.state.answer().is_some_and(|a| a.board.rows.iter().any(|r| r.gate.is_some()));
    if checked {
        neighbours::check(ui, view.state, group);
    }
}

/// The two strips of training images.
fn strips(ui: &mut Ui, view: &mut View<'_>, query: &Query, group: usize, space: Vec2) {
    let name = format::cut(view.state.group_name(group), 16);
    let half = vec2(space.x, ((space.y - GAP) / 2.0).max(90.0));
    let top = Rect::from_min_size(ui.cursor().min, half);
    let bottom = top.translate(vec2(0.0, half.y + GAP));
    ui.scope_builder(UiBuilder::new().id_salt("nearest").max_rect(top), |ui| {
        let head = heading(ui, &format!("Nearest images of {name}"), "near is not cause");
        head.on_hover_text("Euclidean distance between the pixels, scaled from -1 to 1. Being near does not mean having shaped the image");
        match query.nearest.get(&group) {
            Some(images) => neighbours::strip(ui, view, "nearest", &neighbours::nearest(images), ui.available_size()),
            None => super::empty(ui, "Looking for the nearest images…"),
        }
    });
    ui.scope_builder(UiBuilder::new().id_salt("moved").max_rect(bottom), |ui| {
        let head = heading(ui, &format!("Images of {name} whose likelihood fell most"), "nats");
        head.on_hover_text("How much less likely each image of the group became when the group was unlearned");
        let job = view.state.looking(Evidence::Moved, Some(group));
        match (query.found.moved.get(&group), job) {
            (Some(images), _) => {
                let shown: Vec<Shown> = images.iter().filter(|i| i.score > 0.0).take(MOVED).map(fell).collect();
                match shown.is_empty() {
                    true => super::empty(ui, "No image of the group became less likely"),
                    false => neighbours::strip(ui, view, "moved", &shown, ui.available_size()),
                }
            }
            (None, Some(job)) => work(ui, job, "Measuring the images"),
            (None, None) => ask(ui, view, "Find them", Evidence::Moved, Some(group)),
        }
    });
    ui.advance_cursor_after_rect(top.union(bottom));
}

/// Moved images that are shown.
const MOVED: usize = 12;

fn fell(image: &whence_jobs::Moved) -> Shown {
    let nats = format::signed(-image.score, format::decimals(image.score));
    let about = format!("{nats} nats when its group was unlearned");
    Shown { index: image.index, caption: nats, about }
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
            ui.add(Label::new(RichText::new(text).font(theme::caption()).color(t.text)).truncate());
        });
    })
    .response
}

/// The button that asks for evidence; says why where it cannot.
pub(super) fn ask(ui: &mut Ui, view: &mut View<'_>, text: &str, what: Evidence, group: Option<usize>) {
    let ready = view.state.can_look();
    let font = if group.is_some() { theme::caption() } else { theme::body() };
    let hint = match (ready, what) {
        (Err(reason), _) => reason,
        (_, Evidence::Regenerate) => "Draw the image from the same noise by the model without the group",
        (_, Evidence::Map) => "Find where in the image and when in the denoising each group's score arises",
        (_, Evidence::Moved) => "Measure each image of the group under both models",
        (_, Evidence::Watch | Evidence::Known) => "Unlearn the group once more and draw the image on the way",
    };
    let button = ui.add_enabled(ready.is_ok(), Button::new(RichText::new(text).font(font)));
    if button.on_hover_text(hint).on_disabled_hover_text(hint).clicked() {
        view.out.push(Command::Look(what, group));
    }
}
