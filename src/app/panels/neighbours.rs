//! The training images of the selected group that are nearest to the picture.

use egui::{RichText, Sense, Ui, Vec2, vec2};

use super::View;
use crate::app::drafts::NEAREST;
use crate::app::format;
use crate::app::theme::{self, tokens};
use crate::app::widgets::{Picture, Tile, swatch, tile};

const SPACE: f32 = 8.0;
/// Heading and caption.
const ABOVE: f32 = 30.0;
/// A tile's caption.
const BELOW: f32 = 18.0;

/// Columns and side of the tiles: two rows where the panel is narrow, one where it is wide.
fn tiles(ui: &Ui) -> (usize, f32) {
    let width = ui.available_width();
    let columns = if width >= 12.0 * (84.0 + SPACE) { NEAREST } else { NEAREST / 2 };
    let side = ((width + SPACE) / columns as f32 - SPACE).floor().clamp(24.0, 120.0);
    (columns, side)
}

/// Height of the panel.
pub fn height(ui: &Ui, view: &View<'_>) -> f32 {
    let (columns, side) = tiles(ui);
    let rows = NEAREST.div_ceil(columns);
    let side = side.min(ui.available_height() * 0.16).max(32.0);
    if view.state.dataset.is_none() {
        return ABOVE;
    }
    ABOVE + rows as f32 * (side + BELOW + SPACE)
}

/// Draws the panel.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    let (state, Some(dataset)) = (view.state, view.state.dataset.as_ref()) else { return };
    let (Some(query), Some(group)) = (state.query(), state.group) else {
        let text = if state.query().is_some() { "Select a group to see its images nearest to this picture" } else { "" };
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
    ui.add_space(2.0);
    let Some(nearest) = query.nearest.get(&group) else {
        super::empty(ui, "Looking for the nearest images…");
        return;
    };
    let (columns, wide) = tiles(ui);
    let rows = NEAREST.div_ceil(columns) as f32;
    let side = wide.min(ui.available_height() / rows - BELOW - SPACE).floor().max(24.0);
    ui.spacing_mut().item_spacing = Vec2::splat(SPACE);
    for row in nearest.chunks(columns) {
        ui.horizontal(|ui| {
            for neighbour in row {
                let (shape, pixels) = (dataset.shape(), dataset.pixels(neighbour.index));
                let key = Picture::Image(state.dataset_number, neighbour.index);
                let texture = view.textures.get(ui.ctx(), key, shape, pixels);
                let distance = format!("{:.1}", neighbour.distance);
                let image = dataset.image_name(neighbour.index);
                let name = format!("{image}, distance {distance}");
                let response =
                    tile(ui, &Tile { texture, name: &name, caption: Some(&distance), side, selected: false, pressable: false });
                response.on_hover_ui(|ui| {
                    if let Some(texture) = texture {
                        let scale = (256.0 / shape.width.max(shape.height) as f32).floor().max(1.0);
                        let size = vec2(shape.width as f32, shape.height as f32) * scale;
                        ui.add(egui::Image::new((texture, size)).alt_text(image));
                    }
                    ui.label(image);
                    ui.label(format!("distance {:.3}", neighbour.distance));
                });
            }
        });
    }
}
