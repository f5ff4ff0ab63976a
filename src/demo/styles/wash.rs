//! Watercolour: the plain style, soft shapes in even washes.

use super::{Field, ImageRng, Lab, RgbImage, Scene, raster, smooth};

/// Distance between the control values of the washes.
const PITCH: f32 = 8.0;

/// Soft edges, paper showing through, and pigment that varies slowly over the image.
pub(super) fn watercolour(scene: &Scene, rng: &mut ImageRng, side: u32) -> RgbImage {
    let bloom = Field::generate(6, |_, _| rng.symmetric(1.0));
    let paper = Lab::hex(0xfd_f6_e8);
    raster(side, |x, y| {
        let wet = swell(&bloom, x, y);
        scene.blurred_at(x + wet * 0.6, y - wet * 0.6, 1.5).chroma(1.12).mix(paper, 0.16 + 0.1 * wet)
    })
}

/// A smooth surface through the values of the field.
fn swell(field: &Field<f32>, x: f32, y: f32) -> f32 {
    let (column, row) = ((x / PITCH).floor(), (y / PITCH).floor());
    let at = |right: i32, down: i32| field.value(column as i32 + right, row as i32 + down);
    let (s, t) = (smooth(0.0, 1.0, x / PITCH - column), smooth(0.0, 1.0, y / PITCH - row));
    let lerp = |from: f32, to: f32, share: f32| from + (to - from) * share;
    lerp(lerp(at(0, 0), at(1, 0), s), lerp(at(0, 1), at(1, 1), s), t)
}
