//! Styles on a square grid: mosaic and pixel art.

use super::{Field, ImageRng, Lab, RgbImage, Scene, raster};

/// Square tiles, each in a shade of its own and cut where shapes meet, with pale joints between.
pub(super) fn mosaic(scene: &Scene, rng: &mut ImageRng, side: u32) -> RgbImage {
    // The grid has four positions only and its joints are one pixel wide at the demo's size, so
    // that a small model can learn it.
    const PITCH: f32 = 4.0;
    let (right, down) = (PITCH / 4.0 * (1.0 + rng.sign()), PITCH / 4.0 * (1.0 + rng.sign()));
    let shades = Field::generate(9, |_, _| rng.symmetric(0.075));
    let joint = Lab::hex(0xf3_e9_d6);
    raster(side, |x, y| {
        let cell = |position: f32| (position / PITCH).floor() as i32;
        let in_joint = |position: f32| position.rem_euclid(PITCH) >= 3.0;
        let hit = scene.at(x, y).colour;
        let (u, v) = (x + right, y + down);
        if in_joint(u) || in_joint(v) {
            return hit.mix(joint, 0.55);
        }
        hit.chroma(1.1).lighter(shades.value(cell(u), cell(v)) - 0.02)
    })
}

/// Blocks of two pixels in few tones; each shape is shaded downwards by a chequered dither.
pub(super) fn pixel_art(scene: &Scene, _rng: &mut ImageRng, side: u32) -> RgbImage {
    raster(side, |x, y| {
        let block = |position: f32| (position / 2.0).floor();
        let (column, row) = (block(x), block(y));
        let hit = scene.at(column * 2.0 + 1.0, row * 2.0 + 1.0);
        let even = (column + row).rem_euclid(2.0) < 1.0;
        // Three bands from light to shade with chequers where they meet.
        let step = match hit.depth {
            depth if depth < 0.3 => 0.06,
            depth if depth < 0.75 && even => 0.06,
            _ => -0.06,
        };
        let tones = 12.0;
        let colour = hit.colour.chroma(1.15);
        colour.at_lightness((colour.l * tones).round() / tones).lighter(step)
    })
}
