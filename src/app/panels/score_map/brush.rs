//! Choosing a part of the image: by dragging over it, or with Shift and the arrow keys.

use egui::{EventFilter, Key, Modifiers, Pos2, Rect, Response, Ui, vec2};

use whence_diffusion::elbo::{Cells, Region};

/// The image on screen, cut into cells.
#[derive(Clone, Copy, Debug)]
pub struct Grid {
    /// Where it is.
    pub rect: Rect,
    /// Its cells.
    pub cells: Cells,
    /// How many cells it spans; the last ones may be cut.
    pub span: egui::Vec2,
}

impl Grid {
    /// Where a region is on screen.
    pub fn place(&self, region: Region) -> Rect {
        let step = vec2(self.rect.width() / self.span.x, self.rect.height() / self.span.y);
        let at = |x: usize, y: usize| self.rect.min + vec2(x as f32, y as f32) * step;
        Rect::from_min_max(at(region.left, region.top), at(region.right, region.bottom)).intersect(self.rect)
    }

    /// The cell under a point, or the nearest.
    fn cell(&self, at: Pos2) -> (usize, usize) {
        let place = (at - self.rect.min) / self.rect.size() * self.span;
        let within = |v: f32, n: usize| (v.max(0.0) as usize).min(n.saturating_sub(1));
        (within(place.x, self.cells.width), within(place.y, self.cells.height))
    }

    /// All cells between two points.
    fn between(&self, from: Pos2, to: Pos2) -> Region {
        let ((a, b), (c, d)) = (self.cell(from), self.cell(to));
        Region { left: a.min(c), top: b.min(d), right: a.max(c) + 1, bottom: b.max(d) + 1 }
    }

    /// The region with one more row or column in each direction asked for.
    fn grown(&self, region: Region, [left, up, right, down]: [usize; 4]) -> Region {
        Region {
            left: region.left.saturating_sub(left),
            top: region.top.saturating_sub(up),
            right: (region.right + right).min(self.cells.width),
            bottom: (region.bottom + down).min(self.cells.height),
        }
    }
}

/// The region after what the user did to the image in this frame.
pub fn brushed(ui: &Ui, response: &Response, grid: &Grid, now: Option<Region>) -> Option<Region> {
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
        // It begins with the cell in the middle.
        None => Some(grid.between(grid.rect.center() - vec2(0.1, 0.1), grid.rect.center() - vec2(0.1, 0.1))),
    }
}

/// A region in pixels of the image: `8 x 6 pixels at 4, 10`.
pub fn words(region: Region, cells: Cells, size: [usize; 2]) -> String {
    let [width, height] = size;
    let pixel = |cell: usize, end: usize| (cell * cells.side).min(end);
    let (left, top) = (pixel(region.left, width), pixel(region.top, height));
    let (right, bottom) = (pixel(region.right, width), pixel(region.bottom, height));
    format!("{} x {} pixels at {left}, {top}", right - left, bottom - top)
}

#[cfg(test)]
mod tests {
    use egui::pos2;

    use super::*;

    fn grid() -> Grid {
        // 10 x 6 pixels in cells of 4: the last are cut.
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
        assert_eq!(grid.place(one), Rect::from_min_size(pos2(100.0, 50.0), vec2(40.0, 40.0)));
        assert_eq!(grid.place(Region { right: 3, bottom: 2, ..one }), grid.rect, "cut cells end with the image");
    }

    #[test]
    fn regions_grow_up_to_the_edges_and_are_told_in_pixels() {
        let grid = grid();
        let one = Region { left: 1, top: 0, right: 2, bottom: 1 };
        assert_eq!(grid.grown(one, [1, 1, 0, 1]), Region { left: 0, top: 0, right: 2, bottom: 2 });
        assert_eq!(grid.grown(one, [0, 0, 9, 9]), Region { right: 3, bottom: 2, ..one });
        assert_eq!(words(one, grid.cells, [10, 6]), "4 x 4 pixels at 4, 0");
        assert_eq!(words(Region { right: 3, bottom: 2, ..one }, grid.cells, [10, 6]), "6 x 6 pixels at 4, 0");
    }
}
