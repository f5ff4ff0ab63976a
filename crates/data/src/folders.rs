//! Reader: one folder of images a group, `ROOT/<group>/**/*.png`.

use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};

use super::order::natural;
use super::source::{Batch, Content, Format, Groups, RawImage, Source, extension};
use super::{LoadOptions, Skipped};
use whence_base::{Error, Result};

pub(super) const FORMAT: Format = Format {
    form: "a folder with one subfolder of PNG, JPEG or WebP images for every group",
    recognises: Path::is_dir,
    open,
};

/// How many files are decoded between two looks at the cancel flag, for every thread.
const FILES_PER_THREAD: usize = 32;

struct FolderSource {
    groups: Vec<String>,
    files: std::vec::IntoIter<(usize, String, PathBuf)>,
    total: usize,
    skipped: Vec<Skipped>,
}

fn open(root: &Path, options: &LoadOptions) -> Result<Box<dyn Source>> {
    let mut scan = Scan::default();
    let mut entries = list(root).map_err(Error::io("read", root))?;
    entries.sort_by(|a, b| natural(&a.name, &b.name).then_with(|| a.path.cmp(&b.path)));

    let mut groups: Vec<String> = Vec::new();
    let mut files = Vec::new();
    let mut loose = 0;
    for entry in entries {
        match entry.kind {
            Kind::Folder if entry.path.file_name().is_some_and(|name| name.to_str().is_none()) => {
                scan.skip(entry.name, "its name is not valid UTF-8");
            }
            Kind::Folder => {
                let mut found = scan.images(&entry);
                if found.is_empty() {
                    scan.skip(entry.name, "no images");
                    continue;
                }
                found.sort_by(|a, b| natural(&a.0, &b.0).then_with(|| a.1.cmp(&b.1)));
                files.extend(found.into_iter().map(|(name, path)| (groups.len(), name, path)));
                groups.push(entry.name);
            }
            Kind::Image => {
                loose += 1;
                scan.skip(entry.name, "lies outside the group folders");
            }
            kind => scan.note(kind, entry.name),
        }
    }
    if files.is_empty() {
        let what = match loose {
            0 => "no images were found in the folder's subfolders".to_owned(),
            n => format!("the folder's {n} images lie directly in it, so they have no groups"),
        };
        return Err(Error::file(what, root, format!("Give {}", FORMAT.form)));
    }
    if groups.len() > options.limits.max_groups {
        return Err(Error::file(
            format!("the folder has {} groups; at most {} can be read", groups.len(), options.limits.max_groups),
            root,
            "Choose the folder whose direct subfolders are the groups",
        ));
    }
    let total = files.len();
    Ok(Box::new(FolderSource { groups, files: files.into_iter(), total, skipped: scan.skipped }))
}

impl Source for FolderSource {
    fn total(&self) -> usize {
        self.total
    }

    fn next_batch(&mut self) -> Result<Option<Batch>> {
        let size = FILES_PER_THREAD * rayon::current_num_threads().max(1);
        let images: Vec<_> = self
            .files
            .by_ref()
            .take(size)
            .map(|(group, name, path)| RawImage { name, alias: None, group, content: Content::File(path) })
            .collect();
        let skipped = std::mem::take(&mut self.skipped);
        Ok((!images.is_empty()).then_some(Batch { images, skipped }))
    }

    fn groups(&self) -> Groups {
        Groups { names: self.groups.clone(), ordered: false }
    }
}

/// What an entry of a folder is.
#[derive(Clone, Copy)]
enum Kind {
    Folder,
    FolderLink,
    Image,
    /// An image in a format that is not read.
    Foreign,
    Other,
}

struct Entry {
    name: String,
    path: PathBuf,
    kind: Kind,
}

/// The entries of a folder but for hidden ones, in the system's order.
fn list(folder: &Path) -> std::io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            entries.push(Entry { name, path: entry.path(), kind: kind(&entry)? });
        }
    }
    Ok(entries)
}

fn kind(entry: &DirEntry) -> std::io::Result<Kind> {
    let path = entry.path();
    let file_type = entry.file_type()?;
    if file_type.is_dir() {
        return Ok(Kind::Folder);
    }
    // A link to a file is read like a file; a link to a folder may lead round in a circle.
    if file_type.is_symlink() && path.is_dir() {
        return Ok(Kind::FolderLink);
    }
    Ok(match extension(&path).as_str() {
        "png" | "jpg" | "jpeg" | "webp" => Kind::Image,
        "gif" | "bmp" | "tif" | "tiff" | "avif" | "heic" | "jfif" => Kind::Foreign,
        _ => Kind::Other,
    })
}

#[derive(Default)]
struct Scan {
    skipped: Vec<Skipped>,
}

impl Scan {
    /// All images below a group's folder, unsorted: name within the dataset, and path.
    fn images(&mut self, group: &Entry) -> Vec<(String, PathBuf)> {
        let mut found = Vec::new();
        let mut folders = vec![(group.name.clone(), group.path.clone())];
        let first_skip = self.skipped.len();
        while let Some((prefix, folder)) = folders.pop() {
            let entries = match list(&folder) {
                Ok(entries) => entries,
                Err(error) => {
                    self.skip(prefix, format!("the folder could not be read: {error}"));
                    continue;
                }
            };
            for entry in entries {
                let name = format!("{prefix}/{}", entry.name);
                match entry.kind {
                    Kind::Folder => folders.push((name, entry.path)),
                    Kind::Image => found.push((name, entry.path)),
                    kind => self.note(kind, name),
                }
            }
        }
        if let Some(new) = self.skipped.get_mut(first_skip..) {
            new.sort_by(|a, b| natural(&a.name, &b.name));
        }
        found
    }

    /// Lists an entry that people may miss.
    fn note(&mut self, kind: Kind, name: String) {
        match kind {
            Kind::FolderLink => self.skip(name, "a link to a folder is not followed"),
            Kind::Foreign => self.skip(name, "only PNG, JPEG and WebP images are read"),
            Kind::Folder | Kind::Image | Kind::Other => {}
        }
    }

    fn skip(&mut self, name: String, reason: impl Into<String>) {
        self.skipped.push(Skipped { name, reason: reason.into() });
    }
}
