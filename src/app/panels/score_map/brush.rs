//! Selecting a region of the image, by dragging or with Shift and the arrow keys.

use egui::{EventFilter, Key, Modifiers, Pos2, Rect, Response, Ui, vec2};

use whence_diffusion::elbo::{Cells, Region};

/// The image on screen, divided into cells.
#[derive(Clone, Copy, Debug)]
pub struct Grid {
    /// Its rectangle on screen.
    pub rect: Rect,
    /// Its cells.
    pub cells: Cells,
    /// Cells across and down. Fractional where the last cells reach beyond the image.
    pub span: egui::Vec2,
}

impl Grid {
    /// The rectangle of a region on screen.
    pub fn rect_of(&self, region: Region) -> Rect {
        let step = vec2(self.rect.width() / self.span.x, self.rect.height() / self.span.y);
        let at = |x: usize, y: usize| self.rect.min + vec2(x as f32, y as f32) * step;
        Rect::from_min_max(at(region.left, region.top), at(region.right, region.bottom)).intersect(self.rect)
    }

    /// The cell under a point, or the nearest one.
    fn cell(&self, at: Pos2) -> (usize, usize) {
        let position = (at - self.rect.min) / self.rect.size() * self.span;
        let within = |v: f32, n: usize| (v.max(0.0) as usize).min(n.saturating_sub(1));
        (within(position.x, self.cells.width), within(position.y, self.cells.height))
    }

    /// All cells between two points.
    fn between(&self, from: Pos2, to: Pos2) -> Region {
        let ((a, b), (c, d)) = (self.cell(from), self.cell(to));
        Region { left: a.min(c), top: b.min(d), right: a.max(c) + 1, bottom: b.max(d) + 1 }
    }

    /// The region grown by this number of rows or columns at each side.
    fn grown(&self, region: Region, [left, up, right, down]: [usize; 4]) -> Region {
        Region {
            left: region.left.saturating_sub(left),
            top: region.top.saturating_sub(up),
            right: (region.right + right).min(self.cells.width),
            bottom: (region.bottom + down).min(self.cells.height),
        }
    }
}

/// The selected region after this frame's input.
pub fn select(ui: &Ui, response: &Response, grid: &Grid, now: Option<Region>) -> Option<Region> {
    if response.clicked() {
        return None;
    }
    if response.dragged()
        && let (Some(from), Some(to)) = (ui.input(|i| i.pointer.press_origin()), response.interact_pointer_pos())
    {
        return Some(grid.between(from, to));
    }
    if !response.has_focus() {
        return now;
    }
    let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, escape: true, ..Default::default() };
    ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
    let keys = [Key::ArrowLeft, Key::ArrowUp, Key::ArrowRight, Key::ArrowDown];
    let steps = keys.map(|key| ui.input_mut(|i| i.count_and_consume_key(Modifiers::SHIFT, key)));
    if steps == [0; 4] {
        return now;
    }
    match now {
        Some(region) => Some(grid.grown(region, steps)),
        // The selection starts at the centre cell.
        None => Some(grid.between(grid.rect.center() - vec2(0.1, 0.1), grid.rect.center() - vec2(0.1, 0.1))),
    }
}

/// A region in pixels of the image: `8 × 6 pixels at (4, 10)`.
pub fn describe(region: Region, cells: Cells, size: [usize; 2]) -> String {
    let [width, height] = size;
    let pixel = |cell: usize, end: usize| (cell * cells.side).min(end);
    let (left, top) = (pixel(region.left, width), pixel(region.top, height));
    let (right, bottom) = (pixel(region.right, width), pixel(region.bottom, height));
    format!("{} × {} pixels at ({left}, {top})", right - left, bottom - top)
}

#[cfg(test)]
mod tests {
    use egui::pos2;

    use super::*;

    fn grid() -> Grid {
        // 10 x 6 pixels in cells of 4: the last cells reach beyond the image.
        let cells = Cells { side: 4, width: 3, height: 2 };
        Grid { rect: Rect::from_min_size(pos2(100.0, 50.0), vec2(100.0, 60.0)), cells, span: vec2(2.5, 1.5) }
    }

    #[test]
    fn drags_snap_to_cells_in_any_direction_and_stay_on_the_image() {
        let grid = grid();
        let one = Region { left: 0, top: 0, right: 1, bottom: 1 };
        assert_eq!(grid.between(pos2(101.0, 51.0), pos2(139.0, 89.0)), one);
        assert_eq!(grid.between(pos2(141.0, 91.0), pos2(101.0, 51.0)), Region { right: 2, bottom: 2, ..one });
        assert_eq!(grid.between(pos2(-9.0, -9.0), pos2(999.0, 999.0)), Region { right: 3, bottom: 2, ..one });
        assert_eq!(grid.rect_of(one), Rect::from_min_size(pos2(100.0, 50.0), vec2(40.0, 40.0)));
        assert_eq!(
            grid.rect_of(Region { right: 3, bottom: 2, ..one }),
            grid.rect,
            "cells end at the edge of the image"
        );
    }

    #[test]
    fn regions_grow_up_to_the_edges_and_are_described_in_pixels() {
        let grid = grid();
        let one = Region { left: 1, top: 0, right: 2, bottom: 1 };
        assert_eq!(grid.grown(one, [1, 1, 0, 1]), Region { left: 0, top: 0, right: 2, bottom: 2 });
        assert_eq!(grid.grown(one, [0, 0, 9, 9]), Region { right: 3, bottom: 2, ..one });
        assert_eq!(describe(one, grid.cells, [10, 6]), "4 × 4 pixels at (4, 0)");
        assert_eq!(describe(Region { right: 3, bottom: 2, ..one }, grid.cells, [10, 6]), "6 × 6 pixels at (4, 0)");
    }
}
