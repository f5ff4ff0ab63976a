//! Images as PNG files.

use std::path::Path;

use whence_base::{Error, Result};
use whence_data::ImageShape;

/// Interleaved RGB bytes of a planar image; grey is repeated.
pub fn to_rgb(pixels: &[u8], shape: ImageShape) -> Vec<u8> {
    let plane = shape.height * shape.width;
    let channel = |c: usize, i: usize| {
        let c = if shape.channels >= 3 { c } else { 0 };
        pixels.get(c * plane + i).copied().unwrap_or(0)
    };
    (0..plane).flat_map(|i| [channel(0, i), channel(1, i), channel(2, i)]).collect()
}

/// Writes a planar image as PNG, grey or colour.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_png(path: &Path, pixels: &[u8], shape: ImageShape) -> Result<()> {
    let bytes = encode(pixels, shape)
        .map_err(|what| Error::internal(format!("{} cannot be encoded: {what}", path.display())))?;
    whence_store::write_atomic(path, &bytes)
}

/// A planar image as the bytes of a PNG file, grey or colour.
///
/// # Errors
/// Where the pixels are not those of an image of this shape.
pub fn png_bytes(pixels: &[u8], shape: ImageShape) -> Result<Vec<u8>> {
    encode(pixels, shape).map_err(|what| Error::internal(format!("the image cannot be encoded: {what}")))
}

fn encode(pixels: &[u8], shape: ImageShape) -> Result<Vec<u8>, String> {
    if pixels.len() != shape.numel() {
        return Err(format!("the image has {} bytes in place of {}", pixels.len(), shape.numel()));
    }
    let (data, colour) = if shape.channels == 1 {
        (pixels.to_vec(), image::ExtendedColorType::L8)
    } else {
        (to_rgb(pixels, shape), image::ExtendedColorType::Rgb8)
    };
    let mut bytes = Vec::new();
    let encoder = image::codecs::png::PngEncoder::new(&mut bytes);
    image::ImageEncoder::write_image(encoder, &data, shape.width as u32, shape.height as u32, colour)
        .map_err(|e| format!("the image cannot be encoded: {e}"))?;
    Ok(bytes)
}

/// Writes planar images in a row, enlarged to at least 128 pixels, with a gap between them.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_side_by_side(path: &Path, images: &[Vec<u8>], shape: ImageShape) -> Result<()> {
    let times = 128_usize.div_ceil(shape.width.max(1)).max(1);
    let (width, height, gap) = (shape.width * times, shape.height * times, 8);
    let row = ImageShape { channels: 3, height, width: (images.len() * (width + gap)).saturating_sub(gap) };
    let mut planes = vec![255u8; row.numel()];
    for (place, image) in images.iter().enumerate() {
        let rgb = to_rgb(image, shape);
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            let from = (y / times * shape.width + x / times) * 3;
            let to = y * row.width + place * (width + gap) + x;
            for channel in 0..3 {
                if let (Some(pixel), Some(value)) =
                    (planes.get_mut(channel * height * row.width + to), rgb.get(from + channel))
                {
                    *pixel = *value;
                }
            }
        }
    }
    write_png(path, &planes, row)
}
