//! Neon: the distinctive style, glowing outlines in the dark.

use super::{Dice, Lab, RgbImage, Scene, raster};

/// Every outline is a tube in the vivid hue of its shape, with a halo; shapes stay in the dark.
pub(super) fn neon(scene: &Scene, dice: &mut Dice, side: u32) -> RgbImage {
    let night = Lab::hex(0x16_10_2c);
    let reach = dice.within(1.5, 2.1);
    raster(side, |x, y| {
        let seen = scene.at(x, y);
        let dark = night.mix(seen.colour.at_lightness(0.3), 0.45);
        let tube = seen.line.at_lightness(0.76).at_chroma(0.2);
        if seen.edge < 0.55 {
            return tube.lighter(0.1).chroma(0.8);
        }
        dark.mix(tube, 0.62 * (-(seen.edge - 0.55) / reach).exp())
    })
}
