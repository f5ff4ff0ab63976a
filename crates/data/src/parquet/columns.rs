//! Which columns of a table hold the images and the groups.

use std::path::Path;

use ::parquet::basic::{ConvertedType, LogicalType, Type as PhysicalType};
use ::parquet::file::metadata::FileMetaData;
use ::parquet::schema::types::{ColumnDescriptor, Type as SchemaType};

use super::super::LoadOptions;
use super::super::group_column::{Choice, Column, ColumnKind, ValueCounts, choose_group_column};
use whence_base::{Error, Result};

/// Names that a plain column of image bytes usually has.
const IMAGE_NAMES: [&str; 6] = ["image", "img", "bytes", "picture", "images", "photo"];

/// One column as the reader needs it.
#[derive(Clone, PartialEq)]
pub(super) struct Leaf {
    pub index: usize,
    /// Name of the column, of the outermost one where it lies in a struct.
    pub name: String,
    /// Definition level of a value that is there.
    pub defined: i16,
    pub storage: Storage,
}

/// How a column stores its values.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Storage {
    Bytes,
    Text,
    Int32,
    Int64,
    Other,
}

/// The columns to read.
pub(super) struct Columns {
    pub image: Leaf,
    /// The images' own paths.
    pub path: Option<Leaf>,
    pub group: Leaf,
    /// Names of the groups, where the column holds indices into them.
    pub classes: Option<Vec<String>>,
}

/// Chooses the columns of the table at `path`. `count` counts the values of a column.
///
/// # Errors
/// [`Error::Input`] where there is none, or several among which only the user can choose; those of `count`.
pub(super) fn choose(
    metadata: &FileMetaData,
    path: &Path,
    options: &LoadOptions,
    count: &mut dyn FnMut(&Leaf) -> Result<ValueCounts>,
) -> Result<Columns> {
    let schema = metadata.schema_descr();
    let mut leaves: Vec<(Vec<String>, Leaf)> = Vec::new();
    for (index, column) in schema.columns().iter().enumerate() {
        let parts = column.path().parts().to_vec();
        if let (Some(name), 0) = (parts.first(), column.max_rep_level()) {
            let leaf = Leaf { index, name: name.clone(), defined: column.max_def_level(), storage: storage(column) };
            leaves.push((parts, leaf));
        }
    }
    let fields = schema.root_schema().get_fields();
    let image = image_column(&leaves, options.image_column.as_deref())
        .ok_or_else(|| no_images(fields, path, options.image_column.as_deref()))?;
    let is_path = |parts: &[String], leaf: &Leaf| {
        matches!(leaf.storage, Storage::Text | Storage::Bytes)
            && matches!(parts, [column, field] if *column == image.name && field == "path")
    };
    let path_leaf = leaves.iter().find(|(parts, leaf)| is_path(parts, leaf)).map(|(_, leaf)| leaf.clone());

    let features = class_features(metadata);
    let class_names = |name: &str| features.iter().find(|(column, _)| column == name).map(|(_, names)| names);
    let mut columns = Vec::new();
    for field in fields.iter().filter(|field| field.name() != image.name) {
        let leaf = leaves.iter().find(|(parts, _)| matches!(parts.as_slice(), [only] if only == field.name()));
        let kind = match leaf.map(|(_, leaf)| leaf.storage) {
            Some(Storage::Int32 | Storage::Int64) if class_names(field.name()).is_some() => ColumnKind::Classes,
            Some(Storage::Text | Storage::Int32 | Storage::Int64) => ColumnKind::Labels,
            _ => ColumnKind::Other(contents(field)),
        };
        columns.push(Column { name: field.name().to_owned(), kind });
    }
    let leaf_of = |column: usize| -> Result<&Leaf> {
        let name = columns.get(column).map(|column| column.name.as_str());
        let leaf = leaves.iter().find(|(parts, _)| matches!(parts.as_slice(), [only] if Some(only.as_str()) == name));
        leaf.map(|(_, leaf)| leaf).ok_or_else(|| Error::file("an internal error: no such column", path, "Report it"))
    };
    let mut count_column = |column: usize| count(leaf_of(column)?);
    let group = match choose_group_column(&columns, options.group_column.as_deref(), path, &mut count_column)? {
        Choice::Column(column) => leaf_of(column)?.clone(),
        Choice::NoGroups(error) => return Err(error),
    };
    let classes = if group.storage == Storage::Text { None } else { class_names(&group.name).cloned() };
    Ok(Columns { image, path: path_leaf, group, classes })
}

/// How a column stores its values.
pub(super) fn storage(column: &ColumnDescriptor) -> Storage {
    let text = matches!(column.logical_type_ref(), Some(LogicalType::String | LogicalType::Enum))
        || matches!(column.converted_type(), ConvertedType::UTF8 | ConvertedType::ENUM);
    // Dates, times and decimals are integers to the file, but name no groups.
    let integer = match column.logical_type_ref() {
        Some(logical) => matches!(logical, LogicalType::Integer { .. }),
        None => !matches!(
            column.converted_type(),
            ConvertedType::DATE
                | ConvertedType::DECIMAL
                | ConvertedType::TIME_MILLIS
                | ConvertedType::TIME_MICROS
                | ConvertedType::TIMESTAMP_MILLIS
                | ConvertedType::TIMESTAMP_MICROS
        ),
    };
    match column.physical_type() {
        PhysicalType::BYTE_ARRAY if text => Storage::Text,
        PhysicalType::BYTE_ARRAY => Storage::Bytes,
        PhysicalType::INT32 if integer => Storage::Int32,
        PhysicalType::INT64 if integer => Storage::Int64,
        _ => Storage::Other,
    }
}

/// What a field holds that is neither text nor integers, in the plural.
fn contents(field: &SchemaType) -> &'static str {
    if !field.is_primitive() {
        let list = field.get_basic_info().converted_type() == ConvertedType::LIST
            || matches!(field.get_basic_info().logical_type_ref(), Some(LogicalType::List));
        return if list { "lists" } else { "nested values" };
    }
    match field.get_physical_type() {
        PhysicalType::BOOLEAN => "true and false",
        PhysicalType::FLOAT | PhysicalType::DOUBLE => "fractions",
        PhysicalType::BYTE_ARRAY if is_text(field) => "text",
        PhysicalType::BYTE_ARRAY | PhysicalType::FIXED_LEN_BYTE_ARRAY => "bytes",
        PhysicalType::INT32 | PhysicalType::INT64 | PhysicalType::INT96 => "integers or dates",
    }
}

fn is_text(field: &SchemaType) -> bool {
    let info = field.get_basic_info();
    info.converted_type() == ConvertedType::UTF8 || matches!(info.logical_type_ref(), Some(LogicalType::String))
}

/// The chosen column, or the first struct with a `bytes` field, or bytes under a usual name.
fn image_column(leaves: &[(Vec<String>, Leaf)], chosen: Option<&str>) -> Option<Leaf> {
    let (mut in_struct, mut plain) = (None, None);
    for (parts, leaf) in leaves {
        if leaf.storage != Storage::Bytes || chosen.is_some_and(|name| leaf.name != name) {
            continue;
        }
        match parts.as_slice() {
            [_, field] if field == "bytes" => in_struct = in_struct.or(Some(leaf)),
            [name] if chosen.is_some() || IMAGE_NAMES.contains(&name.to_lowercase().as_str()) => {
                plain = plain.or(Some(leaf));
            }
            _ => {}
        }
    }
    in_struct.or(plain).cloned()
}

/// Why no column holds images.
fn no_images(fields: &[std::sync::Arc<SchemaType>], path: &Path, chosen: Option<&str>) -> Error {
    let described: Vec<String> =
        fields.iter().map(|field| format!("`{}` holds {}", field.name(), contents(field))).collect();
    let columns = described.join(", ");
    if let Some(name) = chosen {
        return Error::file(
            format!("the table has no column `{name}` that holds image files ({columns})"),
            path,
            "Choose the image column by the name of one that does, or leave the choice open",
        );
    }
    let named = fields.iter().find(|field| IMAGE_NAMES.contains(&field.name().to_lowercase().as_str()));
    let (what, remedy) = match named.map(|field| (field.name(), contents(field))) {
        Some((name, "text")) => (
            format!("the column `{name}` holds paths or addresses of images, not the images"),
            "Store the images in it: in `datasets`, cast_column(COLUMN, datasets.Image()) and to_parquet. Or give the \
             folder of the images with a metadata.csv that has the columns file_name and label",
        ),
        Some((name, what @ ("lists" | "nested values"))) => (
            format!("the column `{name}` holds {what} of pixels, not image files"),
            "Store the images as files: in `datasets`, cast_column(COLUMN, datasets.Image()) and to_parquet",
        ),
        _ => (
            format!("the table holds no images ({columns})"),
            "Give a table with a column of images, as Hugging Face's Image feature stores them: bytes and path",
        ),
    };
    Error::file(what, path, remedy)
}

/// Columns with class names, from the `huggingface` entry of the table's metadata.
fn class_features(metadata: &FileMetaData) -> Vec<(String, Vec<String>)> {
    let entries = metadata.key_value_metadata().map_or(&[] as &[_], Vec::as_slice);
    let Some(text) = entries.iter().find(|entry| entry.key == "huggingface").and_then(|entry| entry.value.as_deref())
    else {
        return Vec::new();
    };
    let parsed: serde_json::Value = match serde_json::from_str(text) {
        Ok(parsed) => parsed,
        Err(error) => {
            tracing::warn!("the table's Hugging Face metadata is damaged, so its class names are lost: {error}");
            return Vec::new();
        }
    };
    let Some(features) = parsed.pointer("/info/features").and_then(serde_json::Value::as_object) else {
        return Vec::new();
    };
    let mut named = Vec::new();
    for (column, feature) in features {
        if let Some(names) = class_names(feature) {
            named.push((column.clone(), names));
        }
    }
    named
}

/// The names of a `ClassLabel` feature.
fn class_names(feature: &serde_json::Value) -> Option<Vec<String>> {
    if feature.get("_type")?.as_str()? != "ClassLabel" {
        return None;
    }
    feature.get("names")?.as_array()?.iter().map(|name| name.as_str().map(str::to_owned)).collect()
}
