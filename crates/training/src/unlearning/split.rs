//! The images that an unlearning run trains on, and those held out for the quality gate.

use rand::RngExt as _;

use super::forget::Forget;
use whence_base::random::stream;
use whence_data::Dataset;

/// Maximum number of held-out images per group.
const MOST: usize = 32;

/// Groups with fewer images have no held-out images.
const FEWEST: usize = 4;

/// The images of a dataset by their use in an unlearning run: indices, ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// To forget.
    pub forget: Vec<usize>,
    /// To retain.
    pub retain: Vec<usize>,
    /// Held out, of those to forget.
    pub held_forget: Vec<usize>,
    /// Held out, of the others.
    pub held_others: Vec<usize>,
}

impl Split {
    /// Holds out the fraction `share` of each group: the same images whatever is to be forgotten. A half that would
    /// become empty has no held-out images.
    pub fn new(dataset: &Dataset, forget: &Forget, share: f64) -> Self {
        let mut held = vec![false; dataset.len()];
        for group in 0..dataset.groups().len() {
            for image in held_out(dataset, group, share) {
                if let Some(held) = held.get_mut(image) {
                    *held = true;
                }
            }
        }
        let half = |in_forget: bool| {
            let all: Vec<usize> = (0..dataset.len()).filter(|i| forget.contains(*i) == in_forget).collect();
            let (out, used): (Vec<_>, Vec<_>) = all.iter().partition(|i| held.get(**i).copied().unwrap_or(false));
            if used.is_empty() { (all, Vec::new()) } else { (used, out) }
        };
        let (to_forget, held_forget) = half(true);
        let (retain, held_others) = half(false);
        Self { forget: to_forget, retain, held_forget, held_others }
    }
}

/// The held-out images of a group: a fixed choice.
pub(super) fn held_out(dataset: &Dataset, group: usize, share: f64) -> Vec<usize> {
    let mut candidates = dataset.indices_of(group).to_vec();
    if share <= 0.0 || candidates.len() < FEWEST {
        return Vec::new();
    }
    let count = ((candidates.len() as f64 * share) as usize).clamp(1, MOST);
    let name = dataset.groups().get(group).map_or("", String::as_str);
    let mut rng = stream("whence 2026 held out", 0, name.as_bytes(), 0);
    (0..count).map(|_| candidates.swap_remove(rng.random_range(0..candidates.len()))).collect()
}

/// Up to `count` of the held-out images, evenly distributed over the groups: a fixed choice.
pub fn references(dataset: &Dataset, share: f64, count: usize) -> Vec<usize> {
    let groups = dataset.groups().len();
    let held: Vec<Vec<usize>> = (0..groups).map(|g| held_out(dataset, g, share)).collect();
    let most = held.iter().map(Vec::len).max().unwrap_or_default();
    let mut rounds = (0..most).map(|round| held.iter().filter_map(|g| g.get(round).copied()).collect::<Vec<usize>>());
    let mut chosen = Vec::new();
    while let Some(round) = rounds.next().filter(|_| chosen.len() < count) {
        let take = (count - chosen.len()).min(round.len());
        chosen.extend((0..take).filter_map(|i| round.get(i * round.len() / take)));
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unlearning::tests::digits;

    #[test]
    fn every_image_has_one_use_and_what_is_kept_out_is_always_the_same() {
        let dataset = digits();
        let mut held_before = None;
        for forget in [Forget::group(&dataset, 0), Forget::group(&dataset, 7), Forget::random(&dataset, 30, 1)] {
            let split = Split::new(&dataset, &forget, 0.1);
            let mut all = [&split.forget[..], &split.retain, &split.held_forget, &split.held_others].concat();
            all.sort_unstable();
            assert_eq!(all, (0..dataset.len()).collect::<Vec<_>>());
            assert!(split.forget.iter().chain(&split.held_forget).all(|i| forget.contains(*i)));
            let mut held = [&split.held_forget[..], &split.held_others].concat();
            held.sort_unstable();
            for group in 0..dataset.groups().len() {
                let of_group = held.iter().filter(|i| dataset.group_of(**i) == Some(group)).count();
                assert_eq!(of_group, 2, "a tenth of 24");
            }
            assert_eq!(*held_before.get_or_insert(held.clone()), held);
        }
    }

    #[test]
    fn nothing_is_kept_out_where_it_is_switched_off_or_nothing_would_be_left() {
        let dataset = digits();
        let off = Split::new(&dataset, &Forget::group(&dataset, 0), 0.0);
        assert!(off.held_forget.is_empty() && off.held_others.is_empty());
        assert_eq!(off.forget, dataset.indices_of(0));
        let one = (0..1000).map(|seed| Forget::random(&dataset, 1, seed));
        let mut sizes = one.map(|f| Split::new(&dataset, &f, 0.5)).map(|s| (s.forget.len(), s.held_forget.len()));
        assert!(sizes.all(|s| s == (1, 0)), "a single image is always trained on");
    }

    #[test]
    fn references_are_held_out_and_spread_over_the_groups() {
        let dataset = digits();
        let held = Split::new(&dataset, &Forget::group(&dataset, 0), 0.1);
        let shown = |count: usize| -> Vec<usize> {
            let chosen = references(&dataset, 0.1, count);
            assert!(chosen.iter().all(|i| held.held_forget.contains(i) || held.held_others.contains(i)));
            let mut distinct = chosen.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(distinct.len(), chosen.len());
            chosen.iter().map(|i| dataset.group_of(*i).unwrap()).collect()
        };
        assert_eq!(shown(3), [0, 3, 6]);
        assert_eq!(shown(12), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 5]);
        assert_eq!(shown(100).len(), 20, "two of each group are held out");
        assert!(references(&dataset, 0.0, 16).is_empty());
    }
}
