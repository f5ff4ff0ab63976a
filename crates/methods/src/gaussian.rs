//! Gaussian leave-out: the closed-form counterfactual. A Gaussian fitted to the data gives the best linear denoiser; so
//! does one fitted to the data without a group. Their ELBO difference needs no network, and its expectation over the
//! noise has a closed form, so the score is exact.

use faer::linalg::solvers::SelfAdjointEigen;
use faer::{Mat, MatRef, Side};

use super::artefacts::{Artefact, Artefacts};
use super::method::{Attribution, Exactness, GroupScore, Method, MethodInfo, Request, Scope, Unit};
use whence_base::random::{normals, stream};
use whence_base::{Error, Result};
use whence_data::Dataset;
use whence_diffusion::NoiseSchedule;
use whence_diffusion::elbo::{Point, Timesteps, sum};

/// Up to this many values per image, the covariance is fitted in full; beyond, in this many principal components.
const COMPONENTS: usize = 256;

/// Maximum number of images from which the principal components are computed.
const BASIS_IMAGES: usize = 4096;

/// Variance added to every direction, as a fraction of the mean variance, to avoid division by 0 in directions without
/// any.
const RIDGE: f64 = 0.01;

/// The method's registry entry.
pub struct GaussianMethod;

static INFO: MethodInfo = MethodInfo {
    name: "gaussian",
    title: "Gaussian (closed form)",
    description: "closed form: a Gaussian fitted with and without each group, no network; a preview, and the bar to clear",
    caption: "Drop in log-likelihood without the group (Gaussian fit, no neural network)",
    unit: Unit::Nats,
    scope: Scope::Groups,
    exactness: Exactness::Approximate,
    artefacts: &[Artefact::GaussianFit],
    revision: 1,
};

impl Method for GaussianMethod {
    fn info(&self) -> &'static MethodInfo {
        &INFO
    }

    fn score(&self, request: &Request<'_>, artefacts: &Artefacts) -> Result<Vec<Attribution>> {
        let Request { model, dataset, groups, queries, settings, .. } = *request;
        let leave_out = artefacts.gaussian()?;
        let mut attributions = Vec::with_capacity(queries.len());
        for query in queries {
            let values = leave_out.scores(&query.pixels, model.schedule(), settings.timesteps, groups)?;
            let scores = groups.iter().zip(values).map(|(&g, value)| GroupScore::exact(dataset.group_name(g), value));
            attributions.push(Attribution::new(&query.name, INFO.name, scores.collect()));
        }
        Ok(attributions)
    }
}

/// Gaussians fitted to all images and to all but each group.
pub struct GaussianLeaveOut {
    /// Orthonormal columns; `None` for the identity.
    basis: Option<Mat<f32>>,
    /// Mean of all images; coordinates are relative to it.
    centre: Vec<f32>,
    full: Gaussian,
    without: Vec<Gaussian>,
}

/// Mean and covariance: eigenvectors in the basis, and one variance for all directions outside it.
struct Gaussian {
    /// In the basis.
    mean: Vec<f64>,
    /// Of the part outside the basis, in pixels.
    outside_mean: Vec<f32>,
    vectors: Mat<f64>,
    variances: Vec<f64>,
    outside_variance: f64,
    outside_count: usize,
}

/// First and second moments of a set of images, relative to the centre.
#[derive(Clone)]
struct Moments {
    count: f64,
    sum: Vec<f64>,
    products: Mat<f64>,
    pixel_sum: Vec<f64>,
    square: f64,
}

impl Moments {
    fn zero(components: usize, size: usize) -> Self {
        Self {
            count: 0.0,
            sum: vec![0.0; components],
            products: Mat::zeros(components, components),
            pixel_sum: vec![0.0; size],
            square: 0.0,
        }
    }

    /// self + sign * other.
    fn add(&mut self, other: &Self, sign: f64) {
        self.count += sign * other.count;
        self.square += sign * other.square;
        for (a, b) in self.sum.iter_mut().zip(&other.sum) {
            *a += sign * b;
        }
        for (a, b) in self.pixel_sum.iter_mut().zip(&other.pixel_sum) {
            *a += sign * b;
        }
        self.products += &other.products * faer::Scale(sign);
    }
}

impl GaussianLeaveOut {
    /// Fits one Gaussian to all images and one without each group.
    ///
    /// # Errors
    /// Fewer than two groups, a decomposition that does not converge, and the progress function's own.
    pub fn fit(dataset: &Dataset, progress: &mut dyn FnMut(usize, usize) -> Result<()>) -> Result<Self> {
        let groups = dataset.groups().len();
        if groups < 2 {
            return Err(Error::input(
                "there is only one group",
                dataset.path().display().to_string(),
                "give a dataset of at least two groups",
            ));
        }
        let size = dataset.shape().numel();
        let steps = groups + 2;
        progress(0, steps)?;
        let centre = centre_of(dataset);
        let basis = (size > COMPONENTS).then(|| principal_subspace(dataset, &centre));
        progress(1, steps)?;
        let components = basis.as_ref().map_or(size, Mat::ncols);
        let parts: Vec<Moments> =
            (0..groups).map(|g| moments(dataset, dataset.indices_of(g), &centre, basis.as_ref(), components)).collect();
        let mut all = Moments::zero(components, size);
        for part in &parts {
            all.add(part, 1.0);
        }
        progress(2, steps)?;
        let full = Gaussian::fit(&all, basis.as_ref())?;
        let mut without = Vec::with_capacity(groups);
        for (g, part) in parts.iter().enumerate() {
            let mut without_group = all.clone();
            without_group.add(part, -1.0);
            without.push(Gaussian::fit(&without_group, basis.as_ref())?);
            progress(g + 3, steps)?;
        }
        Ok(Self { basis, centre, full, without })
    }

    /// Scores of `groups` for an image, nats, on the grid `timesteps` (the official one for sampled timesteps).
    ///
    /// # Errors
    /// Those of the grid.
    pub fn scores(
        &self,
        pixels: &[u8],
        schedule: &NoiseSchedule,
        timesteps: Timesteps,
        groups: &[usize],
    ) -> Result<Vec<f64>> {
        let grid = match timesteps {
            Timesteps::Range { .. } => timesteps,
            Timesteps::Count(_) => Timesteps::OFFICIAL,
        };
        let points = grid.plan(schedule, 1, 0, b"")?.points;
        let x: Vec<f32> = pixels.iter().zip(&self.centre).map(|(&b, c)| f32::from(b) / 127.5 - 1.0 - c).collect();
        let full = self.terms(&self.full, &x, schedule, &points);
        Ok(groups
            .iter()
            .map(|&g| match self.without.get(g) {
                Some(other) => {
                    let other = self.terms(other, &x, schedule, &points);
                    let differences: Vec<f64> = other.iter().zip(&full).map(|(a, b)| a - b).collect();
                    sum(&differences)
                }
                None => 0.0,
            })
            .collect())
    }

    /// Weighted expected squared errors of a Gaussian's denoiser at each point.
    ///
    /// With s = γ²λ + σ² for each variance λ, and y the image's distance from the mean in that direction, the
    /// expectation of |noise - predicted noise|² is the sum over directions of (γ²λ/s)² + σ²γ² y²/s².
    fn terms(&self, gaussian: &Gaussian, x: &[f32], schedule: &NoiseSchedule, points: &[Point]) -> Vec<f64> {
        let (inside, outside) = self.distances(gaussian, x);
        points
            .iter()
            .map(|p| {
                let (signal, noise) = schedule.signal_and_noise(p.t);
                let (g2, s2) = (signal * signal, noise * noise);
                let term = |variance: f64, square: f64, count: f64| {
                    let s = g2 * variance + s2;
                    count * (g2 * variance / s).powi(2) + s2 * g2 * square / (s * s)
                };
                let directions = gaussian.variances.iter().zip(&inside).map(|(v, y)| term(*v, y * y, 1.0));
                let outside_term = term(gaussian.outside_variance, outside, gaussian.outside_count as f64);
                p.weight * (directions.sum::<f64>() + outside_term)
            })
            .collect()
    }

    /// Distance from the mean along each eigenvector, and the squared distance outside the basis.
    fn distances(&self, gaussian: &Gaussian, x: &[f32]) -> (Vec<f64>, f64) {
        let (z, outside) = match &self.basis {
            Some(basis) => {
                let z = basis.transpose() * column(x);
                let back = basis * &z;
                let outside = x
                    .iter()
                    .zip(column_iter(back.as_ref()))
                    .zip(&gaussian.outside_mean)
                    .map(|((x, b), m)| f64::from(x - b - m).powi(2))
                    .sum();
                (column_iter(z.as_ref()).map(f64::from).collect::<Vec<_>>(), outside)
            }
            None => (x.iter().map(|v| f64::from(*v)).collect(), 0.0),
        };
        let y = Mat::from_fn(z.len(), 1, |i, _| {
            z.get(i).copied().unwrap_or(0.0) - gaussian.mean.get(i).copied().unwrap_or(0.0)
        });
        let rotated = gaussian.vectors.transpose() * &y;
        (column_iter(rotated.as_ref()).collect(), outside)
    }
}

impl Gaussian {
    fn fit(m: &Moments, basis: Option<&Mat<f32>>) -> Result<Self> {
        let count = m.count.max(1.0);
        let components = m.sum.len();
        let mean: Vec<f64> = m.sum.iter().map(|s| s / count).collect();
        let at = |i: usize| mean.get(i).copied().unwrap_or(0.0);
        let covariance =
            Mat::from_fn(components, components, |i, j| m.products.get(i.min(j), i.max(j)) / count - at(i) * at(j));
        let pixel_mean: Vec<f32> = m.pixel_sum.iter().map(|s| (s / count) as f32).collect();
        let size = pixel_mean.len();
        let total = m.square / count - pixel_mean.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
        let inside: f64 = (0..components).map(|i| *covariance.get(i, i)).sum();
        let ridge = RIDGE * (total / size.max(1) as f64).max(1e-8);
        let outside_count = size - components.min(size);
        let outside_variance = ((total - inside).max(0.0) / outside_count.max(1) as f64) + ridge;
        let outside_mean = match basis {
            Some(basis) => {
                let projected = basis * (basis.transpose() * column(&pixel_mean));
                pixel_mean.iter().zip(column_iter(projected.as_ref())).map(|(a, b)| a - b).collect()
            }
            None => Vec::new(),
        };
        let eigen: SelfAdjointEigen<f64> = covariance.self_adjoint_eigen(Side::Lower).map_err(|e| {
            Error::input(format!("the covariance has no decomposition ({e:?})"), "closed form", "check the images")
        })?;
        let variances = eigen.S().column_vector().iter().map(|v| v.max(0.0) + ridge).collect();
        Ok(Self { mean, outside_mean, vectors: eigen.U().to_owned(), variances, outside_variance, outside_count })
    }
}

fn column(x: &[f32]) -> Mat<f32> {
    Mat::from_fn(x.len(), 1, |i, _| x.get(i).copied().unwrap_or(0.0))
}

fn column_iter<T: Copy>(m: MatRef<'_, T>) -> impl Iterator<Item = T> {
    (0..m.nrows()).map(move |i| *m.get(i, 0))
}

fn centre_of(dataset: &Dataset) -> Vec<f32> {
    let mut total = vec![0u64; dataset.shape().numel()];
    for i in 0..dataset.len() {
        for (t, &b) in total.iter_mut().zip(dataset.pixels(i)) {
            *t += u64::from(b);
        }
    }
    let count = dataset.len().max(1) as f64;
    total.into_iter().map(|t| (t as f64 / count / 127.5 - 1.0) as f32).collect()
}

/// Images as rows, relative to the centre.
fn rows(dataset: &Dataset, indices: &[usize], centre: &[f32]) -> Mat<f32> {
    Mat::from_fn(indices.len(), centre.len(), |r, c| {
        let pixel = indices.get(r).and_then(|&i| dataset.pixels(i).get(c)).copied().unwrap_or(0);
        f32::from(pixel) / 127.5 - 1.0 - centre.get(c).copied().unwrap_or(0.0)
    })
}

/// An orthonormal basis close to the leading principal components, by subspace iteration from a random start
/// (Halko, Martinsson and Tropp 2011).
fn principal_subspace(dataset: &Dataset, centre: &[f32]) -> Mat<f32> {
    let stride = dataset.len().div_ceil(BASIS_IMAGES).max(1);
    let chosen: Vec<usize> = (0..dataset.len()).step_by(stride).collect();
    let x = rows(dataset, &chosen, centre);
    let count = COMPONENTS.min(chosen.len()).min(centre.len());
    let start = normals(&mut stream("whence 2026 subspace", 0, b"", 0), centre.len() * count);
    let mut q = Mat::from_fn(centre.len(), count, |i, j| start.get(i * count + j).copied().unwrap_or(0.0));
    for _ in 0..3 {
        let y = x.transpose() * (&x * &q);
        q = y.qr().compute_thin_Q();
    }
    q
}

fn moments(
    dataset: &Dataset,
    indices: &[usize],
    centre: &[f32],
    basis: Option<&Mat<f32>>,
    components: usize,
) -> Moments {
    let mut m = Moments::zero(components, centre.len());
    for portion in indices.chunks(2048) {
        let x = rows(dataset, portion, centre);
        for r in 0..x.nrows() {
            for (c, total) in m.pixel_sum.iter_mut().enumerate() {
                let v = f64::from(*x.get(r, c));
                *total += v;
                m.square += v * v;
            }
        }
        let z = match basis {
            Some(basis) => &x * basis,
            None => x,
        };
        let z = Mat::<f64>::from_fn(z.nrows(), z.ncols(), |i, j| f64::from(*z.get(i, j)));
        for (j, total) in m.sum.iter_mut().enumerate() {
            *total += (0..z.nrows()).map(|i| *z.get(i, j)).sum::<f64>();
        }
        m.products += z.transpose() * &z;
        m.count += portion.len() as f64;
    }
    m
}

#[cfg(test)]
mod tests;
