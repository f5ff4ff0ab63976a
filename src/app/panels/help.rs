//! A short card: where to start, and the keys.

use egui::{Align, Id, Layout, Modal, RichText, ScrollArea, Ui};

use super::View;
use crate::app::actions::Action;
use crate::app::theme::{self, GAP, tokens};

/// Draws the card where it is wanted.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    if !view.drafts.help {
        return;
    }
    let t = tokens(ui);
    let frame = egui::Frame::popup(ui.style()).inner_margin(24.0).corner_radius(10);
    let shown =  Modal::new(Id::unique("help")).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(440.0);
        ui.label(RichText::new("Shortcuts").font(theme::lead()).color(t.strong));
        ui.add_space(6.0);
        // The words below and the button stay in the smallest window too.
        let height = (ui.ctx().content_rect().height() - 290.0).max(80.0);
        ScrollArea::vertical().max_height(height).show(ui, |ui| Action::ALL.into_iter().for_each(|a| keys_of(ui, a)));
        ui.add_space(GAP);
        let text = "A score says how much less likely the picture is for a model that has unlearned the group, in nats. \
                    An unlearned model is an approximation of one that never saw the group. \
                    Near images are shown beside it; being near does not mean having shaped the picture.";
        ui.label(RichText::new(text).color(t.weak));
        ui.add_space(GAP);
        ui.button("Close").clicked()
    });
    if shown.inner || shown.should_close() {
        view.drafts.help = false;
    }
}

/// An action and its keys.
fn keys_of(ui: &mut Ui, action: Action) {
    let t = tokens(ui);
    ui.horizontal(|ui| {
        ui.label(action.text()).on_hover_text(action.tooltip());
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let keys = ui.ctx().format_shortcut(&action.shortcut());
            ui.label(RichText::new(keys).font(theme::caption()).color(t.weak));
        });
    });
}
