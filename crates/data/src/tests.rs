//! Tests on real files written to a temporary folder.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation
)]

mod folders;
mod images;
mod layouts;
mod loading;
mod metadata;
mod parquet;

use std::fs::{self, File};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

use super::{Dataset, ImageShape, LoadOptions};
use whence_base::{Error, Result};

const RGB8: ImageShape = ImageShape { channels: 3, height: 8, width: 8 };
const CLASSES: &str =
    r#"{"info":{"features":{"img":{"_type":"Image"},"label":{"names":["zebra","ant"],"_type":"ClassLabel"}}}}"#;
const TABLE: &str =
    "message t { optional group img { optional binary bytes; optional binary path (UTF8); } optional int64 label; }";

fn options(shape: ImageShape) -> LoadOptions {
    LoadOptions { shape: Some(shape), ..LoadOptions::default() }
}

fn load(path: &Path, shape: ImageShape) -> Result<Dataset> {
    Dataset::load(path, &options(shape), &mut |_, _| Ok(()))
}

fn message(result: Result<impl Sized>) -> String {
    match result {
        Ok(_) => panic!("this should have failed"),
        Err(error) => error.to_string(),
    }
}

/// An image without two equal neighbours, different for every seed.
fn image(seed: u32, width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let value = (seed + 1).wrapping_mul(2_654_435_761).wrapping_add(x * 7_919 + y * 104_729);
        Rgb([value as u8, (value >> 7) as u8, (value >> 13) as u8])
    })
}

fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
    encoded(image, ImageFormat::Png)
}

fn planes(image: &RgbImage) -> Vec<u8> {
    (0..3).flat_map(|c| image.pixels().map(move |pixel| pixel.0[c])).collect()
}

fn write(path: impl AsRef<Path>, bytes: &[u8]) {
    fs::create_dir_all(path.as_ref().parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// A PNG chunk: length, type, data, checksum.
fn png_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let content = [kind.as_slice(), data].concat();
    let crc = !content.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    });
    [&u32::try_from(data.len()).unwrap().to_be_bytes(), content.as_slice(), &crc.to_be_bytes()].concat()
}

/// A PNG of which only the header is there, with a correct checksum.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let header = [width.to_be_bytes().as_slice(), &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    [b"\x89PNG\r\n\x1a\n", png_chunk(b"IHDR", &header).as_slice(), b"\0\0\0\x0eIDAT"].concat()
}

/// A row of [`TABLE`]: image, path, label.
type Row = (Option<Vec<u8>>, Option<&'static str>, Option<i64>);

fn row(seed: u32, label: i64) -> Row {
    (Some(png(image(seed, 8, 8))), None, Some(label))
}

/// A column of values, `None` for nulls.
enum Column {
    Bytes(Vec<Option<Vec<u8>>>),
    Numbers(Vec<Option<i64>>),
}

/// Writes a real parquet file, one row group for each list of columns. `depth`: level of a value in a struct.
fn write_parquet(path: &Path, schema: &str, metadata: Option<&str>, row_groups: &[Vec<Column>]) -> PathBuf {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let entry = metadata.map(|text| vec![KeyValue::new("huggingface".to_owned(), text.to_owned())]);
    let properties = WriterProperties::builder().set_key_value_metadata(entry).build();
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut writer = SerializedFileWriter::new(File::create(path).unwrap(), schema, Arc::new(properties)).unwrap();
    let levels: Vec<i16> = writer.schema_descr().columns().iter().map(|column| column.max_def_level()).collect();
    for columns in row_groups {
        let mut row_group = writer.next_row_group().unwrap();
        for (column, &level) in columns.iter().zip(&levels) {
            let mut out = row_group.next_column().unwrap().unwrap();
            match column {
                Column::Bytes(values) => {
                    let defined: Vec<i16> = values.iter().map(|v| if v.is_some() { level } else { 0 }).collect();
                    let values: Vec<ByteArray> = values.iter().flatten().map(|v| ByteArray::from(v.clone())).collect();
                    out.typed::<ByteArrayType>().write_batch(&values, Some(&defined), None).unwrap();
                }
                Column::Numbers(values) => {
                    let defined: Vec<i16> = values.iter().map(|v| if v.is_some() { level } else { 0 }).collect();
                    let values: Vec<i64> = values.iter().flatten().copied().collect();
                    out.typed::<Int64Type>().write_batch(&values, Some(&defined), None).unwrap();
                }
            }
            out.close().unwrap();
        }
        row_group.close().unwrap();
    }
    writer.close().unwrap();
    path.to_owned()
}

/// Writes rows of [`TABLE`] as Hugging Face does.
fn write_table(path: &Path, metadata: Option<&str>, row_groups: &[Vec<Row>]) -> PathBuf {
    let columns = |rows: &Vec<Row>| {
        vec![
            Column::Bytes(rows.iter().map(|row| row.0.clone()).collect()),
            Column::Bytes(rows.iter().map(|row| row.1.map(|path| path.as_bytes().to_vec())).collect()),
            Column::Numbers(rows.iter().map(|row| row.2).collect()),
        ]
    };
    write_parquet(path, TABLE, metadata, &row_groups.iter().map(columns).collect::<Vec<_>>())
}

fn reasons(dataset: &Dataset) -> Vec<(&str, &str)> {
    dataset.skipped().iter().map(|skip| (skip.name.as_str(), skip.reason.as_str())).collect()
}

fn is_input(error: &Error) -> bool {
    matches!(error, Error::Input { .. })
}
