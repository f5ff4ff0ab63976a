//! The filters of the library: groups, ratings, the lasso, and filters saved under a name.

use egui::accesskit::Role;
use egui::containers::menu::{MenuButton, MenuConfig};
use egui::{
    Button, Checkbox, ComboBox, PopupCloseBehavior, RichText, ScrollArea, Sense, TextEdit, Ui, WidgetInfo, vec2,
};

use crate::app::actions::Command;
use crate::app::library::{Filter, RatingFilter, Rejects};
use crate::app::panels::View;
use crate::app::panels::top::triangle;
use crate::app::shell::Naming;
use crate::app::state::STARS;
use crate::app::theme::{self, tokens};
use crate::app::widgets::swatch;
use crate::app::{bidi, format};
use whence_data::Dataset;

/// With more groups than this, they can be searched.
const FEW: usize = 12;

/// Height of a group in the menu.
const ROW: f32 = 24.0;

/// The menu of the groups that are shown.
pub fn groups(ui: &mut Ui, view: &mut View<'_>, dataset: &Dataset) {
    let filter = &mut view.library.options.filter;
    let all = dataset.groups().len();
    let text = match filter.groups.len() {
        0 => "All groups".to_owned(),
        1 => {
            let name = filter.groups.first().map_or("", |g| dataset.group_name(*g));
            bidi::display(&format::cut(name, 20)).into_owned()
        }
        n => format!("{n} of {all} groups"),
    };
    let config = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    let button = Button::new((text.as_str(), triangle())).min_size(vec2(130.0, 26.0));
    let (response, _) = MenuButton::from_button(button).config(config).ui(ui, |ui| {
        ui.set_width(250.0);
        let search = &mut view.forms.group_search;
        if all > FEW {
            let field = TextEdit::singleline(search).hint_text("Search groups").desired_width(f32::INFINITY);
            ui.add(field).accessible_name("Search groups");
        } else {
            search.clear();
        }
        let wanted = search.trim().to_lowercase();
        let found: Vec<usize> = (0..all)
            .filter(|group| wanted.is_empty() || dataset.group_name(*group).to_lowercase().contains(&wanted))
            .collect();
        ui.horizontal(|ui| {
            if ui.button("All").on_hover_text("Show all groups.").clicked() {
                filter.groups.clear();
            }
            let only = ui.add_enabled(!found.is_empty() && found.len() < all, Button::new("Only these"));
            if only.on_hover_text("Show the groups that match the search, and no others.").clicked() {
                filter.groups = found.iter().copied().collect();
            }
        });
        if found.is_empty() {
            ui.label(RichText::new("No matching groups").color(tokens(ui).weak));
        }
        let height = ROW * 12.0;
        ScrollArea::vertical().max_height(height).show_rows(ui, ROW, found.len(), |ui, range| {
            for group in found.get(range).unwrap_or_default() {
                group_row(ui, filter, dataset, *group, all);
            }
        });
    });
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Groups to show: {text}")));
    response.on_hover_text("Shows the images of the groups that are ticked.");
}

/// One group: a tick, and a button that shows it alone.
fn group_row(ui: &mut Ui, filter: &mut Filter, dataset: &Dataset, group: usize, all: usize) {
    let t = tokens(ui);
    ui.horizontal(|ui| {
        ui.set_height(ROW);
        let name = dataset.group_name(group);
        let mut shown = filter.shows_group(group);
        let ticked = ui.add(Checkbox::without_text(&mut shown)).accessible_name(format!("Show {name}"));
        if ticked.changed() {
            filter.set_group(group, shown, all);
        }
        let (rect, _) = ui.allocate_exact_size(vec2(12.0, 18.0), Sense::hover());
        swatch(ui.painter(), rect.center(), 5.0, group, t);
        let only = Button::new(bidi::display(&format::cut(name, 24)).into_owned()).frame(false);
        if ui.add(only).on_hover_text("Show only this group.").accessible_name(format!("Only {name}")).clicked() {
            filter.groups = [group].into();
        }
    });
}

/// The menu of stars and of what is rejected.
pub fn ratings(ui: &mut Ui, filter: &mut RatingFilter, id: &str, what: &str) {
    let text = match (filter.stars, filter.rejects) {
        (0, Rejects::Shown) => "Any rating".to_owned(),
        (0, rejects) => rejects.text().to_owned(),
        (stars, Rejects::Shown) => at_least(stars),
        (stars, Rejects::Hidden) => format!("{}, not rejected", at_least(stars)),
        (stars, Rejects::Only) => format!("{}, rejected", at_least(stars)),
    };
    let shown = ComboBox::from_id_salt(id)
        .selected_text(&text)
        .width(110.0)
        .truncate()
        .height(320.0)
        .close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    let response = shown.show_ui(ui, |ui| {
        ui.selectable_value(&mut filter.stars, 0, "Any number of stars");
        for stars in 1..=STARS {
            ui.selectable_value(&mut filter.stars, stars, at_least(stars));
        }
        ui.separator();
        for rejects in Rejects::ALL {
            ui.selectable_value(&mut filter.rejects, rejects, rejects.text());
        }
    });
    response
        .response
        .accessible_name(format!("Ratings of {what} to show"))
        .on_hover_text("Shows images by their rating.");
}

fn at_least(stars: u8) -> String {
    match stars {
        STARS => "5 stars".into(),
        1 => "1 star or more".into(),
        n => format!("{n} stars or more"),
    }
}

/// The menu of the saved filters.
pub fn saved(ui: &mut Ui, view: &mut View<'_>, dataset: &Dataset) {
    let t = tokens(ui);
    let filters = &view.state.annotations.filters;
    let menu = ui.menu_button("Filters", |ui| {
        ui.set_min_width(230.0);
        if filters.is_empty() {
            ui.label(RichText::new("Saved filters are listed here.").color(t.weak));
        }
        for filter in filters.iter() {
            ui.horizontal(|ui| {
                let now = Filter::load(filter, dataset) == view.library.options.filter;
                let button = Button::selectable(now, format::cut(&filter.name, 28)).min_size(vec2(180.0, 24.0));
                if ui.add(button).on_hover_text("Use this filter.").clicked() {
                    view.out.push(Command::UseFilter(filter.name.clone()));
                    ui.close();
                }
                let delete = ui.button("Delete").on_hover_text("Delete this filter.");
                if delete.accessible_name(format!("Delete filter {}", filter.name)).clicked() {
                    view.out.push(Command::DeleteFilter(filter.name.clone()));
                }
            });
        }
        ui.separator();
        let open = view.library.options.filter.is_open();
        let save = ui.add_enabled(!open, Button::new("Save this filter…"));
        let save = save.on_disabled_hover_text("Choose groups, ratings, a name or a lasso first.");
        if save.on_hover_text("Save groups, ratings, name and lasso under a name.").clicked() {
            view.shell.naming = Some(Naming::filter());
            ui.close();
        }
        if ui.add_enabled(!open, Button::new("Clear all filters")).clicked() {
            view.library.options.filter = Filter::default();
            ui.close();
        }
    });
    menu.response.on_hover_text("Filters saved under a name.");
}

/// The lasso of the embedding map, where there is one.
pub fn lasso(ui: &mut Ui, view: &mut View<'_>) {
    let Some(lasso) = &view.library.options.filter.lasso else { return };
    let text = format!("Lasso: {}", format::plural(lasso.len(), "image"));
    ui.label(RichText::new(text).font(theme::caption()).color(tokens(ui).strong));
    if ui.button("Clear lasso").on_hover_text("Show images outside the lasso too.").clicked() {
        view.library.options.filter.lasso = None;
    }
}
