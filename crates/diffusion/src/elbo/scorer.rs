//! The paired scorer: how much larger the weighted squared error becomes when the full model is replaced.

use rayon::prelude::*;

use super::estimate::Term;
use super::grid::Plan;
use super::terms::RawTerm;
use crate::{Codec, Condition, Denoiser, NoiseSchedule};
use whence_base::random::epsilon;
use whence_base::{Error, Result};

/// A query as the scorer needs it.
#[derive(Clone, Debug)]
pub struct ScorerQuery {
    /// What the network sees of the image, of the denoiser's shape.
    pub sample: Vec<f32>,
    /// The image's bytes: they key the noise, so that it is the image's own.
    pub noise_key: Vec<u8>,
    /// Where the ELBO is evaluated.
    pub plan: Plan,
    /// What it is conditioned on.
    pub condition: Condition,
}

impl ScorerQuery {
    /// An image given as planar bytes, evaluated where the plan says.
    pub fn of_image(codec: &Codec, pixels: impl Into<Vec<u8>>, condition: Condition, plan: Plan) -> Self {
        let noise_key = pixels.into();
        Self { sample: codec.encode(&noise_key), noise_key, plan, condition }
    }
}

/// Progress of long work: called with steps done and steps in all; its error stops the work.
pub type Progress<'a> = &'a mut dyn FnMut(usize, usize) -> Result<()>;

/// One evaluation: number of the query, number of the point in its plan.
pub type Place = (usize, usize);

/// The products d (d - 2e) of one place.
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

/// The full model's residuals on every place of every query: made once, used for all groups and methods.
pub struct FullPass<'a> {
    queries: &'a [ScorerQuery],
    schedule: &'a NoiseSchedule,
    seed: u64,
    /// Images under way at once, at most.
    batch: usize,
    /// noise - predicted noise: one image a place, query after query.
    residuals: Vec<Vec<f32>>,
    /// Position of each query's first place in `residuals`.
    starts: Vec<usize>,
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
        let mut starts = Vec::with_capacity(queries.len());
        let mut places = Vec::new();
        for (q, query) in queries.iter().enumerate() {
            starts.push(places.len());
            places.extend((0..query.plan.points.len()).map(|p| (q, p)));
        }
        let mut pass = Self { queries, schedule, seed, batch, residuals: Vec::new(), starts };
        pass.residuals = pass.each_place(full, &places, progress, &|_, noise, predicted| {
            noise.iter().zip(predicted).map(|(n, p)| n - p).collect()
        })?;
        Ok(pass)
    }

    /// Terms of another model at every place, query after query, with the plans' weights: their sum over a query is
    /// the score ELBO(full) - ELBO(other) in nats.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn terms(&self, other: &dyn Denoiser, progress: Progress<'_>) -> Result<Vec<Vec<Term>>> {
        let places: Vec<Place> =
            self.queries.iter().enumerate().flat_map(|(q, s)| (0..s.plan.points.len()).map(move |p| (q, p))).collect();
        let mut raw = self.terms_at(other, &places, progress)?.into_iter();
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

    /// Terms of another model at some places: |d|² - 2<e, d>, where d is the other model's prediction minus the full
    /// model's and e the full model's residual. Well conditioned, because nothing large is subtracted.
    ///
    /// Each depends on the two models, the query, its timestep and its noise alone, to the last bit.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn terms_at(&self, other: &dyn Denoiser, places: &[Place], progress: Progress<'_>) -> Result<Vec<RawTerm>> {
        self.products_at(other, places, progress, &|products| {
            let (mut value, mut square) = (0.0f64, 0.0f64);
            for product in products {
                value += product;
                square += product.powi(2);
            }
            RawTerm { value, spread: square.sqrt() }
        })
    }

    /// What `gather` makes of each place's products d (d - 2e), a value a number of the image, in planar order.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn products_at<T: Send>(
        &self,
        other: &dyn Denoiser,
        places: &[Place],
        progress: Progress<'_>,
        gather: &(impl Fn(Products<'_>) -> T + Sync),
    ) -> Result<Vec<T>> {
        self.each_place(other, places, progress, &|(q, p), noise, predicted| {
            let residual = self.starts.get(q).and_then(|s| self.residuals.get(s + p));
            gather(Products { noise, predicted, residual: residual.map(Vec::as_slice).unwrap_or_default() })
        })
    }

    /// The queries that the pass was run over.
    pub fn queries(&self) -> &[ScorerQuery] {
        self.queries
    }

    /// What `visit` makes of each place's noise and predicted noise, in order. A device without room is asked for half
    /// as many images at once.
    fn each_place<T: Send>(
        &self,
        model: &dyn Denoiser,
        places: &[Place],
        progress: Progress<'_>,
        visit: &(impl Fn(Place, &[f32], &[f32]) -> T + Sync),
    ) -> Result<Vec<T>> {
        let mut passes = model.passes().limited(self.batch);
        progress(0, places.len())?;
        let mut out = Vec::with_capacity(places.len());
        while let Some(rest) = places.get(out.len()..).filter(|r| !r.is_empty()) {
            let tiles = self.tiles(rest, passes.images, passes.at_once);
            let one = |tile: &&[Place]| self.tile(model, tile, passes.images, visit);
            // A GPU is spoken to by one thread only.
            let made: Result<Vec<Vec<T>>> =
                if passes.at_once > 1 { tiles.par_iter().map(one).collect() } else { tiles.iter().map(one).collect() };
            match made {
                Ok(made) => out.extend(made.into_iter().flatten()),
                Err(Error::Memory { .. }) if passes.at_once > 1 => passes.at_once /= 2,
                Err(Error::Memory { what, .. }) if passes.images > 1 => {
                    passes.images /= 2;
                    tracing::warn!("{what}; going on with {} images a pass", passes.images);
                }
                Err(error) => return Err(error),
            }
            progress(out.len(), places.len())?;
        }
        Ok(out)
    }

    /// The next passes, `count` of them at most.
    fn tiles<'p>(&self, places: &'p [Place], images: usize, count: usize) -> Vec<&'p [Place]> {
        places.chunks(images.max(1)).take(count).collect()
    }

    /// One pass through the network, padded to `images`.
    fn tile<T: Send>(
        &self,
        model: &dyn Denoiser,
        places: &[Place],
        images: usize,
        visit: &(impl Fn(Place, &[f32], &[f32]) -> T + Sync),
    ) -> Result<Vec<T>> {
        let size = model.shape().numel();
        let mut x = Vec::with_capacity(images * size);
        let mut noises = Vec::with_capacity(places.len());
        let mut timesteps = Vec::with_capacity(images);
        let mut conditions = Vec::with_capacity(images);
        for &(q, p) in places {
            let Some((query, point)) = self.queries.get(q).and_then(|q| Some((q, q.plan.points.get(p)?))) else {
                // Leaving it out would shift all later noises against their places.
                return Err(Error::internal(format!("there is no point {p} of query {q}")));
            };
            let noise = epsilon(self.seed, &query.noise_key, point.t, point.draw, size);
            x.extend(self.schedule.add_noise(&query.sample, &noise, point.t));
            timesteps.push(point.t);
            conditions.push(query.condition);
            noises.push(noise);
        }
        while timesteps.len() < images {
            x.extend_from_within(..size);
            timesteps.push(timesteps.first().copied().unwrap_or(1));
            conditions.push(conditions.first().copied().unwrap_or_default());
        }
        let predicted = model.predict_noise(&x, &timesteps, &conditions)?;
        places
            .iter()
            .zip(noises.iter().zip(predicted.chunks_exact(size)))
            .map(|(&place, (noise, predicted))| {
                if predicted.iter().all(|v| v.is_finite()) {
                    return Ok(visit(place, noise, predicted));
                }
                Err(Error::input(
                    "the model predicts numbers that are not finite",
                    "scoring",
                    "its weights are damaged or its training diverged: use another checkpoint",
                ))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
