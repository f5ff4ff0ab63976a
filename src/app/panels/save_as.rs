//! The dialog for a copy of the project.

use egui::{Button, Frame, Id, Label, Modal, RichText, TextEdit, Ui};

use super::View;
use super::settings::row_of;
use crate::app::actions::Command;
use crate::app::files::Pick;
use crate::app::format;
use crate::app::projects::ProjectCommand;
use crate::app::theme::{self, GAP, tokens};

const WIDTH: f32 = 520.0;
const LABEL: f32 = 64.0;

/// Draws the dialog where it is open.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    if !view.forms.save_as.open {
        return;
    }
    let Some(root) = view.state.project.as_ref().map(|p| p.root.clone()) else { return };
    let frame = Frame::popup(ui.style()).inner_margin(24.0).corner_radius(10);
    Modal::new(Id::unique("save project as")).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(WIDTH);
        let t = tokens(ui);
        ui.label(RichText::new("Save project as").font(theme::lead()).color(t.strong));
        let text = "Copies the project's folder with its images and stored results, and opens the copy. A model or a dataset \
                    outside the folder is not copied.";
        ui.add(Label::new(RichText::new(text).color(t.weak)).wrap());
        ui.add_space(GAP);
        row_of(ui, "Name", LABEL, |ui| {
            let field = TextEdit::singleline(&mut view.forms.save_as.name).desired_width(260.0);
            let response = ui.add(field).accessible_name("Name of the copy");
            if std::mem::take(&mut view.forms.save_as.focus) {
                response.request_focus();
            }
        });
        row_of(ui, "Folder", LABEL, |ui| {
            let width = ui.available_width() - 96.0;
            let field = TextEdit::singleline(&mut view.forms.save_as.folder).desired_width(width);
            if ui.add(field).accessible_name("Folder of the copy").changed() {
                view.forms.save_as.error = None;
            }
            let browse = ui.add_enabled(!view.forms.dialog_open, Button::new("Browse…"));
            if browse.on_hover_text("Choose a new or an empty folder in the system's dialog.").clicked() {
                view.out.push(Command::Pick(Pick::CopyFolder));
            }
        });
        if let Some(text) = &view.forms.save_as.error {
            ui.add(Label::new(RichText::new(text).font(theme::caption()).color(t.error)).wrap());
        }
        ui.add_space(GAP);
        buttons(ui, view, &root);
    });
}

fn buttons(ui: &mut Ui, view: &mut View<'_>, root: &std::path::Path) {
    let t = tokens(ui);
    let form = &view.forms.save_as;
    let request = form.request(root);
    let copying = form.copying.is_some();
    ui.horizontal(|ui| {
        let text = if copying { "Copying…" } else { "Save copy" };
        let button = match request {
            Ok(_) => Button::new(RichText::new(text).color(t.window)).fill(t.strong),
            Err(_) => Button::new(text),
        };
        if ui.add_enabled(request.is_ok(), button).clicked() {
            view.out.push(Command::Project(ProjectCommand::SaveCopy));
        }
        if ui.button("Cancel").clicked() {
            view.out.push(Command::Project(ProjectCommand::CancelCopy));
        }
        let note = match (&request, form.progress) {
            (_, Some((done, all))) => format!("{} of {} files", format::count(done), format::count(all)),
            (Err(reason), None) if !copying => format!("{reason}."),
            _ => return,
        };
        ui.label(RichText::new(note).font(theme::caption()).color(t.weak));
    });
}
