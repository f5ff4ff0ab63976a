//! Reader: Hugging Face parquet, one file or a folder of shards.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use ::parquet::column::reader::{ColumnReaderImpl, get_typed_column_reader};
use ::parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use ::parquet::errors::{ParquetError, Result as ParquetResult};
use ::parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};

use super::columns::{Columns, Kind, Leaf, choose};
use super::order::natural;
use super::source::{Batch, Content, Format, Groups, RawImage, Source, contained, extension};
use super::{LoadOptions, Skipped};
use whence_base::{Error, Result};

pub(super) const FORMAT: Format =
    Format { form: "a parquet file with images and labels, or a folder of such shards", recognises, open };

/// Rows and bytes that are decoded between two looks at the cancel flag, for every thread.
const ROWS_PER_THREAD: usize = 32;
const BYTES_PER_THREAD: usize = 4 << 20;

const REPAIR: &str = "Download or export it again: it may be cut short or damaged";

fn recognises(path: &Path) -> bool {
    if path.is_dir() {
        return !shards(path).is_empty();
    }
    let begins_so = || -> Option<bool> {
        let mut magic = [0; 4];
        File::open(path).ok()?.read_exact(&mut magic).ok()?;
        Some(magic == *b"PAR1")
    };
    path.is_file() && (extension(path) == "parquet" || begins_so().unwrap_or(false))
}

/// The parquet files of a folder, of its `data` folder, or of its only folder that has some.
fn shards(root: &Path) -> Vec<PathBuf> {
    let visible = |path: &Path| path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with(['.', '_']));
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let listed = fs::read_dir(folder).into_iter().flatten().flatten();
        listed.map(|entry| entry.path()).filter(|path| visible(path)).collect()
    };
    let tables = |folder: &Path| -> Vec<PathBuf> {
        let mut files = entries(folder);
        files.retain(|path| extension(path) == "parquet" && path.is_file());
        files.sort_by(|a, b| natural(&file_name(a), &file_name(b)).then_with(|| a.cmp(b)));
        files
    };
    let direct =
        [root.to_owned(), root.join("data")].iter().map(|folder| tables(folder)).find(|files| !files.is_empty());
    direct.unwrap_or_else(|| {
        let folders = entries(root).into_iter().filter(|path| path.is_dir() && !path.is_symlink());
        let mut found: Vec<_> = folders.map(|folder| tables(&folder)).filter(|files| !files.is_empty()).collect();
        if found.len() == 1 { found.pop().unwrap_or_default() } else { Vec::new() }
    })
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn open(path: &Path, options: &LoadOptions) -> Result<Box<dyn Source>> {
    let mut files = if path.is_dir() { shards(path) } else { vec![path.to_owned()] };
    let is_train = |path: &PathBuf| {
        let name = file_name(path);
        name.starts_with("train-") || name == "train.parquet"
    };
    if path.is_dir() && files.iter().any(is_train) {
        let before = files.len();
        files.retain(is_train);
        if files.len() < before {
            tracing::info!("{}: only the train split is read, {} of {before} files", path.display(), files.len());
        }
    }
    // All footers first: a damaged last shard must not show after minutes of loading.
    let (mut total, mut classes) = (0_usize, None);
    for (at, file) in files.iter().enumerate() {
        let shard = Shard::open(file, options)?;
        total = total.saturating_add(shard.rows);
        if at == 0 {
            classes = shard.columns.classes;
        } else if classes != shard.columns.classes {
            return Err(Error::file(
                "the shards of this dataset disagree about the names of the classes",
                file,
                "Give shards that were exported together",
            ));
        }
    }
    if total == 0 {
        return Err(Error::file("the table has no rows", path, "Give a table with images"));
    }
    let names = GroupNames::new(classes, options.limits.max_groups);
    let (files, options) = (files.into_iter(), options.clone());
    Ok(Box::new(ParquetSource { files, shard: None, options, names, total, mean_bytes: 64 << 10 }))
}

struct ParquetSource {
    files: std::vec::IntoIter<PathBuf>,
    shard: Option<Shard>,
    options: LoadOptions,
    names: GroupNames,
    total: usize,
    /// Of an image's file, from the batches so far: keeps batches of large images small.
    mean_bytes: usize,
}

impl Source for ParquetSource {
    fn total(&self) -> usize {
        self.total
    }

    fn next_batch(&mut self) -> Result<Option<Batch>> {
        loop {
            let shard = match &mut self.shard {
                Some(shard) => shard,
                None => match self.files.next() {
                    Some(file) => self.shard.insert(Shard::open(&file, &self.options)?),
                    None => return Ok(None),
                },
            };
            let threads = rayon::current_num_threads().max(1);
            let by_bytes = (BYTES_PER_THREAD * threads / self.mean_bytes.max(1)).max(1);
            let rows = shard.read(by_bytes.min(ROWS_PER_THREAD * threads))?;
            if rows.is_empty() {
                self.shard = None;
                continue;
            }
            let bytes: usize = rows.iter().filter_map(|row| row.bytes.as_ref().map(ByteArray::len)).sum();
            self.mean_bytes = (bytes / rows.len()).max(self.mean_bytes / 2);
            let mut batch = Batch::default();
            for row in rows {
                let name = row.name.clone();
                match row.image(&mut self.names) {
                    Ok(image) => batch.images.push(image),
                    Err(Refused::Row(reason)) => batch.skipped.push(Skipped { name, reason }),
                    Err(Refused::Table(what)) => {
                        let remedy = "Choose another group column, one value a group";
                        return Err(Error::file(what, &shard.path, remedy));
                    }
                }
            }
            return Ok(Some(batch));
        }
    }

    fn groups(&self) -> Groups {
        Groups { names: self.names.names.clone(), ordered: self.names.classes.is_some() }
    }
}

/// One open file.
struct Shard {
    path: PathBuf,
    name: String,
    reader: SerializedFileReader<File>,
    columns: Columns,
    /// As the footer claims.
    rows: usize,
    row: usize,
    next_row_group: usize,
    row_group: Option<RowGroup>,
}

struct RowGroup {
    left: usize,
    image: ColumnReaderImpl<ByteArrayType>,
    path: Option<ColumnReaderImpl<ByteArrayType>>,
    group: GroupReader,
}

enum GroupReader {
    Text(ColumnReaderImpl<ByteArrayType>),
    Int32(ColumnReaderImpl<Int32Type>),
    Int64(ColumnReaderImpl<Int64Type>),
}

impl Shard {
    fn open(path: &Path, options: &LoadOptions) -> Result<Self> {
        let file = File::open(path).map_err(Error::io("read", path))?;
        let length = file.metadata().map_err(Error::io("read", path))?.len();
        let reader = parse(path, "is no whole parquet file", || SerializedFileReader::new(file))?;
        let columns = choose(reader.metadata().file_metadata(), path, options)?;
        let mut rows = 0_usize;
        for row_group in reader.metadata().row_groups() {
            let claimed = usize::try_from(row_group.num_rows()).ok();
            rows = rows.saturating_add(claimed.ok_or_else(|| broken(path, "claims less than no rows"))?);
            for leaf in [Some(&columns.image), columns.path.as_ref(), Some(&columns.group)].into_iter().flatten() {
                let chunk = row_group.columns().get(leaf.index).ok_or_else(|| broken(path, "lacks a column"))?;
                let start = chunk.dictionary_page_offset().unwrap_or(i64::MAX).min(chunk.data_page_offset());
                let end = u64::try_from(start).ok().zip(u64::try_from(chunk.compressed_size()).ok());
                if end.and_then(|(start, size)| start.checked_add(size)).is_none_or(|end| end > length) {
                    return Err(broken(path, "claims to be longer than it is"));
                }
            }
        }
        let (path, name) = (path.to_owned(), file_name(path));
        Ok(Self { path, name, reader, columns, rows, row: 0, next_row_group: 0, row_group: None })
    }

    /// Up to `most` rows; none after the last. Never across two row groups.
    fn read(&mut self, most: usize) -> Result<Vec<Row>> {
        let Self { path, reader, columns, .. } = self;
        let mut row_group = match self.row_group.take() {
            Some(open) => open,
            None => loop {
                let at = self.next_row_group;
                let Some(metadata) = reader.metadata().row_groups().get(at) else { return Ok(Vec::new()) };
                self.next_row_group += 1;
                let left = usize::try_from(metadata.num_rows()).unwrap_or(0);
                if left > 0 {
                    break parse(path, "is damaged", || RowGroup::open(&*reader.get_row_group(at)?, columns, left))?;
                }
            },
        };
        let wanted = most.min(row_group.left);
        let (images, paths, groups) = parse(path, "is damaged", || row_group.read(columns, wanted))?;
        let count = images.len();
        if count != wanted || groups.len() != count || paths.as_ref().is_some_and(|paths| paths.len() != count) {
            return Err(broken(path, "has fewer rows than it claims"));
        }
        row_group.left -= count;
        let mut paths = paths.into_iter().flatten();
        let mut rows = Vec::with_capacity(count);
        for (bytes, group) in images.into_iter().zip(groups) {
            let name = format!("{}#{}", self.name, self.row);
            rows.push(Row { name, path: paths.next().flatten(), bytes, group });
            self.row += 1;
        }
        self.row_group = (row_group.left > 0).then_some(row_group);
        Ok(rows)
    }
}

type Values = (Vec<Option<ByteArray>>, Option<Vec<Option<ByteArray>>>, Vec<Option<Label>>);

impl RowGroup {
    fn open(reader: &dyn RowGroupReader, columns: &Columns, left: usize) -> ParquetResult<Self> {
        let bytes = |leaf: &Leaf| reader.get_column_reader(leaf.index).map(get_typed_column_reader::<ByteArrayType>);
        let group = match columns.group.kind {
            Kind::Int32 => GroupReader::Int32(get_typed_column_reader(reader.get_column_reader(columns.group.index)?)),
            Kind::Int64 => GroupReader::Int64(get_typed_column_reader(reader.get_column_reader(columns.group.index)?)),
            _ => GroupReader::Text(bytes(&columns.group)?),
        };
        Ok(Self { left, image: bytes(&columns.image)?, path: columns.path.as_ref().map(bytes).transpose()?, group })
    }

    fn read(&mut self, columns: &Columns, rows: usize) -> ParquetResult<Values> {
        let images = values(&mut self.image, columns.image.defined, rows)?;
        let paths = match (&mut self.path, &columns.path) {
            (Some(reader), Some(leaf)) => Some(values(reader, leaf.defined, rows)?),
            _ => None,
        };
        let defined = columns.group.defined;
        let groups = match &mut self.group {
            GroupReader::Text(reader) => labels(values(reader, defined, rows)?, Label::Text),
            GroupReader::Int32(reader) => labels(values(reader, defined, rows)?, |n| Label::Number(n.into())),
            GroupReader::Int64(reader) => labels(values(reader, defined, rows)?, Label::Number),
        };
        Ok((images, paths, groups))
    }
}

fn labels<T>(values: Vec<Option<T>>, label: impl Fn(T) -> Label) -> Vec<Option<Label>> {
    values.into_iter().map(|value| value.map(&label)).collect()
}

/// The next values of a column, `None` for nulls; fewer than `rows` where it ends before.
fn values<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    defined: i16,
    rows: usize,
) -> ParquetResult<Vec<Option<T::T>>> {
    let (mut levels, mut present) = (Vec::new(), Vec::new());
    reader.read_records(rows, Some(&mut levels), None, &mut present)?;
    if defined == 0 {
        return Ok(present.into_iter().map(Some).collect());
    }
    let mut present = present.into_iter();
    Ok(levels.into_iter().map(|level| if level == defined { present.next() } else { None }).collect())
}

/// A group as a row gives it.
enum Label {
    Text(ByteArray),
    Number(i64),
}

struct Row {
    name: String,
    path: Option<ByteArray>,
    bytes: Option<ByteArray>,
    group: Option<Label>,
}

/// Why a row gives no image.
enum Refused {
    Row(String),
    Table(String),
}

impl Row {
    fn image(self, names: &mut GroupNames) -> Result<RawImage, Refused> {
        let alias = self.path.as_ref().and_then(own_name);
        let Some(bytes) = self.bytes.filter(|bytes| !bytes.is_empty()) else {
            let hint = if self.path.is_some() { ", only the path of one" } else { "" };
            return Err(Refused::Row(format!("the row holds no image{hint}")));
        };
        let group = names.find(self.group)?;
        Ok(RawImage { name: self.name, alias, group, content: Content::Memory(bytes.data().to_vec()) })
    }
}

/// A row's own path as a name: relative, without steps upwards or control characters.
fn own_name(path: &ByteArray) -> Option<String> {
    let name = path.as_utf8().ok()?.replace('\\', "/");
    let plain = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains(':');
    (name.split('/').all(plain) && !name.chars().any(char::is_control)).then_some(name)
}

/// The groups by their names, in order of their first row or of the table's classes.
struct GroupNames {
    names: Vec<String>,
    index: HashMap<String, usize>,
    /// Group of every class number, where the table names its classes.
    classes: Option<Vec<usize>>,
    most: usize,
}

impl GroupNames {
    fn new(classes: Option<Vec<String>>, most: usize) -> Self {
        let mut names = Self { names: Vec::new(), index: HashMap::new(), classes: None, most };
        names.classes = classes.map(|classes| classes.into_iter().map(|class| names.intern(class)).collect());
        names
    }

    fn intern(&mut self, name: String) -> usize {
        *self.index.entry(name).or_insert_with_key(|name| {
            self.names.push(name.clone());
            self.names.len() - 1
        })
    }

    fn find(&mut self, label: Option<Label>) -> Result<usize, Refused> {
        let name = match label {
            None => return Err(Refused::Row("the row has no label".to_owned())),
            Some(Label::Text(text)) => match text.as_utf8() {
                Ok("") => return Err(Refused::Row("the row's label is empty".to_owned())),
                Ok(text) => text.to_owned(),
                Err(_) => return Err(Refused::Row("the row's label is not valid UTF-8".to_owned())),
            },
            Some(Label::Number(number)) => match &self.classes {
                None => number.to_string(),
                Some(classes) => {
                    let class = usize::try_from(number).ok().and_then(|number| classes.get(number));
                    let reason =
                        || Refused::Row(format!("the label {number} is none of the {} classes", classes.len()));
                    return class.copied().ok_or_else(reason);
                }
            },
        };
        let group = self.intern(name);
        if self.names.len() > self.most {
            return Err(Refused::Table(format!("the group column holds more than {} different values", self.most)));
        }
        Ok(group)
    }
}

fn broken(path: &Path, how: &str) -> Error {
    Error::file(format!("the parquet file {how}"), path, REPAIR)
}

/// Runs a step of the parquet library on a file that may be damaged.
fn parse<T>(path: &Path, how: &str, step: impl FnOnce() -> ParquetResult<T>) -> Result<T> {
    let outcome =
        contained(step).unwrap_or_else(|| Err(ParquetError::General("the reader broke down on it".to_owned())));
    outcome.map_err(|error| broken(path, &format!("{how}: {error}")))
}
