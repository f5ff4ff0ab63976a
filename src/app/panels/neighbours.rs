//! The training images of the selected group that are nearest to the picture.

use egui::{RichText, ScrollArea, Sense, Ui, Vec2, vec2};

use super::View;
use crate::app::drafts::NEAREST;
use crate::app::format;
use crate::app::state::State;
use crate::app::theme::{self, tokens};
use crate::app::widgets::{Picture, Tile, swatch, tile};
use crate::dataset::{Dataset, Neighbour};

const SPACE: f32 = 8.0;
/// Heading and caption.
const ABOVE: f32 = 30.0;
/// What the check of a model says.
const CHECK: f32 = 20.0;
/// A tile's caption.
const BELOW: f32 = 18.0;

/// How the tiles are laid out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tiles {
    columns: usize,
    side: f32,
    /// Whether there are checks of models: all groups get their line, so that nothing moves with the selection.
    checked: bool,
}

impl Tiles {
    /// The layout for the room there is.
    fn new(ui: &Ui, view: &View<'_>) -> Self {
        let board = view.state.answer().map(|a| &a.board);
        let checked = board.is_some_and(|b| b.rows.iter().any(|r| r.gate.is_some()));
        let height = ui.available_height() - if checked { CHECK } else { 0.0 };
        Self { checked, ..Self::fit(ui.available_width(), height) }
    }

    /// One row where all fit side by side, two where there is room, else one that scrolls sideways.
    fn fit(width: f32, room: f32) -> Self {
        let wide = |columns: usize| ((width + SPACE) / columns as f32 - SPACE).floor();
        if wide(NEAREST) >= 84.0 {
            return Self { columns: NEAREST, side: wide(NEAREST).min(128.0), checked: false };
        }
        let columns = NEAREST / 2;
        let tall = ((room - ABOVE) / 2.0 - BELOW - SPACE).floor();
        if tall >= 56.0 {
            return Self { columns, side: wide(columns).min(tall).min(128.0), checked: false };
        }
        let side = (room - ABOVE - BELOW - SPACE).floor().clamp(56.0, 80.0);
        Self { columns: NEAREST, side, checked: false }
    }
}

/// Draws the panel.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    let (state, Some(dataset)) = (view.state, view.state.dataset.as_ref()) else { return };
    let tiles = Tiles::new(ui, view);
    let (Some(query), Some(group)) = (state.query(), state.group) else {
        let text =
            if state.query().is_some() { "Select a group to see its images nearest to this picture" } else { "" };
        super::empty(ui, text);
        return;
    };
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(12.0, 18.0), Sense::hover());
        swatch(ui.painter(), rect.center(), 5.0, group, t);
        ui.label(RichText::new(format::cut(state.group_name(group), 40)).color(t.strong));
        let text = RichText::new("training images nearest to this picture. Nearest, not cause").font(theme::caption()).color(t.weak);
        ui.add(egui::Label::new(text).truncate()).on_hover_text(
            "Euclidean distance between the pixels, scaled from -1 to 1. Being near does not mean having shaped the picture",
        );
    });
    if tiles.checked {
        check(ui, state, group);
    }
    ui.add_space(2.0);
    let Some(nearest) = query.nearest.get(&group) else {
        super::empty(ui, "Looking for the nearest images…");
        return;
    };
    ui.spacing_mut().item_spacing = Vec2::splat(SPACE);
    ScrollArea::horizontal().id_salt("nearest").show(ui, |ui| {
        for row in nearest.chunks(tiles.columns) {
            ui.horizontal(|ui| {
                row.iter().for_each(|neighbour| image(ui, view, dataset, neighbour, tiles.side));
            });
        }
    });
}

/// What the model without the group forgot and kept.
fn check(ui: &mut Ui, state: &State, group: usize) {
    let t = tokens(ui);
    let row = state.answer().and_then(|a| a.board.rows.iter().find(|r| r.group == Some(group)));
    let (text, color) = match row.and_then(|r| Some((r, r.gate.as_ref()?))) {
        Some((row, judgement)) => {
            (format!("Its model: {}", judgement.sentence(&row.name)), if judgement.passed() { t.weak } else { t.warn })
        }
        None => ("Its model was not checked".to_owned(), t.weak),
    };
    ui.allocate_ui(vec2(ui.available_width(), CHECK - ui.spacing().item_spacing.y), |ui| {
        ui.add(egui::Label::new(RichText::new(text).font(theme::caption()).color(color)).truncate());
    });
}

fn image(ui: &mut Ui, view: &mut View<'_>, dataset: &Dataset, neighbour: &Neighbour, side: f32) {
    let (shape, pixels) = (dataset.shape(), dataset.pixels(neighbour.index));
    let key = Picture::Image(view.state.dataset_number, neighbour.index);
    let texture = view.textures.get(ui.ctx(), key, shape, pixels);
    let distance = format!("{:.1}", neighbour.distance);
    let image = dataset.image_name(neighbour.index);
    let name = format!("{image}, distance {distance}");
    let shown = Tile { texture, name: &name, caption: Some(&distance), side, selected: false, pressable: false };
    tile(ui, &shown).on_hover_ui(|ui| {
        if let Some(texture) = texture {
            let scale = (256.0 / shape.width.max(shape.height) as f32).floor().max(1.0);
            let size = vec2(shape.width as f32, shape.height as f32) * scale;
            ui.add(egui::Image::new((texture, size)).alt_text(image));
        }
        ui.label(image);
        ui.label(format!("distance {:.3}", neighbour.distance));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_fit_in_one_row_two_rows_or_scroll() {
        assert_eq!(Tiles::fit(1200.0, 400.0), Tiles { columns: 12, side: 92.0, checked: false });
        assert_eq!(Tiles::fit(560.0, 300.0), Tiles { columns: 6, side: 86.0, checked: false });
        let narrow = Tiles::fit(560.0, 120.0);
        assert_eq!(narrow.columns, 12, "one row");
        assert!(narrow.side >= 56.0);
    }
}
