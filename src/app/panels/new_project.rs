//! The dialog for a new project: its parts, what was found of them, its name and its folder.

mod found;

use egui::{Button, Frame, Id, Label, Margin, Modal, RichText, ScrollArea, TextEdit, Ui, vec2};

use super::View;
use super::score::capitalised;
use super::settings::row_of;
use crate::app::actions::Command;
use crate::app::files::Pick;
use crate::app::projects::ProjectCommand;
use crate::app::theme::{self, GAP, tokens};
use whence_engine::Field;

/// Width of the dialog and of its labels.
const WIDTH: f32 = 640.0;
const LABEL: f32 = 72.0;
/// Height of what is found of the dataset.
const FOUND: f32 = 176.0;
/// Height of the rest of the dialog, and the margin around it.
const AROUND: f32 = 210.0;

/// Draws the dialog where it is open.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    if !view.forms.new_project.open {
        return;
    }
    let frame = Frame::popup(ui.style()).inner_margin(24.0).corner_radius(10);
    let room = ui.ctx().content_rect().size();
    // A click beside it does not close it: what was typed would be lost.
    Modal::new(Id::unique("new project")).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(WIDTH.min(room.x - 96.0));
        let t = tokens(ui);
        ui.label(RichText::new("New project").font(theme::lead()).color(t.strong));
        let text = "A model, and the images it was trained on, in groups. Both stay where they are; nothing of them is changed.";
        ui.add(Label::new(RichText::new(text).color(t.weak)).wrap());
        ui.add_space(GAP);
        ScrollArea::vertical().max_height((room.y - AROUND).max(160.0)).show(ui, |ui| fields(ui, view));
        ui.add_space(GAP);
        buttons(ui, view);
    });
}

fn fields(ui: &mut Ui, view: &mut View<'_>) {
    let model = ("Model", "A diffusers folder with a config.json.", &[("Browse…", Pick::NewModel)][..]);
    path(ui, view, Field::Model, model);
    found::model(ui, &view.forms.new_project);
    ui.add_space(4.0);
    let data = (
        "Dataset",
        "A folder with one folder of images per group, or a parquet file.",
        &[("Folder…", Pick::NewDataset), ("File…", Pick::NewTable)][..],
    );
    path(ui, view, Field::Data, data);
    // Room for what is found, so that nothing moves under the pointer when it comes.
    ui.vertical(|ui| {
        ui.set_min_height(FOUND);
        found::dataset(ui, view);
        column(ui, view);
        found::classes(ui, &mut view.forms.new_project);
        error(ui, view, Field::Classes);
        found::cost(ui, view);
    });
    ui.add_space(6.0);
    row_of(ui, "Name", LABEL, |ui| {
        let field = TextEdit::singleline(&mut view.forms.new_project.name).desired_width(260.0);
        let response = ui.add(field).accessible_name("Name of the project");
        if response.changed() {
            clear(&mut view.forms.new_project.error, Field::Name);
        }
    });
    error(ui, view, Field::Name);
    let folder = ("Folder", "A new or an empty folder. Results are stored here.", &[("Browse…", Pick::NewFolder)][..]);
    path(ui, view, Field::Folder, folder);
}

/// The column that names the group, where a table leaves a choice.
fn column(ui: &mut Ui, view: &mut View<'_>) {
    if !view.forms.new_project.asks_for_column() {
        return;
    }
    row_of(ui, "", LABEL, |ui| {
        let field = TextEdit::singleline(&mut view.forms.new_project.column);
        let field = field.hint_text("Column that names the group").desired_width(260.0);
        let hint = "The column of the table that says which group an image belongs to.";
        ui.add(field).accessible_name("Group column of the dataset").on_hover_text(hint);
    });
}

/// A path with its buttons; what is wrong with it stands below.
fn path(ui: &mut Ui, view: &mut View<'_>, field: Field, (name, hint, picks): (&str, &str, &[(&str, Pick)])) {
    row_of(ui, name, LABEL, |ui| {
        let form = &mut view.forms.new_project;
        let text = match field {
            Field::Model => &mut form.model,
            Field::Data => &mut form.data,
            _ => &mut form.folder,
        };
        let width = ui.available_width() - 96.0 * picks.len() as f32;
        let edit = TextEdit::singleline(text).hint_text("Path, or drop it here").desired_width(width.max(120.0));
        let response = ui.add(edit).accessible_name(format!("{name} of the project")).on_hover_text(hint);
        if response.changed() {
            clear(&mut form.error, field);
        }
        if std::mem::take(&mut form.focus) {
            response.request_focus();
        }
        if response.lost_focus() && field != Field::Folder {
            form.inspect_now();
        }
        for (text, pick) in picks {
            let button = ui.add_enabled(!view.forms.dialog_open, Button::new(*text));
            let hint = "Choose it in the system's dialog.";
            if button.accessible_name(format!("{text} {name}")).on_hover_text(hint).clicked() {
                view.out.push(Command::Pick(*pick));
            }
        }
    });
    error(ui, view, field);
}

fn clear(error: &mut Option<(Field, String)>, field: Field) {
    if error.as_ref().is_some_and(|(of, _)| *of == field) {
        *error = None;
    }
}

/// What is wrong with a field, below it.
fn error(ui: &mut Ui, view: &View<'_>, field: Field) {
    if let Some((_, text)) = view.forms.new_project.error.as_ref().filter(|(of, _)| *of == field) {
        note(ui, text, true);
    }
}

/// A line below a field.
fn note(ui: &mut Ui, text: &str, failed: bool) {
    let t = tokens(ui);
    let color = if failed { t.error } else { t.weak };
    let text = capitalised(text);
    below(ui, |ui| {
        ui.add(Label::new(RichText::new(text).font(theme::caption()).color(color)).wrap().selectable(failed));
    });
}

/// What stands below a field, in line with it.
fn below(ui: &mut Ui, show: impl FnOnce(&mut Ui)) {
    let margin = Margin { left: LABEL as i8 + 8, ..Margin::ZERO };
    Frame::new().inner_margin(margin).show(ui, show);
}

fn buttons(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    let form = &view.forms.new_project;
    let request = form.request();
    let making = form.creating.is_some();
    ui.horizontal(|ui| {
        let text = if making { "Making the project…" } else { "Create project" };
        let (fill, ink) = if request.is_ok() { (t.strong, t.window) } else { (t.control, t.weak) };
        let create = Button::new(RichText::new(text).color(ink)).fill(fill).min_size(vec2(150.0, 30.0));
        let response = ui.add_enabled(request.is_ok(), create);
        if response.clicked() {
            view.out.push(Command::Project(ProjectCommand::Create));
        }
        if ui.add(Button::new("Cancel").min_size(vec2(72.0, 30.0))).clicked() {
            view.out.push(Command::Project(ProjectCommand::CancelNew));
        }
        if let Err(reason) = request
            && !making
        {
            ui.label(RichText::new(format!("{reason}.")).font(theme::caption()).color(t.weak));
        }
    });
}
