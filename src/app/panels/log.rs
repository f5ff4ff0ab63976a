//! The log: notices and finished jobs, to be read and copied.

use egui::{Align, Button, Label, Layout, RichText, ScrollArea, Ui, vec2};

use super::View;
use crate::app::actions::{Action, Command};
use crate::app::log::{LogLevel, clock};
use crate::app::theme::{self, tokens};

/// Draws the log.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    let lines = &view.shell.log.lines;
    ui.horizontal(|ui| {
        ui.set_min_height(26.0);
        super::heading(ui, "Log", &if lines.is_empty() { String::new() } else { lines.len().to_string() });
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let button = |ui: &mut Ui, word: &str, name: &str, enabled: bool, hint: &str| {
                let widget = Button::new(RichText::new(word).font(theme::caption()));
                ui.add_enabled(enabled, widget).accessible_name(name).on_hover_text(hint).clicked()
            };
            if button(ui, "Close", "Close the log", true, "The log is kept and can be opened again.") {
                view.out.push(Command::Act(Action::Log));
            }
            let copy = Action::CopyLog;
            if button(ui, "Copy", copy.text(), !lines.is_empty(), copy.tooltip()) {
                view.out.push(Command::Act(copy));
            }
        });
    });
    if lines.is_empty() {
        super::empty(ui, "Warnings, errors and finished jobs are listed here.");
        return;
    }
    let height = ui.text_style_height(&egui::TextStyle::Small) + 4.0;
    (ui.spacing_mut().item_spacing.y, ui.spacing_mut().interact_size.y) = (4.0, height - 4.0);
    ScrollArea::vertical().id_salt("log").auto_shrink([false, false]).stick_to_bottom(true).show_rows(
        ui,
        height - 4.0,
        lines.len(),
        |ui, range| {
            for line in lines.iter().skip(range.start).take(range.len()) {
                ui.horizontal(|ui| {
                    let small = |text: &str, color| RichText::new(text.to_owned()).font(theme::caption()).color(color);
                    let column = |ui: &mut Ui, width: f32, text: &str, color| {
                        ui.allocate_ui_with_layout(
                            vec2(width, height - 4.0),
                            Layout::left_to_right(Align::Center),
                            |ui| {
                                ui.set_min_width(width);
                                ui.label(small(text, color));
                            },
                        );
                    };
                    column(ui, 52.0, &clock(line.at), t.weak);
                    let (color, ink) = match line.kind {
                        LogLevel::Failed => (t.error, t.error),
                        LogLevel::Note => (t.warn, t.text),
                        LogLevel::Done => (t.weak, t.text),
                    };
                    column(ui, 44.0, line.kind.word(), color);
                    ui.add(Label::new(small(&line.text, ink)).truncate().selectable(true)).on_hover_text(&line.text);
                });
            }
        },
    );
}
