//! A warning or an error, shown where it belongs: what happened, what to do, and a button to try again.

use egui::accesskit::Role;
use egui::{Align, Button, Frame, Label, Layout, Margin, RichText, Stroke, Ui};

use crate::app::actions::Command;
use crate::app::format;
use crate::app::state::{Notification, Slot};
use crate::app::theme::{self, RADIUS, tokens};
use whence_jobs::JobSpec;

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
        ui.horizontal(|ui| {
            ui.label(RichText::new(title(notification)).font(theme::caption()).color(color));
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

/// What could not be done, by the failed job or else by the notice's slot.
fn title(notification: &Notification) -> String {
    if !notification.failed {
        return "Note".into();
    }
    let named = |what: &str, path: &std::path::Path| {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        format!("Could not {what} \u{201c}{}\u{201d}", format::cut(&name, 32))
    };
    match (&notification.retry, notification.slot) {
        (Some(JobSpec::OpenProject(path)), _) => named("open project", path),
        (Some(JobSpec::LoadModel(path)), _) => named("load model", path),
        (Some(JobSpec::LoadDataset(path)), _) => named("read dataset", path),
        (Some(JobSpec::LoadQuery(path)), _) => named("open image", path),
        (_, Slot::Project) => "Could not open the project".into(),
        (_, Slot::Model) => "Could not load the model".into(),
        (_, Slot::Dataset) => "Could not read the dataset".into(),
        (_, Slot::Query) => "Could not open the image".into(),
        (_, Slot::Generate) => "Could not generate the image".into(),
        (_, Slot::Explain) => "Could not explain the image".into(),
        (_, Slot::Evidence) => "Could not compute the evidence".into(),
        (_, Slot::Embedding) => "Could not make the embedding map".into(),
        (_, Slot::Other) => "Error".into(),
    }
}
