//! The controls above the image grid.

use egui::{Align, Align2, Button, ComboBox, Label, Layout, RichText, Slider, TextEdit, Ui};

use super::filters;
use crate::app::actions::{Action, Command};
use crate::app::format;
use crate::app::library::{SIDES, Sort, affected_images, can_compare};
use crate::app::panels::View;
use crate::app::theme::{self, tokens};
use whence_data::Dataset;

/// Draws two lines: search, filter, order and tile size; and the count with the actions on the selected image.
pub fn show(ui: &mut Ui, view: &mut View<'_>, dataset: &Dataset) {
    ui.horizontal_wrapped(|ui| {
        search(ui, view);
        filters::groups(ui, view, dataset);
        filters::ratings(ui, &mut view.library.options.filter.ratings, "library ratings", "training images");
        filters::saved(ui, view, dataset);
        filters::lasso(ui, view);
        order(ui, view, dataset);
        size(ui, view);
    });
    ui.horizontal(|ui| {
        let t = tokens(ui);
        let shown = view.library.arrangement(view.state.dataset_id).map_or(0, |(a, _)| a.order.len());
        let all = format::plural(dataset.len(), "image");
        let count = if shown == dataset.len() { all } else { format!("{} of {all}", format::count(shown)) };
        ui.label(RichText::new(count).font(theme::caption()).color(t.weak));
        let caution = match view.library.options.sort {
            Sort::Query => "sorted by pixel distance to the query image; similarity is not causation",
            Sort::Similar(_) => "sorted by pixel distance",
            Sort::MostAffected => "sorted by the rise of their own loss when the group was unlearned",
            Sort::Group | Sort::Name => "",
        };
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            selection(ui, view, dataset);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(Label::new(RichText::new(caution).font(theme::caption()).color(t.weak)).truncate());
            });
        });
    });
}

fn search(ui: &mut Ui, view: &mut View<'_>) {
    let field = TextEdit::singleline(&mut view.library.options.filter.search)
        .align(Align2::LEFT_CENTER)
        .hint_text("Search by name")
        .desired_width(180.0);
    let response = ui.add(field).accessible_name("Search images by name");
    if std::mem::take(&mut view.shell.focus_filter) {
        response.request_focus();
    }
    response.on_hover_text("Shows images whose names contain this text (Ctrl+F).");
}

fn order(ui: &mut Ui, view: &mut View<'_>, dataset: &Dataset) {
    let now = view.library.options.sort;
    let text = match now {
        Sort::Group => "By group".to_owned(),
        Sort::Name => "By name".to_owned(),
        Sort::Query => "Nearest to the query image".to_owned(),
        Sort::Similar(image) => format!("Similar to {}", format::cut(dataset.image_name(image), 24)),
        Sort::MostAffected => "Most affected by unlearning".to_owned(),
    };
    let (comparable, affected) = (can_compare(view.state), affected_images(view.state).is_some());
    let selected = view.state.query().is_some() && view.state.group.is_some();
    let reason = if selected {
        "Compute the most affected images first: Explain tab, Evidence."
    } else {
        "Explain an image and select a group first."
    };
    let chosen = &mut view.library.options.sort;
    let shown = ComboBox::from_id_salt("library order").selected_text(text.as_str()).width(190.0).truncate();
    let response = shown.show_ui(ui, |ui| {
        ui.selectable_value(chosen, Sort::Group, "By group");
        ui.selectable_value(chosen, Sort::Name, "By name");
        ui.add_enabled_ui(comparable, |ui| ui.selectable_value(chosen, Sort::Query, "Nearest to the query image"))
            .inner
            .on_disabled_hover_text("Generate or open an image of the training images' size first.");
        ui.add_enabled_ui(affected, |ui| {
            ui.selectable_value(chosen, Sort::MostAffected, "Most affected by unlearning")
        })
        .inner
        .on_disabled_hover_text(reason);
        if matches!(now, Sort::Similar(_)) {
            ui.selectable_value(chosen, now, text.as_str());
        }
    });
    response.response.accessible_name("Order of the images").on_hover_text("Order of the images.");
}

fn size(ui: &mut Ui, view: &mut View<'_>) {
    ui.spacing_mut().slider_width = 120.0;
    ui.label(RichText::new("Tile size").font(theme::caption()).color(tokens(ui).weak));
    let slider = Slider::new(&mut view.library.side, SIDES).show_value(false).step_by(1.0).logarithmic(true);
    ui.add(slider).accessible_name("Tile size").on_hover_text("Size of the tiles (+ and −).");
}

/// Actions on the selected image, laid out from the right.
fn selection(ui: &mut Ui, view: &mut View<'_>, dataset: &Dataset) {
    let image = view.state.image;
    let similar = ui.add_enabled(image.is_some(), Button::new("Similar to this"));
    if similar
        .on_hover_text("Sorts the images by their pixel distance to the selected one.")
        .on_disabled_hover_text("Select an image first.")
        .clicked()
    {
        view.library.options.sort = image.map_or(Sort::Group, Sort::Similar);
        view.library.loupe = false;
    }
    let large = ui.add_enabled(image.is_some() && !view.library.loupe, Button::new("View large"));
    if large.on_hover_text("Shows the selected image large (Enter, or double click).").clicked() {
        view.library.loupe = true;
    }
    let pair = ui.add_enabled(image.is_some(), Button::new("Compare").selected(view.library.pair.is_some()));
    if pair.on_hover_text(Action::PairView.hint(ui.ctx())).on_disabled_hover_text("Select an image first.").clicked() {
        view.out.push(Command::Act(Action::PairView));
    }
    if let Some(image) = image {
        let rating = view.state.annotations.rating(dataset.image_name(image)).words();
        if !rating.is_empty() {
            ui.label(RichText::new(rating).font(theme::caption()).color(tokens(ui).weak));
        }
        let text = RichText::new(format::cut(dataset.image_name(image), 36)).color(tokens(ui).strong);
        ui.label(text).on_hover_text(dataset.image_name(image));
    }
}
