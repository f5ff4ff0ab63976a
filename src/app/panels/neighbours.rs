//! Strips of training images, and the line about the unlearning check.

use egui::{RichText, ScrollArea, Ui, Vec2, vec2};

use super::View;
use super::score::check_summary;
use crate::app::bidi;
use crate::app::state::State;
use crate::app::theme::{self, tokens};
use crate::app::widgets::{TextureKey, Tile, tile};
use whence_data::{Dataset, Neighbour};

/// Space between images.
const SPACE: f32 = 8.0;
/// Height of the line about the unlearning check.
const CHECK_HEIGHT: f32 = 20.0;
/// Height of a tile's caption.
const CAPTION_HEIGHT: f32 = 18.0;

/// One line about the unlearning check of a group: the errors before and after, and whether it passed.
pub fn check_line(ui: &mut Ui, state: &State, group: usize) {
    let t = tokens(ui);
    let row = state.explanation().and_then(|a| a.ranking.rows.iter().find(|r| r.group == Some(group)));
    let (text, color) = match row.and_then(|r| Some((r, r.gate.as_ref()?))) {
        Some((row, judgement)) => (
            format!("Unlearned model: {}", check_summary(judgement, &row.name)),
            if judgement.passed() { t.weak } else { t.warn },
        ),
        None => ("Unlearned model: not checked".to_owned(), t.weak),
    };
    ui.allocate_ui(vec2(ui.available_width(), CHECK_HEIGHT - ui.spacing().item_spacing.y), |ui| {
        ui.add(egui::Label::new(RichText::new(bidi::display(&text)).font(theme::caption()).color(color)).truncate());
    });
}

/// A training image in a strip.
pub struct StripImage {
    /// Its index in the dataset.
    pub index: usize,
    /// The value below it.
    pub caption: String,
    /// The value with its meaning, for the tooltip.
    pub description: String,
}

/// The training images nearest to the query image, with their distances.
pub fn nearest(neighbours: &[Neighbour]) -> Vec<StripImage> {
    let shown = |n: &Neighbour| StripImage {
        index: n.index,
        caption: format!("{:.1}", n.distance),
        description: format!("distance {:.3}", n.distance),
    };
    neighbours.iter().map(shown).collect()
}

/// Images in the number of rows that shows them largest, or in one row that scrolls sideways. `salt` distinguishes the
/// strips of a panel.
pub fn strip(ui: &mut Ui, view: &mut View<'_>, salt: &str, images: &[StripImage], space: Vec2) {
    let Some(dataset) = view.state.dataset.as_ref() else { return };
    let (columns, side) = columns(images.len(), space);
    ScrollArea::horizontal().id_salt(salt).max_width(space.x).show(ui, |ui| {
        ui.spacing_mut().item_spacing = Vec2::splat(SPACE);
        for row in images.chunks(columns) {
            ui.horizontal(|ui| {
                for shown in row {
                    training_image(ui, view, dataset, shown, side);
                }
            });
        }
    });
}

/// Images per row, and their side length.
fn columns(images: usize, space: Vec2) -> (usize, f32) {
    let fit = |rows: usize| {
        let columns = images.div_ceil(rows).max(1);
        let wide = (space.x + SPACE) / columns as f32 - SPACE;
        let tall = (space.y + SPACE) / rows as f32 - CAPTION_HEIGHT - SPACE;
        (columns, wide.min(tall).min(128.0).floor())
    };
    let best = (1..=3).map(fit).fold((1, 0.0), |best, now| if now.1 > best.1 { now } else { best });
    if best.1 >= 48.0 { best } else { (images.max(1), (space.y - CAPTION_HEIGHT - 2.0).clamp(40.0, 96.0).floor()) }
}

fn training_image(ui: &mut Ui, view: &mut View<'_>, dataset: &Dataset, shown: &StripImage, side: f32) {
    let (shape, pixels) = (dataset.shape(), dataset.pixels(shown.index));
    let key = TextureKey::TrainingImage(view.state.dataset_id, shown.index);
    let texture = view.textures.get(ui.ctx(), key, shape, pixels);
    let image = dataset.image_name(shown.index);
    let name = format!("{image}, {}", shown.description);
    let caption = Some(shown.caption.as_str());
    let about = Tile { texture, name: &name, caption, side, selected: false, clickable: false };
    tile(ui, &about).on_hover_ui(|ui| {
        if let Some(texture) = texture {
            let scale = (256.0 / shape.width.max(shape.height) as f32).floor().max(1.0);
            let size = vec2(shape.width as f32, shape.height as f32) * scale;
            ui.add(egui::Image::new((texture, size)).alt_text(image));
        }
        ui.label(image);
        ui.label(&shown.description);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_use_several_rows_where_they_fit_and_scroll_otherwise() {
        assert_eq!(columns(12, vec2(312.0, 95.0)), (12, 75.0));
        assert_eq!(columns(12, vec2(700.0, 260.0)), (6, 108.0));
        assert_eq!(columns(12, vec2(1500.0, 160.0)), (12, 117.0));
        assert_eq!(columns(0, vec2(300.0, 100.0)).0, 1);
    }
}
