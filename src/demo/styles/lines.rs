//! The close pair: hatching and woodcut, two styles with the same lines.

use super::{Dice, Lab, RgbImage, Scene, raster};

/// Distance between lines along a row of pixels. A whole number, so that at the demo's size every
/// line meets the pixels alike and the texture can be learned.
const PITCH: f32 = 4.0;

/// Distance from the middle of the nearest falling stroke, along a row.
fn stroke(x: f32, y: f32, phase: f32) -> f32 {
    ((x + y + phase).rem_euclid(PITCH) - PITCH / 2.0).abs()
}

/// One of the phases that lie on whole pixels.
fn phase(dice: &mut Dice) -> f32 {
    (dice.unit() * PITCH).floor() + 0.5
}

/// Slanted strokes in a darker tone of each colour, wider where the image is darker.
pub(super) fn hatching(scene: &Scene, dice: &mut Dice, side: u32) -> RgbImage {
    let phase = phase(dice);
    raster(side, |x, y| {
        let seen = scene.at(x, y).colour;
        let half = 0.95 - 0.35 * seen.l;
        if stroke(x, y, phase) < half { seen.lighter(-0.24).chroma(1.05) } else { seen.lighter(0.05) }
    })
}

/// The same strokes in black ink, and every shape with a contour.
pub(super) fn woodcut(scene: &Scene, dice: &mut Dice, side: u32) -> RgbImage {
    let phase = phase(dice);
    let ink = Lab::hex(0x2a_20_26);
    raster(side, |x, y| {
        let seen = scene.at(x, y);
        // Strokes taper off towards the light, as a gouge does, and leave the lightest places free.
        let half = 0.85 * (0.96 - seen.colour.l).max(0.0).sqrt();
        if seen.contour < 0.5 || stroke(x, y, phase) < half { ink } else { seen.colour }
    })
}
