//! Short messages at the bottom right, which disappear by themselves.

use egui::accesskit::Role;
use egui::{Align, Align2, Area, Button, Frame, Id, Label, Layout, Margin, Order, RichText, Stroke, Ui, vec2};

use super::View;
use crate::app::actions::Command;
use crate::app::theme::{self, RADIUS, tokens};

/// Draws the messages above the bottom panels, which have this height.
pub fn show(ui: &mut Ui, view: &mut View<'_>, below: f32) {
    if view.shell.log.toasts.is_empty() || view.shell.presenting {
        return;
    }
    let t = tokens(ui);
    Area::new(Id::unique("toasts"))
        .order(Order::Foreground)
        .anchor(Align2::RIGHT_BOTTOM, vec2(-theme::GAP, -theme::GAP - below))
        .show(ui.ctx(), |ui| {
            ui.with_layout(Layout::top_down(Align::Max), |ui| {
                for toast in &view.shell.log.toasts {
                    let frame = Frame::new()
                        .fill(t.raised)
                        .stroke(Stroke::new(1.0, t.outline))
                        .corner_radius(RADIUS)
                        .inner_margin(Margin::symmetric(12, 7));
                    let shown = frame.show(ui, |ui| {
                        // From the right, as wide as the words.
                        ui.horizontal(|ui| {
                            let close = RichText::new("Dismiss").font(theme::caption()).color(t.weak);
                            let close = ui.add(Button::new(close).frame(false));
                            if close.on_hover_text("Take this message away; it stays in the log").clicked() {
                                view.out.push(Command::DismissToast(toast.key));
                            }
                            ui.add(Label::new(RichText::new(&toast.text).color(t.strong)).truncate());
                        });
                    });
                    // Screen readers speak it when it appears.
                    ui.ctx().accesskit_node_builder(shown.response.id, |node| {
                        node.set_role(Role::Alert);
                        node.set_label(toast.text.clone());
                    });
                }
            });
        });
}
