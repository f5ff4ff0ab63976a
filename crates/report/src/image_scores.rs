//! `images.csv`: the training images of each group with the highest scores, for methods that score images.

use serde::Serialize;

use whence_data::Dataset;
use whence_evaluation::tables::serialize_text_cell;
use whence_methods::Attribution;

/// Images listed per query and group, at most.
const LISTED: usize = 100;

/// A row of `images.csv`.
#[derive(Serialize)]
pub(super) struct ImageRow<'a> {
    #[serde(serialize_with = "serialize_text_cell")]
    query: &'a str,
    #[serde(serialize_with = "serialize_text_cell")]
    group: &'a str,
    /// Within the group; 1 is the highest score.
    rank: usize,
    #[serde(serialize_with = "serialize_text_cell")]
    image: &'a str,
    score: f64,
    unit: &'static str,
    #[serde(serialize_with = "serialize_text_cell")]
    method: &'a str,
}

/// The highest images of each scored group, in the order of the groups; none for methods that do not score images.
pub(super) fn image_rows<'a>(attribution: &'a Attribution, dataset: &'a Dataset) -> Vec<ImageRow<'a>> {
    let mut rows = Vec::new();
    if attribution.images.is_empty() {
        return rows;
    }
    for score in &attribution.scores {
        let Some(group) = dataset.groups().iter().position(|g| *g == score.group) else { continue };
        let highest = highest(dataset.indices_of(group), &attribution.images);
        rows.extend(highest.into_iter().enumerate().map(|(i, (index, value))| ImageRow {
            query: &attribution.query,
            group: &score.group,
            rank: i + 1,
            image: dataset.image_name(index),
            score: value,
            unit: attribution.unit.name(),
            method: &attribution.method,
        }));
    }
    rows
}

/// The images of a group with the highest scores, highest first; equal ones in the dataset's order.
fn highest(group: &[usize], scores: &[f64]) -> Vec<(usize, f64)> {
    let mut found: Vec<(usize, f64)> = group.iter().filter_map(|i| Some((*i, *scores.get(*i)?))).collect();
    // The sort is stable.
    found.sort_by(|a, b| b.1.total_cmp(&a.1));
    found.truncate(LISTED);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_images_of_a_group_come_first_and_equal_ones_keep_their_order() {
        let scores = [0.1, 0.9, 0.5, 0.9, 1.0];
        assert_eq!(highest(&[0, 1, 2, 3], &scores), [(1, 0.9), (3, 0.9), (2, 0.5), (0, 0.1)]);
        assert_eq!(highest(&[4, 9], &scores), [(4, 1.0)], "an image without a score is left out");
        let many: Vec<f64> = (0..150).map(f64::from).collect();
        let listed = highest(&(0..150).collect::<Vec<_>>(), &many);
        assert_eq!((listed.len(), listed[0], listed[99]), (100, (149, 149.0), (50, 50.0)));
    }
}
