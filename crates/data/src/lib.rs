//! Group-labelled image datasets: readers, groups, hashes and nearest images.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `source` | the trait behind which every format lives, and the registry of formats |
//! | `folders`, `metadata` | image files in one folder per group, or with a metadata file |
//! | `locate`, `listing`, `splits` | which folder holds the groups; links; train and test parts |
//! | `loose` | folders of images without groups |
//! | `parquet` | Hugging Face parquet |
//! | `group_column` | which column of a table holds the groups |
//! | `foreign` | what is not read, and how to convert it |
//! | `decode`, `convert`, `resize` | an image's bytes converted to the model's size and channels |
//! | `load`, `builder` | from a source to a [`Dataset`], in parallel and in a fixed order |
//! | `nearest` | the nearest images of a group |
//! | `neighbours` | the nearest images outside its own group, for every image at once |
//! | `order` | natural sort order |
//!
//! Nothing here depends on directory order or thread timing: the same files always give the same
//! [`Dataset::hash`]. No file is trusted: a bad image is left out and named, a bad dataset is an error.

mod builder;
mod convert;
mod decode;
mod folders;
mod foreign;
mod group_column;
mod listing;
mod load;
mod locate;
mod loose;
mod metadata;
mod nearest;
mod neighbours;
mod order;
mod parquet;
mod resize;
mod source;
mod splits;
#[cfg(test)]
mod tests;

pub use convert::{LoadedImage, decode_image, load_image};
pub use listing::IMAGE_EXTENSIONS;
pub use loose::loose_images;
pub use nearest::{Neighbour, nearest, nearest_among};
pub use neighbours::{OutsideNeighbour, OutsideNeighbours, outside_neighbours};
pub use order::natural_cmp;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use whence_base::{Error, Result};

/// What images are converted to: the model's channels and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct ImageShape {
    /// 1 (grey) or 3 (red, green, blue); readers refuse any other number.
    pub channels: usize,
    /// Rows, in pixels.
    pub height: usize,
    /// Columns, in pixels.
    pub width: usize,
}

impl ImageShape {
    /// How many bytes one image takes, planar, one byte per value. Saturates instead of overflowing.
    #[must_use]
    pub fn numel(&self) -> usize {
        self.channels.saturating_mul(self.height).saturating_mul(self.width)
    }

    /// Fails where images cannot be converted to this shape: channels other than 1 and 3, or an edge
    /// of no pixels or of more than `limits` allow.
    fn check(self, limits: &Limits) -> Result<()> {
        let text = format!("{} x {} x {} (channels x height x width)", self.channels, self.height, self.width);
        if !matches!(self.channels, 1 | 3) {
            return Err(Error::input(
                format!("images cannot be read with {} channels", self.channels),
                format!("image shape {text}"),
                "Use a model of 1 (grey) or 3 (colour) channels",
            ));
        }
        let max = limits.max_edge as usize;
        if self.height == 0 || self.width == 0 || self.height > max || self.width > max {
            return Err(Error::input(
                format!("images must be 1 to {max} pixels high and wide"),
                format!("image shape {text}"),
                "Check the model's sample_size",
            ));
        }
        Ok(())
    }
}

/// How much one file or one dataset may ask for. Files are not trusted: what exceeds a limit is
/// left out with a reason (images of a dataset) or refused (a query, a whole dataset).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest edge of an image before resizing, in pixels.
    pub max_edge: u32,
    /// Area of an image before resizing, in pixels.
    pub max_pixels: u64,
    /// Memory one image may take while it is decoded, in bytes.
    pub max_alloc: u64,
    /// Length of one image's file, in bytes.
    pub max_file_bytes: u64,
    /// How many groups a dataset may have.
    pub max_groups: usize,
    /// Memory that all pixels of a dataset may take, in bytes.
    pub max_dataset_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_edge: 16_384,
            max_pixels: 64 << 20,
            max_alloc: 512 << 20,
            max_file_bytes: 256 << 20,
            max_groups: 10_000,
            max_dataset_bytes: 16 << 30,
        }
    }
}

/// How a dataset is read.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// The model's shape. Where `None`, a square: the shorter edge of the first readable image if
    /// its longer edge is at most 64 pixels, else 64; three channels unless every image is grey
    /// (red, green and blue equal in every pixel), then one.
    pub shape: Option<ImageShape>,
    /// The column that holds the groups, for tables that leave a choice.
    pub group_column: Option<String>,
    /// The column that holds the images, for tables that leave a choice.
    pub image_column: Option<String>,
    /// How much a file may ask for.
    pub limits: Limits,
}

/// An image or a folder that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its name within the dataset.
    pub name: String,
    /// Why, a phrase without its full stop.
    pub reason: String,
}

/// A group-labelled dataset in memory: planar `[channels, height, width]` bytes, one image after another.
///
/// A clone shares the pixels.
#[derive(Clone, Debug)]
pub struct Dataset {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    name: String,
    path: PathBuf,
    shape: ImageShape,
    groups: Vec<String>,
    group_of: Vec<usize>,
    indices: Vec<Vec<usize>>,
    image_names: Vec<String>,
    pixels: Vec<u8>,
    skipped: Vec<Skipped>,
    notes: Vec<String>,
    resized: usize,
    turned: usize,
    hash: String,
}

impl Dataset {
    /// Reads the dataset at `path`, a folder or a file.
    ///
    /// `progress` gets the number of images seen so far, left-out ones included, and how many there
    /// are (0 where unknown); it is called on this thread, before the first image and after every
    /// few dozen. Where it fails, loading stops with its error.
    ///
    /// Of a dataset with splits the train split is read, and [`Dataset::notes`] names the others.
    /// Images that cannot be read are left out and listed in [`Dataset::skipped`]; images with an
    /// EXIF orientation are turned as it says.
    ///
    /// # Errors
    /// [`Error::Io`] where `path` or a folder below it is missing or may not be read; [`Error::Input`]
    /// where it is no dataset, has no readable image, leaves the choice of a split, a configuration
    /// or a column open, is cut short or exceeds the limits; [`Error::Cancelled`] where `progress`
    /// returns it.
    pub fn load(
        path: &Path,
        options: &LoadOptions,
        progress: &mut dyn FnMut(usize, usize) -> Result<()>,
    ) -> Result<Self> {
        load::load(path, options, progress)
    }

    /// A name for people: the folder's or file's, with its parent's where it says too little.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Where it was read from, as given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// The shape of every image.
    #[must_use]
    pub fn shape(&self) -> ImageShape {
        self.inner.shape
    }

    /// How many images it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.group_of.len()
    }

    /// True where it holds no image; a loaded dataset always holds one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner.group_of.is_empty()
    }

    /// The groups' names: in natural sort order (2 before 10), or in the order that the dataset's
    /// own list of classes gives. Every group has an image, and no name comes twice. Names come
    /// from files: they may hold any character, `/` included.
    #[must_use]
    pub fn groups(&self) -> &[String] {
        &self.inner.groups
    }

    /// The name of group `group`; empty where there is no such group.
    #[must_use]
    pub fn group_name(&self, group: usize) -> &str {
        self.inner.groups.get(group).map_or("", String::as_str)
    }

    /// The group of image `i`, an index into [`Dataset::groups`].
    #[must_use]
    pub fn group_of(&self, i: usize) -> Option<usize> {
        self.inner.group_of.get(i).copied()
    }

    /// The images of `group` in ascending order; none where there is no such group.
    #[must_use]
    pub fn indices_of(&self, group: usize) -> &[usize] {
        self.inner.indices.get(group).map_or(&[], Vec::as_slice)
    }

    /// The images of all groups but `group`, in ascending order.
    #[must_use]
    pub fn indices_without(&self, group: usize) -> Vec<usize> {
        self.inner.group_of.iter().enumerate().filter(|&(_, &g)| g != group).map(|(i, _)| i).collect()
    }

    /// The name of image `i`; empty where there is no such image.
    ///
    /// In folders: the path below the dataset's folder, with `/` (`3/0012.png`). In parquet: the
    /// `path` that its rows carry, where every row has one and all differ, else file and row
    /// counted from 0 (`train-00000-of-00001.parquet#123`).
    #[must_use]
    pub fn image_name(&self, i: usize) -> &str {
        self.inner.image_names.get(i).map_or("", String::as_str)
    }

    /// The pixels of image `i`: planar `[channels, height, width]` bytes; empty where there is no such image.
    #[must_use]
    pub fn pixels(&self, i: usize) -> &[u8] {
        let size = self.inner.shape.numel();
        let start = i.saturating_mul(size);
        self.inner.pixels.get(start..start.saturating_add(size)).unwrap_or(&[])
    }

    /// Every image, folder and group that was left out, with the reason.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        &self.inner.skipped
    }

    /// What was chosen where the files allow several readings, such as the train split among others:
    /// sentences for people. Show them: they tell which images the dataset is made of.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.inner.notes
    }

    /// How many images had another size than [`Dataset::shape`].
    #[must_use]
    pub fn resized(&self) -> usize {
        self.inner.resized
    }

    /// How many images were turned or mirrored as their EXIF orientation says.
    #[must_use]
    pub fn turned(&self) -> usize {
        self.inner.turned
    }

    /// BLAKE3, in hexadecimal, of the shape, the groups' names, and every image's group and pixels
    /// in order.
    ///
    /// The order of the images counts, because training visits images by their index, but their
    /// names do not: renaming a file changes the hash only where it moves the image in the order.
    /// Neither where the dataset is stored nor what was left out changes it.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.inner.hash
    }
}
