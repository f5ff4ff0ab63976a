//! Images that are left out of a training run.

use serde::{Deserialize, Serialize};

use whence_data::Dataset;

/// Images left out of a training run: whole groups, single images, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    groups: Vec<usize>,
    images: Vec<usize>,
}

/// The record of [`LeftOut`] in `training.json`, if it was more than one group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOutRecord {
    /// Names of the groups.
    pub groups: Vec<String>,
    /// Names of the images.
    pub images: Vec<String>,
}

impl LeftOut {
    /// Groups by index.
    pub fn groups(groups: impl IntoIterator<Item = usize>) -> Self {
        let mut groups: Vec<usize> = groups.into_iter().collect();
        groups.sort_unstable();
        groups.dedup();
        Self { groups, images: Vec::new() }
    }

    /// Images by index.
    pub fn images(images: impl IntoIterator<Item = usize>) -> Self {
        let mut images: Vec<usize> = images.into_iter().collect();
        images.sort_unstable();
        images.dedup();
        Self { groups: Vec::new(), images }
    }

    /// Whether nothing is left out.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.images.is_empty()
    }

    /// Whether this image is left out.
    pub fn contains(&self, dataset: &Dataset, image: usize) -> bool {
        dataset.group_of(image).is_some_and(|g| self.groups.binary_search(&g).is_ok())
            || self.images.binary_search(&image).is_ok()
    }

    /// Number of images that remain.
    pub fn remaining(&self, dataset: &Dataset) -> usize {
        (0..dataset.len()).filter(|i| !self.contains(dataset, *i)).count()
    }

    /// The group left out, if it is one group and nothing else.
    pub fn single_group<'a>(&self, dataset: &'a Dataset) -> Option<&'a String> {
        match (self.groups.as_slice(), self.images.as_slice()) {
            ([group], []) => dataset.groups().get(*group),
            _ => None,
        }
    }

    /// The record for `training.json`, unless it is one group alone.
    pub fn record(&self, dataset: &Dataset) -> Option<LeftOutRecord> {
        if self.is_empty() || self.single_group(dataset).is_some() {
            return None;
        }
        Some(LeftOutRecord {
            groups: self.groups.iter().filter_map(|g| dataset.groups().get(*g)).cloned().collect(),
            images: self.images.iter().map(|i| dataset.image_name(*i).to_owned()).collect(),
        })
    }
}
