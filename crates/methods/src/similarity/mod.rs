//! Similarity of the query to training images: in pixels, and in the network's own features.

mod bank;
mod csls;
mod feature;
mod pixel;
#[cfg(test)]
mod tests;

pub use bank::FeatureBank;
pub use feature::FeatureSimilarity;
pub use pixel::PixelSimilarity;

use super::aggregate::Aggregation;
use super::method::{Attribution, GroupScore, MethodInfo, Request};

/// The attribution that follows from a score per training image.
fn from_images(
    info: &'static MethodInfo,
    request: &Request<'_>,
    query: &str,
    images: Vec<f64>,
    default: Aggregation,
) -> Attribution {
    let aggregation = request.settings.aggregate.unwrap_or(default);
    let mut scores = Vec::with_capacity(request.groups.len());
    for &group in request.groups {
        let own = request.dataset.indices_of(group).iter().filter_map(|i| images.get(*i).copied());
        scores.push(GroupScore::exact(request.dataset.group_name(group), aggregation.of(own)));
    }
    Attribution { unit: info.unit, images, ..Attribution::new(query, info.name, scores) }
}

/// Cosine of the angle between two vectors; 0 if one of them is zero.
fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let (mut dot, mut aa, mut bb) = (0.0f64, 0.0f64, 0.0f64);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (f64::from(*x), f64::from(*y));
        dot += x * y;
        aa += x * x;
        bb += y * y;
    }
    let lengths = (aa * bb).sqrt();
    if lengths > 0.0 { dot / lengths } else { 0.0 }
}
