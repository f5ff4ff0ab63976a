//! The glossary, and the links that lead to its terms.

use egui::{Align, Button, Id, Modal, RichText, ScrollArea, Ui};

use super::View;
use crate::app::actions::{Action, Command};
use crate::app::glossary::Term;
use crate::app::theme::{self, GAP, tokens};

/// Draws the dialog where it is open, with the term that was asked for at the top.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    let Some(requested) = view.shell.glossary else { return };
    let t = tokens(ui);
    let frame = egui::Frame::popup(ui.style()).inner_margin(24.0).corner_radius(10);
    let shown = Modal::new(Id::unique("glossary")).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(560.0_f32.min(ui.ctx().content_rect().width() - 96.0));
        ui.label(RichText::new("Glossary").font(theme::lead()).color(t.strong));
        ui.add_space(6.0);
        let height = (ui.ctx().content_rect().height() - 190.0).max(120.0);
        ScrollArea::vertical().max_height(height).show(ui, |ui| {
            for term in Term::ALL {
                let is_requested = requested == Some(term);
                let color = if is_requested { t.strong } else { t.text };
                let title = ui.label(RichText::new(term.title()).strong().color(t.strong));
                // Only once: afterwards the reader scrolls.
                if is_requested && ui.data_mut(|d| d.remove_temp::<Term>(scroll_id())).is_some() {
                    title.scroll_to_me(Some(Align::TOP));
                }
                ui.label(RichText::new(term.text()).color(color));
                ui.add_space(10.0);
            }
        });
        ui.add_space(GAP);
        ui.button("Close").clicked()
    });
    if shown.inner || shown.should_close() {
        view.shell.glossary = None;
    }
}

/// Where it is noted that the glossary shall scroll to a term.
fn scroll_id() -> Id {
    Id::unique("scroll the glossary")
}

/// Links to the terms that a reader of the ranking needs first.
pub fn questions(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().interact_size.y = 18.0;
        ui.spacing_mut().button_padding = egui::vec2(0.0, 1.0);
        for (term, question) in Term::QUESTIONS {
            let text = RichText::new(question).font(theme::caption()).color(t.weak).underline();
            if ui.add(Button::new(text).frame(false)).on_hover_text(term.text()).clicked() {
                open(ui, view, term);
            }
            ui.add_space(6.0);
        }
    });
}

/// Opens the glossary at a term.
fn open(ui: &Ui, view: &mut View<'_>, term: Term) {
    ui.data_mut(|d| d.insert_temp(scroll_id(), term));
    view.out.push(Command::Define(term));
}

/// The button of the help that opens the glossary.
pub fn button(ui: &mut Ui, view: &mut View<'_>) -> bool {
    let clicked = ui.button(Action::Glossary.text()).on_hover_text(Action::Glossary.tooltip()).clicked();
    if clicked {
        view.out.push(Command::Act(Action::Glossary));
    }
    clicked
}
