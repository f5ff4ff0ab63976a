//! What a folder holds: images, subfolders and links, in natural order.

use std::collections::{HashMap, HashSet};
use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};

use super::order::natural_cmp;
use super::source::extension;
use whence_base::{Error, Result};

/// How deep [`holds_images`] looks for an image.
const MAX_DEPTH: usize = 8;

/// What an entry of a folder is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum EntryKind {
    Folder,
    FolderLink,
    /// A link whose target is missing, or that leads back to itself.
    BrokenLink,
    /// An image in a format that is read, by its extension.
    Image,
    /// An image in a format that is not read: its extension.
    UnreadImage(String),
    /// Any other file.
    File,
}

pub(super) struct Entry {
    /// Its name for people, lossy where it is not UTF-8.
    pub name: String,
    pub path: PathBuf,
    pub kind: EntryKind,
}

impl Entry {
    /// True for a folder and for a link to one.
    pub(super) fn is_folder(&self) -> bool {
        matches!(self.kind, EntryKind::Folder | EntryKind::FolderLink)
    }

    /// True where the name is valid UTF-8, so that it can name a group.
    pub(super) fn has_utf8_name(&self) -> bool {
        self.path.file_name().is_some_and(|name| name.to_str().is_some())
    }
}

/// The entries of a folder but for hidden ones, in natural order.
///
/// # Errors
/// [`Error::Io`] where the folder cannot be read: a folder left out would change every score.
pub(super) fn list(folder: &Path) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let entry = entry.map_err(Error::io("read", folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            let kind = kind_of(&entry).map_err(Error::io("read", &entry.path()))?;
            entries.push(Entry { name, path: entry.path(), kind });
        }
    }
    entries.sort_by(|a, b| natural_cmp(&a.name, &b.name).then_with(|| a.path.cmp(&b.path)));
    Ok(entries)
}

fn kind_of(entry: &DirEntry) -> std::io::Result<EntryKind> {
    let path = entry.path();
    let file_type = entry.file_type()?;
    if file_type.is_dir() {
        return Ok(EntryKind::Folder);
    }
    if file_type.is_symlink() {
        match fs::metadata(&path) {
            Ok(target) if target.is_dir() => return Ok(EntryKind::FolderLink),
            Ok(_) => {}
            // A broken link named as an image is reported as an image that cannot be read.
            Err(_) if kind_of_file(&path) != EntryKind::Image => return Ok(EntryKind::BrokenLink),
            Err(_) => {}
        }
    }
    Ok(kind_of_file(&path))
}

fn kind_of_file(path: &Path) -> EntryKind {
    let extension = extension(path);
    match extension.as_str() {
        "png" | "jpg" | "jpeg" | "jpe" | "jfif" | "webp" | "bmp" | "tif" | "tiff" | "gif" => EntryKind::Image,
        "avif" | "heic" | "heif" | "jxl" | "jp2" | "j2k" | "jpx" | "ppm" | "pgm" | "pbm" | "pnm" | "tga" | "ico"
        | "exr" | "hdr" | "psd" | "svg" | "dds" | "qoi" | "dng" | "cr2" | "nef" | "arw" => {
            EntryKind::UnreadImage(extension)
        }
        _ => EntryKind::File,
    }
}

/// True where `folder` holds an image, of any format, at any depth that people use. It follows
/// links to folders, whose depth is bounded, and takes what it cannot read for a folder of images,
/// so that reading it reports the reason.
pub(super) fn holds_images(folder: &Path) -> bool {
    let mut folders = vec![(folder.to_owned(), 0)];
    // A folder that several links lead to is searched once.
    let mut seen = HashSet::new();
    while let Some((folder, depth)) = folders.pop() {
        let Ok(real) = fs::canonicalize(&folder) else { return true };
        if !seen.insert(real) {
            continue;
        }
        let Ok(entries) = list(&folder) else { return true };
        for entry in entries {
            match entry.kind {
                EntryKind::Image | EntryKind::UnreadImage(_) => return true,
                EntryKind::Folder | EntryKind::FolderLink if depth < MAX_DEPTH => folders.push((entry.path, depth + 1)),
                _ => {}
            }
        }
    }
    false
}

/// Decides which links to folders are followed, so that no image is read twice and no walk is endless.
pub(super) struct LinkGuard {
    /// The folder whose subfolders are the groups, without links.
    root: PathBuf,
    /// Targets of the links followed so far, and the links' names.
    followed: HashMap<PathBuf, String>,
    /// Every folder above one of them.
    above: HashSet<PathBuf>,
}

impl LinkGuard {
    /// # Errors
    /// [`Error::Io`] where `root` cannot be resolved.
    pub(super) fn new(root: &Path) -> Result<Self> {
        let root = fs::canonicalize(root).map_err(Error::io("read", root))?;
        Ok(Self { root, followed: HashMap::new(), above: HashSet::new() })
    }

    /// Decides on the link at `link`, called `name`; where it is not followed, says why, a phrase
    /// without its full stop.
    pub(super) fn follow(&mut self, link: &Path, name: &str) -> Result<(), String> {
        let target = fs::canonicalize(link).map_err(|error| format!("the link leads nowhere: {error}"))?;
        if self.root.starts_with(&target) {
            return Err("a link to a folder that holds this one is not followed".to_owned());
        }
        if let Ok(inside) = target.strip_prefix(&self.root) {
            let hidden = inside.components().any(|part| part.as_os_str().to_string_lossy().starts_with('.'));
            if !hidden {
                return Err(format!("a link to {}, which is read as itself", inside.display()));
            }
        }
        if let Some(earlier) = target.ancestors().find_map(|folder| self.followed.get(folder)) {
            return Err(format!("a link to a folder that was read as {earlier}"));
        }
        if self.above.contains(&target) {
            return Err("a link to a folder that holds one that was read already".to_owned());
        }
        self.above.extend(target.ancestors().skip(1).map(Path::to_owned));
        self.followed.insert(target, name.to_owned());
        Ok(())
    }
}
