//! Reader: Hugging Face parquet, one file or a folder of shards.

mod columns;
mod files;
mod labels;
mod shard;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use ::parquet::data_type::ByteArray;

use super::group_column::{ValueCounter, ValueCounts};
use super::source::{Batch, Content, Format, Groups, RawImage, Source, extension};
use super::{LoadOptions, Skipped};
use columns::{Leaf, choose};
use labels::{GroupNames, Refused};
use shard::{Row, Shard, TableFile};
use whence_base::{Error, Result, Setting};

pub(super) const FORMAT: Format =
    Format { form: "a parquet file with images and labels, or a folder of such shards", recognises, open };

/// Rows and bytes that are decoded between two checks for cancellation, for every thread.
const ROWS_PER_THREAD: usize = 32;
const BYTES_PER_THREAD: usize = 4 << 20;

fn recognises(path: &Path) -> bool {
    if path.is_dir() {
        return files::any(path);
    }
    path.is_file() && (extension(path) == "parquet" || begins_as_parquet(path))
}

fn begins_as_parquet(path: &Path) -> bool {
    let mut magic = [0; 4];
    // A file that cannot be read is another format's, which reports it.
    File::open(path).and_then(|mut file| file.read_exact(&mut magic)).is_ok() && magic == *b"PAR1"
}

fn open(path: &Path, options: &LoadOptions) -> Result<Box<dyn Source>> {
    let (files, notes) = if path.is_dir() {
        let chosen = files::choose(path)?;
        (chosen.files, chosen.notes)
    } else {
        (vec![path.to_owned()], Vec::new())
    };
    let mut options = options.clone();
    // All footers first: a damaged last shard must not show after minutes of loading.
    let (mut total, mut classes) = (0_usize, None);
    for (at, file) in files.iter().enumerate() {
        let shard = open_shard(file, &options, &files)?;
        total = total.saturating_add(shard.rows);
        if at == 0 {
            // What the first shard decides holds for all of them.
            options.group_column = Some(shard.columns.group.name.clone());
            options.image_column = Some(shard.columns.image.name.clone());
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
    let files = files.into_iter();
    Ok(Box::new(ParquetSource { files, shard: None, options, names, total, notes, mean_bytes: 64 << 10 }))
}

/// Opens one of the dataset's `files`, whose labels are counted over all of them where they leave a
/// choice of the group column.
fn open_shard(path: &Path, options: &LoadOptions, files: &[PathBuf]) -> Result<Shard> {
    let file = TableFile::open(path)?;
    let mut count = |leaf: &Leaf| -> Result<ValueCounts> {
        let mut counter = ValueCounter::default();
        for other in files {
            TableFile::open(other)?.count_labels(leaf, &mut counter)?;
        }
        Ok(counter.counts())
    };
    let columns = choose(file.metadata(), path, options, &mut count)?;
    Shard::new(file, columns)
}

struct ParquetSource {
    files: std::vec::IntoIter<PathBuf>,
    shard: Option<Shard>,
    options: LoadOptions,
    names: GroupNames,
    total: usize,
    notes: Vec<String>,
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
                    Some(file) => self.shard.insert(open_shard(&file, &self.options, &[])?),
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
                match raw_image(row, &mut self.names) {
                    Ok(image) => batch.images.push(image),
                    Err(Refused::Row(reason)) => batch.skipped.push(Skipped { name, reason }),
                    Err(Refused::Table(what)) => {
                        let remedy = "choose another column, one that names each image's group";
                        return Err(Error::setting(what, [Setting::GroupColumn], remedy).in_file(&shard.path));
                    }
                }
            }
            return Ok(Some(batch));
        }
    }

    fn groups(&self) -> Groups {
        Groups { names: self.names.names.clone(), ordered: self.names.classes.is_some() }
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

fn raw_image(row: Row, names: &mut GroupNames) -> Result<RawImage, Refused> {
    let alias = row.path.as_ref().and_then(alias_of);
    let Some(bytes) = row.bytes.filter(|bytes| !bytes.is_empty()) else {
        let hint = if row.path.is_some() { ", only the path of one" } else { "" };
        return Err(Refused::Row(format!("the row holds no image{hint}")));
    };
    let group = names.find(row.group)?;
    Ok(RawImage { name: row.name, alias, group, content: Content::Memory(bytes.data().to_vec()) })
}

/// A row's own path as a name: relative, without steps upwards or control characters.
fn alias_of(path: &ByteArray) -> Option<String> {
    let name = path.as_utf8().ok()?.replace('\\', "/");
    let is_plain = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains(':');
    (name.split('/').all(is_plain) && !name.chars().any(char::is_control)).then_some(name)
}
