//! Reader: image files in folders, one folder per group (`ROOT/<group>/**/*.png`), or named by a
//! metadata file; in the train split where there are splits.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::listing::{Entry, EntryKind, LinkGuard, list};
use super::locate::{Location, locate};
use super::metadata::{self, Outcome};
use super::order::natural_cmp;
use super::source::{Batch, Content, Format, Groups, RawImage, Source};
use super::splits::join_names;
use super::{LoadOptions, Skipped, foreign};
use whence_base::{Error, Result};

pub(super) const FORMAT: Format = Format {
    form: "a folder with one subfolder of images (PNG, JPEG, WebP, BMP, TIFF, GIF) for every group, or with a \
           metadata.csv or metadata.jsonl that names them",
    recognises: Path::is_dir,
    open,
};

/// How many files are decoded between two checks for cancellation, for every thread.
const FILES_PER_THREAD: usize = 32;

fn open(root: &Path, options: &LoadOptions) -> Result<Box<dyn Source>> {
    let mut location = locate(root)?;
    let source = match metadata::open(&location, options)? {
        Outcome::Source(source) => source,
        Outcome::None => read_class_folders(location, root)?,
        // Class folders name the groups where the metadata file cannot, as with captions of them.
        Outcome::NoGroups(error) => {
            let has_folders = location.entries.iter().any(Entry::is_folder);
            let file = metadata::file_in(&location.entries).map_or_else(String::new, |entry| entry.name.clone());
            location.notes.push(format!("The groups were read from the folders, because {file} names none."));
            match has_folders.then(|| read_class_folders(location, root)) {
                Some(Ok(source)) => source,
                _ => return Err(error),
            }
        }
    };
    if source.groups.len() > options.limits.max_groups {
        return Err(Error::file(
            format!("the folder has {} groups; at most {} can be read", source.groups.len(), options.limits.max_groups),
            root,
            "Choose the folder whose direct subfolders are the groups",
        ));
    }
    Ok(Box::new(source))
}

/// Image files that are listed before the first one is read.
pub(super) struct FileSource {
    groups: Vec<String>,
    files: std::vec::IntoIter<ListedFile>,
    total: usize,
    skipped: Vec<Skipped>,
    notes: Vec<String>,
}

/// An image file.
pub(super) struct ListedFile {
    /// Index of its group.
    pub group: usize,
    /// Its name within the dataset.
    pub name: String,
    pub path: PathBuf,
}

impl FileSource {
    pub(super) fn new(
        groups: Vec<String>,
        files: Vec<ListedFile>,
        skipped: Vec<Skipped>,
        notes: Vec<String>,
    ) -> FileSource {
        Self { groups, total: files.len(), files: files.into_iter(), skipped, notes }
    }
}

impl Source for FileSource {
    fn total(&self) -> usize {
        self.total
    }

    fn next_batch(&mut self) -> Result<Option<Batch>> {
        let size = FILES_PER_THREAD * rayon::current_num_threads().max(1);
        let mut images = Vec::new();
        for file in self.files.by_ref().take(size) {
            images.push(RawImage {
                name: file.name,
                alias: None,
                group: file.group,
                content: Content::File(file.path),
            });
        }
        let skipped = std::mem::take(&mut self.skipped);
        Ok((!images.is_empty()).then_some(Batch { images, skipped }))
    }

    fn groups(&self) -> Groups {
        Groups { names: self.groups.clone(), ordered: false }
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

fn read_class_folders(location: Location, root: &Path) -> Result<FileSource> {
    let mut scan = Scan::new(&location.folder)?;
    let mut groups: Vec<String> = Vec::new();
    let mut files: Vec<ListedFile> = Vec::new();
    let mut loose = 0;
    for entry in &location.entries {
        let name = format!("{}{}", location.prefix, entry.name);
        match entry.kind {
            EntryKind::Folder | EntryKind::FolderLink if !entry.has_utf8_name() => {
                scan.skip(name, "its name is not valid UTF-8");
            }
            EntryKind::Folder | EntryKind::FolderLink => {
                let group = groups.len();
                let found = scan.images_below(entry, &name)?;
                match found {
                    Found::NotFollowed => {}
                    Found::Images(found) if found.is_empty() => scan.skip(name, "no images"),
                    Found::Images(found) => {
                        files.extend(found.into_iter().map(|(name, path)| ListedFile { group, name, path }));
                        groups.push(entry.name.clone());
                    }
                }
            }
            EntryKind::Image => {
                loose += 1;
                scan.skip(name, "lies outside the group folders");
            }
            _ => scan.note(entry, name),
        }
    }
    if files.is_empty() {
        return Err(nothing_found(&location, &scan, loose, root));
    }
    Ok(FileSource::new(groups, files, scan.skipped, location.notes))
}

/// Why no image has a group.
fn nothing_found(location: &Location, scan: &Scan, loose: usize, root: &Path) -> Error {
    let form = FORMAT.form;
    if loose > 0 {
        let remedy = if location.in_split {
            format!("Give {form}. If the splits themselves are the groups, rename their folders")
        } else {
            format!("Give {form}")
        };
        let what = format!("the folder's {loose} images lie directly in it, so they have no groups");
        return Error::file(what, &location.folder, remedy);
    }
    if scan.unread.is_empty()
        && let Some(error) = foreign::refuse_folder(root)
    {
        return error;
    }
    let mut reasons = Vec::new();
    if !scan.unread.is_empty() {
        let count: usize = scan.unread.values().sum();
        let formats: Vec<String> = scan.unread.iter().map(|(format, count)| format!("{format}: {count}")).collect();
        reasons.push(format!("{count} images in formats that are not read ({})", join_names(&formats)));
    }
    if let Some(first) = scan.links.first() {
        reasons.push(format!("{} links that were not followed ({}: {})", scan.links.len(), first.name, first.reason));
    }
    let what = if reasons.is_empty() {
        "no images were found in the folder's subfolders".to_owned()
    } else {
        format!("no image can be read from the folder's subfolders: {}", join_names(&reasons))
    };
    Error::file(what, root, format!("Give {form}"))
}

/// What lies below the folder of a group.
enum Found {
    /// Name within the dataset, and path, in natural order.
    Images(Vec<(String, PathBuf)>),
    /// The folder is a link that leads where it must not.
    NotFollowed,
}

/// What was left out while folders were listed.
struct Scan {
    links_followed: LinkGuard,
    skipped: Vec<Skipped>,
    /// Images in formats that are not read, by extension.
    unread: BTreeMap<String, usize>,
    /// Links that were not followed.
    links: Vec<Skipped>,
}

impl Scan {
    fn new(folder: &Path) -> Result<Self> {
        Ok(Self {
            links_followed: LinkGuard::new(folder)?,
            skipped: Vec::new(),
            unread: BTreeMap::new(),
            links: Vec::new(),
        })
    }

    /// All images below the folder of a group, called `name`.
    ///
    /// # Errors
    /// [`Error::Io`] where a folder cannot be read: leaving it out would change every score.
    fn images_below(&mut self, group: &Entry, name: &str) -> Result<Found> {
        if group.kind == EntryKind::FolderLink && !self.follow(&group.path, name) {
            return Ok(Found::NotFollowed);
        }
        let mut found = Vec::new();
        let mut folders = vec![(name.to_owned(), group.path.clone())];
        let first_skipped = self.skipped.len();
        while let Some((prefix, folder)) = folders.pop() {
            for entry in list(&folder)? {
                let name = format!("{prefix}/{}", entry.name);
                match entry.kind {
                    EntryKind::Folder => folders.push((name, entry.path)),
                    EntryKind::FolderLink if self.follow(&entry.path, &name) => folders.push((name, entry.path)),
                    EntryKind::Image => found.push((name, entry.path)),
                    _ => self.note(&entry, name),
                }
            }
        }
        found.sort_by(|a, b| natural_cmp(&a.0, &b.0).then_with(|| a.1.cmp(&b.1)));
        if let Some(new) = self.skipped.get_mut(first_skipped..) {
            new.sort_by(|a, b| natural_cmp(&a.name, &b.name));
        }
        Ok(Found::Images(found))
    }

    /// True where the link to a folder is to be followed; else it is listed with the reason.
    fn follow(&mut self, link: &Path, name: &str) -> bool {
        match self.links_followed.follow(link, name) {
            Ok(()) => true,
            Err(reason) => {
                self.skip_link(name.to_owned(), reason);
                false
            }
        }
    }

    /// Lists an entry that people may miss.
    fn note(&mut self, entry: &Entry, name: String) {
        match &entry.kind {
            EntryKind::UnreadImage(format) => {
                *self.unread.entry(format.clone()).or_default() += 1;
                self.skip(name, format!("{format} images are not read"));
            }
            EntryKind::BrokenLink => self.skip_link(name, "a link that leads nowhere".to_owned()),
            // A link that is not followed was listed with its reason.
            EntryKind::Folder | EntryKind::FolderLink | EntryKind::Image | EntryKind::File => {}
        }
    }

    fn skip_link(&mut self, name: String, reason: String) {
        self.links.push(Skipped { name: name.clone(), reason: reason.clone() });
        self.skip(name, reason);
    }

    fn skip(&mut self, name: String, reason: impl Into<String>) {
        self.skipped.push(Skipped { name, reason: reason.into() });
    }
}
