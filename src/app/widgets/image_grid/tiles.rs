//! The visible tiles: loaded, marked, and handed to the shader.

use eframe::egui_wgpu::Callback;
use egui::{Color32, Rect, Stroke, StrokeKind, Ui, Vec2, pos2};

use super::gpu::{Instance, TileStyle};
use super::layout::Layout;
use super::{Atlas, GridContents, ImageGrid};
use crate::app::theme::{Tokens, tokens};
use crate::app::widgets::rating_badge;

/// Images with longer sides than this are smoothed when enlarged.
const MAX_SHARP_SIDE: usize = 128;

/// Smaller tiles show no ratings.
const BADGED: f32 = 40.0;

/// A tile on screen.
struct Tile {
    image: usize,
    rect: Rect,
    ring: Option<Stroke>,
}

impl ImageGrid {
    /// Draws the visible tiles.
    pub(super) fn tiles(
        &mut self,
        ui: &mut Ui,
        contents: &GridContents<'_>,
        layout: &Layout,
        view: Rect,
        hovered: Option<usize>,
    ) {
        let t = tokens(ui);
        let (top, height) = (self.scroll, f64::from(view.height()));
        let [wide, high] = layout.metrics().tile;
        let size = Vec2::new(wide as f32, high as f32);
        let mut tiles = Vec::new();
        for row in layout.rows(top, top + height) {
            for (column, index) in row.indices.enumerate() {
                let Some(image) = contents.image(index) else { continue };
                let at = pos2(view.left() + layout.left(column) as f32, view.top() + (row.top - top) as f32);
                let ring = ring(contents, t, layout.metrics().gap as f32, image, hovered == Some(index));
                tiles.push(Tile { image, rect: Rect::from_min_size(at, size), ring });
            }
        }
        let prefetch: Vec<usize> = layout
            .rows(top - height / 2.0, top + height * 2.0)
            .filter(|row| row.top > top + height || row.top + high < top)
            .flat_map(|row| row.indices)
            .filter_map(|index| contents.image(index))
            .collect();
        if self.atlas.is_none() {
            self.atlas = self.render.as_ref().map(Atlas::new);
        }
        let Some(atlas) = self.atlas.as_mut() else {
            plain(ui, &tiles, view, t.mat, radius(size));
            return badges(ui, contents, &tiles, view, size);
        };
        let visible: Vec<usize> = tiles.iter().map(|tile| tile.image).collect();
        let scale = ui.pixels_per_point();
        atlas.prepare(ui.ctx(), contents.dataset, contents.number, f64::from(size.max_elem() * scale));
        self.loading = atlas.fill(ui.ctx(), contents.dataset, &visible, &prefetch);
        draw(ui, atlas, &tiles, view, t.mat, size);
        badges(ui, contents, &tiles, view, size);
    }
}

/// The ratings of the visible images, where tiles have room for them.
fn badges(ui: &mut Ui, contents: &GridContents<'_>, tiles: &[Tile], view: Rect, size: Vec2) {
    if contents.ratings.is_empty() || size.min_elem() < BADGED {
        return;
    }
    let outside = ui.clip_rect();
    ui.set_clip_rect(view.intersect(outside));
    for tile in tiles {
        if let Some(rating) = contents.ratings.get(contents.dataset.image_name(tile.image)) {
            rating_badge(ui, tile.rect, *rating);
        }
    }
    ui.set_clip_rect(outside);
}

/// Hands the tiles to the shader, one draw call per page.
fn draw(ui: &Ui, atlas: &mut Atlas, tiles: &[Tile], view: Rect, blank: Color32, size: Vec2) {
    let scale = ui.pixels_per_point();
    let mut pages: Vec<Vec<Instance>> = Vec::new();
    let mut widest = 0.0f32;
    for tile in tiles {
        let position = atlas.position_of(tile.image);
        let page = position.map_or(0, |p| p.page);
        if pages.len() <= page {
            pages.resize_with(page + 1, Vec::new);
        }
        let stroke = tile.ring.unwrap_or(Stroke::NONE);
        widest = widest.max(stroke.width * scale);
        let instance = Instance {
            corner: [(tile.rect.left() * scale).round(), (tile.rect.top() * scale).round()],
            texel: position.map_or([0, 0], |p| p.texel),
            ring: stroke.color.to_array(),
            ring_width: stroke.width * scale,
            has_image: position.is_some().into(),
        };
        if let Some(list) = pages.get_mut(page) {
            list.push(instance);
        }
    }
    let (mut start, mut ranges) = (0, Vec::new());
    for (page, list) in pages.iter().enumerate() {
        let end = start + list.len() as u32;
        if end > start {
            ranges.push((page, start..end));
        }
        start = end;
    }
    let cell = atlas.cell();
    let style = TileStyle {
        tile: [(size.x * scale).round(), (size.y * scale).round()],
        cell,
        radius: radius(size) * scale,
        margin: widest + 2.0,
        blank,
        nearest: cell[0].max(cell[1]) <= MAX_SHARP_SIDE,
    };
    let callback = atlas.gpu.draw(&style, &pages.concat(), &ranges);
    ui.painter().add(Callback::new_paint_callback(view, callback));
}

/// Blank tiles, for windows without the shader.
fn plain(ui: &Ui, tiles: &[Tile], view: Rect, blank: Color32, radius: f32) {
    let painter = ui.painter().with_clip_rect(view);
    for tile in tiles {
        painter.rect_filled(tile.rect, radius, blank);
        if let Some(stroke) = tile.ring {
            painter.rect_stroke(tile.rect, radius, stroke, StrokeKind::Outside);
        }
    }
}

/// Corner radius of tiles. Small tiles have square corners, so that they lose no pixels.
fn radius(size: Vec2) -> f32 {
    if size.min_elem() < 40.0 { 0.0 } else { (size.min_elem() / 32.0).clamp(1.0, 4.0) }
}

/// The ring around a tile: selected, hovered, or in the colour of its group where there are no headers.
fn ring(contents: &GridContents<'_>, t: &Tokens, gap: f32, image: usize, hovered: bool) -> Option<Stroke> {
    // Two rings and the space below them share the gap between two tiles.
    let width = (gap * 0.5 - 0.5).clamp(1.0, 2.5);
    if contents.selected == Some(image) {
        return Some(Stroke::new(width + 0.5, t.strong));
    }
    if hovered {
        return Some(Stroke::new(width, t.outline));
    }
    let group = contents.dataset.group_of(image)?;
    contents.mixed.then(|| Stroke::new(width, t.group(group)))
}
