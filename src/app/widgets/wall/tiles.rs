//! The tiles on screen: brought in, marked, and handed to the shader.

use eframe::egui_wgpu::Callback;
use egui::{Color32, Rect, Stroke, StrokeKind, Ui, Vec2, pos2};

use super::gpu::{Instance, Look};
use super::layout::Layout;
use super::{Atlas, Shown, Wall};
use crate::app::theme::{Tokens, tokens};

/// Images with longer sides than this are smoothed when enlarged.
const CRISP: usize = 128;

/// A tile on screen.
struct Tile {
    image: usize,
    rect: Rect,
    ring: Option<Stroke>,
}

impl Wall {
    /// Draws the tiles in sight.
    pub(super) fn tiles(&mut self, ui: &Ui, shown: &Shown<'_>, layout: &Layout, view: Rect, pointed: Option<usize>) {
        let t = tokens(ui);
        let (top, height) = (self.top, f64::from(view.height()));
        let [wide, high] = layout.metrics().tile;
        let size = Vec2::new(wide as f32, high as f32);
        let mut tiles = Vec::new();
        for row in layout.rows(top, top + height) {
            for (column, place) in row.places.enumerate() {
                let Some(image) = shown.image(place) else { continue };
                let at = pos2(view.left() + layout.left(column) as f32, view.top() + (row.top - top) as f32);
                let ring = ring(shown, t, layout.metrics().gap as f32, image, pointed == Some(place));
                tiles.push(Tile { image, rect: Rect::from_min_size(at, size), ring });
            }
        }
        let ahead: Vec<usize> = layout
            .rows(top - height / 2.0, top + height * 2.0)
            .filter(|row| row.top > top + height || row.top + high < top)
            .flat_map(|row| row.places)
            .filter_map(|place| shown.image(place))
            .collect();
        if self.atlas.is_none() {
            self.atlas = self.render.as_ref().map(Atlas::new);
        }
        let Some(atlas) = self.atlas.as_mut() else { return plain(ui, &tiles, view, t.mat, radius(size)) };
        let visible: Vec<usize> = tiles.iter().map(|tile| tile.image).collect();
        let scale = ui.pixels_per_point();
        atlas.prepare(ui.ctx(), shown.dataset, shown.number, f64::from(size.max_elem() * scale));
        self.loading = atlas.fill(ui.ctx(), shown.dataset, &visible, &ahead);
        draw(ui, atlas, &tiles, view, t.mat, size);
    }
}

/// Hands the tiles to the shader, page by page.
fn draw(ui: &Ui, atlas: &mut Atlas, tiles: &[Tile], view: Rect, blank: Color32, size: Vec2) {
    let scale = ui.pixels_per_point();
    let mut pages: Vec<Vec<Instance>> = Vec::new();
    let mut widest = 0.0f32;
    for tile in tiles {
        let spot = atlas.find(tile.image);
        let page = spot.map_or(0, |s| s.page);
        if pages.len() <= page {
            pages.resize_with(page + 1, Vec::new);
        }
        let stroke = tile.ring.unwrap_or(Stroke::NONE);
        widest = widest.max(stroke.width * scale);
        let instance = Instance {
            corner: [(tile.rect.left() * scale).round(), (tile.rect.top() * scale).round()],
            texel: spot.map_or([0, 0], |s| s.texel),
            ring: stroke.color.to_array(),
            ring_width: stroke.width * scale,
            there: spot.is_some().into(),
        };
        if let Some(list) = pages.get_mut(page) {
            list.push(instance);
        }
    }
    let mut start = 0;
    let ranges: Vec<_> = pages
        .iter()
        .enumerate()
        .map(|(page, list)| {
            let end = start + list.len() as u32;
            (page, std::mem::replace(&mut start, end)..end)
        })
        .filter(|(_, range)| !range.is_empty())
        .collect();
    let cell = atlas.cell();
    let look = Look {
        tile: [(size.x * scale).round(), (size.y * scale).round()],
        cell,
        radius: radius(size) * scale,
        margin: widest + 2.0,
        blank,
        crisp: cell[0].max(cell[1]) <= CRISP,
    };
    let drawing = atlas.gpu.draw(&look, &pages.concat(), &ranges);
    ui.painter().add(Callback::new_paint_callback(view, drawing));
}

/// Neutral tiles, where nothing can draw images.
fn plain(ui: &Ui, tiles: &[Tile], view: Rect, blank: Color32, radius: f32) {
    let painter = ui.painter().with_clip_rect(view);
    for tile in tiles {
        painter.rect_filled(tile.rect, radius, blank);
        if let Some(stroke) = tile.ring {
            painter.rect_stroke(tile.rect, radius, stroke, StrokeKind::Outside);
        }
    }
}

/// Corners of tiles: round enough to be seen as images, never so much that small ones lose pixels.
fn radius(size: Vec2) -> f32 {
    if size.min_elem() < 40.0 { 0.0 } else { (size.min_elem() / 32.0).clamp(1.0, 4.0) }
}

/// The ring around a tile: selected, under the pointer, or of its group where no header tells it.
fn ring(shown: &Shown<'_>, t: &Tokens, gap: f32, image: usize, pointed: bool) -> Option<Stroke> {
    // Two rings and their air share the gap between two tiles.
    let width = (gap * 0.5 - 0.5).clamp(1.0, 2.5);
    if shown.selected == Some(image) {
        return Some(Stroke::new(width + 0.5, t.strong));
    }
    if pointed {
        return Some(Stroke::new(width, t.outline));
    }
    let group = shown.dataset.group_of(image)?;
    shown.mixed.then(|| Stroke::new(width, t.group(group)))
}
