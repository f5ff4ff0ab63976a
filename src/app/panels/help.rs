//! The help dialog: the keys, and how to read scores.

use egui::{Align, Id, Layout, Modal, RichText, ScrollArea, Ui};

use super::View;
use crate::app::actions::{Action, Command, Section};
use crate::app::theme::{self, GAP, tokens};

/// Draws the dialog where it is open.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    if !view.forms.help {
        return;
    }
    let t = tokens(ui);
    let frame = egui::Frame::popup(ui.style()).inner_margin(24.0).corner_radius(10);
    let shown = Modal::new(Id::unique("help")).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(760.0);
        ui.label(RichText::new("Shortcuts").font(theme::lead()).color(t.strong));
        ui.add_space(6.0);
        // Leaves room for the text and the buttons below in the smallest window.
        let height = (ui.ctx().content_rect().height() - 250.0).max(80.0);
        ScrollArea::vertical().max_height(height).show(ui, |ui| {
            ui.spacing_mut().item_spacing.x = 40.0;
            ui.columns(2, |columns| {
                let halves: [&[Section]; 2] =
                    [&[Section::Explain, Section::Open, Section::Tabs], &[Section::View, Section::Window]];
                for (ui, sections) in columns.iter_mut().zip(halves) {
                    (ui.spacing_mut().item_spacing.y, ui.spacing_mut().interact_size.y) = (3.0, 18.0);
                    sections.iter().for_each(|s| section(ui, *s));
                }
                if let Some(ui) = columns.first_mut() {
                    heading(ui, "Library, map and pair view, with the focus");
                    FOCUSED.into_iter().for_each(|(what, keys)| line(ui, what, "", keys));
                }
            });
        });
        ui.add_space(GAP);
        let text = "A score is the drop in the image's log-likelihood when the group is unlearned. It is measured in nats: one \
                    nat is a factor of e ≈ 2.7 in likelihood. An unlearned model approximates a model that was never trained \
                    on the group. The nearest training images are shown for orientation: similarity does not imply influence.";
        ui.label(RichText::new(text).color(t.weak));
        ui.add_space(GAP);
        ui.horizontal(|ui| {
            let close = ui.button("Close").clicked();
            let tour = ui.button(Action::Tour.text()).on_hover_text(Action::Tour.tooltip()).clicked();
            if tour {
                view.out.push(Command::Act(Action::Tour));
            }
            let glossary = super::glossary::button(ui, view);
            close || tour || glossary
        })
        .inner
    });
    if shown.inner || shown.should_close() {
        view.forms.help = false;
    }
}

/// Keys that belong to what has the focus, and are no actions.
const FOCUSED: [(&str, &str); 5] = [
    ("Move the selection, the map or the right image", "arrows"),
    ("Larger, smaller", "+ −"),
    ("View an image large", "Enter"),
    ("Whole map; both images whole", "Home; 0"),
    ("Lasso on the map", "Shift and drag"),
];

fn heading(ui: &mut Ui, text: &str) {
    ui.add_space(6.0);
    ui.label(RichText::new(text).font(theme::caption()).color(tokens(ui).weak));
}

fn section(ui: &mut Ui, section: Section) {
    heading(ui, section.title());
    section.actions().for_each(|action| action_with_keys(ui, action));
}

/// An action and its keys.
fn action_with_keys(ui: &mut Ui, action: Action) {
    let keys = action.keys(ui.ctx());
    if !keys.is_empty() {
        line(ui, action.text(), action.tooltip(), &keys);
    }
}

/// What keys do, and the keys.
fn line(ui: &mut Ui, text: &str, tooltip: &str, keys: &str) {
    let t = tokens(ui);
    ui.horizontal(|ui| {
        let label = ui.label(text);
        if !tooltip.is_empty() {
            label.on_hover_text(tooltip);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.label(RichText::new(keys).font(theme::caption()).color(t.weak));
        });
    });
}
