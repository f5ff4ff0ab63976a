//! The trait behind which every dataset format lives, and the registry of formats.

use std::fs;
use std::io::{ErrorKind, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use super::{LoadOptions, Skipped};
use whence_base::{Error, Result};

/// The one list of formats. The first that recognises a path reads it.
const FORMATS: [Format; 2] = [super::parquet::FORMAT, super::folders::FORMAT];

/// One way to store a dataset.
pub(super) struct Format {
    /// What it is, with its article, as it stands in a message.
    pub form: &'static str,
    /// True where `path` is of this format, by names and first bytes. It reads no image.
    pub recognises: fn(&Path) -> bool,
    /// Opens the dataset at `path`.
    pub open: fn(&Path, &LoadOptions) -> Result<Box<dyn Source>>,
}

/// An open dataset that gives its images in a fixed order, a batch at a time.
pub(super) trait Source: Send {
    /// How many images it claims to hold; 0 where unknown. For progress only: the claim may be wrong.
    fn total(&self) -> usize;

    /// The next images; `None` after the last. Sizes of batches are the source's choice.
    fn next_batch(&mut self) -> Result<Option<Batch>>;

    /// The groups seen so far, in the order of [`RawImage::group`].
    fn groups(&self) -> Groups;

    /// What was chosen among several possible readings, sentences for people.
    fn notes(&self) -> Vec<String>;
}

/// The groups of a source.
pub(super) struct Groups {
    pub names: Vec<String>,
    /// True where the dataset itself lists them in an order; else they are sorted by name.
    pub ordered: bool,
}

/// Some images, and what was left out between them.
#[derive(Default)]
pub(super) struct Batch {
    pub images: Vec<RawImage>,
    pub skipped: Vec<Skipped>,
}

/// An image as the dataset stores it, not yet decoded.
pub(super) struct RawImage {
    /// Unique within the dataset.
    pub name: String,
    /// A nicer name, used where every image has one and all differ.
    pub alias: Option<String>,
    /// Index into [`Groups::names`].
    pub group: usize,
    pub content: Content,
}

/// Where an image's bytes are.
pub(super) enum Content {
    File(PathBuf),
    Memory(Vec<u8>),
}

/// Opens the dataset at `path` with the format that recognises it.
///
/// # Errors
/// [`Error::Io`] where `path` is missing or may not be read, [`Error::Input`] where no format knows it.
pub(super) fn open(path: &Path, options: &LoadOptions) -> Result<Box<dyn Source>> {
    let metadata = fs::metadata(path).map_err(Error::io("read", path))?;
    if metadata.is_dir() {
        fs::read_dir(path).map_err(Error::io("read", path))?;
    } else if metadata.is_file() {
        fs::File::open(path).map_err(Error::io("read", path))?;
    }
    match FORMATS.iter().find(|format| (format.recognises)(path)) {
        Some(format) => (format.open)(path, options),
        None => Err(super::foreign::refuse_file(path, &forms())),
    }
}

/// What can be read, for a message.
pub(super) fn forms() -> String {
    FORMATS.map(|format| format.form).join(", or ")
}

/// The extension in lower case; empty where there is none.
pub(super) fn extension(path: &Path) -> String {
    match path.extension() {
        Some(text) => text.to_string_lossy().to_ascii_lowercase(),
        None => String::new(),
    }
}

/// The last part of a path, for people; the whole path where it has none.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// Reads a whole regular file of at most `max_bytes`; never waits on a pipe or a device.
pub(super) fn read_file(path: &Path, max_bytes: u64) -> std::io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(std::io::Error::new(ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max_bytes {
        let text = format!("longer than {} MiB", max_bytes >> 20);
        return Err(std::io::Error::new(ErrorKind::FileTooLarge, text));
    }
    Ok(bytes)
}

/// Runs a decoder on bytes from outside. `None` where it panicked: a decoder's bug costs one image
/// or one file, not the program.
pub(super) fn catch_decoder_panic<T>(decoder: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(decoder)).ok()
}
