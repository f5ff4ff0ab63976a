//! The dialog that asks for the name of a filter or of a workspace.

use egui::{Button, Id, Key, Modal, RichText, TextEdit, Ui};

use super::View;
use crate::app::actions::Command;
use crate::app::shell::NameOf;
use crate::app::state::NAME_LENGTH;
use crate::app::theme::{self, tokens};

/// Draws the dialog where it is open.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    let Some(mut naming) = view.shell.naming.take() else { return };
    let t = tokens(ui);
    let (title, field, taken) = match naming.of {
        NameOf::Workspace => (
            "Save workspace",
            "Name of the workspace",
            view.shell.workspaces.iter().any(|w| w.name == naming.name.trim()),
        ),
        NameOf::Filter => (
            "Save filter",
            "Name of the filter",
            view.state.annotations.filters.iter().any(|f| f.name == naming.name.trim()),
        ),
    };
    let frame = egui::Frame::popup(ui.style()).inner_margin(20.0).corner_radius(10);
    let shown = Modal::new(Id::unique("name")).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(320.0);
        ui.label(RichText::new(title).font(theme::lead()).color(t.strong));
        ui.add_space(8.0);
        let edit = TextEdit::singleline(&mut naming.name).char_limit(NAME_LENGTH).desired_width(f32::INFINITY);
        let response = ui.add(edit.hint_text("Name")).accessible_name(field);
        let entered = response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        if !response.has_focus() && !entered {
            response.request_focus();
        }
        let text = if taken { "This replaces what has this name." } else { " " };
        ui.label(RichText::new(text).font(theme::caption()).color(t.warn));
        ui.add_space(4.0);
        let named = !naming.name.trim().is_empty();
        ui.horizontal(|ui| {
            let save = ui.add_enabled(named, Button::new("Save")).on_disabled_hover_text("Type a name first.");
            let cancel = ui.button("Cancel").clicked();
            (named && (entered || save.clicked()), cancel)
        })
        .inner
    });
    let (save, cancel) = shown.inner;
    if save {
        view.out.push(match naming.of {
            NameOf::Workspace => Command::SaveWorkspace(naming.name),
            NameOf::Filter => Command::SaveFilter(naming.name),
        });
    } else if !cancel && !shown.should_close() {
        view.shell.naming = Some(naming);
    }
}
