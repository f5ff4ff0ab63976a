//! The query images, and two ways to add one: from a seed and from a file.

mod menu;

use egui::{Button, CollapsingHeader, ComboBox, DragValue, RichText, ScrollArea, Ui};

use super::View;
use super::library::filters;
use crate::app::actions::{Action, Command};
use crate::app::bidi;
use crate::app::state::{Query, Rating, Slot};
use crate::app::theme::{self, tokens};
use crate::app::widgets::{TextureKey, Tile, star, tile};
use whence_diffusion::SamplerKind;

/// Side length of a tile.
const SIDE: f32 = 62.0;
/// Width of labels.
const LABEL: f32 = 56.0;
/// Space between tiles.
const SPACE: f32 = 6.0;

/// Draws the panel.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    let n = view.state.queries.len();
    let filter = view.forms.query_filter;
    let listed: Vec<&Query> = view.state.queries.iter().filter(|q| filter.admits(q.rating)).collect();
    let count = match (n, listed.len()) {
        (0, _) => String::new(),
        (all, shown) if shown < all => format!("{shown} of {all}"),
        (all, _) => all.to_string(),
    };
    super::heading(ui, "Query images", &count);
    if !filter.is_open() || view.state.queries.iter().any(|q| q.rating != Rating::default()) {
        filters::ratings(ui, &mut view.forms.query_filter, "query ratings", "query images");
    }
    ui.add_space(2.0);
    if n == 0 {
        let text = match view.state.busy(Slot::Query).or_else(|| view.state.busy(Slot::Project)) {
            Some(_) => "Opening images…",
            None if view.state.opening => "Opening images…",
            None => "The images to explain. Generate one from a seed, open one, or drop one here.",
        };
        super::empty(ui, text);
    } else if listed.is_empty() {
        super::empty(ui, "No query image has such a rating.");
    } else {
        tiles(ui, view, &listed);
    }
    ui.add_space(6.0);
    from_seed(ui, view);
    let size = egui::vec2(ui.available_width(), 28.0);
    if ui.add_sized(size, Button::new("Open image…")).on_hover_text(Action::OpenImage.hint(ui.ctx())).clicked() {
        view.out.push(Command::Act(Action::OpenImage));
    }
}

fn tiles(ui: &mut Ui, view: &mut View<'_>, listed: &[&Query]) {
    let columns = (((ui.available_width() + SPACE) / (SIDE + SPACE)).floor() as usize).max(1);
    let rows = listed.len().div_ceil(columns);
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing = egui::Vec2::splat(SPACE);
        ScrollArea::vertical().id_salt("queries").max_height(3.0 * (SIDE + SPACE)).show_rows(
            ui,
            SIDE,
            rows,
            |ui, range| {
                for row in range {
                    ui.horizontal(|ui| {
                        for query in listed.iter().skip(row * columns).take(columns) {
                            let q = &query.image;
                            let rating = query.rating.words();
                            let rated = if rating.is_empty() { rating } else { format!(", {rating}") };
                            let texture = view.textures.get(ui.ctx(), TextureKey::Query(query.key), q.shape, &q.pixels);
                            let response = tile(
                                ui,
                                &Tile {
                                    texture,
                                    name: &format!("{}{rated}", q.name),
                                    caption: None,
                                    side: SIDE,
                                    selected: view.state.current == Some(query.key),
                                    clickable: true,
                                },
                            );
                            badge(ui, response.rect, query.rating);
                            if response.clicked() {
                                view.out.push(Command::SelectQuery(query.key));
                            }
                            response.context_menu(|ui| menu::show(ui, view, query));
                            response.on_hover_text(bidi::display(&q.name));
                        }
                    });
                }
            },
        );
    });
}

/// The rating of a query in the corner of its tile.
fn badge(ui: &Ui, tile: egui::Rect, rating: Rating) {
    let t = tokens(ui);
    let painter = ui.painter();
    if rating.stars > 0 {
        let at = tile.right_top() + egui::vec2(-10.0, 10.0);
        star(painter, at, 6.5, t);
        let number = egui::FontId::proportional(9.0);
        painter.text(at + egui::vec2(0.0, 0.5), egui::Align2::CENTER_CENTER, rating.stars, number, t.window);
    }
    if rating.rejected {
        let (a, b) = (tile.left_bottom() + egui::vec2(5.0, -15.0), tile.left_bottom() + egui::vec2(15.0, -5.0));
        painter.rect_filled(egui::Rect::from_two_pos(a, b).expand(2.0), 3.0, t.window);
        for (from, to) in [(a, b), (egui::pos2(a.x, b.y), egui::pos2(b.x, a.y))] {
            painter.line_segment([from, to], egui::Stroke::new(2.0, t.warn));
        }
    }
}

/// The seed and the button in one line; the sampler settings below are collapsed.
fn from_seed(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    let ready = view.state.model.is_some();
    ui.add_enabled_ui(ready, |ui| {
        ui.horizontal(|ui| {
            let label = ui.label(RichText::new("Seed").color(t.text));
            ui.add(DragValue::new(&mut view.forms.seed).speed(0.1)).labelled_by(label.id);
            let size = egui::vec2(ui.available_width(), 28.0);
            let hint = if ready { Action::Generate.hint(ui.ctx()) } else { "Open a model first".into() };
            let draw = ui.add_sized(size, Button::new(Action::Generate.text()));
            if draw.on_hover_text(&hint).on_disabled_hover_text(&hint).clicked() {
                view.out.push(Command::Act(Action::Generate));
            }
        });
        let summary = view.forms.sampling.about();
        let title = RichText::new(summary).font(theme::caption()).color(t.weak);
        CollapsingHeader::new(title).id_salt("sampler settings").show(ui, |ui| {
            super::settings::row_of(ui, "Sampler", LABEL, |ui| {
                let chosen = &mut view.forms.sampling.sampler;
                ComboBox::from_id_salt("sampler").selected_text(chosen.title()).width(112.0).show_ui(ui, |ui| {
                    for kind in SamplerKind::ALL {
                        ui.selectable_value(chosen, kind, kind.title());
                    }
                });
            });
            if view.forms.sampling.sampler == SamplerKind::Ddim {
                super::settings::row_of(ui, "Eta", LABEL, |ui| {
                    ui.add(DragValue::new(&mut view.forms.sampling.eta).range(0.0..=1.0).speed(0.01))
                        .on_hover_text("Noise added while sampling: 0 none (deterministic), 1 as much as DDPM.");
                });
            }
            super::settings::row_of(ui, "Steps", LABEL, |ui| {
                let last = view.state.model.as_ref().map_or(1000, |m| m.timesteps.max(1));
                ui.add(DragValue::new(&mut view.forms.sampling.steps).range(1..=last).speed(1.0));
            });
        });
        class(ui, view);
    });
}

/// The class label, for class-conditional models.
fn class(ui: &mut Ui, view: &mut View<'_>) {
    let Some(classes) = view.state.model.as_ref().and_then(|m| m.classes) else { return };
    super::settings::row_of(ui, "Class", LABEL, |ui| {
        let last = classes.saturating_sub(1);
        ui.add(DragValue::new(&mut view.forms.class).range(0..=last).speed(0.05))
            .on_hover_text(format!("Class label, 0 to {last}. Used to generate and to explain images."));
    });
}
