//! The panels, and how they share the window.

mod drop;
mod export;
mod groups;
mod help;
mod jobs;
mod neighbours;
mod queries;
mod queue;
mod ranking;
mod score;
mod settings;
mod stage;
mod top;

use egui::{CentralPanel, Frame, Margin, Panel, Rect, RichText, ScrollArea, Ui, UiBuilder, pos2};

use super::actions::Command;
use super::drafts::Drafts;
use super::state::State;
use super::theme::{self, GAP, tokens};
use super::widgets::Textures;

/// What panels see and fill.
pub struct View<'a> {
    /// What is known.
    pub state: &'a State,
    /// What is typed.
    pub drafts: &'a mut Drafts,
    /// Pictures on the graphics card.
    pub textures: &'a mut Textures,
    /// What the user asked for.
    pub out: &'a mut Vec<Command>,
}

/// Draws the whole window.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    let side = Frame::new().fill(t.panel);
    Panel::top("top")
        .frame(side.inner_margin(Margin::symmetric(16, 8)))
        .resizable(false)
        .show(ui, |ui| top::show(ui, view));
    Panel::bottom("jobs")
        .frame(side.inner_margin(Margin::symmetric(16, 8)))
        .resizable(false)
        .show(ui, |ui| jobs::show(ui, view));
    Panel::left("pictures")
        .frame(side.inner_margin(Margin { left: 16, right: 12, top: 12, bottom: 8 }))
        .resizable(true)
        .default_size(244.0)
        .size_range(200.0..=420.0)
        .show(ui, |ui| {
            queries::show(ui, view);
            ui.add_space(GAP);
            groups::show(ui, view);
        });
    CentralPanel::default_margins()
        .frame(Frame::new().fill(t.window).inner_margin(Margin::same(16)))
        .show(ui, |ui| centre(ui, view));
    export::show(ui, view);
    help::show(ui, view);
    drop::show(ui, view);
}

/// The picture at the left, what is known of it at the right.
fn centre(ui: &mut Ui, view: &mut View<'_>) {
    let rect = ui.available_rect_before_wrap();
    view.drafts.export.area = Some(rect.expand(GAP));
    // The picture is the largest thing in the window, and its explanation never gets too narrow to read.
    let left =
        (rect.width() * 0.44).clamp(280.0, (rect.height() * 0.86).max(280.0)).min(rect.width() - 320.0).max(200.0);
    let split = rect.left() + left;
    let stage = Rect::from_min_max(rect.min, pos2(split, rect.bottom()));
    let words = Rect::from_min_max(pos2(split + 24.0, rect.top()), rect.max);
    ui.scope_builder(UiBuilder::new().id_salt("stage").max_rect(stage), |ui| stage::show(ui, view));
    ui.scope_builder(UiBuilder::new().id_salt("words").max_rect(words), |ui| {
        let tiles = neighbours::Tiles::new(ui, view);
        let nearest = tiles.height();
        let above = Rect::from_min_max(words.min, pos2(words.right(), words.bottom() - nearest - GAP));
        ui.scope_builder(UiBuilder::new().id_salt("ranking").max_rect(above), |ui| {
            ranking::show(ui, view);
        });
        let below = Rect::from_min_max(pos2(words.left(), words.bottom() - nearest), words.max);
        ui.scope_builder(UiBuilder::new().id_salt("nearest").max_rect(below), |ui| {
            neighbours::show(ui, view, &tiles);
        });
    });
}

/// A heading with a count.
fn heading(ui: &mut Ui, text: &str, count: &str) {
    let t = tokens(ui);
    ui.horizontal(|ui| {
        ui.label(RichText::new(text).color(t.strong));
        ui.label(RichText::new(count).font(theme::caption()).color(t.weak));
    });
}

/// What an empty panel says.
fn empty(ui: &mut Ui, text: &str) {
    let t = tokens(ui);
    ui.add(egui::Label::new(RichText::new(text).color(t.weak)).wrap());
}

/// Notices of a place, newest last, within `height`.
fn notices(ui: &mut Ui, view: &mut View<'_>, slots: &[super::state::Slot], height: f32) {
    let keys: Vec<_> = slots.iter().flat_map(|s| view.state.notices_of(*s)).collect();
    if keys.is_empty() {
        return;
    }
    ScrollArea::vertical()
        .id_salt(("notices", slots.len(), height.to_bits()))
        .max_height(height)
        .min_scrolled_height(height)
        .content_margin(1.0)
        .show(ui, |ui| {
            for notice in keys {
                super::widgets::notice(ui, notice, view.out);
            }
        });
}
