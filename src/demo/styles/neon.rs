//! Neon: the distinctive style, glowing outlines in the dark.

use super::{ImageRng, Lab, RgbImage, Scene, raster};

/// Every outline is a tube in the vivid hue of its shape, with a halo; shapes stay in the dark.
pub(super) fn neon(scene: &Scene, rng: &mut ImageRng, side: u32) -> RgbImage {
    let night = Lab::hex(0x16_10_2c);
    let reach = rng.uniform(1.5, 2.1);
    raster(side, |x, y| {
        let hit = scene.at(x, y);
        let dark = night.mix(hit.colour.at_lightness(0.3), 0.45);
        let tube = hit.line.at_lightness(0.76).at_chroma(0.2);
        if hit.edge < 0.55 {
            return tube.lighter(0.1).chroma(0.8);
        }
        dark.mix(tube, 0.62 * (-(hit.edge - 0.55) / reach).exp())
    })
}
