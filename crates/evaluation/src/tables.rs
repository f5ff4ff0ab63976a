//! A table of scores, one number for each query and group. Nothing missing is ever called zero.

mod cell;
mod layouts;
mod read;
mod write;

#[cfg(test)]
pub(super) mod tests;

use std::path::Path;

pub use cell::{name_in_cell, serialize_text_cell, text_cell};
use whence_base::{Error, Result, Setting};

/// Most bytes of a table: about five million scores.
const MAX_TABLE_BYTES: u64 = 512 << 20;

/// A group as a table names it: by its class id, by its name, or by both.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Group {
    /// Position of the group in the dataset's order, from 0.
    pub id: Option<usize>,
    /// Name of the group.
    pub name: Option<String>,
}

impl Group {
    /// The name, or where there is none the id, for people.
    #[must_use]
    pub fn label(&self) -> String {
        match (&self.name, self.id) {
            (Some(name), _) => name.clone(),
            (None, Some(id)) => format!("class {id}"),
            (None, None) => String::new(),
        }
    }
}

/// Scores of all groups for all queries: complete, finite, each pair once.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreTable {
    /// The file it came from, for messages.
    pub source: String,
    /// The method, where the file names it.
    pub method: Option<String>,
    /// Queries as the file writes them, in its order.
    pub queries: Vec<String>,
    /// At least two groups: by id where the file has ids, else in the file's order.
    pub groups: Vec<Group>,
    /// One row per query, one column per group: finite; higher means that the group mattered more. Mostly in nats, else in the unit of the
    /// method.
    pub values: Vec<Vec<f64>>,
    /// Standard errors of `values`, same shape and unit, where the file has them: finite, 0 or more.
    pub errors: Option<Vec<Vec<f64>>>,
}

impl ScoreTable {
    /// Reads a table in any known layout, recognised by its header. `method` chooses one where the file holds several.
    ///
    /// # Errors
    /// Where the file cannot be read; where its header is unknown; where a score is missing, doubled or no finite
    /// number; where it has fewer than two groups; where it holds several methods and none is chosen.
    pub fn read(path: &Path, method: Option<&str>) -> Result<Self> {
        let bytes = whence_base::files::read_bytes(path, MAX_TABLE_BYTES)?;
        read::table(&bytes, path, method)
    }

    /// Writes the official long layout: `image,class_id,delta_elbo`, one row per query and group. Numbers are written in
    /// full, so reading them back gives the same table.
    ///
    /// `class_order` names the groups in class order; it is needed where the table has no class ids.
    ///
    /// # Errors
    /// Where class ids are neither in the table nor given; where the file cannot be written.
    pub fn write_official_long(&self, path: &Path, class_order: Option<&[String]>) -> Result<()> {
        write::official_long(self, path, class_order)
    }

    /// Writes the official sorted layout: `image,R1_Cls,R1_Name,R1_Sc,...`, one row per query, its groups from the highest
    /// score to the lowest, equal scores in class order.
    ///
    /// As the published script does, it writes the image's file name without folders (with them where file names
    /// repeat), names as `3: cat`, and scores with 4 decimals; with 6 below 1e-3; as `1.234560e-07` below 1e-6 except
    /// for zero. Reading the file back therefore gives rounded scores.
    ///
    /// # Errors
    /// As [`Self::write_official_long`].
    pub fn write_official_sorted(&self, path: &Path, class_order: Option<&[String]>) -> Result<()> {
        write::official_sorted(self, path, class_order)
    }
}

/// Groups with ids and names filled in from a list of names in class order.
///
/// # Errors
/// Where a group is not in the list or contradicts it; where the list repeats a name.
pub(super) fn with_class_order(groups: &[Group], order: Option<&[String]>, source: &str) -> Result<Vec<Group>> {
    let Some(order) = order else { return Ok(groups.to_vec()) };
    let refuse = |what: String| {
        Error::setting(what, [Setting::GroupOrder], "correct the list of groups in class order")
            .in_file(Path::new(source))
    };
    for (i, name) in order.iter().enumerate() {
        if order.iter().take(i).any(|n| n == name) {
            return Err(refuse(format!("the groups in order name {name} twice")));
        }
    }
    let mut filled = Vec::with_capacity(groups.len());
    for group in groups {
        // A name counts for more than an id: ids of a table written for another selection of groups may differ.
        let position = match (&group.name, group.id) {
            (Some(name), _) => position_of(name, order),
            (None, id) => id,
        };
        let found = position.and_then(|id| order.get(id).map(|name| (id, name)));
        let (id, name) = found
            .ok_or_else(|| refuse(format!("{} is not among the {} groups in order", group.label(), order.len())))?;
        if group.id.is_some_and(|own| own != id) {
            let own = group.id.unwrap_or_default();
            return Err(refuse(format!("{name} is class {own} in the file but class {id} in the groups in order")));
        }
        filled.push(Group { id: Some(id), name: Some(name.clone()) });
    }
    Ok(filled)
}

/// Where a group of this name is in a list of names. The published CIFAR-10 code says `car` where the dataset says
/// `automobile`.
fn position_of(name: &str, order: &[String]) -> Option<usize> {
    let exact = |wanted: &str| order.iter().position(|n| n == wanted);
    exact(name).or_else(|| exact(other_cifar10_name(name)?))
}

/// The other of the two names of CIFAR-10's second class.
pub(super) fn other_cifar10_name(name: &str) -> Option<&'static str> {
    match name {
        "car" => Some("automobile"),
        "automobile" => Some("car"),
        _ => None,
    }
}

/// At most five of some things, and how many more there are.
pub(super) fn few(things: &[String]) -> String {
    let shown: Vec<&str> = things.iter().take(5).map(String::as_str).collect();
    match things.len().saturating_sub(5) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
