//! The inputs of the methods, and the resolver that computes missing ones: from cached terms, features and fits first,
//! then by counterfactual models and network passes. The estimated cost of a job is the sum over missing artefacts.

use std::sync::Arc;

use serde_json::{Value, json};

use super::gaussian::GaussianLeaveOut;
use super::method::{Attribution, CounterfactualKind, GroupScore, Method, Query, Request};
use super::paired;
use super::report::Report;
use super::similarity::FeatureBank;
use whence_base::{Error, Result};
use whence_diffusion::Pipeline;
use whence_diffusion::elbo::TermTable;

/// Something that must be computed before a method can score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Artefact {
    /// ELBO terms of every query under the full model and under the model without each group.
    Terms(CounterfactualKind),
    /// Gaussians fitted to the training images with and without each group.
    GaussianFit,
    /// Features of the training images and the queries: the output of the middle of the network for the image without
    /// noise, scaled as at this timestep.
    Bottleneck {
        /// The timestep, of 1,000; scaled to other lengths of the schedule.
        timestep: usize,
    },
}

/// The artefacts passed to a method.
#[derive(Default)]
pub struct Artefacts {
    terms: Option<Vec<Vec<GroupScore>>>,
    gaussian: Option<Arc<GaussianLeaveOut>>,
    features: Option<FeatureBank>,
}

impl Artefacts {
    /// The scores that follow from the terms, per query and group.
    ///
    /// # Errors
    /// An internal fault if the method did not request them.
    pub fn terms(&self) -> Result<&[Vec<GroupScore>]> {
        self.terms.as_deref().ok_or_else(|| missing("terms"))
    }

    /// The fitted Gaussians.
    ///
    /// # Errors
    /// As [`terms`](Self::terms).
    pub fn gaussian(&self) -> Result<&GaussianLeaveOut> {
        self.gaussian.as_deref().ok_or_else(|| missing("closed form"))
    }

    /// Features of the training images and the queries.
    ///
    /// # Errors
    /// As [`terms`](Self::terms).
    pub fn features(&self) -> Result<&FeatureBank> {
        self.features.as_ref().ok_or_else(|| missing("features"))
    }

    /// Artefacts with these features, for methods that need nothing else.
    pub fn with_features(features: FeatureBank) -> Self {
        Self { features: Some(features), ..Self::default() }
    }
}

fn missing(what: &str) -> Error {
    Error::internal(format!("the {what} were not computed"))
}

/// Where counterfactual models come from: unlearned on demand, cached, or imported.
pub trait Counterfactuals {
    /// The model without this group.
    ///
    /// # Errors
    /// If it is missing and cannot be created.
    fn without(&mut self, group: usize, report: &mut dyn Report) -> Result<Pipeline>;

    /// Identity of the weights of the model without this group: equal identities mean equal weights. `None` if the
    /// model does not exist yet.
    ///
    /// # Errors
    /// If an existing model cannot be read.
    fn identity(&mut self, group: usize) -> Result<Option<String>>;

    /// Name of the group.
    fn name(&self, group: usize) -> String;

    /// Whether the model without this group exists already.
    fn is_ready(&self, group: usize) -> bool;
}

/// Kinds of small cached results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cached {
    /// Features of all training images.
    Features,
    /// Scores of one query by a method that needs no terms.
    Scores,
}

/// Cache of artefacts between runs, keyed by their inputs.
pub trait ArtefactCache {
    /// The cached terms of a query under the full model and the model of this [identity](Counterfactuals::identity).
    fn terms(&mut self, query: &Query, other: &str) -> TermTable;

    /// Caches terms.
    ///
    /// # Errors
    /// If they cannot be written.
    fn save_terms(&mut self, query: &Query, other: &str, table: &TermTable) -> Result<()>;

    /// Identity of the device that computes: the last bits of results depend on it.
    fn device(&self) -> String;

    /// Whether a result for these inputs is cached.
    fn contains(&self, kind: Cached, inputs: &Value) -> bool;

    /// The cached result for these inputs.
    fn get(&mut self, kind: Cached, inputs: &Value) -> Option<Vec<u8>>;

    /// Caches the result for these inputs.
    ///
    /// # Errors
    /// If it cannot be written.
    fn put(&mut self, kind: Cached, inputs: &Value, content: &[u8]) -> Result<()>;

    /// The fit of the dataset with this hash, if it is in memory.
    fn gaussian(&mut self, dataset: &str) -> Option<Arc<GaussianLeaveOut>>;

    /// Stores a fit in memory.
    fn save_gaussian(&mut self, dataset: &str, fit: &Arc<GaussianLeaveOut>);
}

/// Work still to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Total number of network evaluations.
    pub evaluations: usize,
    /// Of these, the number that end in the middle of the network: features.
    pub features: usize,
    /// Number of points at which the full model is evaluated.
    pub points: usize,
    /// Number of training images that a closed form is fitted to.
    pub fitted_images: usize,
}

impl std::ops::AddAssign for Work {
    fn add_assign(&mut self, other: Self) {
        self.evaluations += other.evaluations;
        self.features += other.features;
        self.points += other.points;
        self.fitted_images += other.fitted_images;
    }
}

/// Computes the artefacts of a request.
pub struct Resolver<'a> {
    /// What is scored.
    pub request: Request<'a>,
    /// Source of the models without a group.
    pub counterfactuals: &'a mut dyn Counterfactuals,
    /// Cache of artefacts.
    pub cache: &'a mut dyn ArtefactCache,
    /// Receiver of progress.
    pub report: &'a mut dyn Report,
}

impl Resolver<'_> {
    /// Upper bound on the work of scoring by this method; none if everything is cached. Creates no model.
    ///
    /// # Errors
    /// Those of the counterfactual models' identities, and timesteps that the model does not have.
    pub fn work(&mut self, method: &dyn Method) -> Result<Work> {
        if self.cached_scores(method).is_some() {
            return Ok(Work::default());
        }
        let mut work = Work::default();
        for artefact in method.info().artefacts {
            work += match artefact {
                Artefact::Terms(_) => paired::work(self)?,
                Artefact::GaussianFit => Work { fitted_images: self.missing_fit(), ..Work::default() },
                Artefact::Bottleneck { timestep } => FeatureBank::work(self, *timestep),
            };
        }
        Ok(work)
    }

    /// Computes missing artefacts and scores all queries.
    ///
    /// # Errors
    /// Those of models, devices, the cache and reports.
    pub fn attribute(&mut self, method: &dyn Method) -> Result<Vec<Attribution>> {
        for query in self.request.queries {
            self.request.model.conditioner().check(query.condition)?;
        }
        if let Some(cached) = self.cached_scores(method) {
            return Ok(cached);
        }
        let mut artefacts = Artefacts::default();
        for artefact in method.info().artefacts {
            match artefact {
                Artefact::Terms(_) => artefacts.terms = Some(paired::evaluate(self)?),
                Artefact::GaussianFit => artefacts.gaussian = Some(self.gaussian()?),
                Artefact::Bottleneck { timestep } => artefacts.features = Some(FeatureBank::compute(self, *timestep)?),
            }
        }
        let attributions = method.score(&self.request, &artefacts)?;
        self.cache_scores(method, &attributions)?;
        Ok(attributions)
    }

    /// Features of the training images and the queries, from the cache if present.
    ///
    /// # Errors
    /// Those of the model, the cache and reports.
    pub fn features(&mut self) -> Result<FeatureBank> {
        FeatureBank::compute(self, FeatureBank::TIMESTEP)
    }

    /// Features of the queries alone.
    ///
    /// # Errors
    /// As [`features`](Self::features).
    pub fn query_features(&mut self) -> Result<Vec<Vec<f32>>> {
        FeatureBank::of_queries(self, FeatureBank::TIMESTEP)
    }

    /// The work of [`features`](Self::features).
    pub fn features_work(&mut self) -> Work {
        FeatureBank::work(self, FeatureBank::TIMESTEP)
    }

    fn missing_fit(&mut self) -> usize {
        let dataset = self.request.dataset;
        if self.cache.gaussian(dataset.hash()).is_some() { 0 } else { dataset.len() }
    }

    /// The Gaussian leave-out fit of the dataset, fitted once.
    ///
    /// # Errors
    /// Those of [`GaussianLeaveOut::fit`].
    pub fn gaussian(&mut self) -> Result<Arc<GaussianLeaveOut>> {
        let dataset = self.request.dataset;
        if let Some(fit) = self.cache.gaussian(dataset.hash()) {
            return Ok(fit);
        }
        let report = &mut *self.report;
        let fit = GaussianLeaveOut::fit(dataset, &mut |done, total| report.within("closed form", done, total))?;
        let fit = Arc::new(fit);
        self.cache.save_gaussian(dataset.hash(), &fit);
        Ok(fit)
    }

    /// Cache inputs of the scores of a query by a method without terms. Terms are cached separately.
    fn score_inputs(&self, method: &dyn Method, query: &Query) -> Option<Value> {
        let Request { model, dataset, groups, settings, .. } = self.request;
        let info = method.info();
        // Scores of images are not cached: they are many and follow quickly from the cached features.
        if method.counterfactuals().is_some() || info.scope == super::method::Scope::Images {
            return None;
        }
        Some(json!({
            "method": info.name,
            "revision": info.revision,
            "process": model.hashes().process,
            "dataset": dataset.hash(),
            "groups": groups,
            "query": query.pixels_hash(),
            "timesteps": settings.timesteps,
        }))
    }

    fn cached_scores(&mut self, method: &dyn Method) -> Option<Vec<Attribution>> {
        let queries = self.request.queries;
        let mut found = Vec::with_capacity(queries.len());
        for query in queries {
            let inputs = self.score_inputs(method, query)?;
            let bytes = self.cache.get(Cached::Scores, &inputs)?;
            let cached: Attribution = serde_json::from_slice(&bytes).ok()?;
            found.push(Attribution { query: query.name.clone(), ..cached });
        }
        Some(found)
    }

    fn cache_scores(&mut self, method: &dyn Method, attributions: &[Attribution]) -> Result<()> {
        for (query, attribution) in self.request.queries.iter().zip(attributions) {
            let Some(inputs) = self.score_inputs(method, query) else { continue };
            let bytes = serde_json::to_vec(attribution).map_err(|e| Error::internal(e.to_string()))?;
            self.cache.put(Cached::Scores, &inputs, &bytes)?;
        }
        Ok(())
    }
}
