//! The header of a group: mark, name and count. That of the topmost group stays visible while it is scrolled.

use egui::accesskit::Role;
use egui::{Align2, Rect, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2};

use super::layout::{HEADER, Layout, SectionLayout};
use super::{GridContents, GridEvent, on_screen};
use crate::app::format;
use crate::app::theme::{self, RADIUS, tokens};
use crate::app::widgets::{elided, swatch};

/// Draws the visible headers over the tiles.
pub fn show(ui: &Ui, contents: &GridContents<'_>, layout: &Layout, view: Rect, top: f64, events: &mut Vec<GridEvent>) {
    for section in layout.sections(top, top + f64::from(view.height())) {
        let Some(group) = section.group else { continue };
        let at = top.clamp(section.top, (section.bottom - HEADER).max(section.top));
        line(ui, contents, section, group, on_screen(view, top, at, HEADER), events);
    }
}

fn line(
    ui: &Ui,
    contents: &GridContents<'_>,
    section: &SectionLayout,
    group: usize,
    rect: Rect,
    events: &mut Vec<GridEvent>,
) {
    let t = tokens(ui);
    let name = contents.dataset.group_name(group);
    let selected = contents.group == Some(group);
    let response = ui.interact(rect, super::id().with(("header", group)), Sense::click());
    let painter = ui.painter();
    painter.rect_filled(rect, 0.0, t.window);
    let inner = rect.shrink2(egui::vec2(0.0, 3.0));
    if selected || response.hovered() {
        let fill = if selected { t.selected } else { t.control };
        painter.rect_filled(inner, f32::from(RADIUS), fill);
    }
    if response.has_focus() {
        painter.rect_stroke(inner, f32::from(RADIUS), Stroke::new(1.0, t.outline), StrokeKind::Inside);
    }
    let middle = inner.center().y;
    swatch(painter, pos2(inner.left() + 12.0, middle), 5.0, group, t);
    let color = if selected { t.strong } else { t.text };
    let galley = elided(painter, name, theme::body(), color, (inner.width() - 120.0).max(40.0));
    let end = inner.left() + 26.0 + galley.size().x;
    painter.galley(pos2(inner.left() + 26.0, middle - galley.size().y / 2.0), galley, color);
    let count = format::count(section.count);
    painter.text(pos2(end + 10.0, middle + 1.0), Align2::LEFT_CENTER, count, theme::caption(), t.weak);
    let label = format!("Images of {name}, {}", format::plural(section.count, "image"));
    response.widget_info(|| WidgetInfo::selected(Role::Button, ui.is_enabled(), selected, &label));
    if response.clicked() {
        events.push(GridEvent::SelectGroup(group));
    }
}
