//! What a model is conditioned on. The condition belongs to the query and to the training image, not to the job.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use whence_base::{Error, Result, Setting};
use whence_models::Conditions;

/// What one sample is conditioned on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Nothing.
    #[default]
    None,
    /// A class label.
    Class(usize),
}

impl Condition {
    /// The condition of an optional class label.
    pub fn of_class(class: Option<usize>) -> Self {
        class.map_or(Self::None, Self::Class)
    }

    /// The class label, if that is what it is.
    pub fn class(self) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Class(class) => Some(class),
        }
    }

    /// The conditions of a batch in the form of the network's input: one class per sample, or none.
    ///
    /// # Errors
    /// An internal fault if some samples have a condition and others have none.
    pub fn batch(conditions: &[Self]) -> Result<Conditions> {
        let classes: Vec<usize> = conditions.iter().filter_map(|c| c.class()).collect();
        if classes.is_empty() {
            return Ok(Conditions::None);
        }
        if classes.len() != conditions.len() {
            return Err(Error::internal("a batch mixes samples with and without a class"));
        }
        Ok(Conditions::Classes(classes))
    }
}

/// The kind of condition that a model requires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conditioner {
    /// None: an unconditional model.
    None,
    /// One class label per sample.
    Classes {
        /// Number of classes.
        count: usize,
        /// Class names from the model's files, if present.
        names: Option<Vec<String>>,
    },
}

impl Conditioner {
    /// The conditioner of a network with this many classes; unconditional if absent.
    pub fn new(classes: Option<usize>, names: Option<Vec<String>>) -> Self {
        match classes {
            None => Self::None,
            Some(count) => Self::Classes { count, names: names.filter(|n| n.len() == count) },
        }
    }

    /// Name of the kind of conditioner, as part of content hashes.
    pub fn id(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Classes { .. } => "classes",
        }
    }

    /// Number of classes of a class-conditional model.
    pub fn classes(&self) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Classes { count, .. } => Some(*count),
        }
    }

    /// Checks that a condition is given if the model needs one, and that it exists.
    ///
    /// # Errors
    /// A class that is missing, out of range, or given to an unconditional model.
    pub fn check(&self, condition: Condition) -> Result<()> {
        match (self, condition) {
            (Self::None, Condition::None) => Ok(()),
            (Self::Classes { count, .. }, Condition::Class(class)) if class < *count => Ok(()),
            (Self::Classes { count, .. }, given) => Err(Error::setting(
                match given {
                    Condition::Class(class) => format!("class {class} does not exist in this class-conditional model"),
                    Condition::None => "this model is class-conditional and no class was given".into(),
                },
                [Setting::ClassLabel],
                format!("give a number from 0 to {}", count.saturating_sub(1)),
            )),
            (Self::None, Condition::Class(_)) => {
                Err(Error::setting("this model knows no classes", [Setting::ClassLabel], "leave the class out"))
            }
        }
    }
}

/// Which condition the training images of each group have. Explicit: from the model's own class names (stored with
/// models that this program trained) or from a map that the user gives; never guessed from the order of folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupConditions {
    by_group: Vec<Condition>,
}

impl GroupConditions {
    /// The conditions of these groups under a model.
    ///
    /// `map` gives a class per group name and overrides all else; then come the model's own class names. Group names
    /// that are the class numbers themselves ("0", "1", ...) need neither.
    ///
    /// # Errors
    /// Groups that a map or the labels do not name, classes out of range, and class-conditional models without
    /// information about the class of a group.
    pub fn resolve(
        conditioner: &Conditioner,
        groups: &[String],
        map: Option<&BTreeMap<String, usize>>,
    ) -> Result<Self> {
        let Conditioner::Classes { count, names } = conditioner else {
            if map.is_some() {
                return Err(Error::input("this model knows no classes", "class map", "leave the class map out"));
            }
            return Ok(Self { by_group: vec![Condition::None; groups.len()] });
        };
        let refuse = |what: String| {
            Err(Error::input(
                what,
                "class map",
                format!(
                    "give a class map: a JSON file with a class from 0 to {} per group, such as {{\"{}\": 0}}",
                    count.saturating_sub(1),
                    groups.first().map_or("group", String::as_str)
                ),
            ))
        };
        let mut by_group = Vec::with_capacity(groups.len());
        for group in groups {
            let class = if let Some(map) = map {
                let Some(class) = map.get(group) else {
                    return refuse(format!("the class map does not name the group {group}"));
                };
                *class
            } else if let Some(class) = names.as_ref().and_then(|n| n.iter().position(|name| name == group)) {
                class
            } else if let Some(class) = group.parse::<usize>().ok().filter(|class| class.to_string() == *group) {
                class
            } else {
                return refuse(format!("nothing says which of the model's {count} classes the group {group} is"));
            };
            if class >= *count {
                return refuse(format!("the group {group} is class {class}, and the model knows {count} classes"));
            }
            by_group.push(Condition::Class(class));
        }
        Ok(Self { by_group })
    }

    /// Group n as class n: what training a class-conditional model on these groups defines.
    ///
    /// # Errors
    /// More groups than classes.
    pub fn in_order(conditioner: &Conditioner, groups: usize) -> Result<Self> {
        match conditioner.classes() {
            None => Ok(Self::none(groups)),
            Some(classes) if classes >= groups => Ok(Self { by_group: (0..groups).map(Condition::Class).collect() }),
            Some(classes) => Err(Error::input(
                format!("the network knows {classes} classes and the dataset has {groups} groups"),
                "training settings: network",
                "set num_class_embeds to the number of groups, or more",
            )),
        }
    }

    /// No conditions, for unconditional models.
    pub fn none(groups: usize) -> Self {
        Self { by_group: vec![Condition::None; groups] }
    }

    /// The condition of a group's images.
    ///
    /// # Errors
    /// An internal fault if there is no such group.
    pub fn of_group(&self, group: Option<usize>) -> Result<Condition> {
        let found = group.and_then(|g| self.by_group.get(g)).copied();
        found.ok_or_else(|| Error::internal("an image is of no group"))
    }

    /// Class per group, as included in content hashes; empty for unconditional models.
    pub fn id(&self) -> Vec<usize> {
        self.by_group.iter().filter_map(|c| c.class()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(names: &[&str]) -> Vec<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    #[test]
    fn classes_come_from_a_map_the_labels_or_numbers_and_are_never_guessed() {
        let plain = Conditioner::new(Some(3), None);
        let named = Conditioner::new(Some(3), Some(groups(&["zero", "one", "two"])));
        let folders = groups(&["one", "two", "zero"]);
        let map = BTreeMap::from([("one".to_owned(), 1), ("two".to_owned(), 2), ("zero".to_owned(), 0)]);
        let resolve = GroupConditions::resolve;
        assert_eq!(resolve(&plain, &folders, Some(&map)).unwrap().id(), [1, 2, 0]);
        assert_eq!(resolve(&named, &folders, None).unwrap().id(), [1, 2, 0]);
        assert_eq!(resolve(&plain, &groups(&["0", "2", "1"]), None).unwrap().id(), [0, 2, 1]);
        let error = resolve(&plain, &folders, None).unwrap_err().to_string();
        assert!(error.contains("which of the model's 3 classes the group one is"), "{error}");
    }

    #[test]
    fn more_groups_than_classes_are_refused_rather_than_clamped() {
        let conditioner = Conditioner::new(Some(2), None);
        let three = groups(&["a", "b", "c"]);
        let map = BTreeMap::from([("a".to_owned(), 0), ("b".to_owned(), 1), ("c".to_owned(), 2)]);
        let error = GroupConditions::resolve(&conditioner, &three, Some(&map)).unwrap_err().to_string();
        assert!(error.contains("the group c is class 2, and the model knows 2 classes"), "{error}");
        let some = BTreeMap::from([("a".to_owned(), 0)]);
        let error = GroupConditions::resolve(&conditioner, &three, Some(&some)).unwrap_err().to_string();
        assert!(error.contains("does not name the group b"), "{error}");
        let error = GroupConditions::in_order(&conditioner, 3).unwrap_err().to_string();
        assert!(error.contains("knows 2 classes and the dataset has 3 groups"), "{error}");
        assert_eq!(GroupConditions::in_order(&conditioner, 2).unwrap().id(), [0, 1]);
        assert_eq!(GroupConditions::resolve(&Conditioner::None, &three, None).unwrap(), GroupConditions::none(3));
        assert!(GroupConditions::resolve(&Conditioner::None, &three, Some(&map)).is_err());
    }

    #[test]
    fn batches_are_of_one_kind_of_condition() {
        assert_eq!(Condition::batch(&[Condition::None; 2]).unwrap(), Conditions::None);
        let two = [Condition::Class(1), Condition::Class(0)];
        assert_eq!(Condition::batch(&two).unwrap(), Conditions::Classes(vec![1, 0]));
        assert!(Condition::batch(&[Condition::None, Condition::Class(0)]).is_err());
    }
}
