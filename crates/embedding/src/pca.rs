//! Principal components. Short vectors: eigenvectors of the covariance. Long ones: randomised subspace iteration (Halko,
//! Martinsson and Tropp 2011) on the covariance, which is never formed. Vectors are read in blocks, so that no copy of a
//! large set is made, and work can be cancelled between two blocks.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par, Side};
use rayon::iter::{IndexedParallelIterator as _, ParallelIterator as _};
use rayon::slice::ParallelSliceMut as _;

use crate::rows::Table;
use crate::{Report, Rows, Step};
use whence_base::random::{normals, stream};
use whence_base::{Error, Result};

/// Up to this length, the covariance matrix is formed and decomposed.
const DIRECT: usize = 512;

/// Vectors beyond those asked for, which make the iteration converge faster.
const OVERSAMPLING: usize = 8;

/// Iterations at most.
const ITERATIONS: usize = 12;

/// Relative change of the variances at which the iteration ends.
const TOLERANCE: f64 = 1e-5;

/// Values in a block of vectors.
const BLOCK: usize = 1 << 19;

/// Axes of the largest variance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Projection {
    /// The mean of all vectors.
    pub mean: Vec<f32>,
    /// The axes, one after the other, each of the length of a vector.
    pub axes: Table,
    /// Share of the variance along each axis.
    pub explained: Vec<f32>,
}

impl Projection {
    /// Finds the first `count` axes.
    ///
    /// # Errors
    /// Those of the report, and values that are not finite.
    pub fn fit(rows: &dyn Rows, count: usize, seed: u64, report: &mut Report<'_>) -> Result<Self> {
        Self::fit_by(rows, count, seed, rows.dims() <= DIRECT, report)
    }

    pub(crate) fn fit_by(
        rows: &dyn Rows,
        count: usize,
        seed: u64,
        direct: bool,
        report: &mut Report<'_>,
    ) -> Result<Self> {
        let mut blocks = Blocks::new(rows, direct);
        let (mean, total) = blocks.moments(report)?;
        let count = count.min(rows.dims());
        let (axes, variances) =
            if direct { blocks.direct(&mean, report)? } else { blocks.iterate(&mean, count, seed, report)? };
        let mut table = Table { values: Vec::with_capacity(count * rows.dims()), dims: rows.dims() };
        // Eigenvalues are sorted from the smallest to the largest.
        for column in (0..axes.ncols()).rev().take(count) {
            let axis: Vec<f64> = axes.col(column).iter().copied().collect();
            // The sign of an eigenvector is arbitrary: its largest entry is positive.
            let largest = axis.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or(1.0);
            table.values.extend(axis.iter().map(|v| (v * largest.signum()) as f32));
        }
        let share = |v: &f64| if total > 0.0 { (v / total).clamp(0.0, 1.0) as f32 } else { 0.0 };
        let explained = variances.iter().rev().take(count).map(share).collect();
        Ok(Self { mean: mean.iter().map(|v| *v as f32).collect(), axes: table, explained })
    }

    /// Number of axes.
    pub fn count(&self) -> usize {
        self.axes.count()
    }

    /// The coordinates of a vector along the axes.
    pub fn apply(&self, vector: &[f32]) -> Vec<f32> {
        let along = |axis: usize| {
            let values = vector.iter().zip(&self.mean).zip(self.axes.row(axis));
            values.map(|((v, mean), axis)| f64::from(v - mean) * f64::from(*axis)).sum::<f64>() as f32
        };
        (0..self.count()).map(along).collect()
    }

    /// The coordinates of all vectors.
    pub fn apply_all(&self, rows: &dyn Rows) -> Table {
        let mut out = Table { values: vec![0.0; rows.count() * self.count()], dims: self.count() };
        out.values.par_chunks_mut(self.count().max(1)).enumerate().for_each(|(row, out)| {
            let mut vector = vec![0.0; rows.dims()];
            rows.write(row, &mut vector);
            out.copy_from_slice(&self.apply(&vector));
        });
        out
    }
}

/// The vectors in blocks.
struct Blocks<'a> {
    rows: &'a dyn Rows,
    size: usize,
    done: usize,
    total: usize,
}

impl<'a> Blocks<'a> {
    fn new(rows: &'a dyn Rows, direct: bool) -> Self {
        let size = (BLOCK / rows.dims().max(1)).clamp(16, 2048);
        let passes = if direct { 2 } else { 1 + ITERATIONS };
        Self { rows, size, done: 0, total: passes * rows.count().div_ceil(size) }
    }

    /// Calls `take` with each block, minus the mean, in order.
    fn pass(&mut self, mean: &[f64], report: &mut Report<'_>, take: &mut dyn FnMut(MatRef<'_, f64>)) -> Result<()> {
        let (count, dims) = (self.rows.count(), self.rows.dims());
        let mut values = vec![0.0; self.size.min(count) * dims];
        for start in (0..count).step_by(self.size) {
            let length = self.size.min(count - start);
            let values = values.get_mut(..length * dims).unwrap_or_default();
            values.par_chunks_mut(dims.max(1)).enumerate().for_each(|(row, out)| {
                let mut vector = vec![0.0; dims];
                self.rows.write(start + row, &mut vector);
                out.iter_mut().zip(vector.iter().zip(mean)).for_each(|(o, (v, m))| *o = f64::from(*v) - m);
            });
            take(MatRef::from_row_major_slice(values, length, dims));
            self.done += 1;
            report(Step::Components { done: self.done.min(self.total), total: self.total })?;
        }
        Ok(())
    }

    /// The mean, and the sum of all variances.
    fn moments(&mut self, report: &mut Report<'_>) -> Result<(Vec<f64>, f64)> {
        let (count, dims) = (self.rows.count().max(1) as f64, self.rows.dims());
        let (mut sum, mut squares) = (vec![0.0; dims], 0.0);
        self.pass(&vec![0.0; dims], report, &mut |block| {
            for column in 0..block.ncols() {
                let Some(sum) = sum.get_mut(column) else { continue };
                for value in block.col(column).iter() {
                    *sum += value;
                    squares += value * value;
                }
            }
        })?;
        let mean: Vec<f64> = sum.iter().map(|v| v / count).collect();
        let total = squares / count - mean.iter().map(|m| m * m).sum::<f64>();
        if !total.is_finite() {
            return Err(Error::input(
                "the vectors contain values that are not finite",
                "embedding",
                "choose pixels instead of features, or another model",
            ));
        }
        Ok((mean, total.max(0.0)))
    }

    /// Eigenvectors and eigenvalues of the covariance, the smallest first.
    fn direct(&mut self, mean: &[f64], report: &mut Report<'_>) -> Result<(Mat<f64>, Vec<f64>)> {
        let dims = self.rows.dims();
        let mut covariance = Mat::<f64>::zeros(dims, dims);
        let scale = 1.0 / self.rows.count().max(1) as f64;
        self.pass(mean, report, &mut |block| {
            matmul(covariance.as_mut(), Accum::Add, block.transpose(), block, scale, Par::rayon(0));
        })?;
        eigen(&covariance)
    }

    /// The same for the first `count` eigenvectors.
    fn iterate(
        &mut self,
        mean: &[f64],
        count: usize,
        seed: u64,
        report: &mut Report<'_>,
    ) -> Result<(Mat<f64>, Vec<f64>)> {
        let dims = self.rows.dims();
        let width = (count + OVERSAMPLING).min(dims);
        let noise = normals(&mut stream("whence 2026 principal components", seed, b"", 0), dims * width);
        let at = |row: usize, column: usize| noise.get(column * dims + row).copied().map_or(0.0, f64::from);
        let mut basis = Mat::from_fn(dims, width, at).qr().compute_thin_Q();
        let scale = 1.0 / self.rows.count().max(1) as f64;
        let mut before: Vec<f64> = Vec::new();
        for iteration in 1..=ITERATIONS {
            // The covariance times the basis.
            let mut image = Mat::<f64>::zeros(dims, width);
            self.pass(mean, report, &mut |block| {
                let along = block * &basis;
                matmul(image.as_mut(), Accum::Add, block.transpose(), &along, scale, Par::rayon(0));
            })?;
            let (rotation, values) = eigen(&(basis.transpose() * &image))?;
            let now: Vec<f64> = values.iter().rev().take(count).copied().collect();
            let still = |(a, b): (&f64, &f64)| (a - b).abs() <= TOLERANCE * a.abs().max(f64::MIN_POSITIVE);
            let converged = before.len() == now.len() && now.iter().zip(&before).all(still);
            if converged || iteration == ITERATIONS {
                return Ok((&basis * &rotation, values));
            }
            before = now;
            basis = image.qr().compute_thin_Q();
        }
        Err(Error::internal("the subspace iteration has no iterations"))
    }
}

fn eigen(matrix: &Mat<f64>) -> Result<(Mat<f64>, Vec<f64>)> {
    let found = matrix
        .self_adjoint_eigen(Side::Lower)
        .map_err(|e| Error::internal(format!("the covariance has no eigenvectors: {e:?}")))?;
    let values = found.S().column_vector().iter().copied().collect();
    Ok((found.U().to_owned(), values))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points around a line in `dims` dimensions, with a second, weaker direction.
    fn sample(count: usize, dims: usize) -> Table {
        let noise = normals(&mut stream("test", 3, b"", 0), count * (dims + 2));
        let mut values = Vec::new();
        for row in noise.chunks_exact(dims + 2) {
            for dim in 0..dims {
                let first = row[0] * 9.0 * ((dim + 1) as f32 / dims as f32);
                let second = row[1] * 4.0 * if dim % 2 == 0 { 1.0 } else { -1.0 };
                values.push(5.0 + first + second + 0.3 * row[2 + dim]);
            }
        }
        Table { values, dims }
    }

    fn fit(rows: &Table, count: usize, direct: bool) -> Projection {
        Projection::fit_by(rows, count, 1, direct, &mut |_| Ok(())).unwrap()
    }

    #[test]
    fn two_dimensions_agree_with_the_closed_form() {
        let rows = sample(400, 2);
        let found = fit(&rows, 2, true);
        let n = rows.count() as f64;
        let column = |c: usize| rows.values.iter().skip(c).step_by(2).map(|v| f64::from(*v));
        let (mx, my) = (column(0).sum::<f64>() / n, column(1).sum::<f64>() / n);
        let a = column(0).map(|x| (x - mx).powi(2)).sum::<f64>() / n;
        let c = column(1).map(|y| (y - my).powi(2)).sum::<f64>() / n;
        let b = column(0).zip(column(1)).map(|(x, y)| (x - mx) * (y - my)).sum::<f64>() / n;
        let root = ((a - c).powi(2) / 4.0 + b * b).sqrt();
        let largest = (a + c) / 2.0 + root;
        // The eigenvector of the larger eigenvalue of [[a, b], [b, c]] is (b, largest - a).
        let (x, y) = (b, largest - a);
        let axis = found.axes.row(0);
        let cosine = (x * f64::from(axis[0]) + y * f64::from(axis[1])) / (x * x + y * y).sqrt();
        assert!((cosine.abs() - 1.0).abs() < 1e-6, "{cosine}");
        assert!((f64::from(found.explained[0]) - largest / (a + c)).abs() < 1e-6);
    }

    #[test]
    fn the_iteration_agrees_with_the_covariance() {
        let rows = sample(900, 40);
        let (direct, iterated) = (fit(&rows, 2, true), fit(&rows, 2, false));
        for axis in 0..2 {
            let cosine: f32 = direct.axes.row(axis).iter().zip(iterated.axes.row(axis)).map(|(a, b)| a * b).sum();
            assert!((cosine - 1.0).abs() < 1e-4, "axis {axis}: {cosine}");
            assert!((direct.explained[axis] - iterated.explained[axis]).abs() < 1e-4);
        }
    }

    #[test]
    fn coordinates_have_the_variance_of_their_axis_and_the_same_input_gives_the_same_bits() {
        let rows = sample(500, 20);
        let found = fit(&rows, 2, false);
        assert_eq!(found, fit(&rows, 2, false));
        let all = found.apply_all(&rows);
        let variance = |c: usize| {
            let values: Vec<f32> = all.values.iter().skip(c).step_by(2).copied().collect();
            values.iter().map(|v| v * v).sum::<f32>() / values.len() as f32
        };
        assert!(variance(0) > variance(1) && variance(1) > 1.0);
        assert_eq!(all.row(7), found.apply(rows.row(7)));
    }

    #[test]
    fn work_stops_where_the_report_says_so_and_values_that_are_not_finite_are_refused() {
        let rows = sample(100, 4);
        let stopped = Projection::fit(&rows, 2, 1, &mut |_| Err(Error::Cancelled));
        assert!(matches!(stopped, Err(Error::Cancelled)));
        let mut broken = rows;
        broken.values[3] = f32::NAN;
        assert!(Projection::fit(&broken, 2, 1, &mut |_| Ok(())).unwrap_err().to_string().contains("not finite"));
    }
}
