//! Exact nearest neighbours by Euclidean distance, a block of vectors at a time: products of matrices, then one pass over
//! each row.

use std::collections::BinaryHeap;

use bhtsne::Neighbor;
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use rayon::iter::{IndexedParallelIterator as _, IntoParallelIterator as _, ParallelIterator as _};

use crate::rows::Table;
use crate::{Report, Rows as _, Step};
use whence_base::Result;

/// Vectors in a block.
const BLOCK: usize = 128;

/// The `k` nearest others of each vector, the nearest first; of equally near ones the first.
pub fn nearest(vectors: &Table, k: usize, report: &mut Report<'_>) -> Result<Vec<Vec<Neighbor<f32>>>> {
    let count = vectors.count();
    let mut found = Vec::with_capacity(count);
    let search = Search::new(vectors);
    for start in (0..count).step_by(BLOCK) {
        report(Step::Neighbours { done: start, total: count })?;
        found.extend(search.block(start, BLOCK.min(count - start), k));
    }
    report(Step::Neighbours { done: count, total: count })?;
    Ok(found)
}

/// The vectors with their squared lengths.
pub struct Search<'a> {
    vectors: &'a Table,
    lengths: Vec<f32>,
}

impl<'a> Search<'a> {
    pub fn new(vectors: &'a Table) -> Self {
        let lengths = (0..vectors.count()).map(|row| squared(vectors.row(row))).collect();
        Self { vectors, lengths }
    }

    /// The nearest others of `length` vectors from `start` on.
    pub fn block(&self, start: usize, length: usize, k: usize) -> Vec<Vec<Neighbor<f32>>> {
        let (count, dims) = (self.vectors.count(), self.vectors.dims);
        let all = MatRef::from_row_major_slice(&self.vectors.values, count, dims);
        let own = all.subrows(start, length);
        // One column per vector of the block.
        let mut products = Mat::<f32>::zeros(count, length);
        matmul(products.as_mut(), Accum::Replace, all, own.transpose(), 1.0, Par::rayon(0));
        (0..length)
            .into_par_iter()
            .with_min_len(8)
            .map(|column| {
                let own = start + column;
                let base = self.lengths.get(own).copied().unwrap_or_default();
                let mut best: BinaryHeap<u64> = BinaryHeap::with_capacity(k + 1);
                let mut limit = u64::MAX;
                let products = products.col(column);
                for (other, (product, length)) in products.iter().zip(&self.lengths).enumerate() {
                    let distance = (base + length - 2.0 * product).max(0.0);
                    // Bits of numbers that are not negative are in the order of the numbers.
                    let key = (u64::from(distance.to_bits()) << 32) | other as u64;
                    if key >= limit || other == own {
                        continue;
                    }
                    best.push(key);
                    if best.len() > k {
                        best.pop();
                        limit = best.peek().copied().unwrap_or(u64::MAX);
                    }
                }
                let neighbour = |key: u64| Neighbor {
                    index: (key & u64::from(u32::MAX)) as usize,
                    distance: f32::from_bits((key >> 32) as u32).sqrt(),
                };
                best.into_sorted_vec().into_iter().map(neighbour).collect()
            })
            .collect()
    }
}

fn squared(vector: &[f32]) -> f32 {
    vector.iter().map(|v| v * v).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use whence_base::random::{normals, stream};

    #[test]
    fn neighbours_are_those_of_the_exhaustive_search() {
        let vectors = Table { values: normals(&mut stream("test", 1, b"", 0), 300 * 7), dims: 7 };
        let found = nearest(&vectors, 5, &mut |_| Ok(())).unwrap();
        assert_eq!(found.len(), 300);
        for (own, found) in found.iter().enumerate() {
            let distance = |other: usize| {
                let pairs = vectors.row(own).iter().zip(vectors.row(other));
                pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt()
            };
            let mut all: Vec<usize> = (0..300).filter(|other| *other != own).collect();
            all.sort_by(|a, b| distance(*a).total_cmp(&distance(*b)));
            assert_eq!(found.iter().map(|n| n.index).collect::<Vec<_>>(), all[..5], "of {own}");
            assert!(found.iter().all(|n| (f64::from(n.distance) - distance(n.index)).abs() < 1e-3));
        }
    }
}
