//! Styles on a square grid: mosaic and pixel art.

use super::{Dice, Field, Lab, RgbImage, Scene, raster};

/// Square tiles, each in a shade of its own and cut where shapes meet, with pale joints between.
pub(super) fn mosaic(scene: &Scene, dice: &mut Dice, side: u32) -> RgbImage {
    // The grid has four positions only and its joints are one pixel wide at the demo's size, so
    // that a small model can learn it.
    const PITCH: f32 = 4.0;
    let (right, down) = (PITCH / 4.0 * (1.0 + dice.sign()), PITCH / 4.0 * (1.0 + dice.sign()));
    let shades = Field::roll(9, |_, _| dice.around(0.075));
    let joint = Lab::hex(0xf3_e9_d6);
    raster(side, |x, y| {
        let cell = |place: f32| (place / PITCH).floor() as i32;
        let in_joint = |place: f32| place.rem_euclid(PITCH) >= 3.0;
        let seen = scene.at(x, y).colour;
        let (u, v) = (x + right, y + down);
        if in_joint(u) || in_joint(v) {
            return seen.mix(joint, 0.55);
        }
        seen.chroma(1.1).lighter(shades.get(cell(u), cell(v)).copied().unwrap_or(0.0) - 0.02)
    })
}

/// Blocks of two pixels in few tones; each shape is shaded downwards by a chequered dither.
pub(super) fn pixel_art(scene: &Scene, _dice: &mut Dice, side: u32) -> RgbImage {
    raster(side, |x, y| {
        let block = |place: f32| (place / 2.0).floor();
        let (column, row) = (block(x), block(y));
        let seen = scene.at(column * 2.0 + 1.0, row * 2.0 + 1.0);
        let even = (column + row).rem_euclid(2.0) < 1.0;
        // Three bands from light to shade with chequers where they meet.
        let step = match seen.depth {
            depth if depth < 0.3 => 0.06,
            depth if depth < 0.75 && even => 0.06,
            _ => -0.06,
        };
        let tones = 12.0;
        let colour = seen.colour.chroma(1.15);
        colour.at_lightness((colour.l * tones).round() / tones).lighter(step)
    })
}
