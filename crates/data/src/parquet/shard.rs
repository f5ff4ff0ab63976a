//! One parquet file, read row group by row group.

use std::fs::File;
use std::path::{Path, PathBuf};

use ::parquet::column::reader::{ColumnReaderImpl, get_typed_column_reader};
use ::parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use ::parquet::errors::{ParquetError, Result as ParquetResult};
use ::parquet::file::metadata::FileMetaData;
use ::parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use ::parquet::schema::types::ColumnDescPtr;

use super::super::group_column::ValueCounter;
use super::super::source::{catch_decoder_panic, file_name};
use super::columns::{Columns, Leaf, Storage, storage};
use super::labels::Label;
use whence_base::{Error, Result};

const REPAIR: &str = "Download or export it again: it may be cut short or damaged";

/// How many labels are read at once while they are counted.
const LABELS_PER_READ: usize = 8192;

/// An open parquet file.
pub(super) struct TableFile {
    path: PathBuf,
    reader: SerializedFileReader<File>,
    /// In bytes.
    length: u64,
}

impl TableFile {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::io("read", path))?;
        let length = file.metadata().map_err(Error::io("read", path))?.len();
        let reader = parse(path, "is no whole parquet file", || SerializedFileReader::new(file))?;
        Ok(Self { path: path.to_owned(), reader, length })
    }

    pub(super) fn metadata(&self) -> &FileMetaData {
        self.reader.metadata().file_metadata()
    }

    /// How many rows the footer claims.
    ///
    /// # Errors
    /// [`Error::Input`] where a column of `leaves` would reach behind the file's end.
    pub(super) fn rows(&self, leaves: &[&Leaf]) -> Result<usize> {
        let mut rows = 0_usize;
        for row_group in self.reader.metadata().row_groups() {
            let claimed = usize::try_from(row_group.num_rows())
                .map_err(|_| damaged(&self.path, "claims a negative number of rows"))?;
            rows = rows.saturating_add(claimed);
            for leaf in leaves {
                let chunk = row_group.columns().get(leaf.index);
                let chunk = chunk.ok_or_else(|| damaged(&self.path, "lacks a column"))?;
                let start = chunk.dictionary_page_offset().unwrap_or(i64::MAX).min(chunk.data_page_offset());
                let range = u64::try_from(start).ok().zip(u64::try_from(chunk.compressed_size()).ok());
                if range.and_then(|(start, size)| start.checked_add(size)).is_none_or(|end| end > self.length) {
                    return Err(damaged(&self.path, "claims to be longer than it is"));
                }
            }
        }
        Ok(rows)
    }

    /// Counts the labels of a column of text or integers, empty ones and nulls left out.
    ///
    /// # Errors
    /// [`Error::Input`] where the file is damaged or has other columns than the one of `leaf`.
    pub(super) fn count_labels(&self, leaf: &Leaf, counter: &mut ValueCounter) -> Result<()> {
        let column = self.metadata().schema_descr().columns().get(leaf.index);
        let is_same = |column: &ColumnDescPtr| {
            matches!(column.path().parts(), [name] if *name == leaf.name) && storage(column) == leaf.storage
        };
        if !column.is_some_and(is_same) {
            let what = "this file has other columns than the dataset's first one";
            return Err(Error::file(what, &self.path, "Give shards that were exported together"));
        }
        self.rows(&[leaf])?;
        for (index, metadata) in self.reader.metadata().row_groups().iter().enumerate() {
            let mut left = row_count(metadata.num_rows());
            if left == 0 {
                continue;
            }
            let mut labels =
                parse(&self.path, "is damaged", || LabelReader::open(&*self.reader.get_row_group(index)?, leaf))?;
            while left > 0 {
                let read = parse(&self.path, "is damaged", || labels.read(left.min(LABELS_PER_READ)))?;
                if read.is_empty() {
                    break;
                }
                left = left.saturating_sub(read.len());
                for label in read.into_iter().flatten() {
                    match label {
                        Label::Text(text) if text.is_empty() => {}
                        Label::Text(text) => counter.add(text.data()),
                        Label::Integer(value) => counter.add(value),
                    }
                }
            }
        }
        Ok(())
    }
}

/// A file of which the images, their paths and their groups are read.
pub(super) struct Shard {
    pub path: PathBuf,
    pub columns: Columns,
    /// As the footer claims.
    pub rows: usize,
    file: TableFile,
    name: String,
    /// Rows read so far.
    row: usize,
    next_row_group: usize,
    row_group: Option<RowGroup>,
}

/// A row, with nulls as `None`.
pub(super) struct Row {
    /// File and row, counted from 0.
    pub name: String,
    pub path: Option<ByteArray>,
    pub bytes: Option<ByteArray>,
    pub group: Option<Label>,
}

impl Shard {
    pub(super) fn new(file: TableFile, columns: Columns) -> Result<Self> {
        let mut leaves = vec![&columns.image, &columns.group];
        leaves.extend(&columns.path);
        let rows = file.rows(&leaves)?;
        let (path, name) = (file.path.clone(), file_name(&file.path));
        Ok(Self { path, columns, rows, file, name, row: 0, next_row_group: 0, row_group: None })
    }

    /// At most `max_rows` rows; none after the last. Never across two row groups.
    pub(super) fn read(&mut self, max_rows: usize) -> Result<Vec<Row>> {
        let Some(mut row_group) = self.open_row_group()? else { return Ok(Vec::new()) };
        let wanted = max_rows.min(row_group.left);
        let values = parse(&self.path, "is damaged", || row_group.read(&self.columns, wanted))?;
        let count = values.images.len();
        let paths_missing = values.paths.as_ref().is_some_and(|paths| paths.len() != count);
        if count != wanted || values.groups.len() != count || paths_missing {
            return Err(damaged(&self.path, "has fewer rows than it claims"));
        }
        row_group.left -= count;
        let mut paths = values.paths.into_iter().flatten();
        let mut rows = Vec::with_capacity(count);
        for (bytes, group) in values.images.into_iter().zip(values.groups) {
            let name = format!("{}#{}", self.name, self.row);
            rows.push(Row { name, path: paths.next().flatten(), bytes, group });
            self.row += 1;
        }
        self.row_group = (row_group.left > 0).then_some(row_group);
        Ok(rows)
    }

    /// The row group under way, or the next one with rows; `None` after the last.
    fn open_row_group(&mut self) -> Result<Option<RowGroup>> {
        if let Some(row_group) = self.row_group.take() {
            return Ok(Some(row_group));
        }
        let reader = &self.file.reader;
        while let Some(metadata) = reader.metadata().row_groups().get(self.next_row_group) {
            let index = self.next_row_group;
            self.next_row_group += 1;
            let left = row_count(metadata.num_rows());
            if left > 0 {
                let columns = &self.columns;
                let open = || RowGroup::open(&*reader.get_row_group(index)?, columns, left);
                return parse(&self.path, "is damaged", open).map(Some);
            }
        }
        Ok(None)
    }
}

/// A row group's claim; [`TableFile::rows`] refused negative ones when the file was opened.
fn row_count(claimed: i64) -> usize {
    debug_assert!(claimed >= 0, "negative row counts are refused when a file is opened");
    usize::try_from(claimed).unwrap_or(0)
}

struct RowGroup {
    /// Rows not read yet.
    left: usize,
    image: ColumnReaderImpl<ByteArrayType>,
    path: Option<ColumnReaderImpl<ByteArrayType>>,
    group: LabelReader,
}

/// Some rows, column by column, with nulls as `None`.
struct Values {
    images: Vec<Option<ByteArray>>,
    paths: Option<Vec<Option<ByteArray>>>,
    groups: Vec<Option<Label>>,
}

impl RowGroup {
    fn open(reader: &dyn RowGroupReader, columns: &Columns, left: usize) -> ParquetResult<Self> {
        let bytes = |leaf: &Leaf| reader.get_column_reader(leaf.index).map(get_typed_column_reader::<ByteArrayType>);
        let path = columns.path.as_ref().map(bytes).transpose()?;
        Ok(Self { left, image: bytes(&columns.image)?, path, group: LabelReader::open(reader, &columns.group)? })
    }

    fn read(&mut self, columns: &Columns, rows: usize) -> ParquetResult<Values> {
        let images = read_values(&mut self.image, columns.image.defined, rows)?;
        let paths = match (&mut self.path, &columns.path) {
            (Some(reader), Some(leaf)) => Some(read_values(reader, leaf.defined, rows)?),
            _ => None,
        };
        Ok(Values { images, paths, groups: self.group.read(rows)? })
    }
}

/// Reads a column of text or integers.
struct LabelReader {
    /// Definition level of a value that is there.
    defined: i16,
    column: LabelColumn,
}

enum LabelColumn {
    Text(ColumnReaderImpl<ByteArrayType>),
    Int32(ColumnReaderImpl<Int32Type>),
    Int64(ColumnReaderImpl<Int64Type>),
}

impl LabelReader {
    fn open(row_group: &dyn RowGroupReader, leaf: &Leaf) -> ParquetResult<Self> {
        let reader = row_group.get_column_reader(leaf.index)?;
        let column = match leaf.storage {
            Storage::Int32 => LabelColumn::Int32(get_typed_column_reader(reader)),
            Storage::Int64 => LabelColumn::Int64(get_typed_column_reader(reader)),
            Storage::Text => LabelColumn::Text(get_typed_column_reader(reader)),
            Storage::Bytes | Storage::Other => {
                return Err(ParquetError::General(format!("the column {} holds no labels", leaf.name)));
            }
        };
        Ok(Self { defined: leaf.defined, column })
    }

    fn read(&mut self, rows: usize) -> ParquetResult<Vec<Option<Label>>> {
        Ok(match &mut self.column {
            LabelColumn::Text(reader) => labels(read_values(reader, self.defined, rows)?, Label::Text),
            LabelColumn::Int32(reader) => {
                labels(read_values(reader, self.defined, rows)?, |value| Label::Integer(value.into()))
            }
            LabelColumn::Int64(reader) => labels(read_values(reader, self.defined, rows)?, Label::Integer),
        })
    }
}

fn labels<T>(values: Vec<Option<T>>, label: impl Fn(T) -> Label) -> Vec<Option<Label>> {
    values.into_iter().map(|value| value.map(&label)).collect()
}

/// The next values of a column, `None` for nulls; fewer than `rows` where it ends before.
fn read_values<T: DataType>(
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
    let mut values = Vec::with_capacity(levels.len());
    for level in levels {
        values.push(if level == defined { present.next() } else { None });
    }
    Ok(values)
}

fn damaged(path: &Path, how: &str) -> Error {
    Error::file(format!("the parquet file {how}"), path, REPAIR)
}

/// Runs a step of the parquet library on a file that may be damaged.
fn parse<T>(path: &Path, how: &str, step: impl FnOnce() -> ParquetResult<T>) -> Result<T> {
    let outcome =
        catch_decoder_panic(step).unwrap_or_else(|| Err(ParquetError::General("the reader failed on it".to_owned())));
    outcome.map_err(|error| damaged(path, &format!("{how}: {error}")))
}
