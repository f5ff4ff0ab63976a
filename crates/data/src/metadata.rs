//! The metadata file of an image folder: `metadata.csv` or `metadata.jsonl` with a column `file_name`
//! beside columns that describe the images, as Hugging Face's ImageFolder reads them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

use super::folders::{FileSource, ListedFile};
use super::group_column::{Choice, Column, ColumnKind, ValueCounter, choose_group_column};
use super::listing::{Entry, EntryKind, list};
use super::locate::Location;
use super::source::read_file;
use super::splits::{Split, join_names, split_of};
use super::{LoadOptions, Skipped};
use whence_base::{Error, Result};

/// The column of paths, relative to the metadata file.
const FILE_NAME: &str = "file_name";

/// What a folder's metadata file gives.
pub(super) enum Outcome {
    /// The images with their groups.
    Source(FileSource),
    /// There is no metadata file, or it is none of an image folder and the folder has subfolders.
    None,
    /// It describes the images but names no groups, with the reason.
    NoGroups(Error),
}

/// The metadata file among a folder's entries.
pub(super) fn file_in(entries: &[Entry]) -> Option<&Entry> {
    ["metadata.csv", "metadata.jsonl", "metadata.parquet"]
        .iter()
        .find_map(|name| entries.iter().find(|entry| entry.kind == EntryKind::File && entry.name == *name))
}

/// Reads the metadata file of a located folder.
///
/// # Errors
/// [`Error::Io`] where it cannot be read; [`Error::Input`] where it is damaged, names no images, leaves
/// the choice of the group column open, or lists splits without a train split.
pub(super) fn open(location: &Location, options: &LoadOptions) -> Result<Outcome> {
    let Some(file) = file_in(&location.entries) else { return Ok(Outcome::None) };
    let path = &file.path;
    if file.name.ends_with("parquet") {
        let what = "metadata.parquet is not read";
        return Ok(Outcome::NoGroups(Error::file(what, path, "Write it as metadata.csv or metadata.jsonl")));
    }
    let bytes = read_file(path, options.limits.max_file_bytes).map_err(Error::io("read", path))?;
    let table = if file.name.ends_with("csv") { read_csv(&bytes, path)? } else { read_jsonl(&bytes, path)? };
    let Some(names) = table.column_index(FILE_NAME) else {
        if location.entries.iter().any(Entry::is_folder) {
            return Ok(Outcome::None);
        }
        let what = format!("{} has no column `{FILE_NAME}`", file.name);
        return Err(Error::file(what, path, "Add one: the path of every image, relative to this file"));
    };
    let mut reader = Reader { location, file, table, names, notes: location.notes.clone(), skipped: Vec::new() };
    reader.choose_split()?;
    reader.source(options)
}

/// A value of the table.
enum Cell {
    Missing,
    /// Text or an integer.
    Label(String),
    /// Something that names no group, in the plural: `lists`.
    Other(&'static str),
}

#[derive(Default)]
struct Table {
    columns: Vec<String>,
    /// One cell per column; short rows lack the last ones.
    rows: Vec<Vec<Cell>>,
}

impl Table {
    fn column_index(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// The text of a cell; `None` where it is missing or none.
    fn text(row: &[Cell], column: usize) -> Option<&str> {
        match row.get(column) {
            Some(Cell::Label(text)) => Some(text),
            _ => None,
        }
    }

    fn kind(&self, column: usize) -> ColumnKind {
        for row in &self.rows {
            if let Some(Cell::Other(what)) = row.get(column) {
                return ColumnKind::Other(what);
            }
        }
        ColumnKind::Labels
    }
}

fn read_csv(bytes: &[u8], path: &Path) -> Result<Table> {
    let damaged = |error: csv::Error| {
        Error::file(format!("the metadata file is damaged: {error}"), path, "Correct it, or export it again")
    };
    let mut reader = csv::Reader::from_reader(bytes);
    let columns = reader.headers().map_err(damaged)?.iter().map(|name| name.trim().to_owned()).collect();
    let mut table = Table { columns, rows: Vec::new() };
    for record in reader.records() {
        let cell = |text: &str| if text.is_empty() { Cell::Missing } else { Cell::Label(text.to_owned()) };
        table.rows.push(record.map_err(damaged)?.iter().map(cell).collect());
    }
    Ok(table)
}

fn read_jsonl(bytes: &[u8], path: &Path) -> Result<Table> {
    let mut table = Table::default();
    for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(line).map_err(|error| {
            let what = format!("line {} of the metadata file is no JSON object: {error}", index + 1);
            Error::file(what, path, "Correct it, or export it again")
        })?;
        let mut row = Vec::new();
        for (name, value) in object {
            let column = match table.column_index(&name) {
                Some(column) => column,
                None => {
                    table.columns.push(name);
                    table.columns.len() - 1
                }
            };
            while row.len() <= column {
                row.push(Cell::Missing);
            }
            if let Some(cell) = row.get_mut(column) {
                *cell = json_cell(value);
            }
        }
        table.rows.push(row);
    }
    Ok(table)
}

fn json_cell(value: serde_json::Value) -> Cell {
    use serde_json::Value;
    match value {
        Value::Null => Cell::Missing,
        Value::String(text) if text.is_empty() => Cell::Missing,
        Value::String(text) => Cell::Label(text),
        Value::Number(number) if number.is_f64() => Cell::Other("fractions"),
        Value::Number(number) => Cell::Label(number.to_string()),
        Value::Bool(_) => Cell::Other("true and false"),
        Value::Array(_) => Cell::Other("lists"),
        Value::Object(_) => Cell::Other("nested values"),
    }
}

struct Reader<'a> {
    location: &'a Location,
    file: &'a Entry,
    table: Table,
    /// The column of paths.
    names: usize,
    notes: Vec<String>,
    skipped: Vec<Skipped>,
}

impl Reader<'_> {
    /// Keeps the train split only, where the paths' first folders or a column `split` name splits.
    fn choose_split(&mut self) -> Result<()> {
        let by_column = self.table.column_index("split");
        let split_name = |row: &[Cell]| -> Option<String> {
            match by_column {
                Some(column) => Table::text(row, column).map(str::to_owned),
                None => Table::text(row, self.names)?.split_once('/').map(|(first, _)| first.to_owned()),
            }
        };
        let mut splits: HashMap<String, Split> = HashMap::new();
        for row in &self.table.rows {
            let Some(name) = split_name(row) else { return Ok(()) };
            if !splits.contains_key(&name) {
                let Some(split) = split_of(&name).filter(|split| split.rest.is_empty()) else { return Ok(()) };
                splits.insert(name, split.split);
            }
        }
        if splits.len() < 2 {
            return Ok(());
        }
        let names = |train: bool| -> Vec<String> {
            let chosen = splits.iter().filter(|(_, split)| (**split == Split::Train) == train);
            chosen.map(|(name, _)| name.clone()).collect::<BTreeSet<_>>().into_iter().collect()
        };
        let (train, others) = (names(true), names(false));
        if train.is_empty() {
            return Err(Error::file(
                format!("{} lists the splits {}, but no train split", self.file.name, join_names(&others)),
                &self.file.path,
                "Leave one of them in it",
            ));
        }
        let is_train = |row: &Vec<Cell>| split_name(row).is_some_and(|name| train.contains(&name));
        let rows: Vec<Vec<Cell>> = std::mem::take(&mut self.table.rows).into_iter().filter(is_train).collect();
        self.table.rows = rows;
        if !others.is_empty() {
            self.notes.push(format!(
                "Of {} the train split was read. Left out: {}.",
                self.file.name,
                join_names(&others)
            ));
        }
        Ok(())
    }

    fn source(mut self, options: &LoadOptions) -> Result<Outcome> {
        let group_column = match self.group_column(options)? {
            Choice::Column(column) => column,
            Choice::NoGroups(error) => return Ok(Outcome::NoGroups(error)),
        };
        let (mut groups, mut index, mut files) = (Vec::new(), HashMap::new(), Vec::new());
        let mut listed: HashSet<PathBuf> = HashSet::new();
        for (line, row) in self.table.rows.iter().enumerate() {
            let (path, label) = (Table::text(row, self.names), Table::text(row, group_column));
            let Some(path) = path else {
                let name = format!("{} row {}", self.file.name, line + 1);
                self.skipped.push(Skipped { name, reason: format!("no {FILE_NAME}") });
                continue;
            };
            let mut skip = |reason: String| {
                self.skipped.push(Skipped { name: format!("{}{path}", self.location.prefix), reason });
            };
            let Some(relative) = relative_path(path) else {
                skip("its path leads out of the dataset's folder".to_owned());
                continue;
            };
            if !listed.insert(relative.clone()) {
                skip(format!("listed more than once in {}; the first row counts", self.file.name));
                continue;
            }
            let Some(label) = label else {
                let column = self.table.columns.get(group_column).map_or("", String::as_str);
                skip(format!("no value in the column `{column}`"));
                continue;
            };
            let group = *index.entry(label.to_owned()).or_insert_with(|| {
                groups.push(label.to_owned());
                groups.len() - 1
            });
            let name = format!("{}{path}", self.location.prefix);
            files.push(ListedFile { group, name, path: self.location.folder.join(relative) });
        }
        self.skip_unlisted(&listed)?;
        if files.is_empty() {
            let what = format!("{} lists no image with a group", self.file.name);
            return Err(Error::file(what, &self.file.path, "Add a row for every image"));
        }
        let notes = self.notes;
        Ok(Outcome::Source(FileSource::new(groups, files, self.skipped, notes)))
    }

    /// The index of the column of groups.
    fn group_column(&self, options: &LoadOptions) -> Result<Choice> {
        let (mut columns, mut indices) = (Vec::new(), Vec::new());
        for (index, name) in self.table.columns.iter().enumerate() {
            if index != self.names && !name.is_empty() {
                columns.push(Column { name: name.clone(), kind: self.table.kind(index) });
                indices.push(index);
            }
        }
        let in_table = |column: usize| match indices.get(column) {
            Some(&index) => Ok(index),
            None => Err(Error::file("an internal error: no such column of metadata", &self.file.path, "Report it")),
        };
        let mut count = |column: usize| {
            let index = in_table(column)?;
            let mut counter = ValueCounter::default();
            for row in &self.table.rows {
                if let Some(text) = Table::text(row, index) {
                    counter.add(text);
                }
            }
            Ok(counter.counts())
        };
        match choose_group_column(&columns, options.group_column.as_deref(), &self.file.path, &mut count)? {
            Choice::Column(column) => in_table(column).map(Choice::Column),
            none => Ok(none),
        }
    }

    /// Lists the images beside listed ones that the metadata file does not name.
    fn skip_unlisted(&mut self, listed: &HashSet<PathBuf>) -> Result<()> {
        let folders: BTreeSet<&Path> = listed.iter().filter_map(|path| path.parent()).collect();
        for folder in folders {
            let place = self.location.folder.join(folder);
            if !place.is_dir() {
                continue;
            }
            for entry in list(&place)? {
                let relative = folder.join(&entry.name);
                if entry.kind == EntryKind::Image && !listed.contains(&relative) {
                    let name = relative.to_string_lossy().replace('\\', "/");
                    let name = format!("{}{name}", self.location.prefix);
                    self.skipped.push(Skipped { name, reason: format!("not listed in {}", self.file.name) });
                }
            }
        }
        Ok(())
    }
}

/// A path of the metadata file: relative, without steps upwards.
fn relative_path(path: &str) -> Option<PathBuf> {
    let mut relative = PathBuf::new();
    for component in Path::new(path).components() {
        match component {
            Component::Normal(part) => relative.push(part),
            Component::CurDir => {}
            _ => return None,
        }
    }
    (!relative.as_os_str().is_empty()).then_some(relative)
}
