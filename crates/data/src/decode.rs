//! From the bytes of one image file to opaque pixels of 8 bits, within the limits.

use std::borrow::Cow;
use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader};

use super::Limits;
use super::source::catch_decoder_panic;

/// The formats that are read, as they stand in a message.
pub(super) const FORMATS_READ: &str = "PNG, JPEG, WebP, BMP, TIFF or GIF";

/// A decoded image, interleaved.
pub(super) struct DecodedImage {
    /// Width and height in pixels, after the image was turned.
    pub size: (usize, usize),
    /// 1 where no pixel has a colour, else 3.
    pub channels: usize,
    /// `height * width * channels` bytes.
    pub pixels: Vec<u8>,
    /// True where its orientation tag turned or mirrored it.
    pub turned: bool,
    /// True where a pixel was not opaque and was laid on white.
    pub transparent: bool,
    /// Bits of a channel before they became 8.
    pub bits: usize,
}

/// Decodes an image file; else why it cannot be read, a phrase without its full stop.
///
/// Of an animation the first frame is read. The image is turned as its EXIF (or TIFF) orientation
/// says, as Hugging Face `datasets` does. Colour profiles are not applied.
pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<DecodedImage, String> {
    catch_decoder_panic(|| decode_within(bytes, limits)).unwrap_or_else(|| Err("the decoder failed on it".to_owned()))
}

fn decode_within(bytes: &[u8], limits: &Limits) -> Result<DecodedImage, String> {
    let format = format_of(bytes)?;
    if format == ImageFormat::Jpeg && !jpeg_is_whole(bytes) {
        return Err("the JPEG file is cut short".to_owned());
    }
    let bytes = if format == ImageFormat::Png { without_colour_profile(bytes) } else { Cow::Borrowed(bytes) };
    let explain = |error: ImageError| match error {
        ImageError::Limits(_) => too_large(limits),
        other => other.to_string(),
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes.as_ref()), format);
    let mut allowed = image::Limits::default();
    allowed.max_image_width = Some(limits.max_edge);
    allowed.max_image_height = Some(limits.max_edge);
    allowed.max_alloc = Some(limits.max_alloc);
    reader.limits(allowed);
    let mut decoder = reader.into_decoder().map_err(explain)?;
    let (width, height) = decoder.dimensions();
    let area = u64::from(width) * u64::from(height);
    if width.max(height) > limits.max_edge || area > limits.max_pixels || decoder.total_bytes() > limits.max_alloc {
        return Err(too_large(limits));
    }
    if area == 0 {
        return Err("it has no pixels".to_owned());
    }
    // A damaged EXIF block costs the orientation, not the image: Pillow reads such files, too.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut decoded = DynamicImage::from_decoder(decoder).map_err(explain)?;
    decoded.apply_orientation(orientation);
    Ok(opaque(decoded, orientation != Orientation::NoTransforms))
}

/// The format by the first bytes; the file's name does not count.
fn format_of(bytes: &[u8]) -> Result<ImageFormat, String> {
    if bytes.is_empty() {
        return Err("the file is empty".to_owned());
    }
    match image::guess_format(bytes) {
        Ok(
            format @ (ImageFormat::Png
            | ImageFormat::Jpeg
            | ImageFormat::WebP
            | ImageFormat::Bmp
            | ImageFormat::Tiff
            | ImageFormat::Gif),
        ) => Ok(format),
        Ok(other) => Err(format!("{} images are not read", other.extensions_str().first().unwrap_or(&"such"))),
        Err(_) => Err(format!("not a {FORMATS_READ} image")),
    }
}

fn too_large(limits: &Limits) -> String {
    let (edge, area) = (limits.max_edge, limits.max_pixels >> 20);
    format!("too large: at most {edge} pixels per edge and {area} megapixels are read")
}

/// Makes an image 8-bit, opaque (laid on white) and, where no pixel has a colour, grey.
fn opaque(decoded: DynamicImage, turned: bool) -> DecodedImage {
    let size = (decoded.width() as usize, decoded.height() as usize);
    let colour = decoded.color();
    let bits = 8 * usize::from(colour.bytes_per_pixel() / colour.channel_count().max(1));
    let (colours, alpha, samples) = match decoded {
        DynamicImage::ImageLuma8(buffer) => (1, false, buffer.into_raw()),
        DynamicImage::ImageLumaA8(buffer) => (1, true, buffer.into_raw()),
        DynamicImage::ImageRgb8(buffer) => (3, false, buffer.into_raw()),
        DynamicImage::ImageRgba8(buffer) => (3, true, buffer.into_raw()),
        DynamicImage::ImageLuma16(buffer) => (1, false, to_8_bits(&buffer.into_raw())),
        DynamicImage::ImageLumaA16(buffer) => (1, true, to_8_bits(&buffer.into_raw())),
        DynamicImage::ImageRgb16(buffer) => (3, false, to_8_bits(&buffer.into_raw())),
        DynamicImage::ImageRgba16(buffer) => (3, true, to_8_bits(&buffer.into_raw())),
        other => (3, true, other.into_rgba8().into_raw()),
    };
    let (mut pixels, transparent) = if alpha { on_white(&samples, colours) } else { (samples, false) };
    let mut channels = colours;
    if channels == 3 && pixels.chunks_exact(3).all(|rgb| matches!(rgb, [r, g, b] if r == g && g == b)) {
        pixels = pixels.into_iter().step_by(3).collect();
        channels = 1;
    }
    DecodedImage { size, channels, pixels, turned, transparent, bits }
}

/// Rounds 16-bit samples to the nearest of 256 levels instead of cutting them: 65535 / 257 = 255.
fn to_8_bits(samples: &[u16]) -> Vec<u8> {
    samples.iter().map(|&sample| ((u32::from(sample) + 128) / 257) as u8).collect()
}

/// Lays pixels with alpha on white; true where one of them was not opaque.
fn on_white(samples: &[u8], colours: usize) -> (Vec<u8>, bool) {
    let mut pixels = Vec::with_capacity(samples.len() / (colours + 1) * colours);
    let mut transparent = false;
    for sample in samples.chunks_exact(colours + 1) {
        let Some((&alpha, values)) = sample.split_last() else { continue };
        transparent |= alpha != 255;
        let alpha = u32::from(alpha);
        for &value in values {
            // A weighted mean of bytes is a byte.
            pixels.push(((u32::from(value) * alpha + 255 * (255 - alpha) + 127) / 255) as u8);
        }
    }
    (pixels, transparent)
}

/// True where a JPEG's data runs to its end marker; the decoder fills up what is missing with grey.
fn jpeg_is_whole(bytes: &[u8]) -> bool {
    let mut at = 2_usize;
    // Header segments carry their length; a thumbnail inside one has an end marker of its own.
    while let Some(&[0xff, marker, high, low]) = bytes.get(at..at.saturating_add(4)) {
        match marker {
            0xff => at += 1,
            0x01 | 0xd0..=0xd8 => at += 2,
            _ => at += 2 + usize::from(u16::from_be_bytes([high, low])),
        }
        if marker == 0xda {
            let data = bytes.get(at..).unwrap_or(&[]);
            return data.windows(2).any(|pair| pair == [0xff, 0xd9]);
        }
    }
    false
}

/// A PNG file less its colour profile (`iCCP`), which is never applied: it is compressed, so half a
/// megabyte of it can fill gigabytes, and the decoder unpacks it before anything can stop it.
fn without_colour_profile(bytes: &[u8]) -> Cow<'_, [u8]> {
    const SIGNATURE: usize = 8;
    let mut kept = Vec::new();
    let (mut copied, mut start) = (0, SIGNATURE);
    // A chunk: length, type, data, checksum. Image data ends the part where a profile may stand.
    while let Some(&[a, b, c, d, ref kind @ ..]) = bytes.get(start..start.saturating_add(8)) {
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        let end = start.saturating_add(length).saturating_add(12);
        if kind == b"IDAT" || end > bytes.len() {
            break;
        }
        if kind == b"iCCP" {
            kept.extend_from_slice(bytes.get(copied..start).unwrap_or_default());
            copied = end;
        }
        start = end;
    }
    if copied == 0 {
        return Cow::Borrowed(bytes);
    }
    kept.extend_from_slice(bytes.get(copied..).unwrap_or_default());
    Cow::Owned(kept)
}

#[cfg(test)]
mod tests {
    use super::without_colour_profile;

    fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
        [&(data.len() as u32).to_be_bytes(), kind.as_slice(), data, b"ccrc"].concat()
    }

    #[test]
    fn colour_profiles_are_cut_out_and_nothing_else() {
        let file = |chunks: &[Vec<u8>]| [b"\x89PNG\r\n\x1a\n".as_slice(), &chunks.concat()].concat();
        let (header, text, data) = (chunk(b"IHDR", &[1; 13]), chunk(b"tEXt", b"a\0b"), chunk(b"IDAT", &[7; 20]));
        let profile = chunk(b"iCCP", &[3; 100]);
        let plain = file(&[header.clone(), text.clone(), data.clone()]);
        assert_eq!(*without_colour_profile(&plain), plain);
        let one = file(&[header.clone(), profile.clone(), text.clone(), data.clone()]);
        assert_eq!(*without_colour_profile(&one), plain);
        let two = file(&[header.clone(), profile.clone(), text.clone(), profile.clone(), data.clone()]);
        assert_eq!(*without_colour_profile(&two), plain);
        let behind = file(&[header.clone(), data, profile.clone()]);
        assert_eq!(*without_colour_profile(&behind), behind, "a profile behind the image data is an error of its own");
        for end in 0..one.len() {
            let cut = &one[..end];
            assert!(without_colour_profile(cut).len() <= cut.len());
        }
    }
}
