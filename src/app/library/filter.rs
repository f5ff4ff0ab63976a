//! Which training images the library shows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use whence_data::Dataset;

use crate::app::state::{Rating, SavedFilter};

/// What is shown of the rejected images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rejects {
    /// They are shown among the others.
    #[default]
    Shown,
    /// They are not shown.
    Hidden,
    /// Only they are shown.
    Only,
}

impl Rejects {
    /// All, in the order of a menu.
    pub const ALL: [Self; 3] = [Self::Shown, Self::Hidden, Self::Only];

    /// Its name on screen.
    pub fn text(self) -> &'static str {
        match self {
            Self::Shown => "With rejected",
            Self::Hidden => "Without rejected",
            Self::Only => "Only rejected",
        }
    }

    fn admits(self, rejected: bool) -> bool {
        match self {
            Self::Shown => true,
            Self::Hidden => !rejected,
            Self::Only => rejected,
        }
    }
}

/// A condition on ratings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RatingFilter {
    /// Stars at least.
    pub stars: u8,
    /// What is shown of the rejected images.
    pub rejects: Rejects,
}

impl RatingFilter {
    /// Whether an image with this rating is shown.
    pub fn admits(self, rating: Rating) -> bool {
        rating.stars >= self.stars && self.rejects.admits(rating.rejected)
    }

    /// Whether it admits everything.
    pub fn is_open(self) -> bool {
        self == Self::default()
    }
}

/// Which images are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// What their names contain; everything where empty.
    pub search: String,
    /// Their groups; all where empty.
    pub groups: BTreeSet<usize>,
    /// Their ratings.
    pub ratings: RatingFilter,
    /// Those inside the lasso of the embedding map, in the dataset's order.
    pub lasso: Option<Arc<Vec<u32>>>,
}

impl Filter {
    /// Whether images of a group are shown.
    pub fn shows_group(&self, group: usize) -> bool {
        self.groups.is_empty() || self.groups.contains(&group)
    }

    /// Shows or hides a group. Hiding the last one shows all.
    pub fn set_group(&mut self, group: usize, shown: bool, all: usize) {
        if self.groups.is_empty() {
            self.groups = (0..all).collect();
        }
        if shown {
            self.groups.insert(group);
        } else {
            self.groups.remove(&group);
        }
        if self.groups.len() == all {
            self.groups.clear();
        }
    }

    /// Whether everything is shown.
    pub fn is_open(&self) -> bool {
        self.search.trim().is_empty() && self.groups.is_empty() && self.ratings.is_open() && self.lasso.is_none()
    }

    /// The condition on single images of a dataset.
    pub fn condition<'a>(
        &'a self,
        dataset: &'a Dataset,
        ratings: &'a BTreeMap<String, Rating>,
    ) -> impl Fn(usize) -> bool + 'a {
        let wanted = self.search.trim().to_lowercase();
        move |image| {
            let name = dataset.image_name(image);
            let inside = |lasso: &Arc<Vec<u32>>| u32::try_from(image).is_ok_and(|i| lasso.binary_search(&i).is_ok());
            (wanted.is_empty() || name.to_lowercase().contains(&wanted))
                && self.lasso.as_ref().is_none_or(inside)
                && (self.ratings.is_open() || self.ratings.admits(ratings.get(name).copied().unwrap_or_default()))
        }
    }

    /// The filter under a name, with groups and images by name.
    pub fn save(&self, name: &str, dataset: &Dataset) -> SavedFilter {
        let rejected = match self.ratings.rejects {
            Rejects::Shown => None,
            Rejects::Hidden => Some(false),
            Rejects::Only => Some(true),
        };
        let images = |lasso: &Arc<Vec<u32>>| lasso.iter().map(|i| dataset.image_name(*i as usize).to_owned()).collect();
        SavedFilter {
            name: name.to_owned(),
            search: self.search.trim().to_owned(),
            groups: self.groups.iter().map(|g| dataset.group_name(*g).to_owned()).collect(),
            stars: self.ratings.stars,
            rejected,
            images: self.lasso.as_ref().map(images),
        }
    }

    /// A saved filter for this dataset. Groups and images that it does not have are left out.
    pub fn load(saved: &SavedFilter, dataset: &Dataset) -> Self {
        let groups = saved.groups.iter().filter_map(|name| dataset.groups().iter().position(|g| g == name));
        let rejects = match saved.rejected {
            None => Rejects::Shown,
            Some(false) => Rejects::Hidden,
            Some(true) => Rejects::Only,
        };
        let lasso = saved.images.as_ref().map(|names| {
            let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
            let inside = (0..dataset.len()).filter(|image| names.contains(dataset.image_name(*image)));
            Arc::new(inside.filter_map(|image| u32::try_from(image).ok()).collect())
        });
        Self {
            search: saved.search.clone(),
            groups: groups.collect(),
            ratings: RatingFilter { stars: saved.stars, rejects },
            lasso,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::paintings;

    #[test]
    fn groups_are_shown_and_hidden() {
        let mut filter = Filter::default();
        filter.set_group(2, false, 4);
        assert_eq!(filter.groups, [0, 1, 3].into());
        assert!(!filter.shows_group(2) && filter.shows_group(3));
        filter.set_group(2, true, 4);
        assert!(filter.groups.is_empty(), "all of them is no filter");
        filter.groups = [1].into();
        filter.set_group(1, false, 4);
        assert!(filter.groups.is_empty() && filter.shows_group(1), "an empty library helps nobody");
    }

    #[test]
    fn a_filter_by_name_rating_and_lasso() {
        let dataset = paintings();
        let name = |i: usize| dataset.image_name(i).to_owned();
        let rating = |stars, rejected| Rating { stars, rejected };
        let ratings: BTreeMap<String, Rating> =
            [(name(1), rating(3, false)), (name(2), rating(5, true)), (name(300), rating(4, false))].into();
        let shown = |filter: &Filter| (0..dataset.len()).filter(|i| filter.condition(&dataset, &ratings)(*i)).collect::<Vec<_>>();
        let mut filter = Filter::default();
        assert_eq!(shown(&filter).len(), dataset.len());
        filter.ratings.stars = 3;
        assert_eq!(shown(&filter), [1, 2, 300]);
        filter.ratings.rejects = Rejects::Hidden;
        assert_eq!(shown(&filter), [1, 300]);
        filter.lasso = Some(Arc::new(vec![0, 1, 2]));
        assert_eq!(shown(&filter), [1]);
        filter.ratings = RatingFilter { stars: 0, rejects: Rejects::Only };
        assert_eq!(shown(&filter), [2]);
    }

    #[test]
    fn a_saved_filter_finds_its_groups_and_images_again() {
        let dataset = paintings();
        let filter = Filter {
            search: "1".into(),
            groups: [0, 3].into(),
            ratings: RatingFilter { stars: 2, rejects: Rejects::Hidden },
            lasso: Some(Arc::new(vec![0, 5, 700])),
        };
        let mut saved = filter.save("mine", &dataset);
        assert_eq!(Filter::load(&saved, &dataset), filter);
        saved.groups.push("a group of another dataset".into());
        saved.images.get_or_insert_default().push("an image of another dataset".into());
        assert_eq!(Filter::load(&saved, &dataset), filter);
    }
}
