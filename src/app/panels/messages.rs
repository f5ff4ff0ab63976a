//! Messages at the bottom right, over the window, so that nothing moves: short ones that disappear by themselves, and
//! warnings and failures that stay until dismissed, one per cause.

use egui::accesskit::Role;
use egui::{
    Align, Align2, Area, Button, Frame, Id, Label, Layout, Margin, Order, RichText, ScrollArea, Stroke, TextStyle, Ui,
    vec2,
};

use super::{PanelId, View};
use crate::app::actions::{Action, Command};
use crate::app::bidi;
use crate::app::state::Notification;
use crate::app::theme::{self, RADIUS, tokens};

/// Width of a message.
const WIDTH: f32 = 380.0;
/// Share of the window's height that messages take at most.
const SHARE: f32 = 0.55;
/// Messages shown at once; the older ones are in the log.
const SHOWN: usize = 4;

/// Draws the messages above the bottom panels, which have this height.
pub fn show(ui: &mut Ui, view: &mut View<'_>, below: f32) {
    let all: Vec<&Notification> = view.state.shown_notifications().collect();
    if (all.is_empty() && view.shell.log.toasts.is_empty()) || view.shell.presenting {
        return;
    }
    let height = ui.ctx().content_rect().height() * SHARE;
    Area::new(Id::unique("messages"))
        .order(Order::Foreground)
        .anchor(Align2::RIGHT_BOTTOM, vec2(-theme::GAP, -theme::GAP - below))
        .show(ui.ctx(), |ui| {
            // Never wider than the window.
            let width = WIDTH.min(ui.ctx().content_rect().width() - 2.0 * theme::GAP);
            ui.set_max_width(width);
            let list = ScrollArea::vertical().id_salt("messages").max_height(height).min_scrolled_height(height);
            list.stick_to_bottom(true).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 8.0;
                let hidden = all.len().saturating_sub(SHOWN);
                if hidden > 0 {
                    older(ui, view, hidden);
                }
                for notification in all.iter().skip(hidden) {
                    entry(ui, notification, view.out);
                }
                ui.with_layout(Layout::top_down(Align::Max), |ui| toasts(ui, view));
            });
        });
}

/// How many more there are, and where.
fn older(ui: &mut Ui, view: &mut View<'_>, hidden: usize) {
    let t = tokens(ui);
    let text = format!("{hidden} older in the log");
    Frame::new().fill(t.raised).corner_radius(RADIUS).inner_margin(Margin::symmetric(12, 4)).show(ui, |ui| {
        let button = Button::new(RichText::new(text).font(theme::caption()).color(t.weak)).frame(false);
        if ui.add(button).on_hover_text("Show the log.").clicked() && !view.shell.log_open {
            view.out.push(Command::Act(Action::Log));
        }
    });
}

/// A warning or a failure: what could not be done, why and what to do; paths and the system's words on request.
fn entry(ui: &mut Ui, notification: &Notification, out: &mut Vec<Command>) {
    let t = tokens(ui);
    let color = if notification.failed { t.error } else { t.warn };
    let frame = Frame::new()
        .fill(t.raised)
        .stroke(Stroke::new(1.0, color.gamma_multiply(0.7)))
        .corner_radius(RADIUS)
        .inner_margin(Margin { left: 14, right: 10, top: 8, bottom: 6 });
    let shown = frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 4.0;
        if notification.failed {
            let times = if notification.count > 1 { format!(" ({} times)", notification.count) } else { String::new() };
            let title = RichText::new(bidi::display(&format!("{}{times}", notification.title))).color(color);
            ui.add(Label::new(title).wrap().selectable(true));
        }
        let text = RichText::new(bidi::display(&notification.text)).font(theme::caption()).color(t.text);
        ui.add(Label::new(text).wrap().selectable(true));
        let open = details(ui, notification);
        buttons(ui, notification, open, out);
    });
    // The edge repeats the colour, so that a failure is seen at a glance.
    let edge = shown.response.rect.with_max_x(shown.response.rect.left() + 4.0);
    ui.painter().rect_filled(edge, f32::from(RADIUS), color);
    // Screen readers announce it when it appears.
    ui.ctx().accesskit_node_builder(shown.response.id, |node| {
        node.set_role(Role::Alert);
        node.set_label(notification.line());
    });
}

/// Whether the details of a notification are unfolded.
fn details_id(notification: &Notification) -> Id {
    Id::unique(("details of a message", notification.key))
}

/// The details, where they are unfolded. Returns whether they are; none where there are no details.
fn details(ui: &mut Ui, notification: &Notification) -> Option<bool> {
    if notification.details.is_empty() {
        return None;
    }
    let t = tokens(ui);
    let open = ui.data(|d| d.get_temp::<bool>(details_id(notification))).unwrap_or(false);
    if open {
        let text = RichText::new(&notification.details).text_style(TextStyle::Monospace).size(11.5).color(t.weak);
        ui.add(Label::new(text).wrap().selectable(true));
    }
    Some(open)
}

fn buttons(ui: &mut Ui, notification: &Notification, details: Option<bool>, out: &mut Vec<Command>) {
    let t = tokens(ui);
    let flat = |text: &str| Button::new(RichText::new(text).font(theme::caption()).color(t.weak)).frame(false);
    ui.horizontal(|ui| {
        ui.spacing_mut().interact_size.y = 22.0;
        if let Some(spec) = &notification.retry {
            let retry = Button::new(RichText::new("Try again").font(theme::caption())).small();
            if ui.add(retry).on_hover_text("Start this job again.").clicked() {
                out.push(Command::Retry(spec.clone()));
            }
        }
        if let Some(open) = details {
            let text = if open { "Hide details" } else { "Show details" };
            if ui.add(flat(text)).on_hover_text("Paths, and the system's own words.").clicked() {
                ui.data_mut(|d| d.insert_temp(details_id(notification), !open));
            }
            if open && ui.add(flat("Copy")).on_hover_text("Copy this message to the clipboard.").clicked() {
                ui.ctx().copy_text(notification.plain());
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let hint = "Remove this message; it stays in the log.";
            if ui.add(flat("Dismiss")).on_hover_text(hint).clicked() {
                out.push(Command::Dismiss(notification.key));
            }
        });
    });
}

/// Short messages, which disappear by themselves.
fn toasts(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
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
                if close.on_hover_text("Remove this message; it stays in the log.").clicked() {
                    view.out.push(Command::DismissToast(toast.key));
                }
                if let Some(result) = toast.result
                    && ui.button("Show").on_hover_text("Show this result. The present one stays in the list.").clicked()
                {
                    view.out.push(Command::SelectExplanation(result));
                    view.out.push(Command::Act(Action::ShowPanel(PanelId::Ranking)));
                    view.out.push(Command::DismissToast(toast.key));
                }
                ui.add(Label::new(RichText::new(bidi::display(&toast.text)).color(t.strong)).truncate());
            });
        });
        ui.ctx().accesskit_node_builder(shown.response.id, |node| {
            node.set_role(Role::Alert);
            node.set_label(toast.text.clone());
        });
    }
}
