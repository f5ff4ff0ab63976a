//! From a picture's planar bytes to the pixels of its cell in the atlas.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::dataset::ImageShape;

/// Size of a picture's cell, in pixels, for tiles whose longer side has `tile` screen pixels. The picture's own size
/// where that is at most twice the tile's, which the graphics card reduces well; else a power of two above the tile's,
/// so that few sizes are ever made.
pub fn cell(shape: ImageShape, tile: f64, most: usize) -> [usize; 2] {
    let longest = shape.width.max(shape.height).max(1);
    let wanted = (tile.ceil().max(1.0) as usize).next_power_of_two();
    let side = if longest as f64 <= 2.0 * tile { longest } else { wanted.min(longest) };
    let side = side.clamp(1, most.max(1));
    [shape.width, shape.height].map(|v| (v * side).div_ceil(longest).max(1))
}

/// Interleaved red, green, blue and opacity. None where the bytes do not fit the shape.
pub fn rgba(shape: ImageShape, pixels: &[u8]) -> Option<Vec<u8>> {
    let area = shape.width * shape.height;
    if pixels.len() != shape.numel() || area == 0 {
        return None;
    }
    interleave(pixels.chunks_exact(area))
}

/// The same, reduced to another size.
pub fn reduced(
    shape: ImageShape,
    pixels: &[u8],
    [width, height]: [usize; 2],
    resizer: &mut Resizer,
) -> Option<Vec<u8>> {
    let area = shape.width * shape.height;
    if pixels.len() != shape.numel() || area == 0 {
        return None;
    }
    let side = |n: usize| u32::try_from(n).ok();
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    let mut planes = Vec::with_capacity(shape.channels);
    for plane in pixels.chunks_exact(area) {
        let source = ImageRef::new(side(shape.width)?, side(shape.height)?, plane, PixelType::U8).ok()?;
        let mut target = Image::new(side(width)?, side(height)?, PixelType::U8);
        resizer.resize(&source, &mut target, &options).ok()?;
        planes.push(target.into_vec());
    }
    interleave(planes.iter().map(Vec::as_slice))
}

fn interleave<'a>(mut planes: impl Iterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
    let (first, second, third) = (planes.next()?, planes.next(), planes.next());
    let mut out = vec![u8::MAX; first.len() * 4];
    match (second, third) {
        (Some(green), Some(blue)) => {
            for (((to, r), g), b) in out.chunks_exact_mut(4).zip(first).zip(green).zip(blue) {
                to.copy_from_slice(&[*r, *g, *b, u8::MAX]);
            }
        }
        _ => out.chunks_exact_mut(4).zip(first).for_each(|(to, v)| to.copy_from_slice(&[*v, *v, *v, u8::MAX])),
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn square(side: usize) -> ImageShape {
        ImageShape { channels: 3, height: side, width: side }
    }

    #[test]
    fn small_pictures_keep_their_size_and_large_ones_take_few_sizes() {
        assert_eq!(cell(square(32), 16.0, 2048), [32, 32]);
        assert_eq!(cell(square(32), 256.0, 2048), [32, 32]);
        assert_eq!(cell(square(512), 100.0, 2048), [128, 128]);
        assert_eq!(cell(square(512), 128.0, 2048), [128, 128]);
        assert_eq!(cell(square(512), 250.0, 2048), [256, 256]);
        assert_eq!(cell(square(512), 256.0, 2048), [512, 512]);
        let tall = ImageShape { channels: 1, height: 400, width: 100 };
        assert_eq!(cell(tall, 64.0, 2048), [16, 64]);
        assert_eq!(cell(square(4096), 4000.0, 2048), [2048, 2048], "no larger than a page");
    }

    #[test]
    fn bytes_become_pixels_and_short_ones_nothing() {
        let shape = ImageShape { channels: 3, height: 1, width: 2 };
        assert_eq!(rgba(shape, &[1, 2, 3, 4, 5, 6]).unwrap(), [1, 3, 5, 255, 2, 4, 6, 255]);
        let grey = ImageShape { channels: 1, ..shape };
        assert_eq!(rgba(grey, &[7, 9]).unwrap(), [7, 7, 7, 255, 9, 9, 9, 255]);
        assert_eq!(rgba(shape, &[1, 2, 3]), None);
        assert_eq!(rgba(ImageShape { channels: 3, height: 0, width: 0 }, &[]), None);
    }

    #[test]
    fn reduced_pictures_keep_their_colours_and_places() {
        let shape = square(64);
        // Left half red, right half blue.
        let plane = |left: u8, right: u8| (0..64 * 64).map(move |i| if i % 64 < 32 { left } else { right });
        let pixels: Vec<u8> = plane(200, 0).chain(plane(10, 10)).chain(plane(0, 200)).collect();
        let small = reduced(shape, &pixels, [16, 16], &mut Resizer::new()).unwrap();
        assert_eq!(small.len(), 16 * 16 * 4);
        assert_eq!(small[4 * 2..][..4], [200, 10, 0, 255]);
        assert_eq!(small[4 * 13..][..4], [0, 10, 200, 255]);
        assert_eq!(reduced(shape, &pixels[1..], [16, 16], &mut Resizer::new()), None);
    }
}
