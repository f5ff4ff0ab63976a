//! The path field, and its messages in a popup, so that nothing moves.

use egui::{Align2, Area, Button, Frame, Id, Label, Order, Rect, RichText, TextEdit, Ui, vec2};

use crate::app::actions::{self, Action, Command};
use crate::app::files;
use crate::app::panels::View;
use crate::app::theme::{self, tokens};

/// Largest width of the message below the field.
const WIDTH: f32 = 420.0;

/// Draws the field and returns its rectangle.
pub fn field(ui: &mut Ui, view: &mut View<'_>) -> Rect {
    let id = actions::path_field();
    if view.forms.focus_path {
        // Requested before it is drawn, so that text typed in the meantime goes in.
        ui.memory_mut(|m| m.request_focus(id));
    }
    let width = (ui.available_width() - 8.0).clamp(60.0, 260.0);
    let field = TextEdit::singleline(&mut view.forms.path)
        .id(id)
        .align(Align2::LEFT_CENTER)
        .hint_text("Path, or drop a file")
        .desired_width(width);
    let response = ui.add(field).accessible_name("Path to open").on_hover_text(format!(
        "A project, model or dataset folder, a parquet file or an image ({}).",
        Action::TypePath.keys(ui.ctx())
    ));
    if response.has_focus() {
        (view.forms.focus_path, view.forms.path_open) = (false, true);
    } else if response.lost_focus() {
        view.forms.path_open = false;
    }
    if response.changed() {
        view.forms.path_error = None;
    }
    if response.lost_focus()
        && ui.input(|i| i.key_pressed(egui::Key::Enter))
        && let Some(path) = files::typed(&view.forms.path)
    {
        view.out.push(Command::Open(path));
    }
    response.rect
}

/// The error of the path, or a hint while a file dialog is open, below the field.
pub fn below(ui: &Ui, view: &mut View<'_>, field: Rect) {
    let t = tokens(ui);
    let (text, color, wrong) = match &view.forms.path_error {
        Some(text) => (text.clone(), t.error, true),
        // Without a desktop portal no dialog ever appears, so the alternatives are named.
        None if view.forms.dialog_open => {
            let text = "A file dialog is open. If none appears, type the path above or drop the file onto the window.";
            (text.to_owned(), t.weak, false)
        }
        None => return,
    };
    let area = Area::new(Id::unique("below the path")).order(Order::Foreground).pivot(Align2::RIGHT_TOP);
    area.fixed_pos(field.right_bottom() + vec2(0.0, 6.0)).show(ui.ctx(), |ui| {
        Frame::popup(ui.style()).inner_margin(12.0).show(ui, |ui| {
            ui.set_max_width(WIDTH);
            ui.add(Label::new(RichText::new(text).font(theme::caption()).color(color)).wrap());
            let close = Button::new(RichText::new("Dismiss").font(theme::caption()).color(t.weak)).frame(false);
            if wrong && ui.add(close).clicked() {
                view.forms.path_error = None;
            }
        });
    });
}
