//! The close pair: hatching and woodcut, two styles with the same lines.

use super::{ImageRng, Lab, RgbImage, Scene, raster};

/// Distance between lines along a row of pixels. A whole number, so that at the demo's size every
/// line meets the pixels alike and the texture can be learned.
const PITCH: f32 = 4.0;

/// Distance from the middle of the nearest falling stroke, along a row.
fn stroke(x: f32, y: f32, phase: f32) -> f32 {
    ((x + y + phase).rem_euclid(PITCH) - PITCH / 2.0).abs()
}

/// A random phase, aligned to whole pixels.
fn phase(rng: &mut ImageRng) -> f32 {
    (rng.unit() * PITCH).floor() + 0.5
}

/// Slanted strokes in a darker tone of each colour, wider where the image is darker.
pub(super) fn hatching(scene: &Scene, rng: &mut ImageRng, side: u32) -> RgbImage {
    let phase = phase(rng);
    raster(side, |x, y| {
        let hit = scene.at(x, y).colour;
        let half = 0.95 - 0.35 * hit.l;
        if stroke(x, y, phase) < half { hit.lighter(-0.24).chroma(1.05) } else { hit.lighter(0.05) }
    })
}

/// The same strokes in black ink, and every shape with a contour.
pub(super) fn woodcut(scene: &Scene, rng: &mut ImageRng, side: u32) -> RgbImage {
    let phase = phase(rng);
    let ink = Lab::hex(0x2a_20_26);
    raster(side, |x, y| {
        let hit = scene.at(x, y);
        // Strokes taper off towards the light, as those of a gouge do, and end before the lightest areas.
        let half = 0.85 * (0.96 - hit.colour.l).max(0.0).sqrt();
        if hit.contour < 0.5 || stroke(x, y, phase) < half { ink } else { hit.colour }
    })
}
