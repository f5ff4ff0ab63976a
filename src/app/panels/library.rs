//! All training images by group: search, filter, order, tile size, and one image large.

mod bar;
pub(super) mod filters;
mod loupe;
mod pair;

use std::collections::BTreeSet;

use egui::{Align, Button, Key, Layout, Modifiers, RichText, Ui};

use super::View;
use crate::app::actions::Command;
use crate::app::files::Pick;
use crate::app::library::{Arrangement, Filter, LibraryOptions};
use crate::app::state::Slot;
use crate::app::theme::tokens;
use crate::app::widgets::image_grid::{GridContents, GridEvent};
use crate::app::widgets::point_map;

/// Draws the panel in the remaining space.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    let before = view.library.options.clone();
    content(ui, view);
    if view.library.options != before {
        // The new order is computed at the beginning of the next frame.
        ui.ctx().request_repaint();
    }
}

fn content(ui: &mut Ui, view: &mut View<'_>) {
    let Some(dataset) = &view.state.dataset else { return no_dataset(ui, view) };
    keys(ui, view);
    bar::show(ui, view, dataset);
    ui.add_space(4.0);
    let number = view.state.dataset_id;
    let Some((arrangement, _)) = view.library.arrangement(number) else {
        message(ui, "Sorting the images…", None);
        return;
    };
    if let Some(shown) = view.library.pair {
        let order = arrangement.order.clone();
        if pair::show(ui, view, dataset, shown, &order) {
            return;
        }
        view.library.pair = None;
    }
    let Some((arrangement, _)) = view.library.arrangement(number) else { return };
    if let Some(image) = view.state.image.filter(|_| view.library.loupe) {
        let position = loupe::Position::new(&arrangement.order, image);
        return loupe::show(ui, view, dataset, image, &position);
    }
    if arrangement.order.is_empty() {
        let filter = &view.library.options.filter;
        let narrowed = !Filter { groups: BTreeSet::new(), ..filter.clone() }.is_open();
        let text = if narrowed { "No matching images" } else { "No images of this group in this order" };
        if message(ui, text, Some("Show all images")) {
            view.library.options = LibraryOptions { sort: view.library.options.sort, ..LibraryOptions::default() };
        }
        return;
    }
    let side = view.library.side;
    let (selected, group) = (view.state.image, view.state.group);
    let ratings = view.state.annotations.ratings.as_ref();
    let events = view.library.with_grid(number, |grid, arrangement, version| {
        let Arrangement { order, sections, mixed } = arrangement;
        let mixed = *mixed;
        grid.show(
            ui,
            &GridContents { dataset, number, order, sections, mixed, version, side, ratings, selected, group },
        )
    });
    for event in events {
        match event {
            GridEvent::SelectImage(image) => view.out.push(Command::SelectImage(image)),
            GridEvent::ViewLarge(image) => {
                view.out.push(Command::SelectImage(Some(image)));
                view.library.loupe = true;
            }
            GridEvent::SelectGroup(clicked) => {
                view.out.push(Command::SelectGroup((group != Some(clicked)).then_some(clicked)))
            }
        }
    }
}

/// Tile size by keys, unless a text field has the focus.
fn keys(ui: &Ui, view: &mut View<'_>) {
    // The same keys enlarge a pair, and a map that has the focus.
    if ui.text_edit_focused() || view.library.pair.is_some() || point_map::has_focus(ui.ctx()) {
        return;
    }
    for (key, steps) in [(Key::Plus, 1), (Key::Equals, 1), (Key::Minus, -1)] {
        // With and without Shift: the layout of these keys differs between keyboards.
        if ui.input_mut(|i| i.consume_key(Modifiers::NONE, key)) {
            view.library.resize(steps);
        }
    }
}

/// Shown without a dataset: why, and the button that opens one.
fn no_dataset(ui: &mut Ui, view: &mut View<'_>) {
    if let Some(job) = view.state.busy(Slot::Dataset).or_else(|| view.state.busy(Slot::Project)) {
        let text = format!("{}…", job.title);
        message(ui, &text, None);
    } else if message(ui, "All training images, by group, to browse and compare", Some("Open a dataset…")) {
        view.out.push(Command::Pick(Pick::Dataset));
    }
}

/// A text in the middle, with an optional button. Returns whether the button was clicked.
fn message(ui: &mut Ui, text: &str, button: Option<&str>) -> bool {
    let t = tokens(ui);
    let space = ui.available_size();
    ui.allocate_ui_with_layout(space, Layout::top_down(Align::Center), |ui| {
        ui.set_min_size(space);
        ui.add_space(space.y * 0.4);
        ui.label(RichText::new(text).color(t.text));
        ui.add_space(6.0);
        button.is_some_and(|text| ui.add(Button::new(RichText::new(text).color(t.window)).fill(t.strong)).clicked())
    })
    .inner
}
