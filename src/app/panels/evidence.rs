//! What becomes of the picture without the selected group, and which training images speak for the group.

use egui::{Align, Button, Label, Layout, Rect, RichText, ScrollArea, Sense, Ui, UiBuilder, Vec2, pos2, vec2};

use super::View;
use super::neighbours::{self, Shown};
use crate::app::actions::Command;
use crate::app::format;
use crate::app::state::{Query, Slot};
use crate::app::theme::{self, GAP, tokens};
use crate::app::widgets::{Pair, Picture, compare, content, modes, picture, swatch, work};
use crate::engine::api::{Evidence, Redrawn};

/// Below this width the strips go under the picture.
const NARROW: f32 = 440.0;
/// Height of a line of buttons or captions.
const LINE: f32 = 26.0;

/// Draws the panel.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    super::notices(ui, view, &[Slot::Evidence], 120.0);
    let (state, Some(query)) = (view.state, view.state.query()) else {
        super::empty(ui, "Here you see a picture drawn again without a group, once there is one to ask about");
        return;
    };
    let Some(group) = state.group else {
        super::empty(ui, "Select a group to see the picture without it, and which of its images speak for it");
        return;
    };
    title(ui, view, group);
    let room = ui.available_rect_before_wrap();
    if room.width() < NARROW {
        ScrollArea::vertical().id_salt("evidence").auto_shrink([false, false]).show(ui, |ui| {
            let width = ui.available_width();
            redrawn(ui, view, query, group, vec2(width, width.min(room.height()).max(200.0)));
            strips(ui, view, query, group, vec2(width, 280.0));
        });
        return;
    }
    // The picture as large as the height allows, and never so wide that the strips cannot be read.
    let left = (room.height() - LINE).min(room.width() * 0.45).max(180.0);
    let split = room.left() + left;
    let (one, two) = (room.with_max_x(split), room.with_min_x(split + GAP));
    ui.scope_builder(UiBuilder::new().id_salt("redrawn").max_rect(one), |ui| {
        redrawn(ui, view, query, group, one.size());
    });
    ui.scope_builder(UiBuilder::new().id_salt("strips").max_rect(two), |ui| {
        strips(ui, view, query, group, two.size());
    });
    ui.advance_cursor_after_rect(room);
}

fn title(ui: &mut Ui, view: &View<'_>, group: usize) {
    let t = tokens(ui);
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(12.0, 18.0), Sense::hover());
        swatch(ui.painter(), rect.center(), 5.0, group, t);
        let text = format!("Without {}", format::cut(view.state.group_name(group), 40));
        ui.label(RichText::new(text).color(t.strong));
    });
    let checked = view.state.answer().is_some_and(|a| a.board.rows.iter().any(|r| r.gate.is_some()));
    if checked {
        neighbours::check(ui, view.state, group);
    }
}

/// The picture set against itself drawn again.
fn redrawn(ui: &mut Ui, view: &mut View<'_>, query: &Query, group: usize, space: Vec2) {
    let name = view.state.group_name(group);
    let shape = query.picture.shape;
    let job = view.state.looking(Evidence::Redraw, Some(group));
    let wide = |below: f32| vec2(space.x, (space.y - below).max(120.0));
    match query.found.redrawn.get(&group) {
        Some(drawn) if drawn.is_done() => {
            let reference = query.found.reference.as_ref().filter(|r| r.is_done());
            let first = match reference {
                Some(reference) => (Picture::Redrawn(content(&reference.pixels), true), reference.pixels.as_slice()),
                None => (Picture::Query(query.key), query.picture.pixels.as_slice()),
            };
            let second = (Picture::Redrawn(content(&drawn.pixels), true), drawn.pixels.as_slice());
            let without = format!("without {}", format::cut(name, 18));
            let names = [if reference.is_some() { "full model" } else { "original" }, &without];
            let contrast = &mut view.drafts.looks.contrast;
            modes(ui, contrast);
            let below = LINE + ui.spacing().item_spacing.y + if reference.is_some() { 36.0 } else { 0.0 };
            let pair = Pair { shape, first, second, names };
            compare(ui, view.textures, &pair, contrast, wide(below));
            if reference.is_some() {
                caption(ui, FROM_A_FILE);
            }
        }
        Some(drawn) => {
            let key = Picture::Redrawn(content(&drawn.pixels), false);
            let texture = view.textures.get(ui.ctx(), key, shape, &drawn.pixels);
            picture(ui, texture, shape, wide(LINE), &format!("The picture as it is being drawn without {name}"));
            let Redrawn { step, steps, .. } = drawn;
            match job {
                Some(job) => work(ui, job, &format!("Step {step} of {steps}")),
                None => caption(ui, &format!("step {step} of {steps}")),
            }
        }
        None => {
            blank(ui, wide(0.0), |ui| match job {
                Some(job) => work(ui, job, &format!("Drawing it without {}", format::cut(name, 24))),
                None => {
                    let text = format!("Draw it again without {}", format::cut(name, 24));
                    ask(ui, view, &text, Evidence::Redraw, Some(group));
                    caption(ui, "From the same noise, by the model that unlearned the group");
                }
            });
        }
    }
}

/// Pictures from files have no seed.
const FROM_A_FILE: &str =
    "A picture from a file has no seed: both models drew it again from the same noise, added to it up to half way";

/// The two strips of training images.
fn strips(ui: &mut Ui, view: &mut View<'_>, query: &Query, group: usize, space: Vec2) {
    let name = format::cut(view.state.group_name(group), 16);
    let half = vec2(space.x, ((space.y - GAP) / 2.0).max(90.0));
    let top = Rect::from_min_size(ui.cursor().min, half);
    let bottom = top.translate(vec2(0.0, half.y + GAP));
    ui.scope_builder(UiBuilder::new().id_salt("nearest").max_rect(top), |ui| {
        let head = heading(ui, &format!("Nearest images of {name}"), "near is not cause");
        head.on_hover_text("Euclidean distance between the pixels, scaled from -1 to 1. Being near does not mean having shaped the picture");
        match query.nearest.get(&group) {
            Some(images) => neighbours::strip(ui, view, "nearest", &neighbours::nearest(images), ui.available_size()),
            None => super::empty(ui, "Looking for the nearest images…"),
        }
    });
    ui.scope_builder(UiBuilder::new().id_salt("moved").max_rect(bottom), |ui| {
        let head = heading(ui, &format!("Images of {name} whose likelihood fell most"), "");
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

fn fell(image: &crate::engine::api::Moved) -> Shown {
    let nats = format::signed(-image.score, format::decimals(image.score));
    let about = format!("{nats} nats when its group was unlearned");
    Shown { index: image.index, caption: format!("{nats} nats"), about }
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

fn caption(ui: &mut Ui, text: &str) {
    let t = tokens(ui);
    ui.add(Label::new(RichText::new(text).font(theme::caption()).color(t.weak)).wrap());
}

/// Something that is not there yet, where it will be.
pub(super) fn blank(ui: &mut Ui, space: Vec2, inside: impl FnOnce(&mut Ui)) {
    let t = tokens(ui);
    let (rect, _) = ui.allocate_exact_size(space, Sense::hover());
    ui.painter().rect_filled(rect, f32::from(theme::RADIUS), t.panel);
    let middle = Rect::from_min_max(pos2(rect.left(), rect.center().y - 30.0), rect.max).shrink2(vec2(6.0, 0.0));
    ui.scope_builder(UiBuilder::new().id_salt("blank").max_rect(middle), |ui| {
        ui.with_layout(Layout::top_down(Align::Center), inside);
    });
}

/// The button that asks for evidence; says why where it cannot.
pub(super) fn ask(ui: &mut Ui, view: &mut View<'_>, text: &str, what: Evidence, group: Option<usize>) {
    let ready = view.state.can_look();
    let font = if group.is_some() { theme::caption() } else { theme::body() };
    let hint = match (ready, what) {
        (Err(reason), _) => reason,
        (_, Evidence::Redraw) => "Draw the picture from the same noise by the model without the group",
        (_, Evidence::Map) => "Find where in the picture and when in the denoising each group's score arises",
        (_, Evidence::Moved) => "Measure each image of the group under both models",
        (_, Evidence::Watch | Evidence::Known) => "Unlearn the group once more and draw the picture on the way",
    };
    let button = ui.add_enabled(ready.is_ok(), Button::new(RichText::new(text).font(font)));
    if button.on_hover_text(hint).on_disabled_hover_text(hint).clicked() {
        view.out.push(Command::Look(what, group));
    }
}
