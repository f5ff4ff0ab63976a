//! Score maps: the terms of a score by region of the image and by timestep.
//!
//! A score is a sum over timesteps and pixels of w_t d (d - 2e), so its terms can be summed in any order: over all
//! pixels for the curve over timesteps, over all timesteps for the map, over a rectangle for a region's own score.

use super::estimate::{Estimate, Term};
use super::grid::Point;
use super::scorer::{FullPass, Progress};
use crate::Denoiser;
use whence_base::Result;
use whence_nn::SampleShape;

/// Maximum number of cells along the longer side of a map. Larger images have several pixels per cell, so that maps
/// stay small.
const MAX_CELLS: usize = 64;

/// The grid of cells over which pixels are summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cells {
    /// Height and width of a cell, in pixels.
    pub side: usize,
    /// Number of columns.
    pub width: usize,
    /// Number of rows.
    pub height: usize,
}

impl Cells {
    /// The cells of images of this shape.
    pub fn of(shape: SampleShape) -> Self {
        let side = shape.width.max(shape.height).div_ceil(MAX_CELLS).max(1);
        Self { side, width: shape.width.div_ceil(side), height: shape.height.div_ceil(side) }
    }

    /// Number of cells.
    pub fn count(&self) -> usize {
        self.width * self.height
    }

    /// Sums of planar values over the pixels and channels of each cell, row by row.
    fn sums(&self, shape: SampleShape, values: impl Iterator<Item = f64>) -> Vec<f32> {
        let mut sums = vec![0.0f64; self.count()];
        let area = (shape.width * shape.height).max(1);
        for (i, value) in values.enumerate() {
            let (y, x) = ((i % area) / shape.width.max(1), i % shape.width.max(1));
            let sum = sums.get_mut(y / self.side * self.width + x / self.side);
            debug_assert!(sum.is_some(), "a pixel outside the cells");
            if let Some(sum) = sum {
                *sum += value;
            }
        }
        sums.into_iter().map(|v| v as f32).collect()
    }
}

/// A rectangle of cells, upper ends excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Region {
    /// First column.
    pub left: usize,
    /// First row.
    pub top: usize,
    /// Column after the last.
    pub right: usize,
    /// Row after the last.
    pub bottom: usize,
}

/// The terms of one query without one group, by evaluation and cell.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreMap {
    /// The grid of cells.
    pub cells: Cells,
    /// The evaluations, in the order of timesteps, then of draws.
    pub points: Vec<Point>,
    /// Noise draws per timestep.
    pub draws: usize,
    /// Unweighted terms, `[points, rows, columns]`.
    values: Vec<f32>,
}

impl ScoreMap {
    /// The maps of `other` for every query of a pass.
    ///
    /// # Errors
    /// As [`FullPass::terms`].
    pub fn compute(pass: &FullPass<'_>, other: &dyn Denoiser, progress: Progress<'_>) -> Result<Vec<Self>> {
        let shape = other.shape();
        let cells = Cells::of(shape);
        let points = pass.all_points();
        let mut sums = pass.products_at(other, &points, progress, &|products| cells.sums(shape, products))?.into_iter();
        let map = |plan: &super::Plan| {
            let values = sums.by_ref().take(plan.points.len()).flatten().collect();
            Self { cells, points: plan.points.clone(), draws: plan.draws, values }
        };
        Ok(pass.queries().iter().map(|q| &q.plan).map(map).collect())
    }

    /// All cells of the image.
    pub fn everywhere(&self) -> Region {
        Region { left: 0, top: 0, right: self.cells.width, bottom: self.cells.height }
    }

    /// Each cell's contribution to the score, nats, row by row.
    pub fn by_cell(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.cells.count()];
        for (point, values) in self.points.iter().zip(self.values.chunks(self.cells.count().max(1))) {
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += point.weight * f64::from(*value);
            }
        }
        sums
    }

    /// A region's contribution to the score, with the standard error due to the noise.
    pub fn score(&self, region: Region) -> Estimate {
        Estimate::from_terms(&self.terms(region), self.draws)
    }

    /// Each evaluated timestep's contribution to a region's score, nats, averaged over draws. Timesteps sampled by
    /// importance also represent the neighbouring ones that were not sampled.
    pub fn by_timestep(&self, region: Region) -> Vec<(usize, f64)> {
        self.contributions(&self.terms(region))
    }

    /// A region's score, and each timestep's contribution to it.
    pub fn part(&self, region: Region) -> (Estimate, Vec<(usize, f64)>) {
        let terms = self.terms(region);
        (Estimate::from_terms(&terms, self.draws), self.contributions(&terms))
    }

    fn contributions(&self, terms: &[Term]) -> Vec<(usize, f64)> {
        let draws = self.draws.max(1);
        let value = |terms: &[Term]| terms.iter().map(|t| t.value).sum();
        self.points.chunks(draws).zip(terms.chunks(draws)).filter_map(|(p, t)| Some((p.first()?.t, value(t)))).collect()
    }

    /// A region's terms, one per evaluation.
    fn terms(&self, region: Region) -> Vec<Term> {
        let width = self.cells.width.max(1);
        let term = |(point, values): (&Point, &[f32])| {
            let mut sums = Sums::default();
            for row in values.chunks(width).take(region.bottom).skip(region.top) {
                // A region may end, or begin, beyond the map.
                sums.add(row.get(region.left..region.right.min(row.len())).unwrap_or_default());
            }
            let (value, squares) = sums.total();
            Term { value: point.weight * value, weight: point.weight, pixel_norm: squares.sqrt() }
        };
        self.points.iter().zip(self.values.chunks(self.cells.count().max(1))).map(term).collect()
    }

    /// Little-endian bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(20 + 16 * self.points.len() + 4 * self.values.len());
        let Cells { side, width, height } = self.cells;
        for size in [side, width, height, self.draws, self.points.len()] {
            debug_assert!(u32::try_from(size).is_ok(), "a map of {size}");
            out.extend((size as u32).to_le_bytes());
        }
        for point in &self.points {
            out.extend((point.t as u32).to_le_bytes());
            out.extend((point.draw as u32).to_le_bytes());
            out.extend(point.weight.to_le_bytes());
        }
        self.values.iter().for_each(|v| out.extend(v.to_le_bytes()));
        out
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote; `None` for other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk::<20>()?;
        let mut sizes = head.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b) as usize);
        let (side, width, height) = (sizes.next()?, sizes.next()?, sizes.next()?);
        let (draws, count) = (sizes.next()?, sizes.next()?);
        let (points, values) = rest.split_at_checked(count.checked_mul(16)?)?;
        let points = points.as_chunks::<16>().0.iter().map(|b| {
            let (t, rest) = b.split_first_chunk::<4>()?;
            let (draw, weight) = rest.split_first_chunk::<4>()?;
            let weight = f64::from_le_bytes(weight.try_into().ok()?);
            Some(Point { t: u32::from_le_bytes(*t) as usize, draw: u32::from_le_bytes(*draw) as usize, weight })
        });
        let points: Vec<Point> = points.collect::<Option<_>>()?;
        let (values, left) = values.as_chunks::<4>();
        let cells = Cells { side, width, height };
        let whole = left.is_empty() && Some(values.len()) == count.checked_mul(width.checked_mul(height)?);
        let values = values.iter().map(|b| f32::from_le_bytes(*b)).collect();
        whole.then_some(Self { cells, points, draws, values })
    }
}

/// Sums of values and of their squares in several lanes, so that summing a region is limited by memory bandwidth: the
/// window sums a region for every group whenever the pointer moves.
#[derive(Default)]
struct Sums {
    values: [f64; Self::LANES],
    squares: [f64; Self::LANES],
}

impl Sums {
    const LANES: usize = 8;

    fn add(&mut self, row: &[f32]) {
        let (whole, rest) = row.as_chunks::<{ Self::LANES }>();
        for lane in whole {
            self.add_lanes(lane);
        }
        self.add_lanes(rest);
    }

    fn add_lanes(&mut self, lane: &[f32]) {
        for ((value, square), v) in self.values.iter_mut().zip(&mut self.squares).zip(lane) {
            let v = f64::from(*v);
            *value += v;
            *square += v * v;
        }
    }

    fn total(&self) -> (f64, f64) {
        (self.values.iter().sum(), self.squares.iter().sum())
    }
}

#[cfg(test)]
mod tests;
