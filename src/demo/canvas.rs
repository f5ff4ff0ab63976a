//! Rasterising an image that is given as a function of position.

use super::colour::{Lab, encode};
use image::{Rgb, RgbImage};

/// Side length of every scene in its unit of length.
pub(super) const SIDE: f32 = 32.0;

/// Samples per pixel and direction at the demo's size; fewer at higher resolutions.
const SAMPLES: u32 = 8;

/// Paints `colour(x, y)`, x to the right and y down, both in [0, [`SIDE`]).
///
/// Each pixel is the mean of its samples in linear light (supersampling), so that thin lines and
/// small dots keep their weight and are anti-aliased.
pub(super) fn raster(side: u32, colour: impl Fn(f32, f32) -> Lab) -> RgbImage {
    let samples = (SAMPLES * 32 / side.max(1)).clamp(2, SAMPLES);
    let step = SIDE / (side.max(1) * samples) as f32;
    let at = |pixel: u32, sample: u32| ((pixel * samples + sample) as f32 + 0.5) * step;
    RgbImage::from_fn(side, side, |px, py| {
        let mut sum = [0.0; 3];
        for sy in 0..samples {
            for sx in 0..samples {
                let light = colour(at(px, sx), at(py, sy)).linear();
                for (total, part) in sum.iter_mut().zip(light) {
                    *total += part;
                }
            }
        }
        let weight = 1.0 / (samples * samples) as f32;
        Rgb(sum.map(|total| encode(total * weight)))
    })
}
