//! The paired scorer: by how much the weighted squared error grows when another model replaces the full one.

use rayon::prelude::*;

use super::estimate::Term;
use super::grid::Plan;
use super::terms::RawTerm;
use crate::{Codec, Condition, Denoiser, NoiseSchedule};
use whence_base::random::epsilon;
use whence_base::{Error, Result};

/// The scorer's input for one query.
#[derive(Clone, Debug)]
pub struct ScorerQuery {
    /// The image as a sample `[channels, height, width]` of the denoiser's shape.
    pub sample: Vec<f32>,
    /// The image's bytes, the key of its noise: the noise is the image's own.
    pub noise_key: Vec<u8>,
    /// Evaluation points of the ELBO.
    pub plan: Plan,
    /// Condition of the query.
    pub condition: Condition,
}

impl ScorerQuery {
    /// A query from planar bytes `[channels, height, width]`, evaluated at the points of the plan.
    pub fn of_image(codec: &Codec, pixels: impl Into<Vec<u8>>, condition: Condition, plan: Plan) -> Self {
        let noise_key = pixels.into();
        Self { sample: codec.encode(&noise_key), noise_key, plan, condition }
    }
}

/// Reports the progress of long work: called with the number of completed steps and their total. An error stops the
/// work.
pub type Progress<'a> = &'a mut dyn FnMut(usize, usize) -> Result<()>;

/// One evaluation of one query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryPoint {
    /// Index of the query in the pass.
    pub query: usize,
    /// Index of the point in the query's plan.
    pub point: usize,
}

/// The products d (d - 2e) of one evaluation, one per value of the sample.
pub struct Products<'a> {
    noise: &'a [f32],
    predicted: &'a [f32],
    residual: &'a [f32],
}

impl Iterator for Products<'_> {
    type Item = f64;

    fn next(&mut self) -> Option<f64> {
        let (noise, rest) = self.noise.split_first()?;
        let (predicted, others) = self.predicted.split_first()?;
        let (e, residual) = self.residual.split_first()?;
        (self.noise, self.predicted, self.residual) = (rest, others, residual);
        // predicted = noise - e + d
        let e = f64::from(*e);
        let d = f64::from(*predicted) - (f64::from(*noise) - e);
        Some(d * (d - 2.0 * e))
    }
}

/// The full model's residuals in every evaluation of every query: computed once, used for all groups and methods.
pub struct FullPass<'a> {
    queries: &'a [ScorerQuery],
    schedule: &'a NoiseSchedule,
    seed: u64,
    /// Maximum number of samples per network pass.
    batch: usize,
    /// noise - predicted noise, one per evaluation, query after query.
    residuals: Vec<Vec<f32>>,
    /// Index of each query's first evaluation in `residuals`.
    starts: Vec<usize>,
}

impl<'a> FullPass<'a> {
    /// Runs the full model in all evaluations.
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
        let mut starts = Vec::with_capacity(queries.len());
        let mut count = 0;
        for query in queries {
            starts.push(count);
            count += query.plan.points.len();
        }
        let mut pass = Self { queries, schedule, seed, batch, residuals: Vec::new(), starts };
        pass.residuals = pass.each_point(full, &pass.all_points(), progress, &|_, noise, predicted| {
            Ok(noise.iter().zip(predicted).map(|(n, p)| n - p).collect())
        })?;
        Ok(pass)
    }

    /// Terms of another model in every evaluation, query after query, with the plans' weights: their sum over a query
    /// is the score ELBO(full) - ELBO(other) in nats.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn terms(&self, other: &dyn Denoiser, progress: Progress<'_>) -> Result<Vec<Vec<Term>>> {
        let mut raw = self.terms_at(other, &self.all_points(), progress)?.into_iter();
        Ok(self
            .queries
            .iter()
            .map(|q| q.plan.points.iter().zip(raw.by_ref()).map(|(p, raw)| raw.weighted(p.weight)).collect())
            .collect())
    }

    /// The first query's score over its plan, nats.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn first_score(&self, other: &dyn Denoiser, progress: Progress<'_>) -> Result<Option<f64>> {
        let terms = self.terms(other, progress)?;
        Ok(terms.first().map(|terms| terms.iter().map(|t| t.value).sum()))
    }

    /// Terms of another model in some evaluations: |d|² - 2<e, d>, where d is the other model's prediction minus the
    /// full model's and e the full model's residual. Well conditioned, because nothing large is subtracted.
    ///
    /// Each depends only on the two models, the query, its timestep and its noise, to the last bit.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn terms_at(
        &self,
        other: &dyn Denoiser,
        points: &[QueryPoint],
        progress: Progress<'_>,
    ) -> Result<Vec<RawTerm>> {
        self.products_at(other, points, progress, &|products| {
            let (mut value, mut square) = (0.0f64, 0.0f64);
            for product in products {
                value += product;
                square += product.powi(2);
            }
            RawTerm { value, pixel_norm: square.sqrt() }
        })
    }

    /// The results of `gather` on each evaluation's products d (d - 2e), one product per value of the sample, in planar
    /// order.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn products_at<T: Send>(
        &self,
        other: &dyn Denoiser,
        points: &[QueryPoint],
        progress: Progress<'_>,
        gather: &(impl Fn(Products<'_>) -> T + Sync),
    ) -> Result<Vec<T>> {
        self.each_point(other, points, progress, &|at, noise, predicted| {
            let residual = self.starts.get(at.query).and_then(|start| self.residuals.get(start + at.point));
            let residual = residual.ok_or_else(|| outside(at))?;
            Ok(gather(Products { noise, predicted, residual }))
        })
    }

    /// Every evaluation, query after query.
    pub(super) fn all_points(&self) -> Vec<QueryPoint> {
        let mut points = Vec::new();
        for (query, prepared) in self.queries.iter().enumerate() {
            points.extend((0..prepared.plan.points.len()).map(|point| QueryPoint { query, point }));
        }
        points
    }

    /// The queries that the pass was run over.
    pub fn queries(&self) -> &[ScorerQuery] {
        self.queries
    }

    /// The results of `visit` on each evaluation's noise and predicted noise, in order. Where a device runs out of
    /// memory, the samples per pass are halved.
    fn each_point<T: Send>(
        &self,
        model: &dyn Denoiser,
        points: &[QueryPoint],
        progress: Progress<'_>,
        visit: &(impl Fn(QueryPoint, &[f32], &[f32]) -> Result<T> + Sync),
    ) -> Result<Vec<T>> {
        let mut passes = model.passes().limited(self.batch);
        progress(0, points.len())?;
        let mut out = Vec::with_capacity(points.len());
        while let Some(rest) = points.get(out.len()..).filter(|r| !r.is_empty()) {
            let tiles = self.tiles(rest, passes.images, passes.at_once);
            let one = |tile: &&[QueryPoint]| self.tile(model, tile, passes.images, visit);
            // Only one thread works with a GPU.
            let results: Result<Vec<Vec<T>>> =
                if passes.at_once > 1 { tiles.par_iter().map(one).collect() } else { tiles.iter().map(one).collect() };
            match results {
                Ok(results) => out.extend(results.into_iter().flatten()),
                Err(Error::Memory { .. }) if passes.at_once > 1 => passes.at_once /= 2,
                Err(Error::Memory { what, .. }) if passes.images > 1 => {
                    passes.images /= 2;
                    tracing::warn!("{what}; continuing with {} samples per pass", passes.images);
                }
                Err(error) => return Err(error),
            }
            progress(out.len(), points.len())?;
        }
        Ok(out)
    }

    /// The next passes, at most `count` of them.
    fn tiles<'p>(&self, points: &'p [QueryPoint], images: usize, count: usize) -> Vec<&'p [QueryPoint]> {
        points.chunks(images.max(1)).take(count).collect()
    }

    /// One pass through the network, padded to `images` samples.
    fn tile<T: Send>(
        &self,
        model: &dyn Denoiser,
        points: &[QueryPoint],
        images: usize,
        visit: &(impl Fn(QueryPoint, &[f32], &[f32]) -> Result<T> + Sync),
    ) -> Result<Vec<T>> {
        debug_assert!(!points.is_empty(), "a pass of no evaluations");
        let size = model.shape().numel();
        let mut x = Vec::with_capacity(images * size);
        let mut noises = Vec::with_capacity(points.len());
        let mut timesteps = Vec::with_capacity(images);
        let mut conditions = Vec::with_capacity(images);
        for &at in points {
            let query = self.queries.get(at.query).ok_or_else(|| outside(at))?;
            let point = query.plan.points.get(at.point).ok_or_else(|| outside(at))?;
            let noise = epsilon(self.seed, &query.noise_key, point.t, point.draw, size);
            x.extend(self.schedule.add_noise(&query.sample, &noise, point.t));
            timesteps.push(point.t);
            conditions.push(query.condition);
            noises.push(noise);
        }
        while timesteps.len() < images {
            x.extend_from_within(..size);
            timesteps.extend_from_within(..1);
            conditions.extend_from_within(..1);
        }
        let predicted = model.predict_noise(&x, &timesteps, &conditions)?;
        if predicted.len() != x.len() {
            let what = format!("the model predicted {} values for {}", predicted.len(), x.len());
            return Err(Error::internal(what));
        }
        points
            .iter()
            .zip(noises.iter().zip(predicted.chunks_exact(size)))
            .map(|(&at, (noise, predicted))| {
                if predicted.iter().all(|v| v.is_finite()) {
                    return visit(at, noise, predicted);
                }
                Err(Error::input(
                    "the model's prediction is not finite",
                    "scoring",
                    "its weights are damaged or its training diverged: use another checkpoint",
                ))
            })
            .collect()
    }
}

/// An evaluation that no plan has.
fn outside(at: QueryPoint) -> Error {
    Error::internal(format!("there is no evaluation {} of query {}", at.point, at.query))
}

#[cfg(test)]
mod tests;
