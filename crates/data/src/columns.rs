//! Which columns of a table hold the images and the groups.

use std::path::Path;

use ::parquet::basic::{ConvertedType, LogicalType, Type};
use ::parquet::file::metadata::FileMetaData;
use ::parquet::schema::types::ColumnDescriptor;

use super::LoadOptions;
use whence_base::{Error, Result, Setting};

/// Names that a column of groups usually has.
const GROUP_NAMES: [&str; 8] = ["label", "labels", "class", "style", "artist", "group", "category", "genre"];

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
    pub kind: Kind,
}

/// How a column stores its values.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
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
    /// Names of the groups, where the column holds their numbers.
    pub classes: Option<Vec<String>>,
}

/// Chooses the columns of the table at `path`.
///
/// # Errors
/// [`Error::Input`] where there is none, or several among which only the user can choose.
pub(super) fn choose(metadata: &FileMetaData, path: &Path, options: &LoadOptions) -> Result<Columns> {
    let schema = metadata.schema_descr();
    let leaves: Vec<(Vec<String>, Leaf)> = schema
        .columns()
        .iter()
        .enumerate()
        .filter(|(_, column)| column.max_rep_level() == 0)
        .map(|(index, column)| {
            let parts = column.path().parts().to_vec();
            let name = parts.first().cloned().unwrap_or_default();
            (parts, Leaf { index, name, defined: column.max_def_level(), kind: kind(column) })
        })
        .collect();
    let all: Vec<&str> = schema.root_schema().get_fields().iter().map(|field| field.name()).collect();

    let image = image_column(&leaves, options.image_column.as_deref())
        .ok_or_else(|| no_images(&all, path, options.image_column.as_deref()))?;
    let own_path = |(parts, leaf): &&(Vec<String>, Leaf)| {
        matches!(leaf.kind, Kind::Text | Kind::Bytes)
            && matches!(parts.as_slice(), [a, b] if *a == image.name && b == "path")
    };
    let path_leaf = leaves.iter().find(own_path).map(|(_, leaf)| leaf.clone());

    let features = features(metadata);
    let class_names = |name: &str| features.iter().find(|(column, _)| column == name).map(|(_, names)| names.clone());
    let usable: Vec<&Leaf> = leaves
        .iter()
        .filter(|(parts, leaf)| parts.len() == 1 && leaf.index != image.index)
        .filter(|(_, leaf)| matches!(leaf.kind, Kind::Text | Kind::Int32 | Kind::Int64))
        .map(|(_, leaf)| leaf)
        .collect();
    let group = group_column(&usable, &class_names, options.group_column.as_deref(), path)?;
    let classes = class_names(&group.name).filter(|_| group.kind != Kind::Text);
    Ok(Columns { image, path: path_leaf, group, classes })
}

fn kind(column: &ColumnDescriptor) -> Kind {
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
        Type::BYTE_ARRAY if text => Kind::Text,
        Type::BYTE_ARRAY => Kind::Bytes,
        Type::INT32 if integer => Kind::Int32,
        Type::INT64 if integer => Kind::Int64,
        _ => Kind::Other,
    }
}

/// The chosen column, or the first struct with a `bytes` field, or bytes under a usual name.
fn image_column(leaves: &[(Vec<String>, Leaf)], chosen: Option<&str>) -> Option<Leaf> {
    let wanted = |leaf: &Leaf| chosen.is_none_or(|name| leaf.name == name);
    let in_struct = |(parts, leaf): &&(Vec<String>, Leaf)| {
        leaf.kind == Kind::Bytes && wanted(leaf) && matches!(parts.as_slice(), [_, field] if field == "bytes")
    };
    let plain = |(parts, leaf): &&(Vec<String>, Leaf)| {
        let usual = chosen.is_some() || IMAGE_NAMES.contains(&leaf.name.to_lowercase().as_str());
        leaf.kind == Kind::Bytes && wanted(leaf) && parts.len() == 1 && usual
    };
    leaves.iter().find(in_struct).or_else(|| leaves.iter().find(plain)).map(|(_, leaf)| leaf.clone())
}

fn no_images(all: &[&str], path: &Path, chosen: Option<&str>) -> Error {
    let columns = all.join(", ");
    match chosen {
        Some(name) => Error::file(
            format!("the table has no column `{name}` that holds image files (columns: {columns})"),
            path,
            "Choose the image column by the name of one that does, or leave the choice open",
        ),
        None => Error::file(
            format!("the table holds no images (columns: {columns})"),
            path,
            "Give a table with a column of images, as Hugging Face's Image feature stores them: bytes and path",
        ),
    }
}

/// The chosen column, or the only one with class names, or with a usual name, or at all.
fn group_column(
    usable: &[&Leaf],
    class_names: &dyn Fn(&str) -> Option<Vec<String>>,
    chosen: Option<&str>,
    path: &Path,
) -> Result<Leaf> {
    let list = |leaves: &[&Leaf]| leaves.iter().map(|leaf| leaf.name.as_str()).collect::<Vec<_>>().join(", ");
    if let Some(name) = chosen {
        let found = usable.iter().find(|leaf| leaf.name == name);
        return found.map(|leaf| (*leaf).clone()).ok_or_else(|| {
            let what =
                format!("the table has no column `{name}` of groups (text and integer columns: {})", list(usable));
            Error::file(what, path, "Set the group column to one of these")
        });
    }
    let classes = usable.iter().filter(|leaf| leaf.kind != Kind::Text && class_names(&leaf.name).is_some());
    let named = usable.iter().filter(|leaf| GROUP_NAMES.contains(&leaf.name.to_lowercase().as_str()));
    let choices: [Vec<&Leaf>; 3] = [classes.copied().collect(), named.copied().collect(), usable.to_vec()];
    match choices.iter().find(|leaves| !leaves.is_empty()).map(Vec::as_slice) {
        Some([only]) => Ok((*only).clone()),
        Some(several) => Err(Error::setting(
            format!("several columns could hold the groups: {}", list(several)),
            [Setting::GroupColumn],
            "choose one of them",
        )
        .in_file(path)),
        None => Err(Error::file(
            "the table has no column that could hold the groups",
            path,
            "Add a column of text or integers, such as `label`",
        )),
    }
}

/// Columns with class names, from the `huggingface` entry of the table's metadata.
fn features(metadata: &FileMetaData) -> Vec<(String, Vec<String>)> {
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
    let class_names = |feature: &serde_json::Value| -> Option<Vec<String>> {
        (feature.get("_type")?.as_str()? == "ClassLabel").then_some(())?;
        feature.get("names")?.as_array()?.iter().map(|name| name.as_str().map(str::to_owned)).collect()
    };
    features.iter().filter_map(|(name, feature)| Some((name.clone(), class_names(feature)?))).collect()
}
