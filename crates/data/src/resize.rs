//! Centre crop to the model's aspect ratio, then resampling.

use std::cell::Cell;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x3};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};

thread_local! {
    // Taken out while in use: the resizer may run other tasks of the pool on this thread.
    static RESIZER: Cell<Option<Resizer>> = const { Cell::new(None) };
}

/// Crops and resizes interleaved `pixels` of `channels` (1 or 3); sizes are (width, height) in pixels.
///
/// The largest centred part of the target's aspect ratio is resampled by Lanczos3 where it is larger
/// than the target, else by Catmull-Rom, and copied where it has the target's size.
pub(super) fn crop_and_resize(
    pixels: &[u8],
    channels: usize,
    from: (usize, usize),
    to: (usize, usize),
) -> Result<Vec<u8>, String> {
    let (left, top, width, height) = centre_crop(from, to);
    // Cropped first: the resizer's own crop box lets the filter reach outside it.
    let mut crop = Vec::with_capacity(width * height * channels);
    for row in pixels.chunks_exact(from.0 * channels).skip(top).take(height) {
        crop.extend_from_slice(row.get(left * channels..(left + width) * channels).ok_or("it could not be cropped")?);
    }
    if (width, height) == to {
        return Ok(crop);
    }
    let filter = if width > to.0 || height > to.1 { FilterType::Lanczos3 } else { FilterType::CatmullRom };
    let resample = if channels == 1 { resample::<U8> } else { resample::<U8x3> };
    let mut target = vec![0; to.0 * to.1 * channels];
    resample(&crop, (width, height), &mut target, to, filter)
        .map_err(|error| format!("it could not be resized: {error}"))?;
    Ok(target)
}

/// Resamples an image of one pixel type. The resizer's entry for any type would compile all of its types, several megabytes.
fn resample<P: PixelTrait>(
    source: &[u8],
    from: (usize, usize),
    target: &mut [u8],
    to: (usize, usize),
    filter: FilterType,
) -> Result<(), String> {
    let edge = |pixels: usize| u32::try_from(pixels).map_err(|_| "it is too large".to_owned());
    let source = TypedImageRef::<P>::from_buffer(edge(from.0)?, edge(from.1)?, source).map_err(|e| e.to_string())?;
    let mut target = TypedImage::<P>::from_buffer(edge(to.0)?, edge(to.1)?, target).map_err(|e| e.to_string())?;
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
    let mut resizer = RESIZER.take().unwrap_or_default();
    let outcome = resizer.resize_typed(&source, &mut target, &options);
    RESIZER.set(Some(resizer));
    outcome.map_err(|error| error.to_string())
}

/// The largest centred part of the target's aspect ratio: left, top, width, height, in pixels.
pub(super) fn centre_crop(from: (usize, usize), to: (usize, usize)) -> (usize, usize, usize, usize) {
    // The part of one edge, rounded, at least one pixel.
    let part = |edge: usize, num: usize, den: usize, most: usize| ((edge * num + den / 2) / den.max(1)).clamp(1, most);
    let (width, height) = if from.0 * to.1 > from.1 * to.0 {
        (part(from.1, to.0, to.1, from.0), from.1)
    } else {
        (from.0, part(from.0, to.1, to.0, from.1))
    };
    ((from.0 - width) / 2, (from.1 - height) / 2, width, height)
}
