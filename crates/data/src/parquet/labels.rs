//! The groups of a table, from the labels of its rows.

use std::collections::HashMap;

use ::parquet::data_type::ByteArray;

/// A group as a row gives it.
pub(super) enum Label {
    Text(ByteArray),
    Integer(i64),
}

/// Why a row gives no image.
pub(super) enum Refused {
    /// The row is left out.
    Row(String),
    /// The whole table is refused.
    Table(String),
}

/// The groups by their names, in order of their first row or of the table's classes.
pub(super) struct GroupNames {
    pub names: Vec<String>,
    index: HashMap<String, usize>,
    /// Group of every class, where the table names its classes.
    pub classes: Option<Vec<usize>>,
    max_groups: usize,
}

impl GroupNames {
    pub(super) fn new(classes: Option<Vec<String>>, max_groups: usize) -> Self {
        let mut names = Self { names: Vec::new(), index: HashMap::new(), classes: None, max_groups };
        if let Some(classes) = classes {
            names.classes = Some(classes.into_iter().map(|class| names.intern(class)).collect());
        }
        names
    }

    fn intern(&mut self, name: String) -> usize {
        *self.index.entry(name).or_insert_with_key(|name| {
            self.names.push(name.clone());
            self.names.len() - 1
        })
    }

    /// The group of a row's label.
    pub(super) fn find(&mut self, label: Option<Label>) -> Result<usize, Refused> {
        let name = match label {
            None => return Err(Refused::Row("the row has no label".to_owned())),
            Some(Label::Text(text)) => match text.as_utf8() {
                Ok("") => return Err(Refused::Row("the row's label is empty".to_owned())),
                Ok(text) => text.to_owned(),
                Err(_) => return Err(Refused::Row("the row's label is not valid UTF-8".to_owned())),
            },
            Some(Label::Integer(value)) => match &self.classes {
                None => value.to_string(),
                Some(classes) => {
                    let class = usize::try_from(value).ok().and_then(|class| classes.get(class));
                    let reason = || Refused::Row(format!("the label {value} is none of the {} classes", classes.len()));
                    return class.copied().ok_or_else(reason);
                }
            },
        };
        let group = self.intern(name);
        if self.names.len() > self.max_groups {
            let what = format!("the group column holds more than {} different values", self.max_groups);
            return Err(Refused::Table(what));
        }
        Ok(group)
    }
}
