//! From a decoded image to the model's size and channels.

use std::path::Path;

use super::decode::{DecodedImage, FORMATS_READ, decode};
use super::resize::{centre_crop, crop_and_resize};
use super::source::read_file;
use super::{ImageShape, Limits};
use whence_base::{Error, Result};

/// A query image in the model's shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedImage {
    /// The file's name.
    pub name: String,
    /// Planar `[channels, height, width]` bytes of `shape`.
    pub pixels: Vec<u8>,
    /// The model's shape.
    pub shape: ImageShape,
    /// What was changed, for people: `resized from 640 × 480 to 32 × 32, centre crop` (width x height).
    pub notes: Vec<String>,
}

/// Reads the image file at `path` (PNG, JPEG, WebP, BMP, TIFF or GIF), turns it as its EXIF
/// orientation says and converts it to `shape`, noting what was changed.
///
/// # Errors
/// [`Error::Io`] where the file cannot be read; [`Error::Input`] where it is no image, is
/// damaged, exceeds the default [`Limits`], or `shape` is not one of 1 or 3 channels.
pub fn load_image(path: &Path, shape: ImageShape) -> Result<LoadedImage> {
    let limits = Limits::default();
    let bytes = read_file(path, limits.max_file_bytes).map_err(Error::io("read", path))?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    load(&bytes, &name, &path.display().to_string(), shape, &limits)
}

/// As [`load_image`], from the bytes of a file. `name` is for people.
///
/// # Errors
/// [`Error::Input`] where `bytes` are no image, are damaged, exceed the default [`Limits`], or
/// `shape` is not one of 1 or 3 channels.
pub fn decode_image(bytes: &[u8], name: &str, shape: ImageShape) -> Result<LoadedImage> {
    load(bytes, name, name, shape, &Limits::default())
}

fn load(bytes: &[u8], name: &str, place: &str, shape: ImageShape, limits: &Limits) -> Result<LoadedImage> {
    shape.check(limits)?;
    let target = Target { height: shape.height, width: shape.width, channels: Some(shape.channels) };
    let image = decode(bytes, limits).and_then(|decoded| convert(decoded, target)).map_err(|reason| {
        let what = format!("the image cannot be used: {reason}");
        Error::input(what, place, format!("Choose another {FORMATS_READ} file, or save this one again"))
    })?;
    Ok(LoadedImage { name: name.to_owned(), pixels: image.pixels, shape, notes: image.conversions.notes(target) })
}

/// What an image is converted to. Without channels, grey images stay grey (1) and others colour (3).
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub height: usize,
    pub width: usize,
    pub channels: Option<usize>,
}

/// An image in its target's shape.
pub(super) struct ConvertedImage {
    /// Planar `[channels, height, width]` bytes.
    pub pixels: Vec<u8>,
    /// 1 or 3.
    pub channels: usize,
    pub conversions: Conversions,
}

/// What was done to an image.
pub(super) struct Conversions {
    /// Width and height before it was resized.
    original_size: (usize, usize),
    pub resized: bool,
    /// Turned or mirrored as its orientation tag says.
    pub turned: bool,
    transparent: bool,
    /// Bits of a channel before they became 8.
    bits: usize,
    to_grey: bool,
    to_colour: bool,
}

impl Conversions {
    fn notes(&self, target: Target) -> Vec<String> {
        let mut notes = Vec::new();
        if self.turned {
            notes.push("turned as its EXIF orientation says".to_owned());
        }
        if self.resized {
            let (from, to) = (self.original_size, (target.width, target.height));
            let (_, _, width, height) = centre_crop(from, to);
            let crop = if (width, height) == from { "" } else { ", centre crop" };
            notes.push(format!("resized from {} × {} to {} × {}{crop}", from.0, from.1, to.0, to.1));
        }
        if self.transparent {
            notes.push("transparent pixels laid on white".to_owned());
        }
        if self.bits > 8 {
            notes.push(format!("{} bits per channel reduced to 8", self.bits));
        }
        if self.to_grey {
            notes.push("converted to greyscale".to_owned());
        }
        if self.to_colour {
            notes.push("greyscale converted to colour".to_owned());
        }
        notes
    }
}

/// Converts a decoded image to `target`; else why that is impossible, a phrase without its full stop.
pub(super) fn convert(mut image: DecodedImage, target: Target) -> Result<ConvertedImage, String> {
    let size = (target.width, target.height);
    let to_grey = target.channels == Some(1) && image.channels == 3;
    if to_grey {
        image.pixels = image.pixels.chunks_exact(3).map(luma).collect();
        image.channels = 1;
    }
    let resized = image.size != size;
    if resized {
        image.pixels = crop_and_resize(&image.pixels, image.channels, image.size, size)?;
    }
    let to_colour = target.channels == Some(3) && image.channels == 1;
    let pixels = match (image.channels, to_colour) {
        (1, false) => image.pixels,
        (1, true) => image.pixels.repeat(3),
        _ => planar(&image.pixels),
    };
    let conversions = Conversions {
        original_size: image.size,
        resized,
        turned: image.turned,
        transparent: image.transparent,
        bits: image.bits,
        to_grey,
        to_colour,
    };
    Ok(ConvertedImage { pixels, channels: target.channels.unwrap_or(image.channels), conversions })
}

/// Rec. 601 luma with the weights and rounding of Pillow's `convert("L")`.
fn luma(rgb: &[u8]) -> u8 {
    let &[r, g, b] = rgb else {
        debug_assert!(false, "a colour pixel has three bytes");
        return 0;
    };
    // The weights add up to 2^16, so the result is a byte.
    ((u32::from(r) * 19_595 + u32::from(g) * 38_470 + u32::from(b) * 7_471 + 0x8000) >> 16) as u8
}

fn planar(interleaved: &[u8]) -> Vec<u8> {
    let mut planes = Vec::with_capacity(interleaved.len());
    for channel in 0..3 {
        planes.extend(interleaved.iter().skip(channel).step_by(3));
    }
    planes
}
