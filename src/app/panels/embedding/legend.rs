//! The legend: a click hides a group, or shows it again.

use egui::accesskit::Role;
use egui::{Align2, RichText, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use crate::app::format;
use crate::app::panels::View;
use crate::app::theme::{self, RADIUS, tokens};
use crate::app::widgets::{elided, hover, swatch};
use whence_data::Dataset;

const ROW: f32 = 24.0;

/// Draws the legend in the remaining space.
pub fn show(ui: &mut Ui, view: &mut View<'_>, dataset: &Dataset) {
    let t = tokens(ui);
    ui.vertical(|ui| {
        let hidden = view.forms.embedding.hidden.len();
        ui.horizontal(|ui| {
            ui.label(RichText::new("Groups").font(theme::caption()).color(t.weak));
            if hidden > 0 && ui.small_button("Show all").on_hover_text("Show the hidden groups again.").clicked() {
                view.forms.embedding.hidden.clear();
            }
        });
        ui.spacing_mut().item_spacing.y = 1.0;
        let groups = dataset.groups().len();
        let height = ui.available_height();
        ScrollArea::vertical().id_salt("legend").max_height(height).auto_shrink([false, true]).show_rows(
            ui,
            ROW,
            groups,
            |ui, range| range.for_each(|group| row(ui, view, dataset, group)),
        );
    });
}

fn row(ui: &mut Ui, view: &mut View<'_>, dataset: &Dataset, group: usize) {
    let t = tokens(ui);
    let name = dataset.group_name(group);
    let shown = !view.forms.embedding.hidden.contains(&group);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    let painter = ui.painter();
    if hover::hovered(ui, &response, group) {
        painter.rect_filled(rect, f32::from(RADIUS), t.control);
    }
    if response.has_focus() {
        painter.rect_stroke(rect, f32::from(RADIUS), Stroke::new(1.0, t.outline), StrokeKind::Inside);
    }
    let middle = rect.center().y;
    if shown {
        swatch(painter, pos2(rect.left() + 12.0, middle), 5.0, group, t);
    }
    let count = format::count(dataset.indices_of(group).len());
    let right =
        painter.text(pos2(rect.right() - 8.0, middle), Align2::RIGHT_CENTER, count, theme::caption(), t.weak);
    let color = if shown { t.text } else { t.weak };
    let galley = elided(painter, name, theme::caption(), color, right.left() - rect.left() - 34.0);
    let at = pos2(rect.left() + 26.0, middle - galley.size().y / 2.0);
    if !shown {
        let width = galley.size().x;
        painter.hline(at.x..=at.x + width, middle, Stroke::new(1.0, t.weak));
    }
    painter.galley(at, galley, color);
    let label = format!("Show {name} on the map");
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, shown, &label));
    if response.clicked() {
        let hidden = &mut view.forms.embedding.hidden;
        if !hidden.remove(&group) {
            hidden.insert(group);
        }
    }
    response.on_hover_text(if shown { "Click to hide this group." } else { "Click to show this group again." });
}
