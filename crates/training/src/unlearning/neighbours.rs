//! The nearest images of other groups for each image: found once for all groups, and cached.

use super::split::held_out;
use whence_base::Result;
use whence_data::{Dataset, OutsideNeighbours, outside_neighbours};

/// The nearest images of other groups, for each image that is not held out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupNeighbours {
    /// Indices of the images that are not held out, ascending.
    used: Vec<usize>,
    near: OutsideNeighbours,
}

impl GroupNeighbours {
    /// Finds the `count` nearest of every image in one pass over all pairs; `share` of each group is held out and
    /// excluded. `progress` receives the completed and total parts of the work.
    ///
    /// # Errors
    /// Those of `progress`.
    pub fn find(
        dataset: &Dataset,
        share: f64,
        count: usize,
        progress: &mut dyn FnMut(usize, usize) -> Result<()>,
    ) -> Result<Self> {
        let used = used(dataset, share);
        let groups: Vec<usize> = used.iter().map(|i| dataset.group_of(*i).unwrap_or_default()).collect();
        let pixels = |i: usize| used.get(i).map_or(&[][..], |&image| dataset.pixels(image));
        let near = outside_neighbours(pixels, dataset.shape(), &groups, count, false, progress)?;
        Ok(Self { used, near })
    }

    /// The result of [`find`](Self::find) as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.near.to_bytes()
    }

    /// Reads the bytes of [`to_bytes`](Self::to_bytes) for the same dataset and share; `None` if they do not fit.
    pub fn from_bytes(dataset: &Dataset, share: f64, count: usize, bytes: &[u8]) -> Option<Self> {
        let used = used(dataset, share);
        let near = OutsideNeighbours::from_bytes(bytes).ok()?;
        (near.len() == used.len() && near.k() == count && !near.mirrored()).then_some(Self { used, near })
    }

    /// Indices of the images nearest to this one, nearest first; empty if it is held out.
    pub fn of(&self, image: usize) -> Vec<usize> {
        let Ok(position) = self.used.binary_search(&image) else { return Vec::new() };
        self.near.of(position).iter().filter_map(|near| self.used.get(near.index as usize).copied()).collect()
    }
}

fn used(dataset: &Dataset, share: f64) -> Vec<usize> {
    let mut held: Vec<usize> = (0..dataset.groups().len()).flat_map(|g| held_out(dataset, g, share)).collect();
    held.sort_unstable();
    (0..dataset.len()).filter(|i| held.binary_search(i).is_err()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unlearning::batch::neighbours_of;
    use crate::unlearning::tests::digits;
    use crate::unlearning::{Forget, Split};

    #[test]
    fn one_pass_for_all_groups_finds_what_each_group_finds_alone() {
        let dataset = digits();
        let all = GroupNeighbours::find(&dataset, 0.1, 3, &mut |_, _| Ok(())).unwrap();
        for group in 0..dataset.groups().len() {
            let split = Split::new(&dataset, &Forget::group(&dataset, group), 0.1);
            let alone = neighbours_of(&dataset, &split, 3);
            let shared: Vec<Vec<usize>> = split.forget.iter().map(|image| all.of(*image)).collect();
            assert_eq!(alone, shared, "group {group}");
        }
        let bytes = all.to_bytes();
        assert_eq!(GroupNeighbours::from_bytes(&dataset, 0.1, 3, &bytes), Some(all.clone()));
        assert_eq!(GroupNeighbours::from_bytes(&dataset, 0.0, 3, &bytes), None, "of another share");
        assert_eq!(GroupNeighbours::from_bytes(&dataset, 0.1, 2, &bytes), None, "of another number");
        assert_eq!(GroupNeighbours::from_bytes(&dataset, 0.1, 3, &bytes[1..]), None);
    }
}
