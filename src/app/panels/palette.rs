//! The command palette: a search field and the matching entries.

use egui::accesskit::Role;
use egui::{
    Align2, Frame, Id, Key, Label, Modal, Modifiers, Rect, RichText, ScrollArea, Sense, TextEdit, Ui, UiBuilder,
    WidgetInfo, pos2, vec2,
};

use super::View;
use crate::app::actions::{self, Action, Command};
use crate::app::format;
use crate::app::palette::{Entry, Palette, entries, ranked};
use crate::app::theme::{self, RADIUS, ROW, tokens};

const WIDTH: f32 = 560.0;
/// Entries on screen at a time.
const LINES: f32 = 11.0;

/// Draws the palette where it is open.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    let Some(mut palette) = view.shell.palette.take() else { return };
    let all = entries(ui.ctx(), view.state, view.shell);
    let frame = Frame::popup(ui.style()).inner_margin(10.0).corner_radius(10);
    let id = Id::unique("palette");
    let top = (ui.ctx().content_rect().height() * 0.12).round();
    let area = Modal::default_area(id).anchor(Align2::CENTER_TOP, vec2(0.0, top));
    let shown = Modal::new(id).area(area).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 48.0));
        contents(ui, &mut palette, &all)
    });
    match &shown.inner {
        Some(entry) => view.out.push(entry.command.clone()),
        None if shown.should_close() => view.out.push(Command::Act(Action::Clear)),
        None => {}
    }
    if shown.inner.is_none() {
        view.shell.palette = Some(palette);
    }
}

/// The field and the list. Returns the entry that was activated.
fn contents(ui: &mut Ui, palette: &mut Palette, all: &[Entry]) -> Option<Entry> {
    let t = tokens(ui);
    // Taken before the field sees them, where they would move the cursor.
    let (down, up, enter) = ui.input_mut(|i| {
        let mut taken = |key| i.count_and_consume_key(Modifiers::NONE, key);
        (taken(Key::ArrowDown), taken(Key::ArrowUp), taken(Key::Enter) > 0)
    });
    let id = Id::unique("search or run");
    if !ui.memory(|m| m.has_focus(id)) {
        // The field gets the focus in the next frame; text typed until then is not lost.
        palette.text.push_str(&actions::typed(ui.ctx()));
        let end = palette.text.chars().count();
        actions::select(ui.ctx(), id, end..end);
    }
    let field = TextEdit::singleline(&mut palette.text)
        .id(id)
        .hint_text("Action, group, image or project")
        .font(theme::body())
        .margin(vec2(8.0, 7.0))
        .desired_width(f32::INFINITY);
    let response = ui.add(field).accessible_name("Search or run");
    response.request_focus();
    if response.changed() {
        palette.chosen = 0;
    }
    ui.add_space(4.0);
    let found = ranked(&palette.text, all);
    if found.is_empty() {
        ui.add_space(6.0);
        ui.label(RichText::new("No matches").color(t.weak));
        return None;
    }
    let last = found.len() - 1;
    palette.chosen = (palette.chosen + down).min(last).saturating_sub(up);
    let list = Rows { all, found: &found, chosen: palette.chosen, scroll: down + up > 0 || response.changed() };
    let clicked = list.show(ui);
    let chosen = clicked.or_else(|| enter.then_some(palette.chosen))?;
    palette.chosen = chosen;
    let entry = all.get(*found.get(chosen)?)?;
    // A disabled entry does not close the palette, so that its reason can be read.
    entry.refused.is_none().then(|| entry.clone())
}

struct Rows<'a> {
    all: &'a [Entry],
    found: &'a [usize],
    chosen: usize,
    /// Whether to scroll to the chosen entry.
    scroll: bool,
}

impl Rows<'_> {
    /// Draws the visible entries. Returns the index of the one that was clicked.
    fn show(&self, ui: &mut Ui) -> Option<usize> {
        let mut clicked = None;
        let height = self.found.len() as f32 * ROW;
        ScrollArea::vertical().id_salt("found").max_height(LINES * ROW).auto_shrink([false, true]).show_viewport(
            ui,
            |ui, sight| {
                ui.set_height(height);
                let origin = ui.max_rect().min;
                let width = ui.available_width();
                let at =
                    |line: usize| Rect::from_min_size(pos2(origin.x, origin.y + line as f32 * ROW), vec2(width, ROW));
                if self.scroll {
                    ui.scroll_to_rect(at(self.chosen), None);
                }
                let first = (sight.top() / ROW).floor().max(0.0) as usize;
                let lines = (sight.height() / ROW).ceil() as usize + 1;
                for (line, index) in self.found.iter().enumerate().skip(first).take(lines) {
                    let Some(entry) = self.all.get(*index) else { continue };
                    if row(ui, at(line), line, entry, line == self.chosen) {
                        clicked = Some(line);
                    }
                }
            },
        );
        clicked
    }
}

/// An entry: name at the left, keys or reason at the right. Returns whether it was clicked.
fn row(ui: &mut Ui, rect: Rect, line: usize, entry: &Entry, chosen: bool) -> bool {
    let t = tokens(ui);
    let response = ui.interact(rect, ui.scope_id().with(("line", line)), Sense::click());
    if chosen || response.hovered() {
        ui.painter().rect_filled(rect, f32::from(RADIUS), if chosen { t.selected } else { t.control });
    }
    let color = match (entry.refused.is_some(), chosen) {
        (true, _) => t.weak,
        (false, true) => t.strong,
        (false, false) => t.text,
    };
    let detail = entry.refused.unwrap_or(&entry.detail);
    ui.scope_builder(UiBuilder::new().max_rect(rect.shrink2(vec2(10.0, 0.0))), |ui| {
        let right = ui.painter().text(
            pos2(rect.right() - 10.0, rect.center().y),
            Align2::RIGHT_CENTER,
            format::cut(detail, 60),
            theme::caption(),
            t.weak,
        );
        let mut room = rect.shrink2(vec2(10.0, 0.0));
        room.set_right(right.left() - 12.0);
        let name = Label::new(RichText::new(&entry.name).color(color)).truncate().selectable(false);
        ui.scope_builder(
            UiBuilder::new().max_rect(room).layout(egui::Layout::left_to_right(egui::Align::Center)),
            |ui| ui.add(name),
        );
    });
    let name = match entry.refused {
        Some(reason) => format!("{}: {reason}", entry.name),
        None => format!("{}, {}", entry.name, entry.detail).trim_end_matches(", ").to_owned(),
    };
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, entry.refused.is_none(), chosen, &name));
    response.clicked()
}
