//! Where and when a score comes from: its terms by region and timestep.
//!
//! A score is a sum over timesteps and pixels of w_t d (d - 2e), so its terms can be summed in any order: over all pixels
//! for the curve over timesteps, over all timesteps for the map, over a rectangle for a region's own score.

use super::estimate::{Estimate, Term};
use super::grid::Point;
use super::scorer::{FullPass, Place, Progress};
use crate::Denoiser;
use whence_base::Result;
use whence_nn::SampleShape;

/// Cells along the longer side of a map, at most. Larger images have several pixels a cell, so that maps stay small.
const FINEST: usize = 64;

/// How pixels are gathered into cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cells {
    /// Pixels along a cell's side.
    pub side: usize,
    /// Cells in a row.
    pub width: usize,
    /// Rows of cells.
    pub height: usize,
}

impl Cells {
    /// The cells of images of this shape.
    pub fn of(shape: SampleShape) -> Self {
        let side = shape.width.max(shape.height).div_ceil(FINEST).max(1);
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
            if let Some(sum) = sums.get_mut(y / self.side * self.width + x / self.side) {
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

/// The terms of one query without one group, by cell and place.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreMap {
    /// How pixels are gathered.
    pub cells: Cells,
    /// Timesteps, draws and weights, by timestep, then by draw.
    pub points: Vec<Point>,
    /// Noise draws at each timestep.
    pub draws: usize,
    /// Terms without their weights: point after point, row after row.
    values: Vec<f32>,
}

impl ScoreMap {
    /// The terms of `other` at every place of every query of a pass, query after query.
    ///
    /// # Errors
    /// As [`FullPass::terms`].
    pub fn compute(pass: &FullPass<'_>, other: &dyn Denoiser, progress: Progress<'_>) -> Result<Vec<Self>> {
        let shape = other.shape();
        let cells = Cells::of(shape);
        let places: Vec<Place> = pass
            .queries()
            .iter()
            .enumerate()
            .flat_map(|(q, s)| (0..s.plan.points.len()).map(move |p| (q, p)))
            .collect();
        let mut sums = pass.products_at(other, &places, progress, &|products| cells.sums(shape, products))?.into_iter();
        let map = |plan: &super::Plan| {
            let values = sums.by_ref().take(plan.points.len()).flatten().collect();
            Self { cells, points: plan.points.clone(), draws: plan.draws, values }
        };
        Ok(pass.queries().iter().map(|q| &q.plan).map(map).collect())
    }

    /// The whole image.
    pub fn everywhere(&self) -> Region {
        Region { left: 0, top: 0, right: self.cells.width, bottom: self.cells.height }
    }

    /// What each cell adds to the score, nats, row by row.
    pub fn by_cell(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.cells.count()];
        for (point, values) in self.points.iter().zip(self.values.chunks(self.cells.count().max(1))) {
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += point.weight * f64::from(*value));
        }
        sums
    }

    /// The score of a region: what its cells add to the whole score, with the standard error due to the noise.
    pub fn score(&self, region: Region) -> Estimate {
        Estimate::from_terms(&self.terms(region), self.draws)
    }

    /// What each evaluated timestep adds to a region's score, nats: (timestep, its share), averaged over draws. Where timesteps
    /// were drawn by importance, each carries the weight of those around it that were not drawn.
    pub fn by_timestep(&self, region: Region) -> Vec<(usize, f64)> {
        self.shares(&self.terms(region))
    }

    /// Both at once: a region's score, and what each timestep adds to it.
    pub fn part(&self, region: Region) -> (Estimate, Vec<(usize, f64)>) {
        let terms = self.terms(region);
        (Estimate::from_terms(&terms, self.draws), self.shares(&terms))
    }

    fn shares(&self, terms: &[Term]) -> Vec<(usize, f64)> {
        let draws = self.draws.max(1);
        let value = |terms: &[Term]| terms.iter().map(|t| t.value).sum();
        self.points.chunks(draws).zip(terms.chunks(draws)).filter_map(|(p, t)| Some((p.first()?.t, value(t)))).collect()
    }

    /// A region's terms, one a place.
    fn terms(&self, region: Region) -> Vec<Term> {
        let width = self.cells.width.max(1);
        let term = |(point, values): (&Point, &[f32])| {
            let mut sums = Sums::default();
            for row in values.chunks(width).take(region.bottom).skip(region.top) {
                sums.add(row.get(region.left..region.right.min(row.len())).unwrap_or_default());
            }
            let (value, squares) = sums.total();
            Term { value: point.weight * value, weight: point.weight, spread: squares.sqrt() }
        };
        self.points.iter().zip(self.values.chunks(self.cells.count().max(1))).map(term).collect()
    }

    /// Little-endian bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(20 + 16 * self.points.len() + 4 * self.values.len());
        let Cells { side, width, height } = self.cells;
        for number in [side, width, height, self.draws, self.points.len()] {
            out.extend((number as u32).to_le_bytes());
        }
        for point in &self.points {
            out.extend((point.t as u32).to_le_bytes());
            out.extend((point.draw as u32).to_le_bytes());
            out.extend(point.weight.to_le_bytes());
        }
        self.values.iter().for_each(|v| out.extend(v.to_le_bytes()));
        out
    }

    /// What [`to_bytes`](Self::to_bytes) wrote; none where the bytes are anything else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk::<20>()?;
        let mut numbers = head.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b) as usize);
        let (side, width, height) = (numbers.next()?, numbers.next()?, numbers.next()?);
        let (draws, count) = (numbers.next()?, numbers.next()?);
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

/// Sums of values and of their squares in several lanes, so that a region is summed at the speed of memory: it is summed
/// again for every group whenever the pointer moves.
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
