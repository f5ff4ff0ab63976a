//! One image's bytes turned to the model's size and channels.

use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader};

use super::resize::{centre, fit};
use super::source::{contained, read_file};
use super::{ImageShape, Limits};
use whence_base::{Error, Result};

/// A query image, turned to the model's shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The file's name.
    pub name: String,
    /// Planar (C, H, W) bytes of `shape`.
    pub pixels: Vec<u8>,
    /// The model's shape.
    pub shape: ImageShape,
    /// What was changed, for people: `resized from 640x480 to 32x32, centre crop` (width x height).
    pub notes: Vec<String>,
}

/// Reads the PNG, JPEG or WebP file at `path` and turns it to `shape`, noting what was changed.
///
/// # Errors
/// [`Error::Io`] where the file cannot be read; [`Error::Input`] where it is no image, is
/// damaged, exceeds the default [`Limits`], or `shape` is not one of 1 or 3 channels.
pub fn load_image(path: &Path, shape: ImageShape) -> Result<Image> {
    let limits = Limits::default();
    let bytes = read_file(path, limits.max_file_bytes).map_err(Error::io("read", path))?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    image(&bytes, &name, &path.display().to_string(), shape, &limits)
}

/// Turns a PNG, JPEG or WebP file's `bytes` to `shape`, noting what was changed. `name` is for people.
///
/// # Errors
/// [`Error::Input`] where `bytes` are no image, are damaged, exceed the default [`Limits`], or
/// `shape` is not one of 1 or 3 channels.
pub fn decode_image(bytes: &[u8], name: &str, shape: ImageShape) -> Result<Image> {
    image(bytes, name, name, shape, &Limits::default())
}

fn image(bytes: &[u8], name: &str, place: &str, shape: ImageShape, limits: &Limits) -> Result<Image> {
    shape.check(limits)?;
    let target = Target { height: shape.height, width: shape.width, channels: Some(shape.channels) };
    let fitted = decode(bytes, target, limits).map_err(|reason| {
        let what = format!("the image cannot be used: {reason}");
        Error::input(what, place, "Choose another PNG, JPEG or WebP file, or save this one again")
    })?;
    Ok(Image { name: name.to_owned(), pixels: fitted.pixels, shape, notes: fitted.changes.notes(target) })
}

/// What an image is turned into. Without channels, grey images stay grey (1) and others colour (3).
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub height: usize,
    pub width: usize,
    pub channels: Option<usize>,
}

/// An image turned to its target: planar bytes of `channels` (1 or 3).
pub(super) struct Fitted {
    pub pixels: Vec<u8>,
    pub channels: usize,
    pub changes: Changes,
}

/// What was done to an image.
pub(super) struct Changes {
    /// Width and height before.
    from: (usize, usize),
    pub resized: bool,
    transparent: bool,
    deep: bool,
    to_grey: bool,
    to_colour: bool,
}

impl Changes {
    fn notes(&self, target: Target) -> Vec<String> {
        let (from, to) = (self.from, (target.width, target.height));
        let mut notes = Vec::new();
        if self.resized {
            let (_, _, width, height) = centre(from, to);
            let crop = if (width, height) == from { "" } else { ", centre crop" };
            notes.push(format!("resized from {}x{} to {}x{}{crop}", from.0, from.1, to.0, to.1));
        }
        let texts = [
            (self.transparent, "transparent pixels laid on white"),
            (self.deep, "16 bits a channel turned to 8"),
            (self.to_grey, "colour turned to grey"),
            (self.to_colour, "grey turned to colour"),
        ];
        notes.extend(texts.iter().filter(|(done, _)| *done).map(|(_, text)| (*text).to_owned()));
        notes
    }
}

/// Width and height of an image, after decoding all of it; else why it cannot be read.
pub(super) fn measure(bytes: &[u8], limits: &Limits) -> Result<(usize, usize), String> {
    guarded(|| canvas(bytes, limits)).map(|canvas| canvas.size)
}

/// Turns an image to `target`; else why it cannot be read, a phrase without its full stop.
pub(super) fn decode(bytes: &[u8], target: Target, limits: &Limits) -> Result<Fitted, String> {
    guarded(|| place(canvas(bytes, limits)?, target))
}

fn guarded<T>(decoder: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    contained(decoder).unwrap_or_else(|| Err("the decoder broke down on it".to_owned()))
}

/// A decoded image: interleaved, 8 bits, opaque; one channel where it is grey, else three.
struct Canvas {
    size: (usize, usize),
    channels: usize,
    pixels: Vec<u8>,
    transparent: bool,
    deep: bool,
}

fn place(mut canvas: Canvas, target: Target) -> Result<Fitted, String> {
    let (from, to) = (canvas.size, (target.width, target.height));
    let to_grey = target.channels == Some(1) && canvas.channels == 3;
    if to_grey {
        canvas.pixels = canvas.pixels.chunks_exact(3).map(luma).collect();
        canvas.channels = 1;
    }
    if from != to {
        canvas.pixels = fit(&canvas.pixels, canvas.channels, from, to)?;
    }
    let to_colour = target.channels == Some(3) && canvas.channels == 1;
    let pixels = match (canvas.channels, to_colour) {
        (1, false) => canvas.pixels,
        (1, true) => canvas.pixels.repeat(3),
        _ => planar(&canvas.pixels),
    };
    let changes =
        Changes { from, resized: from != to, transparent: canvas.transparent, deep: canvas.deep, to_grey, to_colour };
    Ok(Fitted { pixels, channels: target.channels.unwrap_or(canvas.channels), changes })
}

/// Rec. 601 luma with the weights and rounding of Pillow's `convert("L")`.
fn luma(rgb: &[u8]) -> u8 {
    let weighted: u32 =
        rgb.iter().zip([19_595_u32, 38_470, 7_471]).map(|(&value, weight)| u32::from(value) * weight).sum();
    u8::try_from((weighted + 0x8000) >> 16).unwrap_or(u8::MAX)
}

fn planar(interleaved: &[u8]) -> Vec<u8> {
    (0..3).flat_map(|channel| interleaved.iter().skip(channel).step_by(3).copied()).collect()
}

/// Decodes an image within the limits.
fn canvas(bytes: &[u8], limits: &Limits) -> Result<Canvas, String> {
    if bytes.is_empty() {
        return Err("the file is empty".to_owned());
    }
    let Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP)) = image::guess_format(bytes) else {
        return Err("not a PNG, JPEG or WebP image".to_owned());
    };
    if format == ImageFormat::Jpeg && !jpeg_is_whole(bytes) {
        return Err("the JPEG file is cut short".to_owned());
    }
    let too_large = || {
        let (side, area) = (limits.max_side, limits.max_pixels >> 20);
        format!("too large: at most {side} pixels a side and {area} megapixels are read")
    };
    let explain = |error: ImageError| match error {
        ImageError::Limits(_) => too_large(),
        other => other.to_string(),
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut allowed = image::Limits::default();
    allowed.max_image_width = Some(limits.max_side);
    allowed.max_image_height = Some(limits.max_side);
    allowed.max_alloc = Some(limits.max_alloc);
    reader.limits(allowed);
    let decoder = reader.into_decoder().map_err(explain)?;
    let (width, height) = decoder.dimensions();
    let area = u64::from(width) * u64::from(height);
    if width.max(height) > limits.max_side || area > limits.max_pixels || decoder.total_bytes() > limits.max_alloc {
        return Err(too_large());
    }
    if area == 0 {
        return Err("it has no pixels".to_owned());
    }
    let whole = DynamicImage::from_decoder(decoder).map_err(explain)?;
    Ok(opaque(whole, (width as usize, height as usize)))
}

/// Makes an image 8-bit, opaque (laid on white) and, where no pixel has a colour, grey.
fn opaque(decoded: DynamicImage, size: (usize, usize)) -> Canvas {
    let deep = decoded.color().bytes_per_pixel() > decoded.color().channel_count();
    // Rounded to the nearest level, not cut: 65535 / 257 = 255.
    let round = |wide: Vec<u16>| -> Vec<u8> {
        wide.into_iter().map(|value| u8::try_from((u32::from(value) + 128) / 257).unwrap_or(u8::MAX)).collect()
    };
    let (colours, alpha, samples) = match decoded {
        DynamicImage::ImageLuma8(buffer) => (1, false, buffer.into_raw()),
        DynamicImage::ImageLumaA8(buffer) => (1, true, buffer.into_raw()),
        DynamicImage::ImageRgb8(buffer) => (3, false, buffer.into_raw()),
        DynamicImage::ImageRgba8(buffer) => (3, true, buffer.into_raw()),
        DynamicImage::ImageLuma16(buffer) => (1, false, round(buffer.into_raw())),
        DynamicImage::ImageLumaA16(buffer) => (1, true, round(buffer.into_raw())),
        DynamicImage::ImageRgb16(buffer) => (3, false, round(buffer.into_raw())),
        DynamicImage::ImageRgba16(buffer) => (3, true, round(buffer.into_raw())),
        other => (3, true, other.into_rgba8().into_raw()),
    };
    let (mut pixels, transparent) = if alpha { on_white(&samples, colours) } else { (samples, false) };
    let mut channels = colours;
    if channels == 3 && pixels.chunks_exact(3).all(|rgb| matches!(rgb, [r, g, b] if r == g && g == b)) {
        pixels = pixels.into_iter().step_by(3).collect();
        channels = 1;
    }
    Canvas { size, channels, pixels, transparent, deep }
}

/// Lays pixels with alpha on white; true where one of them was not opaque.
fn on_white(samples: &[u8], colours: usize) -> (Vec<u8>, bool) {
    let mut pixels = Vec::with_capacity(samples.len() / (colours + 1) * colours);
    let mut transparent = false;
    for sample in samples.chunks_exact(colours + 1) {
        let Some((&alpha, values)) = sample.split_last() else { continue };
        transparent |= alpha != 255;
        let alpha = u32::from(alpha);
        let blend = |&value: &u8| (u32::from(value) * alpha + 255 * (255 - alpha) + 127) / 255;
        pixels.extend(values.iter().map(|value| u8::try_from(blend(value)).unwrap_or(u8::MAX)));
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
