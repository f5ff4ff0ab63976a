//! A warning or an error, shown where it belongs: what happened, what to do, and a button to try again.

use egui::accesskit::Role;
use egui::{Align, Button, Frame, Label, Layout, Margin, RichText, Stroke, Ui};

use crate::app::actions::Command;
use crate::app::state::Notification;
use crate::app::theme::{self, RADIUS, tokens};

/// Shows a notice.
pub fn notice(ui: &mut Ui, notification: &Notification, out: &mut Vec<Command>) {
    let t = tokens(ui);
    let color = if notification.failed { t.error } else { t.warn };
    let frame = Frame::new()
        .fill(t.raised)
        .stroke(Stroke::new(1.0, color.gamma_multiply(0.55)))
        .corner_radius(RADIUS)
        .inner_margin(Margin { left: 12, right: 10, top: 8, bottom: 8 });
    let shown = frame.show(ui, |ui| {
        ui.set_width(ui.available_width().min(760.0));
        let word = if notification.failed { "Failed" } else { "Note" };
        ui.horizontal(|ui| {
            ui.label(RichText::new(word).font(theme::caption()).color(color));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let close = Button::new(RichText::new("Dismiss").font(theme::caption()).color(t.weak)).frame(false);
                if ui.add(close).on_hover_text("Dismiss this message.").clicked() {
                    out.push(Command::Dismiss(notification.key));
                }
                if let Some(spec) = &notification.retry {
                    let retry = Button::new(RichText::new("Try again").font(theme::caption())).small();
                    if ui.add(retry).on_hover_text("Start this job again.").clicked() {
                        out.push(Command::Retry(spec.clone()));
                        out.push(Command::Dismiss(notification.key));
                    }
                }
            });
        });
        ui.add(Label::new(RichText::new(&notification.text).color(t.text)).wrap().selectable(true));
    });
    // Screen readers announce it when it appears.
    ui.ctx().accesskit_node_builder(shown.response.id, |node| {
        node.set_role(Role::Alert);
        node.set_label(notification.text.clone());
    });
}
