//! Strips of training images: the nearest to the image, and others.

use egui::{RichText, ScrollArea, Ui, Vec2, vec2};

use super::View;
use crate::app::state::State;
use crate::app::theme::{self, tokens};
use crate::app::widgets::{TextureKey, Tile, tile};
use whence_data::{Dataset, Neighbour};

const SPACE: f32 = 8.0;
/// What the check of a model says.
const CHECK: f32 = 20.0;
/// A tile's caption.
const BELOW: f32 = 18.0;

/// What the model without the group forgot and kept.
pub fn check(ui: &mut Ui, state: &State, group: usize) {
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

/// A training image in a strip.
pub struct Shown {
    /// Its index in the dataset.
    pub index: usize,
    /// The number below it.
    pub caption: String,
    /// What the number means.
    pub about: String,
}

/// The images nearest to the image.
pub fn nearest(neighbours: &[Neighbour]) -> Vec<Shown> {
    let shown = |n: &Neighbour| Shown {
        index: n.index,
        caption: format!("{:.1}", n.distance),
        about: format!("distance {:.3}", n.distance),
    };
    neighbours.iter().map(shown).collect()
}

/// Images in as few rows as show them large, or in one that scrolls sideways. `salt` tells strips apart.
pub fn strip(ui: &mut Ui, view: &mut View<'_>, salt: &str, images: &[Shown], space: Vec2) {
    let Some(dataset) = view.state.dataset.as_ref() else { return };
    let (columns, side) = columns(images.len(), space);
    ScrollArea::horizontal().id_salt(salt).max_width(space.x).show(ui, |ui| {
        ui.spacing_mut().item_spacing = Vec2::splat(SPACE);
        for row in images.chunks(columns) {
            ui.horizontal(|ui| row.iter().for_each(|shown| training_image(ui, view, dataset, shown, side)));
        }
    });
}

/// How many images stand side by side, and how large.
fn columns(images: usize, space: Vec2) -> (usize, f32) {
    let fit = |rows: usize| {
        let columns = images.div_ceil(rows).max(1);
        let wide = (space.x + SPACE) / columns as f32 - SPACE;
        let tall = (space.y + SPACE) / rows as f32 - BELOW - SPACE;
        (columns, wide.min(tall).min(128.0).floor())
    };
    let best = (1..=3).map(fit).fold((1, 0.0), |best, now| if now.1 > best.1 { now } else { best });
    if best.1 >= 48.0 { best } else { (images.max(1), (space.y - BELOW - 2.0).clamp(40.0, 96.0).floor()) }
}

fn training_image(ui: &mut Ui, view: &mut View<'_>, dataset: &Dataset, shown: &Shown, side: f32) {
    let (shape, pixels) = (dataset.shape(), dataset.pixels(shown.index));
    let key = TextureKey::TrainingImage(view.state.dataset_number, shown.index);
    let texture = view.textures.get(ui.ctx(), key, shape, pixels);
    let image = dataset.image_name(shown.index);
    let name = format!("{image}, {}", shown.about);
    let caption = Some(shown.caption.as_str());
    let about = Tile { texture, name: &name, caption, side, selected: false, pressable: false };
    tile(ui, &about).on_hover_ui(|ui| {
        if let Some(texture) = texture {
            let scale = (256.0 / shape.width.max(shape.height) as f32).floor().max(1.0);
            let size = vec2(shape.width as f32, shape.height as f32) * scale;
            ui.add(egui::Image::new((texture, size)).alt_text(image));
        }
        ui.label(image);
        ui.label(&shown.about);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_use_rows_where_there_is_room_and_scroll_where_not() {
        assert_eq!(columns(12, vec2(312.0, 95.0)), (12, 75.0));
        assert_eq!(columns(12, vec2(700.0, 260.0)), (6, 108.0));
        assert_eq!(columns(12, vec2(1500.0, 160.0)), (12, 117.0));
        assert_eq!(columns(0, vec2(300.0, 100.0)).0, 1);
    }
}
