//! Which parquet files of a folder make up the dataset: one split of one configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::super::listing::{Entry, EntryKind, LinkGuard, list};
use super::super::source::{extension, file_name};
use super::super::splits::{Split, join_names, split_of};
use whence_base::{Error, Result};

/// How many folders down the tables may lie: `CONFIG/SPLIT/0000.parquet`, and one more.
const MAX_DEPTH: usize = 3;

/// The files of a dataset, in natural order, and what was left out, sentences for people.
pub(super) struct Chosen {
    pub files: Vec<PathBuf>,
    pub notes: Vec<String>,
}

/// A parquet file in a folder.
struct Table {
    path: PathBuf,
    /// The folders between the dataset's and the file.
    folders: Vec<String>,
}

/// True where the folder `root` is a dataset of parquet files: they lie directly in it or in its
/// `data` folder, or deeper in folders without images.
pub(super) fn any(root: &Path) -> bool {
    matches!(find(root), Ok(tables) if !tables.is_empty())
}

/// Chooses the files to read: those of the train split, where files or folders are named as splits.
///
/// # Errors
/// [`Error::Io`] where a folder cannot be read; [`Error::Input`] where there are several
/// configurations, or several splits without a train split.
pub(super) fn choose(root: &Path) -> Result<Chosen> {
    let mut splits: BTreeMap<Option<Split>, Vec<(Table, String)>> = BTreeMap::new();
    for table in find(root)? {
        let (split, config) = split_and_config(&table);
        splits.entry(split).or_default().push((table, config));
    }
    let configs: BTreeSet<&str> = splits.values().flatten().map(|(_, config)| config.as_str()).collect();
    if configs.len() > 1 {
        let names: Vec<String> =
            configs.iter().map(|name| if name.is_empty() { "." } else { name }).map(str::to_owned).collect();
        return Err(Error::file(
            format!("the folder holds several datasets (configurations): {}", join_names(&names)),
            root,
            "Give the folder of one of them",
        ));
    }
    let mut notes = Vec::new();
    let wanted = if splits.contains_key(&Some(Split::Train)) {
        Some(Split::Train)
    } else {
        let mut found = splits.keys();
        match (found.next(), found.next()) {
            (Some(only), None) => *only,
            _ => return Err(no_train(&splits, root)),
        }
    };
    let chosen = splits.remove(&wanted).unwrap_or_default();
    let left_out: Vec<String> = splits
        .iter()
        .map(|(split, tables)| format!("{} ({} files)", split.map_or("others", Split::name), tables.len()))
        .collect();
    if let (Some(split), false) = (wanted, left_out.is_empty()) {
        notes.push(format!(
            "The {} split was read, {} files. Left out: {}.",
            split.name(),
            chosen.len(),
            join_names(&left_out)
        ));
    }
    Ok(Chosen { files: chosen.into_iter().map(|(table, _)| table.path).collect(), notes })
}

fn no_train(splits: &BTreeMap<Option<Split>, Vec<(Table, String)>>, root: &Path) -> Error {
    let mut names = Vec::new();
    for (split, tables) in splits {
        let first = tables.first().map_or_else(String::new, |(table, _)| file_name(&table.path));
        names.push(format!("{} ({first})", split.map_or("files of no split", Split::name)));
    }
    Error::file(
        format!("the folder holds {}, but no train split", join_names(&names)),
        root,
        "Give one of the files, or a folder with the files of one split",
    )
}

/// The split that a table's name or folder holds, and the folders that are no splits.
fn split_and_config(table: &Table) -> (Option<Split>, String) {
    let stem = table.path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let mut split = split_of(&stem).map(|name| name.split);
    let mut config = Vec::new();
    for folder in &table.folders {
        match split_of(folder) {
            Some(name) if name.rest.is_empty() => split = split.or(Some(name.split)),
            _ => config.push(folder.as_str()),
        }
    }
    (split, config.join("/"))
}

/// The tables directly in `root`, or in its `data` folder, or else in folders without images below it.
fn find(root: &Path) -> Result<Vec<Table>> {
    for folder in [root.to_owned(), root.join("data")] {
        if !folder.is_dir() {
            continue;
        }
        let tables: Vec<Table> = list(&folder)?
            .into_iter()
            .filter(is_table)
            .map(|entry| Table { path: entry.path, folders: Vec::new() })
            .collect();
        if !tables.is_empty() {
            return Ok(tables);
        }
    }
    find_below(root)
}

fn find_below(root: &Path) -> Result<Vec<Table>> {
    let mut links = LinkGuard::new(root)?;
    let (mut tables, mut level) = (Vec::new(), vec![(root.to_owned(), Vec::<String>::new())]);
    for depth in 0..=MAX_DEPTH {
        let mut next = Vec::new();
        for (folder, folders) in level {
            for entry in list(&folder)? {
                let descend = match entry.kind {
                    // Images in folders: a table among them only describes them.
                    EntryKind::Image => return Ok(Vec::new()),
                    EntryKind::Folder => true,
                    EntryKind::FolderLink => links.follow(&entry.path, &entry.name).is_ok(),
                    _ => false,
                };
                if descend {
                    let mut folders = folders.clone();
                    folders.push(entry.name);
                    next.push((entry.path, folders));
                } else if depth > 0 && is_table(&entry) {
                    tables.push(Table { path: entry.path, folders: folders.clone() });
                }
            }
        }
        level = next;
    }
    Ok(tables)
}

/// True for a parquet file that is not hidden by an underscore, as Spark hides its own, and is not
/// the metadata file of an image folder. A broken link counts, so that a missing shard is an error.
fn is_table(entry: &Entry) -> bool {
    let is_file = match entry.kind {
        EntryKind::File => entry.path.is_file(),
        EntryKind::BrokenLink => true,
        _ => false,
    };
    is_file && extension(&entry.path) == "parquet" && !entry.name.starts_with('_') && entry.name != "metadata.parquet"
}
