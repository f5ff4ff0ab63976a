//! What the user says of images and groups, as it is saved. Entries that cannot be used are left out one by one, so that a
//! damaged note takes no other along; numbers and lengths are bounded.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::app::state::{Annotations, NAME_LENGTH, Rating, STARS, SavedFilter, bounded_note};

/// Entries of each list at most: far more than anybody writes by hand.
const ENTRIES: usize = 200_000;

/// Named filters at most.
const FILTERS: usize = 200;

/// The saved form of [`Annotations`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SavedAnnotations {
    #[serde(default, serialize_with = "shared", deserialize_with = "lenient_map")]
    ratings: Arc<BTreeMap<String, Rating>>,
    #[serde(default, serialize_with = "shared", deserialize_with = "lenient_map")]
    image_notes: Arc<BTreeMap<String, String>>,
    #[serde(default, serialize_with = "shared", deserialize_with = "lenient_map")]
    group_notes: Arc<BTreeMap<String, String>>,
    #[serde(default, serialize_with = "shared", deserialize_with = "lenient_list")]
    filters: Arc<Vec<SavedFilter>>,
}

fn shared<T: Serialize, S: Serializer>(value: &Arc<T>, serializer: S) -> Result<S::Ok, S::Error> {
    value.as_ref().serialize(serializer)
}

fn lenient_map<'de, T: DeserializeOwned, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Arc<BTreeMap<String, T>>, D::Error> {
    let Value::Object(entries) = Value::deserialize(deserializer)? else { return Ok(Arc::default()) };
    let entries = entries.into_iter().take(ENTRIES);
    Ok(Arc::new(entries.filter_map(|(name, value)| Some((name, serde_json::from_value(value).ok()?))).collect()))
}

fn lenient_list<'de, T: DeserializeOwned, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Vec<T>>, D::Error> {
    let Value::Array(entries) = Value::deserialize(deserializer)? else { return Ok(Arc::default()) };
    Ok(Arc::new(entries.into_iter().take(FILTERS).filter_map(|value| serde_json::from_value(value).ok()).collect()))
}

/// A value, or its default where it cannot be used.
pub fn lenient<'de, T: DeserializeOwned + Default, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).unwrap_or_default())
}

/// A rating within bounds: one that this version does not know is none.
pub fn checked(rating: Rating) -> Rating {
    Rating { stars: if rating.stars > STARS { 0 } else { rating.stars }, ..rating }
}

impl SavedAnnotations {
    /// What is saved of these.
    pub fn of(annotations: &Annotations) -> Self {
        let Annotations { ratings, image_notes, group_notes, filters } = annotations.clone();
        Self { ratings, image_notes, group_notes, filters }
    }

    /// What is shown of it.
    pub fn restore(&self) -> Annotations {
        let notes = |notes: &BTreeMap<String, String>| {
            Arc::new(notes.iter().map(|(name, note)| (name.clone(), bounded_note(note))).collect())
        };
        let ratings = self.ratings.iter().map(|(name, rating)| (name.clone(), checked(*rating)));
        let filters = self.filters.iter().filter(|f| !f.name.trim().is_empty()).map(|filter| SavedFilter {
            name: filter.name.chars().take(NAME_LENGTH).collect(),
            stars: filter.stars.min(STARS),
            ..filter.clone()
        });
        Annotations {
            ratings: Arc::new(ratings.filter(|(_, rating)| *rating != Rating::default()).collect()),
            image_notes: notes(&self.image_notes),
            group_notes: notes(&self.group_notes),
            filters: Arc::new(filters.collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Annotations {
        serde_json::from_value::<SavedAnnotations>(value).unwrap().restore()
    }

    #[test]
    fn what_is_said_survives_a_session() {
        let mut said = Annotations::default();
        said.rate("ink/1.png", Rating { stars: 4, rejected: true });
        said.note_image("ink/1.png", "broad\nlines");
        said.note_group("ink", "from 1890");
        said.save_filter(SavedFilter {
            name: "best".into(),
            groups: vec!["ink".into()],
            stars: 3,
            rejected: Some(false),
            images: Some(vec!["ink/1.png".into()]),
            ..SavedFilter::default()
        });
        let text = serde_json::to_string(&SavedAnnotations::of(&said)).unwrap();
        assert_eq!(read(serde_json::from_str(&text).unwrap()), said);
    }

    #[test]
    fn entries_that_cannot_be_used_are_left_out_one_by_one() {
        let said = read(json!({
            "ratings": {"a": {"stars": 9}, "b": {"stars": 2, "later": 1}, "c": "many", "d": {"stars": -1}, "e": {"rejected": true}},
            "image_notes": {"a": 7, "b": "x".repeat(100_000)},
            "group_notes": "none",
            "filters": [{"name": "one", "stars": 77}, {"name": "  "}, 5, {"name": "y".repeat(500)}],
            "unknown": [1, 2, 3],
        }));
        let rated: Vec<&str> = said.ratings.keys().map(String::as_str).collect();
        assert_eq!(rated, ["b", "e"]);
        assert_eq!(said.image_notes["b"].len(), crate::app::state::NOTE_LENGTH);
        assert_eq!((said.image_notes.len(), said.group_notes.len()), (1, 0));
        let names: Vec<(usize, u8)> = said.filters.iter().map(|f| (f.name.len(), f.stars)).collect();
        assert_eq!(names, [(3, 5), (NAME_LENGTH, 0)]);
    }
}
