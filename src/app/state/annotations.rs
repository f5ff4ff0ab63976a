//! What the user says of images and groups: stars, the reject flag, notes, and named filters.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Stars at most.
pub const STARS: u8 = 5;

/// Characters of a note at most.
pub const NOTE_LENGTH: usize = 2000;

/// Characters of a name that the user gives, at most.
pub const NAME_LENGTH: usize = 60;

/// The user's rating of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rating {
    /// Stars, 0 to 5.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stars: u8,
    /// Whether it is rejected.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rejected: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Rating {
    /// In words, empty where there is nothing to say.
    pub fn words(self) -> String {
        let stars = match self.stars {
            0 => String::new(),
            1 => "1 star".into(),
            n => format!("{n} stars"),
        };
        match (self.rejected, stars.is_empty()) {
            (false, _) => stars,
            (true, true) => "rejected".into(),
            (true, false) => format!("{stars}, rejected"),
        }
    }

    /// The rating with this many stars; the same number again takes them away.
    #[must_use]
    pub fn with_stars(self, stars: u8) -> Self {
        let stars = if self.stars == stars { 0 } else { stars.min(STARS) };
        Self { stars, ..self }
    }
}

/// What is said of the training images, by name, and of the groups, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Annotations {
    /// Ratings of training images.
    pub ratings: Arc<BTreeMap<String, Rating>>,
    /// Notes on training images.
    pub image_notes: Arc<BTreeMap<String, String>>,
    /// Notes on groups.
    pub group_notes: Arc<BTreeMap<String, String>>,
    /// Named filters of the library.
    pub filters: Arc<Vec<SavedFilter>>,
}

/// What a note is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A query, by key.
    Query(u64),
    /// A training image, by name.
    Image(String),
    /// A group, by name.
    Group(String),
}

/// A filter of the library under a name. Groups and images are named, because their indices change with the dataset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedFilter {
    /// Its name.
    pub name: String,
    /// What names of images contain.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub search: String,
    /// Names of the groups that are shown; all where empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Stars at least.
    #[serde(default, skip_serializing_if = "is_default")]
    pub stars: u8,
    /// Whether rejected images are shown alone (true), or not (false).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<bool>,
    /// Names of the images inside the lasso.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<Vec<String>>,
}

impl Annotations {
    /// The rating of a training image.
    pub fn rating(&self, image: &str) -> Rating {
        self.ratings.get(image).copied().unwrap_or_default()
    }

    /// Rates a training image.
    pub fn rate(&mut self, image: &str, rating: Rating) {
        let ratings = Arc::make_mut(&mut self.ratings);
        if rating == Rating::default() {
            ratings.remove(image);
        } else {
            ratings.insert(image.to_owned(), rating);
        }
    }

    /// Writes a note on a training image.
    pub fn note_image(&mut self, image: &str, note: &str) {
        write_note(&mut self.image_notes, image, note);
    }

    /// Writes a note on a group.
    pub fn note_group(&mut self, group: &str, note: &str) {
        write_note(&mut self.group_notes, group, note);
    }

    /// Saves a filter; one of the same name is replaced.
    pub fn save_filter(&mut self, filter: SavedFilter) {
        let filters = Arc::make_mut(&mut self.filters);
        filters.retain(|old| old.name != filter.name);
        filters.push(filter);
        filters.sort_by(|a, b| whence_data::natural_cmp(&a.name, &b.name));
    }

    /// Deletes a filter.
    pub fn delete_filter(&mut self, name: &str) {
        Arc::make_mut(&mut self.filters).retain(|filter| filter.name != name);
    }
}

/// A note, not longer than is saved.
pub fn bounded_note(note: &str) -> String {
    note.chars().take(NOTE_LENGTH).collect()
}

fn write_note(notes: &mut Arc<BTreeMap<String, String>>, of: &str, note: &str) {
    let notes = Arc::make_mut(notes);
    if note.trim().is_empty() {
        notes.remove(of);
    } else {
        notes.insert(of.to_owned(), bounded_note(note));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratings_have_words_and_the_same_stars_again_take_them_away() {
        let three = Rating::default().with_stars(3);
        assert_eq!((three.words().as_str(), three.with_stars(3).stars), ("3 stars", 0));
        assert_eq!(Rating { stars: 1, rejected: true }.words(), "1 star, rejected");
        assert_eq!(Rating { stars: 0, rejected: true }.words(), "rejected");
        assert_eq!(Rating::default().with_stars(200).stars, STARS);
    }

    #[test]
    fn what_says_nothing_is_not_kept() {
        let mut said = Annotations::default();
        said.rate("a", Rating { stars: 2, rejected: false });
        said.rate("a", Rating::default());
        said.note_group("ink", "broad");
        said.note_group("ink", "  ");
        assert_eq!(said, Annotations::default());
        said.note_image("a", &"x".repeat(NOTE_LENGTH + 9));
        assert_eq!(said.image_notes["a"].len(), NOTE_LENGTH);
    }

    #[test]
    fn a_filter_replaces_one_of_the_same_name() {
        let mut said = Annotations::default();
        for (name, stars) in [("b", 1), ("a", 2), ("b", 3)] {
            said.save_filter(SavedFilter { name: name.into(), stars, ..SavedFilter::default() });
        }
        assert_eq!(said.filters.iter().map(|f| (f.name.as_str(), f.stars)).collect::<Vec<_>>(), [("a", 2), ("b", 3)]);
        said.delete_filter("a");
        assert_eq!(said.filters.len(), 1);
    }
}
