//! The export dialog: type, options and file.

use egui::{Id, Key, Modal, RichText, TextEdit, Ui};

use super::View;
use super::settings::row_of;
use crate::app::actions::{self, Command};
use crate::app::export::{Content, Copied, Drawing, ExportForm, ExportRequest, Table, has_comparison};
use crate::app::files::Pick;
use crate::app::theme::{self, GAP, tokens};
use whence_report::TableFormat;

/// Width of the dialog and of its labels.
const WIDTH: f32 = 480.0;
const LABEL_WIDTH: f32 = 72.0;

/// Draws the dialog where it is open.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    if !view.forms.export.open {
        return;
    }
    view.forms.export.suggest(view.state);
    let frame = egui::Frame::popup(ui.style()).inner_margin(24.0).corner_radius(10);
    let shown = Modal::new(Id::unique("export")).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(WIDTH);
        ui.label(RichText::new("Export").font(theme::lead()).color(tokens(ui).strong));
        ui.add_space(GAP);
        options(ui, view);
        file(ui, view);
        result(ui, view);
        ui.add_space(GAP);
        buttons(ui, view)
    });
    if shown.inner || shown.should_close() {
        view.forms.export.close();
    }
}

/// Radio buttons in a row.
fn choices<T: Copy + PartialEq>(ui: &mut Ui, name: &str, chosen: &mut T, all: &[(T, &str, &str)]) {
    row_of(ui, name, LABEL_WIDTH, |ui| {
        for (value, text, hint) in all {
            ui.radio_value(chosen, *value, *text).on_hover_text(*hint);
        }
    });
}

fn options(ui: &mut Ui, view: &mut View<'_>) {
    let draft = &mut view.forms.export;
    let before = (draft.what, draft.drawing, draft.table, draft.format, draft.scale);
    choices(
        ui,
        "Type",
        &mut draft.what,
        &[
            (Content::Image, "Image of this view", "A PNG. Drop it onto the window to reopen this view."),
            (Content::Drawing, "Vector graphic", "An SVG of bars, tables or curves, for papers and slides."),
            (Content::Table, "Table", "Scores with full precision."),
            (Content::Report, "Report", "One HTML file about all explained images, for any browser and for printing."),
        ],
    );
    match draft.what {
        Content::Image => {
            choices(
                ui,
                "Scale",
                &mut draft.scale,
                &[
                    (1, "1×", "As on screen."),
                    (2, "2×", "Twice as many pixels per side."),
                    (4, "4×", "Four times as many pixels per side, for print."),
                ],
            );
            let area = draft.area.unwrap_or_else(|| ui.ctx().content_rect());
            let pixels = area.size() * ui.ctx().pixels_per_point() * f32::from(draft.scale);
            row_of(ui, "", LABEL_WIDTH, |ui| {
                note(ui, &format!("PNG, {:.0} × {:.0} px, includes settings to reopen this view", pixels.x, pixels.y));
            });
        }
        Content::Drawing => {
            choices(
                ui,
                "Include",
                &mut draft.drawing,
                &[
                    (Drawing::Ranking, "Ranking", "The bars of the result on screen."),
                    (Drawing::Comparison, "Comparison", "The bars of all results of this image."),
                    (Drawing::Table, "Numbers", "The scores of all results of this image, as a table."),
                    (Drawing::Unlearning, "Unlearning", "The curves of the selected group's unlearning."),
                ],
            );
            row_of(ui, "", LABEL_WIDTH, |ui| note(ui, "SVG, with real text"));
        }
        Content::Table => {
            let all = [
                (Table::Ranking, "This image", "The groups' scores for the image on screen."),
                (Table::All, "All images", "The groups' scores for all explained images."),
                (
                    Table::Comparison,
                    "Comparison of methods",
                    "The groups' scores for the image on screen, one column per explanation.",
                ),
            ];
            // The current choice is always listed, so that it can be changed.
            let offered = has_comparison(view.state) || draft.table == Table::Comparison;
            choices(ui, "Include", &mut draft.table, all.get(..if offered { 3 } else { 2 }).unwrap_or(&all));
            let of = |format: TableFormat| match format {
                TableFormat::Csv => (format, "CSV", "For spreadsheets."),
                TableFormat::Json => (format, "JSON", "For programs; with ranks, intervals and checks."),
            };
            choices(ui, "Format", &mut draft.format, &TableFormat::ALL.map(of));
        }
        Content::Report => row_of(ui, "", LABEL_WIDTH, |ui| note(ui, "HTML, all explained images")),
    }
    if before != (draft.what, draft.drawing, draft.table, draft.format, draft.scale) {
        draft.forget_outcome();
    }
}

fn file(ui: &mut Ui, view: &mut View<'_>) {
    row_of(ui, "Save to", LABEL_WIDTH, |ui| {
        let room = ui.available_width() - 92.0;
        let id = Id::unique("file to save");
        let pending = begin_typing(ui, &mut view.forms.export, id);
        let field = TextEdit::singleline(&mut view.forms.export.path).id(id).desired_width(room);
        let response = ui.add(field).accessible_name("File to save");
        let response = response.on_hover_text("The full path of the file. Its extension sets the type.");
        let draft = &mut view.forms.export;
        if pending {
            response.request_focus();
        }
        if response.changed() {
            draft.forget_outcome();
            draft.follow_ending();
        }
        if response.lost_focus()
            && ui.input(|i| i.key_pressed(Key::Enter))
            && let Ok(request) = draft.request(view.state)
        {
            view.out.push(Command::Export(request));
        }
        let browse = ui.add_enabled(!view.forms.dialog_open, egui::Button::new("Browse…"));
        if browse.on_hover_text("Choose the file in the system's dialog.").clicked() {
            view.out.push(Command::Pick(Pick::Export));
        }
    });
}

/// Prepares the path field of a dialog that was just opened. Text typed from then on replaces the suggested path, even if
/// the field does not have the focus yet. Returns whether the field still has to get the focus.
fn begin_typing(ui: &Ui, draft: &mut ExportForm, id: Id) -> bool {
    // A popup above the dialog receives the keys.
    if !draft.focus || !ui.memory(|m| m.is_above_modal_layer(ui.layer_id())) {
        return false;
    }
    draft.focus = !ui.memory(|m| m.has_focus(id));
    if draft.focus {
        draft.pending_text.push_str(&actions::typed(ui.ctx()));
        return true;
    }
    let typed = std::mem::take(&mut draft.pending_text);
    let first = typed.chars().count();
    if first > 0 {
        draft.path = typed;
        draft.follow_ending();
    }
    actions::select(ui.ctx(), id, first..draft.path.chars().count());
    false
}

/// The error, or the path of the saved file.
fn result(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    let draft = &view.forms.export;
    let (text, color) = match (&draft.error, &draft.saved) {
        (Some(text), _) => (text.clone(), t.error),
        (None, Some(path)) => (format!("Saved: {}", path.display()), t.text),
        (None, None) => return,
    };
    ui.add_space(6.0);
    ui.add(egui::Label::new(RichText::new(text).color(color)).wrap());
    if draft.missing_folder.is_some() {
        let button = ui.button("Create folder").on_hover_text("Create this folder and save the file in it.");
        if let (true, Ok(request)) = (button.clicked(), draft.request(view.state)) {
            view.out.push(Command::Export(ExportRequest { create_folder: true, ..request }));
        }
    }
}

/// Save and Cancel. Returns whether the dialog is to close.
fn buttons(ui: &mut Ui, view: &mut View<'_>) -> bool {
    let draft = &view.forms.export;
    let request = draft.request(view.state);
    let busy = draft.busy;
    let close = if draft.saved.is_some() { "Close" } else { "Cancel" };
    let mut close_clicked = false;
    ui.horizontal(|ui| {
        let save = ui.add_enabled(request.is_ok(), egui::Button::new(if busy { "Saving…" } else { "Save" }));
        match request {
            Ok(request) if save.clicked() => view.out.push(Command::Export(request)),
            Ok(_) => {}
            Err(reason) => {
                save.on_disabled_hover_text(reason);
            }
        }
        copy(ui, view);
        close_clicked = ui.button(close).on_hover_text("The options are kept for the next export.").clicked();
        if let Err(reason) = view.forms.export.request(view.state)
            && !busy
        {
            note(ui, reason);
        }
    });
    close_clicked
}

/// The button that copies to the clipboard instead, where that is possible.
fn copy(ui: &mut Ui, view: &mut View<'_>) {
    let draft = &view.forms.export;
    let what = match draft.what {
        Content::Image => Copied::Image { scale: draft.scale },
        Content::Table => Copied::Table { all: draft.table == Table::All },
        Content::Drawing | Content::Report => return,
    };
    let text = if draft.what == Content::Image { "Copy image" } else { "Copy table" };
    if ui.add_enabled(!draft.busy, egui::Button::new(text)).on_hover_text("Copy it to the clipboard.").clicked() {
        view.out.push(Command::Copy(what));
    }
}

fn note(ui: &mut Ui, text: &str) {
    ui.label(RichText::new(text).font(theme::caption()).color(tokens(ui).weak));
}
