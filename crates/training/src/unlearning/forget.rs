//! The images that a model is to forget.

use rand::RngExt as _;

use whence_base::random::stream;
use whence_data::Dataset;

/// Images to forget, under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forget {
    name: String,
    /// Key of the random streams. Its wording is fixed: other words would be other numbers.
    stream_key: String,
    indices: Vec<usize>,
}

impl Forget {
    /// The images of a group; none if there is no such group.
    pub fn group(dataset: &Dataset, group: usize) -> Self {
        let name = dataset.groups().get(group).cloned().unwrap_or_default();
        Self { stream_key: name.clone(), name, indices: dataset.indices_of(group).to_vec() }
    }

    /// `count` random images (at most all), evenly distributed over the groups: the control for forgetting images that
    /// have nothing in common.
    pub fn random(dataset: &Dataset, count: usize, seed: u64) -> Self {
        let by_group: Vec<usize> = (0..dataset.groups().len()).flat_map(|g| dataset.indices_of(g)).copied().collect();
        let all = by_group.len();
        let count = count.min(all);
        // One of each of `count` strata of equal size.
        let one = |i: usize| {
            let stratum = by_group.get(i * all / count..(i + 1) * all / count)?;
            let mut rng = stream("whence 2026 random forget set", seed, b"", i as u64);
            stratum.get(rng.random_range(0..stratum.len())).copied()
        };
        let mut indices: Vec<usize> = (0..count).filter_map(one).collect();
        indices.sort_unstable();
        let stream_key = format!("{count} random pictures, seed {seed}");
        Self { name: format!("{count} random images, seed {seed}"), stream_key, indices }
    }

    /// Name on screen and in stored results.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the order of the images and their noise are drawn by, beside the seed.
    pub fn stream_key(&self) -> &str {
        &self.stream_key
    }

    /// Numbers of the images, ascending.
    pub fn indices(&self) -> &[usize] {
        &self.indices
    }

    /// Whether this image is to be forgotten.
    pub fn contains(&self, image: usize) -> bool {
        self.indices.binary_search(&image).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unlearning::tests::digits;

    #[test]
    fn a_group_is_all_of_its_images() {
        let dataset = digits();
        let forget = Forget::group(&dataset, 3);
        assert_eq!(forget.name(), dataset.groups()[3]);
        assert_eq!(forget.indices(), dataset.indices_of(3));
        assert!(Forget::group(&dataset, 99).indices().is_empty());
    }

    #[test]
    fn random_images_are_spread_over_the_groups_and_repeat_with_the_seed() {
        let dataset = digits();
        let forget = Forget::random(&dataset, 24, 5);
        assert_eq!(forget, Forget::random(&dataset, 24, 5));
        assert_ne!(forget.indices(), Forget::random(&dataset, 24, 6).indices());
        assert!(forget.indices().is_sorted_by(|a, b| a < b), "ascending, none twice");
        assert_eq!(forget.indices().len(), 24);
        for group in 0..dataset.groups().len() {
            // 240 images in strata of 10, 24 per group: two or three of each.
            let found = forget.indices().iter().filter(|i| dataset.group_of(**i) == Some(group)).count();
            assert!((1..=4).contains(&found), "{found} of group {group}");
        }
        assert_eq!(Forget::random(&dataset, 1000, 0).indices().len(), dataset.len());
        assert!(Forget::random(&dataset, 0, 0).indices().is_empty());
    }
}
