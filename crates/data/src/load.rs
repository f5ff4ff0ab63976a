//! From a source to a dataset in memory: decoded in parallel, kept in the source's order.

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use super::decode::{Fitted, Target, decode, measure};
use super::order::natural;
use super::source::{self, Content, Groups, RawImage, read_file};
use super::{Dataset, ImageShape, Inner, Limits, LoadOptions, Skipped};
use whence_base::{Error, Result};

/// Pixels reserved before the first image, at most: a file may lie about how many images it has.
const MAX_RESERVE: usize = 1 << 30;

/// Longest side of a native size, and the size otherwise, in pixels.
const NATIVE_SIDE: usize = 64;

/// How many reasons an error names where no image could be read.
const NAMED_REASONS: usize = 3;

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
        let target = builder.target(&batch.images, limits);
        let work = || decode_all(&batch.images, target, limits);
        let (fitted, read_ahead) = rayon::join(work, || source.next_batch());
        builder.skipped.extend(batch.skipped);
        for (image, fitted) in batch.images.into_iter().zip(fitted) {
            builder.push(image, fitted)?;
        }
        progress(builder.seen, total.max(builder.seen))?;
        next = read_ahead?;
    }
    builder.finish(&source.groups())
}

/// Decodes a batch in parallel, in its own order. Without a target no image of it was readable.
fn decode_all(images: &[RawImage], target: Option<Target>, limits: &Limits) -> Vec<Result<Fitted, String>> {
    let one = |image: &RawImage| {
        let bytes = content(image, limits)?;
        match target {
            Some(target) => decode(&bytes, target, limits),
            None => Err(measure(&bytes, limits).err().unwrap_or_else(|| "it changed while it was read".to_owned())),
        }
    };
    images.par_iter().with_max_len(8).map(one).collect()
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

/// A dataset that grows image by image.
struct Builder<'a> {
    path: &'a Path,
    options: &'a LoadOptions,
    total: usize,
    /// The final shape, but that one channel becomes three at the first colour image where free.
    shape: Option<ImageShape>,
    seen: usize,
    names: Vec<String>,
    aliases: Option<Vec<String>>,
    raw_groups: Vec<usize>,
    /// Groups, by the source's index, that an image was tried for.
    tried: HashSet<usize>,
    pixels: Vec<u8>,
    skipped: Vec<Skipped>,
    resized: usize,
}

impl<'a> Builder<'a> {
    fn new(path: &'a Path, options: &'a LoadOptions, total: usize) -> Self {
        Self {
            path,
            options,
            total,
            shape: options.shape,
            seen: 0,
            names: Vec::new(),
            aliases: Some(Vec::new()),
            raw_groups: Vec::new(),
            tried: HashSet::new(),
            pixels: Vec::new(),
            skipped: Vec::new(),
            resized: 0,
        }
    }

    /// What this batch is turned into; `None` where the size is free and no image was readable yet.
    fn target(&mut self, images: &[RawImage], limits: &Limits) -> Option<Target> {
        if self.shape.is_none() {
            let native = |image| content(image, limits).and_then(|bytes| measure(&bytes, limits)).ok();
            let (width, height) = images.iter().find_map(native)?;
            let side = if width.max(height) <= NATIVE_SIDE { width.min(height) } else { NATIVE_SIDE };
            self.shape = Some(ImageShape { channels: 1, height: side, width: side });
        }
        let channels = self.options.shape.map(|shape| shape.channels);
        self.shape.map(|shape| Target { height: shape.height, width: shape.width, channels })
    }

    /// Adds an image, or the reason why it is left out.
    fn push(&mut self, image: RawImage, fitted: Result<Fitted, String>) -> Result<()> {
        self.seen += 1;
        self.tried.insert(image.group);
        let fitted = match fitted {
            Ok(fitted) => fitted,
            Err(reason) => {
                tracing::debug!(image = image.name, reason, "image left out");
                self.skipped.push(Skipped { name: image.name, reason });
                return Ok(());
            }
        };
        let Some(mut shape) = self.shape else { return Ok(()) };
        if self.options.shape.is_none() && fitted.channels > shape.channels {
            // The first colour image: what was grey so far becomes colour.
            self.pixels = self.pixels.chunks_exact(shape.numel().max(1)).flat_map(|grey| grey.repeat(3)).collect();
            shape.channels = fitted.channels;
            self.shape = Some(shape);
        }
        self.make_room(shape)?;
        for _ in 0..shape.channels / fitted.channels.max(1) {
            self.pixels.extend_from_slice(&fitted.pixels);
        }
        self.resized += usize::from(fitted.changes.resized);
        self.aliases = match (self.aliases.take(), image.alias) {
            (Some(mut aliases), Some(alias)) => {
                aliases.push(alias);
                Some(aliases)
            }
            _ => None,
        };
        self.names.push(image.name);
        self.raw_groups.push(image.group);
        Ok(())
    }

    /// Makes room for one more image, for all of them where that is little.
    fn make_room(&mut self, shape: ImageShape) -> Result<()> {
        let size = shape.numel();
        let most = self.options.limits.max_dataset_bytes;
        let fail = |why: &str| {
            let (channels, height, width) = (shape.channels, shape.height, shape.width);
            let what = format!("the dataset at {channels} x {height} x {width} {why}");
            Err(Error::file(what, self.path, "Use a smaller image size, or a part of the dataset"))
        };
        if self.pixels.len().saturating_add(size) > most {
            return fail(&format!("takes more than {} MiB", most >> 20));
        }
        if self.pixels.capacity() - self.pixels.len() < size {
            let rest = self.total.saturating_sub(self.names.len()).saturating_mul(size);
            let wish = rest.clamp(size, MAX_RESERVE.max(size));
            if self.pixels.try_reserve_exact(wish).is_err() && self.pixels.try_reserve(size).is_err() {
                return fail("does not fit into memory");
            }
        }
        Ok(())
    }

    /// Sorts the groups, drops the empty ones and hashes the whole.
    fn finish(mut self, groups: &Groups) -> Result<Dataset> {
        let Some(shape) = self.shape.filter(|_| !self.names.is_empty()) else {
            return Err(self.nothing_readable());
        };
        self.warn();
        let counts = self.raw_groups.iter().fold(vec![0_usize; groups.names.len()], |mut counts, &group| {
            if let Some(count) = counts.get_mut(group) {
                *count += 1;
            }
            counts
        });
        let mut order: Vec<(usize, &String)> = groups.names.iter().enumerate().collect();
        if !groups.ordered {
            order.sort_by(|a, b| natural(a.1, b.1));
        }
        let mut final_of = vec![None; groups.names.len()];
        let mut names = Vec::new();
        for (raw, name) in order {
            if counts.get(raw).is_none_or(|&count| count == 0) {
                let reason = if self.tried.contains(&raw) { "none of its images could be read" } else { "no images" };
                self.skipped.push(Skipped { name: name.clone(), reason: reason.to_owned() });
            } else if let Some(slot) = final_of.get_mut(raw) {
                *slot = Some(names.len());
                names.push(name.clone());
            }
        }
        let group_of: Vec<usize> =
            self.raw_groups.iter().map(|&raw| final_of.get(raw).copied().flatten().unwrap_or(0)).collect();
        let mut indices = vec![Vec::new(); names.len()];
        for (image, &group) in group_of.iter().enumerate() {
            if let Some(list) = indices.get_mut(group) {
                list.push(image);
            }
        }
        let different = |aliases: &Vec<String>| aliases.iter().collect::<HashSet<_>>().len() == aliases.len();
        let image_names = self.aliases.take().filter(different).unwrap_or(self.names);
        if self.pixels.capacity() / 5 > self.pixels.len() / 4 {
            self.pixels.shrink_to_fit();
        }
        let mut inner = Inner {
            name: display_name(self.path),
            path: self.path.to_owned(),
            shape,
            groups: names,
            group_of,
            indices,
            image_names,
            pixels: self.pixels,
            skipped: self.skipped,
            resized: self.resized,
            hash: String::new(),
        };
        inner.hash = hash(&inner);
        Ok(Dataset { inner: Arc::new(inner) })
    }

    fn nothing_readable(&self) -> Error {
        let named: Vec<_> =
            self.skipped.iter().take(NAMED_REASONS).map(|skip| format!("{}: {}", skip.name, skip.reason)).collect();
        let more = self.skipped.len().saturating_sub(named.len());
        let tail = if more > 0 { format!("; and {more} more") } else { String::new() };
        let what = format!("no image of the dataset could be read: {}{tail}", named.join("; "));
        Error::file(what, self.path, "Check that the files are whole PNG, JPEG or WebP images with a group each")
    }

    /// One warning for all images that were left out, not one for each.
    fn warn(&self) {
        if let Some(first) = self.skipped.first() {
            tracing::warn!(
                "{} left out of {}, first {}: {}",
                self.skipped.len(),
                self.path.display(),
                first.name,
                first.reason
            );
        }
    }
}

/// A folder's or file's name, after its parent's where it says too little about the dataset.
fn display_name(path: &Path) -> String {
    let whole = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let text = |part: Option<&std::ffi::OsStr>| part.map(|text| text.to_string_lossy().into_owned());
    let own = if whole.is_file() { text(whole.file_stem()) } else { text(whole.file_name()) };
    let own = own.unwrap_or_else(|| whole.display().to_string());
    // `train-00000-of-00001` says `train`.
    let short = own.split_once("-0").map_or(own.as_str(), |(split, _)| split);
    let says_little = ["data", "images", "image", "img", "imgs", "train", "test", "validation"];
    match text(whole.parent().and_then(Path::file_name)) {
        Some(parent) if says_little.contains(&short.to_lowercase().as_str()) => format!("{parent}/{short}"),
        _ => own,
    }
}

/// See [`Dataset::hash`].
fn hash(dataset: &Inner) -> String {
    let mut hasher = blake3::Hasher::new();
    let number = |hasher: &mut blake3::Hasher, n: usize| {
        hasher.update(&(n as u64).to_le_bytes());
    };
    let text = |hasher: &mut blake3::Hasher, text: &str| {
        number(hasher, text.len());
        hasher.update(text.as_bytes());
    };
    hasher.update(b"whence dataset 1");
    let ImageShape { channels, height, width } = dataset.shape;
    for n in [channels, height, width, dataset.groups.len(), dataset.group_of.len()] {
        number(&mut hasher, n);
    }
    dataset.groups.iter().for_each(|name| text(&mut hasher, name));
    for (name, &group) in dataset.image_names.iter().zip(&dataset.group_of) {
        text(&mut hasher, name);
        number(&mut hasher, group);
    }
    // Every image has the same number of bytes, so together they need no separators.
    hasher.update(&dataset.pixels);
    hasher.finalize().to_hex().to_string()
}
