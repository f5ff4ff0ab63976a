//! Where the groups of an image folder are: in the folder itself, or below it in its train split.

use std::path::{Path, PathBuf};

use super::listing::{Entry, EntryKind, holds_images, list};
use super::metadata;
use super::splits::{Split, SplitName, join_names, split_of};
use whence_base::{Error, Result};

/// How many levels down the groups may be.
const MAX_LEVELS: usize = 4;

/// Up to so many subfolders a folder may be one that only holds the dataset's folder.
const MAX_SIBLINGS: usize = 8;

/// The folder whose subfolders, or whose metadata file, give the groups.
pub(super) struct Location {
    pub folder: PathBuf,
    /// Its name below the dataset's folder, with `/` at the end; empty for the dataset's folder itself.
    pub prefix: String,
    pub entries: Vec<Entry>,
    /// What was chosen, sentences for people.
    pub notes: Vec<String>,
    /// True where a split was chosen.
    pub in_split: bool,
}

/// Finds the groups of the dataset in the folder `root`.
///
/// Folders named as splits are no groups: of several the train split is read. A folder whose only
/// subfolder with images holds such splits stands for that subfolder.
///
/// # Errors
/// [`Error::Io`] where a folder cannot be read; [`Error::Input`] where it has several splits but no
/// train split, or splits beside other folders of images.
pub(super) fn locate(root: &Path) -> Result<Location> {
    let mut location = Location {
        folder: root.to_owned(),
        prefix: String::new(),
        entries: list(root)?,
        notes: Vec::new(),
        in_split: false,
    };
    for _ in 0..MAX_LEVELS {
        // The paths of a metadata file may lead into splits: its reader chooses among them.
        if metadata::file_in(&location.entries).is_some() {
            break;
        }
        let Some(step) = next_level(&location)? else { break };
        location.entries = list(&step.folder)?;
        location.folder = step.folder;
        location.prefix = format!("{}{}/", location.prefix, step.name);
        if let Some(split) = step.split {
            location.in_split = true;
            location.notes.push(split_note(split, &location.prefix, &step.left_out));
        }
    }
    Ok(location)
}

/// One level down.
struct Step {
    folder: PathBuf,
    name: String,
    /// `None` for a folder that only holds the dataset's folder.
    split: Option<Split>,
    /// The other splits.
    left_out: Vec<String>,
}

fn split_note(split: Split, prefix: &str, left_out: &[String]) -> String {
    if left_out.is_empty() {
        return format!("The groups were read from {prefix}.");
    }
    format!("The {} split was read, from {prefix}. Left out: {}.", split.name(), join_names(left_out))
}

fn next_level(location: &Location) -> Result<Option<Step>> {
    let folders: Vec<(&Entry, Option<SplitName>)> =
        location.entries.iter().filter(|entry| entry.is_folder()).map(|entry| (entry, split_of(&entry.name))).collect();
    let any_split = folders.iter().any(|(_, split)| split.is_some());
    if folders.is_empty() || (!any_split && folders.len() > MAX_SIBLINGS) {
        return Ok(None);
    }
    let with_images: Vec<(&Entry, Option<SplitName>)> =
        folders.into_iter().filter(|(entry, _)| holds_images(&entry.path)).collect();
    if let Some(splits) = all_splits(&with_images, location.in_split) {
        return choose_split(&splits, &location.folder).map(Some);
    }
    if let Some(error) = mixed_with_splits(&with_images, &location.folder) {
        return Err(error);
    }
    match with_images.as_slice() {
        [(only, None)] if wraps_splits(&only.path)? => {
            Ok(Some(Step { folder: only.path.clone(), name: only.name.clone(), split: None, left_out: Vec::new() }))
        }
        _ => Ok(None),
    }
}

/// The folders as splits, where every one is a different split of one dataset.
fn all_splits<'a>(folders: &[(&'a Entry, Option<SplitName>)], in_split: bool) -> Option<Vec<(&'a Entry, Split)>> {
    let mut splits: Vec<(&Entry, Split)> = Vec::new();
    let mut rest = None;
    for (entry, name) in folders {
        let name = name.as_ref()?;
        let repeated = splits.iter().any(|(_, split)| *split == name.split);
        if repeated || *rest.get_or_insert(&name.rest) != &name.rest {
            return None;
        }
        splits.push((entry, name.split));
    }
    // A lone `steam train` is a group; a lone `train` is a split, and so is a split's repeated name.
    let plain = rest?.is_empty() || in_split;
    (splits.len() > 1 || plain).then_some(splits)
}

fn choose_split(splits: &[(&Entry, Split)], folder: &Path) -> Result<Step> {
    let train = splits.iter().find(|(_, split)| *split == Split::Train);
    let chosen = match (train, splits) {
        (Some(train), _) => train,
        (None, [only]) => only,
        (None, several) => {
            let names: Vec<String> = several.iter().map(|(entry, _)| entry.name.clone()).collect();
            return Err(Error::file(
                format!("the folder holds the splits {}, but no train split", join_names(&names)),
                folder,
                "Give the folder of one of them",
            ));
        }
    };
    let left_out = splits.iter().filter(|(_, split)| *split != chosen.1);
    Ok(Step {
        folder: chosen.0.path.clone(),
        name: chosen.0.name.clone(),
        split: Some(chosen.1),
        left_out: left_out.map(|(entry, _)| format!("{}/", entry.name)).collect(),
    })
}

/// An error where train and another split are beside folders that are no splits.
fn mixed_with_splits(folders: &[(&Entry, Option<SplitName>)], folder: &Path) -> Option<Error> {
    let (mut splits, mut others, mut has_train) = (Vec::new(), Vec::new(), false);
    for (entry, name) in folders {
        match name {
            Some(name) if name.rest.is_empty() => {
                has_train |= name.split == Split::Train;
                splits.push(entry.name.clone());
            }
            _ => others.push(entry.name.clone()),
        }
    }
    (has_train && splits.len() > 1 && !others.is_empty()).then(|| {
        Error::file(
            format!(
                "the folder holds the splits {}, and other folders of images beside them: {}",
                join_names(&splits),
                join_names(&others)
            ),
            folder,
            "Give the folder of one split. If these are all groups, rename those that are called as splits",
        )
    })
}

/// True where a folder has no images of its own and is a dataset with several splits, or one with a
/// train split.
fn wraps_splits(folder: &Path) -> Result<bool> {
    let entries = list(folder)?;
    if entries.iter().any(|entry| matches!(entry.kind, EntryKind::Image | EntryKind::UnreadImage(_))) {
        return Ok(false);
    }
    let names = entries.iter().filter(|entry| entry.is_folder()).map(|entry| (entry, split_of(&entry.name)));
    let with_images: Vec<_> = names.filter(|(entry, _)| holds_images(&entry.path)).collect();
    Ok(all_splits(&with_images, false).is_some())
}
