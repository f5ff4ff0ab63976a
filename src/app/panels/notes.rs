//! The field of a note, and the stars of an image.

use egui::accesskit::Role;
use egui::{Id, Sense, TextEdit, Ui, WidgetInfo, vec2};

use super::View;
use crate::app::actions::Command;
use crate::app::state::{NOTE_LENGTH, Rating, STARS, Subject};
use crate::app::theme::{self, tokens};
use crate::app::widgets::star_shape;

/// Space of a star.
const STAR: f32 = 18.0;

/// The field of a note about `name`. It is saved while it is typed.
pub fn field(ui: &mut Ui, view: &mut View<'_>, subject: Subject, name: &str) {
    let saved = match &subject {
        Subject::Query(key) => view.state.queries.iter().find(|q| q.key == *key).map(|q| q.note.as_str()),
        Subject::Image(name) => view.state.annotations.image_notes.get(name).map(String::as_str),
        Subject::Group(name) => view.state.annotations.group_notes.get(name).map(String::as_str),
    };
    let mut text = saved.unwrap_or_default().to_owned();
    // What is typed in this frame is saved after it: until then the field keeps it.
    let id = Id::unique(("note", &subject));
    let rows = text.lines().count().clamp(1, 4);
    let edit = TextEdit::multiline(&mut text)
        .id(id)
        .desired_rows(rows)
        .desired_width(f32::INFINITY)
        .char_limit(NOTE_LENGTH)
        .font(theme::caption())
        .hint_text("Add a note");
    let response = ui.add(edit).accessible_name(format!("Note on {name}"));
    if response.changed() {
        view.out.push(Command::Note(subject, text));
    }
}

/// Five stars that can be clicked, and the reject flag.
pub fn rating(ui: &mut Ui, view: &mut View<'_>, subject: &Subject, rating: Rating) {
    let t = tokens(ui);
    ui.spacing_mut().item_spacing.x = 0.0;
    for star in 1..=STARS {
        let (rect, response) = ui.allocate_exact_size(vec2(STAR, 22.0), Sense::click());
        let filled = star <= rating.stars;
        let color = if filled { t.strong } else { t.outline };
        let color = if response.hovered() || response.has_focus() { t.text } else { color };
        star_shape(ui.painter(), rect.center(), 7.0, color);
        let name = if star == 1 { "1 star".to_owned() } else { format!("{star} stars") };
        response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, rating.stars == star, &name));
        if response.clicked() {
            view.out.push(Command::Rate(subject.clone(), rating.with_stars(star)));
        }
        response.on_hover_text(format!("{name} (Ctrl+{star}). Click again for none."));
    }
    ui.add_space(8.0);
    ui.spacing_mut().item_spacing.x = 8.0;
    let reject = ui.selectable_label(rating.rejected, "Rejected");
    if reject.on_hover_text("Flag this image as rejected (X).").clicked() {
        view.out.push(Command::Rate(subject.clone(), Rating { rejected: !rating.rejected, ..rating }));
    }
}
