//! Watercolour: the plain style, soft shapes in even washes.

use super::{Dice, Field, Lab, RgbImage, Scene, raster, smooth};

/// Distance between the values that the washes swell by.
const PITCH: f32 = 8.0;

/// Soft edges, paper shining through, pigment a little uneven over large areas.
pub(super) fn watercolour(scene: &Scene, dice: &mut Dice, side: u32) -> RgbImage {
    let bloom = Field::roll(6, |_, _| dice.around(1.0));
    let paper = Lab::hex(0xfd_f6_e8);
    raster(side, |x, y| {
        let wet = swell(&bloom, x, y);
        scene.soft(x + wet * 0.6, y - wet * 0.6, 1.5).chroma(1.12).mix(paper, 0.16 + 0.1 * wet)
    })
}

/// A smooth surface through the values of the field.
fn swell(field: &Field<f32>, x: f32, y: f32) -> f32 {
    let (column, row) = ((x / PITCH).floor(), (y / PITCH).floor());
    let at = |right: i32, down: i32| field.get(column as i32 + right, row as i32 + down).copied().unwrap_or(0.0);
    let (s, t) = (smooth(0.0, 1.0, x / PITCH - column), smooth(0.0, 1.0, y / PITCH - row));
    let go = |from: f32, to: f32, share: f32| from + (to - from) * share;
    go(go(at(0, 0), at(1, 0), s), go(at(0, 1), at(1, 1), s), t)
}
