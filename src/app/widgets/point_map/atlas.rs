//! The marks of the groups in one texture, white, to be coloured by the vertices.

use egui::epaint::{TessellationOptions, Tessellator, Vertex};
use egui::{Color32, ColorImage, Context, Mesh, Pos2, Rect, TextureHandle, TextureId, TextureOptions, pos2};

use crate::app::theme::Mark;
use crate::app::widgets::swatch::mark_shape;

/// Side of a mark's cell, in texels.
const CELL: usize = 48;

/// Radius of a mark in its cell.
const RADIUS: f32 = 20.0;

/// Half the side of a quad per radius of its mark.
pub const MARGIN: f32 = CELL as f32 / (2.0 * RADIUS);

/// The texture.
#[derive(Clone)]
pub struct Atlas {
    /// The mark in each cell.
    marks: Vec<Mark>,
    /// The cell of each group.
    cells: Vec<usize>,
    texture: TextureHandle,
}

impl Atlas {
    /// The marks of this many groups.
    pub fn new(ctx: &Context, groups: usize) -> Self {
        let (mut marks, mut cells) = (Vec::new(), Vec::new());
        let mut pictures: Vec<Vec<f32>> = Vec::new();
        for group in 0..groups.max(1) {
            let mark = Mark::of(group);
            let cell = marks.iter().position(|known| *known == mark).unwrap_or_else(|| {
                marks.push(mark);
                pictures.push(draw(group));
                marks.len() - 1
            });
            cells.push(cell);
        }
        let rows = (0..CELL).flat_map(|row| {
            pictures.iter().flat_map(move |picture| picture.iter().skip(row * CELL).take(CELL).copied())
        });
        let pixels = rows.map(|alpha| Color32::from_white_alpha((255.0 * alpha.clamp(0.0, 1.0)).round() as u8)).collect();
        let image = ColorImage::new([CELL * marks.len(), CELL], pixels);
        let texture = ctx.load_texture("marks of groups", image, TextureOptions::LINEAR);
        Self { marks, cells, texture }
    }

    /// Number of groups whose marks it has.
    pub fn groups(&self) -> usize {
        self.cells.len()
    }

    /// The texture.
    pub fn texture(&self) -> TextureId {
        self.texture.id()
    }

    /// Where a group's mark is in the texture.
    pub fn cell(&self, group: usize) -> Rect {
        let cell = self.cells.get(group).copied().unwrap_or_default() as f32;
        let width = 1.0 / self.marks.len().max(1) as f32;
        // Half a texel from the edge, so that neighbours do not bleed in.
        let inset = 0.5 / CELL as f32;
        Rect::from_min_max(pos2((cell + inset) * width, inset), pos2((cell + 1.0 - inset) * width, 1.0 - inset))
    }
}

/// The coverage of each texel of a group's mark.
fn draw(group: usize) -> Vec<f32> {
    let options = TessellationOptions { prerasterized_discs: false, ..TessellationOptions::default() };
    let mut mesh = Mesh::default();
    let middle = Pos2::new(CELL as f32 / 2.0, CELL as f32 / 2.0);
    let shape = mark_shape(middle, RADIUS, group, Color32::WHITE);
    Tessellator::new(1.0, options, [1, 1], Vec::new()).tessellate_shape(shape, &mut mesh);
    let mut texels = vec![0.0f32; CELL * CELL];
    for corners in mesh.indices.as_chunks::<3>().0 {
        let corner = |i: u32| mesh.vertices.get(i as usize);
        if let [Some(a), Some(b), Some(c)] = corners.map(corner) {
            fill(&mut texels, [a, b, c]);
        }
    }
    texels
}

/// Draws a triangle whose opacity is that of its corners.
fn fill(texels: &mut [f32], corners: [&Vertex; 3]) {
    let [a, b, c] = corners.map(|v| v.pos);
    let area = (b - a).rot90().dot(c - a);
    if area.abs() < 1e-6 {
        return;
    }
    for (index, texel) in texels.iter_mut().enumerate() {
        let at = pos2((index % CELL) as f32 + 0.5, (index / CELL) as f32 + 0.5);
        let shares = [(b, c), (c, a), (a, b)].map(|(p, q)| (q - p).rot90().dot(at - p) / area);
        if shares.iter().all(|share| *share >= -1e-4) {
            let opacity = shares.iter().zip(corners).map(|(share, v)| share * f32::from(v.color.a()) / 255.0);
            *texel = texel.max(opacity.sum());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_fill_the_middle_of_their_cells_and_not_their_corners() {
        let disc = draw(0);
        assert!(disc[CELL / 2 * CELL + CELL / 2] > 0.95);
        assert_eq!(disc[0], 0.0);
        let covered: f32 = disc.iter().sum();
        let expected = std::f32::consts::PI * RADIUS * RADIUS;
        assert!((covered / expected - 1.0).abs() < 0.05, "{covered} {expected}");
    }

    #[test]
    fn each_kind_of_mark_has_a_cell() {
        let atlas = Atlas::new(&Context::default(), 60);
        assert_eq!(atlas.groups(), 60);
        for (group, other) in (0..60).flat_map(|g| (0..60).map(move |o| (g, o))) {
            assert_eq!(atlas.cell(group) == atlas.cell(other), Mark::of(group) == Mark::of(other), "{group} {other}");
        }
        assert!(atlas.cell(59).max.x <= 1.0);
    }
}
