//! From an image as a function of place to pixels.

use super::colour::{Lab, encode};
use image::{Rgb, RgbImage};

/// Decision of every scene in its own unit of length.
pub(super) const SIDE: f32 = 32.0;

/// Samples per pixel and direction where the image is small; fewer where pixels are finer.
const FINE: u32 = 8;

/// Paints `colour(x, y)`, x to the right and y down, both in [0, [`SIDE`]).
///
/// Each pixel is the mean of its samples in linear light, as a camera would see it: thin lines
/// and small dots keep their weight instead of going dark or jagged.
pub(super) fn raster(side: u32, colour: impl Fn(f32, f32) -> Lab) -> RgbImage {
    let fine = (FINE * 32 / side.max(1)).clamp(2, FINE);
    let step = SIDE / (side.max(1) * fine) as f32;
    let at = |pixel: u32, sample: u32| ((pixel * fine + sample) as f32 + 0.5) * step;
    RgbImage::from_fn(side, side, |px, py| {
        let mut sum = [0.0; 3];
        for sy in 0..fine {
            for sx in 0..fine {
                let light = colour(at(px, sx), at(py, sy)).linear();
                for (total, part) in sum.iter_mut().zip(light) {
                    *total += part;
                }
            }
        }
        let weight = 1.0 / (fine * fine) as f32;
        Rgb(sum.map(|total| encode(total * weight)))
    })
}
