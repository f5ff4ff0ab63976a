//! Cosine between the network's own features of the query and of each training image.

use rayon::prelude::*;

use super::bank::FeatureBank;
use super::csls::csls;
use super::{cosine, from_images};
use crate::aggregate::Aggregation;
use crate::artefacts::{Artefact, Artefacts};
use crate::method::{Attribution, Exactness, Method, MethodInfo, Request, Scope, Unit};
use whence_base::{Error, Result};

/// Similarity of features from the middle of the denoising network.
pub struct FeatureSimilarity;

static INFO: MethodInfo = MethodInfo {
    name: "feature-similarity",
    title: "Feature similarity",
    description: "how alike the network's own features of each group's training images and of the image are; not a cause",
    caption: "Similarity of bottleneck features with the nearest training images",
    unit: Unit::Cosine,
    scope: Scope::Images,
    exactness: Exactness::Exact,
    artefacts: &[Artefact::Bottleneck { timestep: FeatureBank::TIMESTEP }],
    revision: 1,
};

impl Method for FeatureSimilarity {
    fn info(&self) -> &'static MethodInfo {
        &INFO
    }

    fn score(&self, request: &Request<'_>, artefacts: &Artefacts) -> Result<Vec<Attribution>> {
        let bank = artefacts.features()?;
        let all: Vec<Vec<f64>> = if request.settings.csls {
            csls(&bank.train, &bank.queries)
        } else {
            bank.queries.iter().map(|q| bank.train.par_iter().map(|t| cosine(q, t)).collect()).collect()
        };
        if all.len() != request.queries.len() {
            return Err(Error::internal("features of a query are missing"));
        }
        let queries = request.queries.iter().zip(all);
        Ok(queries.map(|(q, scores)| from_images(&INFO, request, &q.name, scores, Aggregation::Top10)).collect())
    }
}
