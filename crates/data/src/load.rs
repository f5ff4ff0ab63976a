//! From a source to a dataset in memory: decoded in parallel, stored in the source's order.

use std::borrow::Cow;
use std::path::Path;

use rayon::prelude::*;

use super::builder::Builder;
use super::convert::{ConvertedImage, Target, convert};
use super::decode::decode;
use super::source::{self, Content, RawImage, read_file};
use super::{Dataset, Limits, LoadOptions};
use whence_base::Result;

/// See [`Dataset::load`].
pub(super) fn load(
    path: &Path,
    options: &LoadOptions,
    progress: &mut dyn FnMut(usize, usize) -> Result<()>,
) -> Result<Dataset> {
    let limits = &options.limits;
    if let Some(shape) = options.shape {
        shape.check(limits)?;
    }
    progress(0, 0)?;
    let mut source = source::open(path, options)?;
    let total = source.total();
    progress(0, total)?;

    let mut builder = Builder::new(path, options, total);
    let mut next = source.next_batch()?;
    while let Some(batch) = next {
        let target = builder.target(&mut batch.images.iter().map(|image| original_size(image, limits)));
        let work = || decode_all(&batch.images, target, limits);
        let (converted, read_ahead) = rayon::join(work, || source.next_batch());
        builder.skip(batch.skipped);
        for (image, converted) in batch.images.into_iter().zip(converted) {
            builder.push(image, converted)?;
        }
        progress(builder.seen(), total.max(builder.seen()))?;
        next = read_ahead?;
    }
    builder.finish(&source.groups(), source.notes())
}

/// Decodes a batch in parallel, in its own order. Without a target no image of it was readable.
fn decode_all(images: &[RawImage], target: Option<Target>, limits: &Limits) -> Vec<Result<ConvertedImage, String>> {
    let one = |image: &RawImage| {
        let bytes = content(image, limits)?;
        let decoded = decode(&bytes, limits)?;
        match target {
            Some(target) => convert(decoded, target),
            None => Err("it changed while it was read".to_owned()),
        }
    };
    images.par_iter().with_max_len(8).map(one).collect()
}

/// Width and height of an image, in pixels; `None` where it cannot be read.
fn original_size(image: &RawImage, limits: &Limits) -> Option<(usize, usize)> {
    let bytes = content(image, limits).ok()?;
    decode(&bytes, limits).ok().map(|decoded| decoded.size)
}

fn content<'a>(image: &'a RawImage, limits: &Limits) -> Result<Cow<'a, [u8]>, String> {
    match &image.content {
        Content::Memory(bytes) if bytes.len() as u64 > limits.max_file_bytes => {
            Err(format!("longer than {} MiB", limits.max_file_bytes >> 20))
        }
        Content::Memory(bytes) => Ok(Cow::Borrowed(bytes)),
        Content::File(path) => match read_file(path, limits.max_file_bytes) {
            Ok(bytes) => Ok(Cow::Owned(bytes)),
            Err(error) => Err(format!("it could not be read: {error}")),
        },
    }
}
