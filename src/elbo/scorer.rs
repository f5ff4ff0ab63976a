//! The paired scorer: how much larger the weighted squared error becomes when the full model is replaced.

use super::estimate::Term;
use super::grid::Plan;
use super::noise::epsilon;
use crate::diffusion::generate::from_bytes;
use crate::diffusion::{Denoiser, NoiseSchedule};
use crate::error::{Error, Result};

/// A query as the scorer needs it.
#[derive(Clone, Debug)]
pub struct ScorerQuery {
    /// Planar bytes of the picture; they also key the noise.
    pub pixels: Vec<u8>,
    /// Where the ELBO is evaluated.
    pub plan: Plan,
    /// Class label for class-conditional models.
    pub class: Option<usize>,
}

/// Progress of long work: called with steps done and steps in all; its error stops the work.
pub type Progress<'a> = &'a mut dyn FnMut(usize, usize) -> Result<()>;

/// The full model's residuals on every place of every query: made once, used for all groups and methods.
pub struct FullPass<'a> {
    queries: &'a [ScorerQuery],
    schedule: &'a NoiseSchedule,
    seed: u64,
    batch: usize,
    /// noise - predicted noise, one picture a place, query after query.
    residuals: Vec<f32>,
}

impl<'a> FullPass<'a> {
    /// Runs the full model over all places.
    ///
    /// # Errors
    /// A failing device, a prediction that is not finite, or the progress function's own.
    pub fn run(
        full: &dyn Denoiser,
        schedule: &'a NoiseSchedule,
        queries: &'a [ScorerQuery],
        seed: u64,
        batch: usize,
        progress: Progress<'_>,
    ) -> Result<Self> {
        let mut pass = Self { queries, schedule, seed, batch: batch.max(1), residuals: Vec::new() };
        let mut residuals = Vec::new();
        pass.each_place(full, progress, |place| {
            residuals.extend(place.noise.iter().zip(place.predicted).map(|(n, p)| n - p));
        })?;
        pass.residuals = residuals;
        Ok(pass)
    }

    /// Terms of another model: for each query, for each place, weight times (|d|² - 2<e, d>) in nats, where d is the
    /// other model's prediction minus the full model's and e the full model's residual. Their sum is the score
    /// ELBO(full) - ELBO(other), well conditioned because nothing large is subtracted.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn terms(&self, other: &dyn Denoiser, progress: Progress<'_>) -> Result<Vec<Vec<Term>>> {
        let mut terms: Vec<Vec<Term>> = self.queries.iter().map(|q| Vec::with_capacity(q.plan.points.len())).collect();
        let size = other.shape().numel();
        let mut residuals = self.residuals.chunks_exact(size.max(1));
        self.each_place(other, progress, |place| {
            let residual = residuals.next().unwrap_or_default();
            let (mut total, mut square) = (0.0f64, 0.0f64);
            for ((noise, predicted), e) in place.noise.iter().zip(place.predicted).zip(residual) {
                // predicted = noise - e + d
                let e = f64::from(*e);
                let d = f64::from(*predicted) - (f64::from(*noise) - e);
                total += d * (d - 2.0 * e);
                square += (d * (d - 2.0 * e)).powi(2);
            }

            if let Some(terms) = terms.get_mut(place.query) {
                terms.push(Term { value: place.weight * total, weight: place.weight, spread: square.sqrt() });
            }
        })?;
        Ok(terms)
    }

    /// Evaluates `model` at every place in order, in batches of one shape.
    fn each_place(&self, model: &dyn Denoiser, progress: Progress<'_>, mut visit: impl FnMut(Place<'_>)) -> Result<()> {
        let size = model.shape().numel();
        let total: usize = self.queries.iter().map(|q| q.plan.points.len()).sum();
        let batch = self.batch.min(total.max(1));
        let mut done = 0;
        progress(done, total)?;
        // Classes differ between queries, so a batch stays within one query's class.
        let mut start = 0;
        while let Some(first) = self.queries.get(start) {
            let same = self.queries.iter().skip(start).take_while(|q| q.class == first.class).count();
            let places: Vec<(usize, usize)> = (start..start + same)
                .flat_map(|q| (0..self.queries.get(q).map_or(0, |q| q.plan.points.len())).map(move |p| (q, p)))
                .collect();
            for chunk in places.chunks(batch) {
                let mut x = Vec::with_capacity(batch * size);
                let mut noises = Vec::with_capacity(chunk.len());
                let mut timesteps = Vec::with_capacity(batch);
                for &(q, p) in chunk {
                    let Some((query, point)) = self.queries.get(q).and_then(|q| Some((q, q.plan.points.get(p)?)))
                    else {
                        continue;
                    };
                    let noise = epsilon(self.seed, &query.pixels, point.t, point.draw, size);
                    x.extend(self.schedule.add_noise(&from_bytes(&query.pixels), &noise, point.t));
                    timesteps.push(point.t);
                    noises.push((q, point.weight, noise));
                }
                // Padded to one shape, so that kernels are compiled once and batches do not change the arithmetic.
                while timesteps.len() < batch {
                    x.extend_from_within(..size);
                    timesteps.push(timesteps.first().copied().unwrap_or(1));
                }
                let predicted = model.predict_noise(&x, &timesteps, first.class)?;
                for ((query, weight, noise), predicted) in noises.iter().zip(predicted.chunks_exact(size)) {
                    if predicted.iter().any(|v| !v.is_finite()) {
                        return Err(Error::input(
                            "the model predicts numbers that are not finite",
                            "scoring",
                            "its weights are damaged or its training diverged: use another checkpoint",
                        ));
                    }
                    visit(Place { query: *query, weight: *weight, noise, predicted });
                }
                done += chunk.len();
                progress(done, total)?;
            }
            start += same;
        }
        Ok(())
    }
}

/// One evaluated place.
struct Place<'a> {
    query: usize,
    weight: f64,
    noise: &'a [f32],
    predicted: &'a [f32],
}
