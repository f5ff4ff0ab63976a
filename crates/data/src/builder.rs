//! A dataset that grows image by image.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use super::convert::{ConvertedImage, Target};
use super::decode::FORMATS_READ;
use super::order::natural_cmp;
use super::source::{Groups, RawImage};
use super::{Dataset, ImageShape, Inner, LoadOptions, Skipped};
use whence_base::{Error, Result};

/// Pixels reserved before the first image, at most: a file's claim of how many images it has may be wrong.
const MAX_RESERVED: usize = 1 << 30;

/// Longest edge of images whose own size is used, and the edge otherwise, in pixels.
const OWN_SIZE: usize = 64;

/// How many reasons an error names where no image could be read.
const NAMED_REASONS: usize = 3;

pub(super) struct Builder<'a> {
    path: &'a Path,
    options: &'a LoadOptions,
    total: usize,
    /// The final shape, except that one channel becomes three at the first colour image where the
    /// options leave the shape open.
    shape: Option<ImageShape>,
    seen: usize,
    names: Vec<String>,
    /// The images' nicer names, as long as every image has one.
    aliases: Option<Vec<String>>,
    /// Every image's group, by the source's index.
    source_groups: Vec<usize>,
    /// Groups, by the source's index, of which an image was seen, readable or not.
    seen_groups: HashSet<usize>,
    pixels: Vec<u8>,
    skipped: Vec<Skipped>,
    resized: usize,
    turned: usize,
}

impl<'a> Builder<'a> {
    pub(super) fn new(path: &'a Path, options: &'a LoadOptions, total: usize) -> Self {
        Self {
            path,
            options,
            total,
            shape: options.shape,
            seen: 0,
            names: Vec::new(),
            aliases: Some(Vec::new()),
            source_groups: Vec::new(),
            seen_groups: HashSet::new(),
            pixels: Vec::new(),
            skipped: Vec::new(),
            resized: 0,
            turned: 0,
        }
    }

    /// How many images were pushed, left-out ones included.
    pub(super) fn seen(&self) -> usize {
        self.seen
    }

    /// Lists what the source left out.
    pub(super) fn skip(&mut self, skipped: Vec<Skipped>) {
        self.skipped.extend(skipped);
    }

    /// What a batch of images of these (width, height) is converted to; `None` where the shape is
    /// open and no image was readable yet.
    pub(super) fn target(&mut self, sizes: &mut dyn Iterator<Item = Option<(usize, usize)>>) -> Option<Target> {
        let shape = match self.shape {
            Some(shape) => shape,
            None => {
                let (width, height) = sizes.flatten().next()?;
                let edge = if width.max(height) <= OWN_SIZE { width.min(height) } else { OWN_SIZE };
                *self.shape.insert(ImageShape { channels: 1, height: edge, width: edge })
            }
        };
        let channels = self.options.shape.map(|shape| shape.channels);
        Some(Target { height: shape.height, width: shape.width, channels })
    }

    /// Adds an image, or the reason why it is left out.
    pub(super) fn push(&mut self, image: RawImage, converted: Result<ConvertedImage, String>) -> Result<()> {
        self.seen += 1;
        self.seen_groups.insert(image.group);
        let converted = match converted {
            Ok(converted) => converted,
            Err(reason) => {
                tracing::debug!(image = image.name, reason, "image left out");
                self.skipped.push(Skipped { name: image.name, reason });
                return Ok(());
            }
        };
        let Some(mut shape) = self.shape else {
            return Err(self.internal("an image was converted before the shape was known"));
        };
        if self.options.shape.is_none() && converted.channels > shape.channels {
            // The first colour image: what was grey so far becomes colour.
            self.pixels = self.pixels.chunks_exact(shape.numel().max(1)).flat_map(|grey| grey.repeat(3)).collect();
            shape.channels = converted.channels;
            self.shape = Some(shape);
        }
        self.make_room(shape)?;
        for _ in 0..shape.channels / converted.channels.max(1) {
            self.pixels.extend_from_slice(&converted.pixels);
        }
        self.resized += usize::from(converted.conversions.resized);
        self.turned += usize::from(converted.conversions.turned);
        match (&mut self.aliases, image.alias) {
            (Some(aliases), Some(alias)) => aliases.push(alias),
            _ => self.aliases = None,
        }
        self.names.push(image.name);
        self.source_groups.push(image.group);
        Ok(())
    }

    /// Makes room for one more image, for all of them where that is little.
    fn make_room(&mut self, shape: ImageShape) -> Result<()> {
        let size = shape.numel();
        let max_bytes = self.options.limits.max_dataset_bytes;
        let fail = |why: &str| {
            let (channels, height, width) = (shape.channels, shape.height, shape.width);
            let what = format!("the dataset at {channels} x {height} x {width} {why}");
            Err(Error::file(what, self.path, "Use a smaller image size, or a part of the dataset"))
        };
        if self.pixels.len().saturating_add(size) > max_bytes {
            return fail(&format!("takes more than {} MiB", max_bytes >> 20));
        }
        if self.pixels.capacity() - self.pixels.len() < size {
            let remaining = self.total.saturating_sub(self.names.len()).saturating_mul(size);
            let reserve = remaining.clamp(size, MAX_RESERVED.max(size));
            if self.pixels.try_reserve_exact(reserve).is_err() && self.pixels.try_reserve(size).is_err() {
                return fail("does not fit into memory");
            }
        }
        Ok(())
    }

    /// Sorts the groups, drops the empty ones and hashes the whole.
    pub(super) fn finish(mut self, groups: &Groups, mut notes: Vec<String>) -> Result<Dataset> {
        let Some(shape) = self.shape.filter(|_| !self.names.is_empty()) else {
            return Err(self.nothing_readable());
        };
        self.warn();
        if self.turned > 0 {
            notes.push(format!(
                "{} of {} images were turned as their EXIF orientation says.",
                self.turned,
                self.names.len()
            ));
        }
        let (names, final_groups) = self.final_groups(groups)?;
        let mut group_of = Vec::with_capacity(self.source_groups.len());
        let mut indices = vec![Vec::new(); names.len()];
        for (image, &source_group) in self.source_groups.iter().enumerate() {
            let group = final_groups.get(source_group).copied().flatten();
            let Some((group, list)) = group.and_then(|group| Some((group, indices.get_mut(group)?))) else {
                return Err(self.internal("an image is of a group that the source does not list"));
            };
            group_of.push(group);
            list.push(image);
        }
        let image_names = match self.aliases.take() {
            Some(aliases) if aliases.iter().collect::<HashSet<_>>().len() == aliases.len() => aliases,
            _ => self.names,
        };
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
            notes,
            resized: self.resized,
            turned: self.turned,
            hash: String::new(),
        };
        inner.hash = hash(&inner);
        Ok(Dataset { inner: Arc::new(inner) })
    }

    /// The names of the groups that have an image, in their final order, and for every group of the
    /// source its place among them.
    fn final_groups(&mut self, groups: &Groups) -> Result<(Vec<String>, Vec<Option<usize>>)> {
        let mut counts = vec![0_usize; groups.names.len()];
        for &group in &self.source_groups {
            match counts.get_mut(group) {
                Some(count) => *count += 1,
                None => return Err(self.internal("an image is of a group that the source does not list")),
            }
        }
        let mut order: Vec<(usize, &String)> = groups.names.iter().enumerate().collect();
        if !groups.ordered {
            order.sort_by(|a, b| natural_cmp(a.1, b.1));
        }
        let mut final_groups = vec![None; groups.names.len()];
        let mut names = Vec::new();
        for (source_group, name) in order {
            if counts.get(source_group) == Some(&0) {
                let unreadable = self.seen_groups.contains(&source_group);
                let reason = if unreadable { "none of its images could be read" } else { "no images" };
                self.skipped.push(Skipped { name: name.clone(), reason: reason.to_owned() });
            } else if let Some(place) = final_groups.get_mut(source_group) {
                *place = Some(names.len());
                names.push(name.clone());
            }
        }
        Ok((names, final_groups))
    }

    fn internal(&self, what: &str) -> Error {
        Error::file(format!("an internal error: {what}"), self.path, "Report it with the dataset's layout")
    }

    fn nothing_readable(&self) -> Error {
        let named: Vec<_> =
            self.skipped.iter().take(NAMED_REASONS).map(|skip| format!("{}: {}", skip.name, skip.reason)).collect();
        let more = self.skipped.len().saturating_sub(named.len());
        let tail = if more > 0 { format!("; and {more} more") } else { String::new() };
        let what = format!("no image of the dataset could be read: {}{tail}", named.join("; "));
        let remedy = format!("Check that the files are whole {FORMATS_READ} images with a group each");
        Error::file(what, self.path, remedy)
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

/// A folder's or file's name, after its parent's where it tells too little about the dataset.
fn display_name(path: &Path) -> String {
    const GENERIC: [&str; 8] = ["data", "images", "image", "img", "imgs", "train", "test", "validation"];
    let whole = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let text = |part: Option<&std::ffi::OsStr>| part.map(|text| text.to_string_lossy().into_owned());
    let own = if whole.is_file() { text(whole.file_stem()) } else { text(whole.file_name()) };
    let own = own.unwrap_or_else(|| whole.display().to_string());
    // `train-00000-of-00001` stands for `train`.
    let short = own.split_once("-0").map_or(own.as_str(), |(split, _)| split);
    match text(whole.parent().and_then(Path::file_name)) {
        Some(parent) if GENERIC.contains(&short.to_lowercase().as_str()) => format!("{parent}/{short}"),
        _ => own,
    }
}

/// See [`Dataset::hash`].
fn hash(dataset: &Inner) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"whence dataset 2");
    let ImageShape { channels, height, width } = dataset.shape;
    for count in [channels, height, width, dataset.groups.len(), dataset.group_of.len()] {
        hasher.update(&(count as u64).to_le_bytes());
    }
    for name in &dataset.groups {
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
    }
    for &group in &dataset.group_of {
        hasher.update(&(group as u64).to_le_bytes());
    }
    // Every image has the same number of bytes, so together they need no separators.
    hasher.update(&dataset.pixels);
    hasher.finalize().to_hex().to_string()
}
