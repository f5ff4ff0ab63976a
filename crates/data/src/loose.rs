//! Folders that hold images and no groups.

use std::path::{Path, PathBuf};

use super::listing::{EntryKind, list};
use super::{metadata, parquet};

/// The images of a folder that has no groups: image files side by side, without subfolders and without a file that says
/// their groups. Empty where the folder may be a dataset, holds no image or cannot be read. Reads no image.
#[must_use]
pub fn loose_images(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = list(folder) else { return Vec::new() };
    let grouped = entries.iter().any(|entry| entry.is_folder()) || metadata::file_in(&entries).is_some();
    if grouped || (parquet::FORMAT.recognises)(folder) {
        return Vec::new();
    }
    entries.into_iter().filter(|entry| entry.kind == EntryKind::Image).map(|entry| entry.path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_without_groups_are_told_from_a_dataset() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert!(loose_images(folder.path()).is_empty() && loose_images(&at("gone")).is_empty());
        for name in ["10.png", "9.JPG", "notes.txt", ".hidden.png"] {
            std::fs::write(at(name), "").unwrap();
        }
        assert_eq!(loose_images(folder.path()), [at("9.JPG"), at("10.png")]);
        std::fs::write(at("metadata.jsonl"), "").unwrap();
        assert!(loose_images(folder.path()).is_empty(), "a dataset with a metadata file");
        std::fs::remove_file(at("metadata.jsonl")).unwrap();
        std::fs::create_dir(at("group")).unwrap();
        assert!(loose_images(folder.path()).is_empty(), "a dataset with group folders");
    }
}
