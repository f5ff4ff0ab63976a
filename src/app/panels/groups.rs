//! The groups of the dataset, in their colours.

use egui::accesskit::Role;
use egui::{Align2, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::View;
use crate::app::actions::Command;
use crate::app::files::Pick;
use crate::app::projects::ProjectCommand;
use crate::app::state::Slot;
use crate::app::theme::{self, RADIUS, tokens};
use crate::app::widgets::{elided, hover, swatch};
use crate::app::{bidi, format};

const ROW: f32 = 26.0;

/// Draws the panel; it takes the remaining height of the side panel.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    let n = view.state.groups().len();
    super::heading(ui, "Groups", &if n == 0 { String::new() } else { n.to_string() });
    let Some(dataset) = &view.state.dataset else {
        let busy = |slot| view.state.busy(slot).is_some();
        let loading = view.state.opening || busy(Slot::Dataset) || busy(Slot::Project);
        super::empty(
            ui,
            if loading {
                "Reading the training images…"
            } else {
                "The groups of training images whose influence is measured."
            },
        );
        if !loading && ui.button("Open a dataset…").on_hover_text("One folder of images per group.").clicked() {
            view.out.push(Command::Pick(Pick::Dataset));
        }
        return;
    };
    ui.spacing_mut().item_spacing.y = 1.0;
    ScrollArea::vertical().id_salt("groups").auto_shrink([false, false]).show_rows(ui, ROW, n, |ui, range| {
        for group in range {
            row(ui, view, group, dataset.indices_of(group).len());
        }
    });
}

fn row(ui: &mut Ui, view: &mut View<'_>, group: usize, images: usize) {
    let t = tokens(ui);
    let name = view.state.group_name(group);
    let selected = view.state.group == Some(group);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    let hovered = hover::hovered(ui, &response, group);
    let painter = ui.painter();
    if selected || hovered {
        let fill = if selected { t.selected } else { t.control };
        painter.rect_filled(rect, f32::from(RADIUS), fill);
    }
    if response.has_focus() {
        painter.rect_stroke(rect, f32::from(RADIUS), Stroke::new(1.0, t.outline), StrokeKind::Inside);
    }
    let middle = rect.center().y;
    swatch(painter, pos2(rect.left() + 12.0, middle), 5.0, group, t);
    let right = painter.text(
        pos2(rect.right() - 8.0, middle),
        Align2::RIGHT_CENTER,
        format::count(images),
        theme::caption(),
        t.weak,
    );
    let color = if selected { t.strong } else { t.text };
    let galley = elided(painter, name, theme::body(), color, right.left() - rect.left() - 34.0);
    let cut = galley.elided;
    painter.galley(pos2(rect.left() + 26.0, middle - galley.size().y / 2.0), galley, color);
    let label = format!("Group {name}, {}", format::plural(images, "image"));
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, selected, &label));
    if response.clicked() {
        view.out.push(Command::SelectGroup(if selected { None } else { Some(group) }));
    }
    response.context_menu(|ui| {
        ui.set_min_width(190.0);
        if ui.button("Show its images in the library").clicked() {
            view.out.push(Command::Project(ProjectCommand::ShowGroup(group)));
        }
        if ui.button("Copy name").clicked() {
            view.out.push(Command::Project(ProjectCommand::CopyText(name.to_owned())));
        }
    });
    if cut {
        response.on_hover_text(bidi::display(name));
    }
}
