//! A map of vectors, and the place of one that was not there when it was made.

use crate::rows::Table;
use crate::tsne::{EPOCHS, tsne};
use crate::{Projection, Report, Rows};
use whence_base::Result;

/// Principal components that t-SNE starts from, as its authors recommend: distances in many more are mostly noise.
pub(crate) const REDUCED: usize = 50;

/// Neighbours whose mean is the place of a new vector under t-SNE.
const PLACED_BY: usize = 5;

/// How vectors are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// By the first two principal components: linear, quick.
    Pca,
    /// By t-SNE: neighbours stay neighbours, distances between clouds mean little.
    Tsne,
}

/// A map of vectors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EmbeddingMap {
    /// A point per vector.
    pub points: Vec<[f32; 2]>,
    /// The principal components.
    pub projection: Projection,
    /// The vectors along those components; empty where the points are these.
    reduced: Table,
}

/// Makes the map of these vectors.
///
/// # Errors
/// Those of the report, and values that are not finite.
pub fn embed(rows: &dyn Rows, layout: Layout, seed: u64, report: &mut Report<'_>) -> Result<EmbeddingMap> {
    match layout {
        Layout::Pca => {
            let projection = Projection::fit(rows, 2, seed, report)?;
            let all = projection.apply_all(rows);
            let points = (0..rows.count()).map(|row| on_plane(all.row(row))).collect();
            Ok(EmbeddingMap { points, projection, reduced: Table::default() })
        }
        Layout::Tsne => {
            let projection = Projection::fit(rows, REDUCED, seed, report)?;
            let reduced = projection.apply_all(rows);
            let points = tsne(&reduced, seed, EPOCHS, report)?;
            Ok(EmbeddingMap { points, projection, reduced })
        }
    }
}

/// The first two coordinates; vectors of one value lie on a line.
fn on_plane(vector: &[f32]) -> [f32; 2] {
    [0, 1].map(|axis| vector.get(axis).copied().unwrap_or_default())
}

impl EmbeddingMap {
    /// The place of a vector that is not in the map. Under t-SNE: the mean of its nearest neighbours' places, weighted by
    /// nearness, as openTSNE starts from.
    pub fn place(&self, vector: &[f32]) -> [f32; 2] {
        let own = self.projection.apply(vector);
        if self.reduced.values.is_empty() {
            return on_plane(&own);
        }
        let distance = |row: usize| {
            let pairs = self.reduced.row(row).iter().zip(&own);
            pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt()
        };
        let mut near: Vec<(f32, usize)> = (0..self.points.len()).map(|row| (distance(row), row)).collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let (mut sum, mut weights) = ([0.0f64; 2], 0.0);
        for (distance, row) in near.into_iter().take(PLACED_BY) {
            let Some(point) = self.points.get(row) else { continue };
            if distance == 0.0 {
                return *point;
            }
            let weight = 1.0 / f64::from(distance);
            sum.iter_mut().zip(point).for_each(|(sum, value)| *sum += weight * f64::from(*value));
            weights += weight;
        }
        sum.map(|v| if weights > 0.0 { (v / weights) as f32 } else { 0.0 })
    }

    /// The map as bytes: four lengths, then all values, little-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { points, projection, reduced } = self;
        let lengths = [points.len(), projection.mean.len(), projection.count(), reduced.dims];
        let mut bytes: Vec<u8> = lengths.iter().flat_map(|l| (*l as u64).to_le_bytes()).collect();
        let values = points.iter().flatten().chain(&projection.mean).chain(&projection.axes.values);
        bytes.extend(values.chain(&projection.explained).chain(&reduced.values).flat_map(|v| v.to_le_bytes()));
        bytes
    }

    /// Reads the bytes of [`to_bytes`](Self::to_bytes) for `count` vectors; `None` where they do not fit.
    pub fn from_bytes(bytes: &[u8], count: usize) -> Option<Self> {
        let mut rest = bytes;
        let mut length = || {
            let (head, tail) = rest.split_first_chunk::<8>()?;
            rest = tail;
            usize::try_from(u64::from_le_bytes(*head)).ok()
        };
        let (points, dims, axes, reduced) = (length()?, length()?, length()?, length()?);
        let sizes = [points.checked_mul(2)?, dims, dims.checked_mul(axes)?, axes, points.checked_mul(reduced)?];
        let total = sizes.iter().try_fold(0usize, |sum, size| sum.checked_add(*size))?;
        if points != count || rest.len() != total.checked_mul(4)? {
            return None;
        }
        let values: Vec<f32> = rest.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        if values.iter().any(|v| !v.is_finite()) {
            return None;
        }
        let mut values = values.into_iter();
        let mut take = |size: usize| values.by_ref().take(size).collect::<Vec<f32>>();
        let [points, mean, axes, explained, kept] = sizes.map(&mut take);
        Some(Self {
            points: points.as_chunks::<2>().0.to_vec(),
            projection: Projection { mean, axes: Table { values: axes, dims }, explained },
            reduced: Table { values: kept, dims: reduced },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use whence_base::random::{normals, stream};

    fn sample() -> Table {
        Table { values: normals(&mut stream("test", 5, b"", 0), 80 * 6), dims: 6 }
    }

    fn map(layout: Layout) -> EmbeddingMap {
        embed(&sample(), layout, 1, &mut |_| Ok(())).unwrap()
    }

    #[test]
    fn a_vector_of_the_map_is_placed_where_it_is() {
        for layout in [Layout::Pca, Layout::Tsne] {
            let map = map(layout);
            assert_eq!(map.points.len(), 80);
            for row in [0, 33, 79] {
                let (placed, own) = (map.place(sample().row(row)), map.points[row]);
                assert!((placed[0] - own[0]).abs() + (placed[1] - own[1]).abs() < 1e-3, "{layout:?} {placed:?} {own:?}");
            }
        }
    }

    #[test]
    fn maps_survive_the_store_and_damaged_ones_are_not_used() {
        for layout in [Layout::Pca, Layout::Tsne] {
            let map = map(layout);
            let bytes = map.to_bytes();
            assert_eq!(EmbeddingMap::from_bytes(&bytes, 80), Some(map));
            assert_eq!(EmbeddingMap::from_bytes(&bytes, 81), None, "of another dataset");
            assert_eq!(EmbeddingMap::from_bytes(&bytes[..bytes.len() - 1], 80), None);
            let mut long = bytes;
            long[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
            assert_eq!(EmbeddingMap::from_bytes(&long, 80), None, "a length that the file claims is not trusted");
        }
    }
}
