//! Distance between the pixels of the query and of each training image.

use rayon::prelude::*;

use super::csls::csls;
use super::from_images;
use crate::aggregate::Aggregation;
use crate::artefacts::Artefacts;
use crate::method::{Attribution, Exactness, Method, MethodInfo, Request, Scope, Unit};
use whence_base::{Error, Result};

/// Similarity of pixels: the Euclidean distance of images scaled to [-1, 1], with a minus sign.
pub struct PixelSimilarity;

static INFO: MethodInfo = MethodInfo {
    name: "pixel-similarity",
    title: "Pixel similarity",
    description: "how near each group's training images are to the image, pixel by pixel; not a cause",
    caption: "Similarity of pixels with the nearest training images, no network",
    unit: Unit::NegativeDistance,
    scope: Scope::Images,
    exactness: Exactness::Exact,
    artefacts: &[],
    revision: 1,
};

impl Method for PixelSimilarity {
    fn info(&self) -> &'static MethodInfo {
        &INFO
    }

    fn score(&self, request: &Request<'_>, _: &Artefacts) -> Result<Vec<Attribution>> {
        let Request { model, dataset, queries, settings, .. } = *request;
        let codec = model.codec();
        let mut attributions = Vec::with_capacity(queries.len());
        if settings.csls {
            // The correction is defined on cosines.
            let train: Vec<Vec<f32>> = (0..dataset.len()).map(|i| codec.encode(dataset.pixels(i))).collect();
            let queries_encoded: Vec<Vec<f32>> = queries.iter().map(|q| codec.encode(&q.pixels)).collect();
            for (query, scores) in queries.iter().zip(csls(&train, &queries_encoded)) {
                let mut attribution = from_images(&INFO, request, &query.name, scores, Aggregation::Top10);
                attribution.unit = Unit::Cosine;
                attributions.push(attribution);
            }
            return Ok(attributions);
        }
        let encoded: Vec<Vec<f32>> = queries.iter().map(|query| codec.encode(&query.pixels)).collect();
        // Each training image is encoded once for all queries.
        let distances: Vec<Vec<f64>> = (0..dataset.len())
            .into_par_iter()
            .map(|i| {
                let other = codec.encode(dataset.pixels(i));
                encoded.iter().map(|image| distance(image, &other)).collect()
            })
            .collect();
        for (number, query) in queries.iter().enumerate() {
            let scores: Vec<f64> = distances.iter().filter_map(|all| all.get(number)).map(|d| -d).collect();
            if scores.iter().any(|s| !s.is_finite()) {
                return Err(Error::internal("a distance is not finite"));
            }
            attributions.push(from_images(&INFO, request, &query.name, scores, Aggregation::Top10));
        }
        Ok(attributions)
    }
}

/// Euclidean distance, summed in 64 bits.
fn distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt()
}

/// Cosines of the query's pixels with every training image's, for tests.
#[cfg(test)]
pub(super) fn cosines(query: &[f32], train: &[Vec<f32>]) -> Vec<f64> {
    train.iter().map(|t| super::cosine(query, t)).collect()
}
