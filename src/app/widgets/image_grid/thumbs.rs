//! Conversion of an image's planar bytes to the pixels of its atlas cell.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use whence_data::ImageShape;

/// Width and height of an image's cell, in pixels, for tiles whose longer side has `tile` screen pixels. It is the image's
/// own size where that is at most twice the tile's, which the graphics card reduces well, else a power of two above the
/// tile's, so that few sizes are ever computed.
pub fn cell(shape: ImageShape, tile: f64, most: usize) -> [usize; 2] {
    let longest = shape.width.max(shape.height).max(1);
    let wanted = (tile.ceil().max(1.0) as usize).next_power_of_two();
    let side = if longest as f64 <= 2.0 * tile { longest } else { wanted.min(longest) };
    let side = side.clamp(1, most.max(1));
    [shape.width, shape.height].map(|v| (v * side).div_ceil(longest).max(1))
}

/// Writes interleaved red, green, blue and opacity into `strip`, which is `width` pixels wide, from column `left` on.
/// Does nothing where the number of bytes does not match the shape.
pub fn rgba_into(shape: ImageShape, pixels: &[u8], strip: &mut [u8], width: usize, left: usize) {
    let area = shape.width * shape.height;
    if pixels.len() != shape.numel() || area == 0 {
        return;
    }
    let red = pixels.get(..area).unwrap_or_default();
    let green = pixels.get(area..2 * area).unwrap_or(red);
    let blue = pixels.get(2 * area..3 * area).unwrap_or(red);
    let rows = red.chunks_exact(shape.width).zip(green.chunks_exact(shape.width)).zip(blue.chunks_exact(shape.width));
    for (line, ((red, green), blue)) in strip.chunks_exact_mut(4 * width).zip(rows) {
        let Some(line) = line.get_mut(4 * left..4 * (left + shape.width)) else { return };
        for (to, ((r, g), b)) in line.as_chunks_mut::<4>().0.iter_mut().zip(red.iter().zip(green).zip(blue)) {
            *to = [*r, *g, *b, u8::MAX];
        }
    }
}

/// The image reduced to this width and height, as interleaved red, green, blue and opacity. None where the number of bytes
/// does not match the shape.
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
    let mut planes = Vec::with_capacity(shape.channels * width * height);
    for plane in pixels.chunks_exact(area) {
        let source = ImageRef::new(side(shape.width)?, side(shape.height)?, plane, PixelType::U8).ok()?;
        let mut target = Image::new(side(width)?, side(height)?, PixelType::U8);
        resizer.resize(&source, &mut target, &options).ok()?;
        planes.extend(target.into_vec());
    }
    let mut out = vec![0; width * height * 4];
    rgba_into(ImageShape { channels: shape.channels, height, width }, &planes, &mut out, width, 0);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn square(side: usize) -> ImageShape {
        ImageShape { channels: 3, height: side, width: side }
    }

    #[test]
    fn small_images_keep_their_size_and_large_ones_use_powers_of_two() {
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
    fn planar_bytes_become_pixels_and_incomplete_ones_are_ignored() {
        let shape = ImageShape { channels: 3, height: 1, width: 2 };
        let strip = |shape, pixels: &[u8]| {
            let mut strip = [0; 16];
            rgba_into(shape, pixels, &mut strip, 4, 1);
            strip
        };
        let mut wanted = [0; 16];
        wanted[4..12].copy_from_slice(&[1, 3, 5, 255, 2, 4, 6, 255]);
        assert_eq!(strip(shape, &[1, 2, 3, 4, 5, 6]), wanted);
        let grey = ImageShape { channels: 1, ..shape };
        wanted[4..12].copy_from_slice(&[7, 7, 7, 255, 9, 9, 9, 255]);
        assert_eq!(strip(grey, &[7, 9]), wanted);
        assert_eq!(strip(shape, &[1, 2, 3]), [0; 16]);
        assert_eq!(strip(ImageShape { channels: 3, height: 0, width: 0 }, &[]), [0; 16]);
    }

    #[test]
    fn reduced_images_keep_their_colours_and_positions() {
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
