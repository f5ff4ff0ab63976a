//! The images of a group that are nearest to a query: exact, by Euclidean distance between pixels.

use rayon::prelude::*;

use super::Dataset;

/// An image near a query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// Its index in the dataset.
    pub index: usize,
    /// Euclidean distance between the pixels, scaled to [-1, 1].
    pub distance: f64,
}

/// The `k` images of `group` nearest to `query`, nearest first, ties by lower index.
///
/// `query` is planar `[channels, height, width]` bytes of the dataset's shape. Fewer than `k` where
/// the group is smaller; none where there is no such group or `query` has another length.
#[must_use]
pub fn nearest(dataset: &Dataset, query: &[u8], group: usize, k: usize) -> Vec<Neighbour> {
    nearest_among(dataset, query, dataset.indices_of(group), k)
}

/// As [`nearest`], among the images `candidates`.
#[must_use]
pub fn nearest_among(dataset: &Dataset, query: &[u8], candidates: &[usize], k: usize) -> Vec<Neighbour> {
    if k == 0 || query.len() != dataset.shape().numel() {
        return Vec::new();
    }
    // Squares of integers keep the order exact.
    let mut found: Vec<(u64, usize)> = candidates
        .par_iter()
        .with_min_len(64)
        .map(|&index| (squared_distance(dataset.pixels(index), query), index))
        .collect();
    if k < found.len() {
        found.select_nth_unstable(k);
        found.truncate(k);
    }
    found.sort_unstable();
    // One grey level is 1/127.5 on the scale from -1 to 1.
    found.into_iter().map(|(square, index)| Neighbour { index, distance: (square as f64).sqrt() / 127.5 }).collect()
}

/// The sum of squared differences, in grey levels.
fn squared_distance(a: &[u8], b: &[u8]) -> u64 {
    let mut total = 0_u64;
    // 4096 * 255^2 fits 32 bits, which the compiler turns into wide instructions.
    for (a, b) in a.chunks(4096).zip(b.chunks(4096)) {
        let sum: u32 = a.iter().zip(b).map(|(&a, &b)| u32::from(a.abs_diff(b)).pow(2)).sum();
        total += u64::from(sum);
    }
    total
}
