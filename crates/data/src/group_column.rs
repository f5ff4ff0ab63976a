//! Which column of a table holds the groups.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::Path;

use super::splits::join_names;
use whence_base::{Error, Result, Setting};

/// Names that a column of groups usually has.
const GROUP_NAMES: [&str; 8] = ["label", "labels", "class", "style", "artist", "group", "category", "genre"];

/// Names of columns that describe one image each.
const CAPTION_NAMES: [&str; 8] =
    ["caption", "captions", "text", "prompt", "description", "alt_text", "title", "additional_feature"];

/// Up to so many different values a column is taken for groups, even where no value comes twice.
const FEW_GROUPS: usize = 20;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColumnKind {
    /// Indices into a list of class names that the table itself gives.
    Classes,
    /// Text or integers.
    Labels,
    /// Something that names no groups, in the plural: `lists`.
    Other(&'static str),
}

/// A column that is not the one of the images.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub name: String,
    pub kind: ColumnKind,
}

/// How the values of a column are spread over the images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ValueCounts {
    /// Images with a value.
    pub images: usize,
    /// Different values.
    pub distinct: usize,
}

impl ValueCounts {
    /// True where the column `name` describes single images instead of naming groups of them: values
    /// are used fewer than two times on average. Few values are taken for groups of one image each,
    /// unless the column is called a caption.
    fn is_one_per_image(self, name: &str) -> bool {
        let captions = CAPTION_NAMES.contains(&name.to_lowercase().as_str());
        let all_differ = self.distinct == self.images && self.images > 1;
        (self.distinct > FEW_GROUPS && self.images < 2 * self.distinct) || (captions && all_differ)
    }
}

/// Counts values one by one.
#[derive(Default)]
pub(super) struct ValueCounter {
    /// Hashes of the values, which may be long; that two agree by chance does not matter here.
    seen: HashMap<u64, usize>,
    images: usize,
}

impl ValueCounter {
    pub(super) fn add(&mut self, value: impl Hash) {
        let mut hasher = DefaultHasher::new();
        value.hash(&mut hasher);
        *self.seen.entry(hasher.finish()).or_default() += 1;
        self.images += 1;
    }

    pub(super) fn counts(&self) -> ValueCounts {
        ValueCounts { images: self.images, distinct: self.seen.len() }
    }
}

/// The outcome of [`choose_group_column`].
pub(super) enum Choice {
    /// The index of the column.
    Column(usize),
    /// No column holds groups, with the reason.
    NoGroups(Error),
}

/// Chooses the group column among `columns`: the `chosen` one, or the only one with class names, or
/// with a usual name, or at all. Columns with a value of its own for nearly every image are captions
/// or identifiers and are not chosen unless named. `count` counts the values of the column of an index.
///
/// # Errors
/// [`Error::Input`] where only the user can choose among several, or `chosen` holds no groups; those
/// of `count`.
pub(super) fn choose_group_column(
    columns: &[Column],
    chosen: Option<&str>,
    path: &Path,
    count: &mut dyn FnMut(usize) -> Result<ValueCounts>,
) -> Result<Choice> {
    if let Some(name) = chosen {
        return named_column(columns, name, path).map(Choice::Column);
    }
    let of_kind = |kind: ColumnKind| -> Vec<usize> {
        columns.iter().enumerate().filter(|(_, column)| column.kind == kind).map(|(index, _)| index).collect()
    };
    let classes = of_kind(ColumnKind::Classes);
    if !classes.is_empty() {
        return only_one(columns, &classes, path).map(Choice::Column);
    }
    let (mut usual, mut others, mut captions) = (Vec::new(), Vec::new(), Vec::new());
    for index in of_kind(ColumnKind::Labels) {
        let Some(column) = columns.get(index) else { continue };
        let name = column.name.to_lowercase();
        if name == "split" {
            continue;
        }
        let counts = count(index)?;
        if counts.is_one_per_image(&column.name) {
            captions.push((index, counts));
        } else if GROUP_NAMES.contains(&name.as_str()) {
            usual.push(index);
        } else {
            others.push(index);
        }
    }
    if !usual.is_empty() {
        return only_one(columns, &usual, path).map(Choice::Column);
    }
    if !others.is_empty() {
        return only_one(columns, &others, path).map(Choice::Column);
    }
    Ok(Choice::NoGroups(no_groups(columns, &captions, path)))
}

fn named_column(columns: &[Column], name: &str, path: &Path) -> Result<usize> {
    let remedy = match usable(columns).as_slice() {
        [] => "add a column of text or integers that names each image's group".to_owned(),
        names => format!("choose one of {}", names.join(", ")),
    };
    let refuse = |what: String| Error::setting(what, [Setting::GroupColumn], remedy).in_file(path);
    match columns.iter().position(|column| column.name == name) {
        None => Err(refuse(format!("the table has no column `{name}` that could hold the groups"))),
        Some(index) => match columns.get(index).map(|column| column.kind) {
            Some(ColumnKind::Other(what)) => {
                Err(refuse(format!("the column `{name}` holds {what}, not text or integers")))
            }
            _ => Ok(index),
        },
    }
}

fn usable(columns: &[Column]) -> Vec<String> {
    let usable = columns.iter().filter(|column| !matches!(column.kind, ColumnKind::Other(_)));
    usable.map(|column| column.name.clone()).collect()
}

fn only_one(columns: &[Column], candidates: &[usize], path: &Path) -> Result<usize> {
    if let [only] = candidates {
        return Ok(*only);
    }
    let names: Vec<&str> =
        candidates.iter().filter_map(|&index| columns.get(index)).map(|column| column.name.as_str()).collect();
    let what = format!("several columns could hold the groups: {}", names.join(", "));
    Err(Error::setting(what, [Setting::GroupColumn], "choose one of them").in_file(path))
}

/// Why no column holds groups.
fn no_groups(columns: &[Column], captions: &[(usize, ValueCounts)], path: &Path) -> Error {
    let mut reasons = Vec::new();
    for &(index, counts) in captions {
        if let Some(column) = columns.get(index) {
            reasons.push(format!(
                "`{}` holds {} different values for {} images: captions or identifiers",
                column.name, counts.distinct, counts.images
            ));
        }
    }
    for column in columns {
        match column.kind {
            ColumnKind::Other(what) => reasons.push(format!("`{}` holds {what}", column.name)),
            _ if column.name.eq_ignore_ascii_case("split") => {
                reasons.push(format!("`{}` names the splits", column.name));
            }
            _ => {}
        }
    }
    let what = if reasons.is_empty() {
        "the table has no column that could hold the groups".to_owned()
    } else {
        format!("the table has no column that could hold the groups: {}", join_names(&reasons))
    };
    let mut remedy = "Add a column of text or integers that names each image's group, such as `label`".to_owned();
    if let Some(column) = captions.first().and_then(|&(index, _)| columns.get(index)) {
        remedy += &format!(", or, if each image is a group of its own, choose the group column {}", column.name);
    }
    Error::setting(what, [Setting::GroupColumn], remedy).in_file(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(values: &[usize]) -> ValueCounts {
        let mut counter = ValueCounter::default();
        values.iter().for_each(|value| counter.add(value));
        counter.counts()
    }

    #[test]
    fn captions_are_told_from_groups_by_how_often_a_value_comes() {
        let all_differ: Vec<usize> = (0..21).collect();
        assert_eq!(counts(&all_differ), ValueCounts { images: 21, distinct: 21 });
        assert!(counts(&all_differ).is_one_per_image("artist"));
        assert!(!counts(&all_differ[..20]).is_one_per_image("artist"), "20 groups of one image");
        assert!(counts(&all_differ[..20]).is_one_per_image("Caption"));
        assert!(!counts(&[1]).is_one_per_image("caption"), "one image says nothing");
        let pairs: Vec<usize> = (0..80).map(|i| i / 2).collect();
        assert!(!counts(&pairs).is_one_per_image("artist"));
        // Many artists of one work beside a few of many works are groups.
        let long_tail: Vec<usize> = (0..60).chain(std::iter::repeat_n(100, 70)).collect();
        assert!(!counts(&long_tail).is_one_per_image("artist"));
        assert!(!counts(&[1, 2, 2]).is_one_per_image("text"), "a text that comes twice may be a label");
    }
}
