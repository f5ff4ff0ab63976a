//! Cross-domain similarity local scaling (Conneau et al. 2018, section 2.3): some images (hubs) are near to
//! all others; similarities to them are reduced by their mean similarity to their neighbours.

use rayon::prelude::*;

use super::cosine;

/// Number of neighbours over which an image's mean cosine is taken.
const NEIGHBOURS: usize = 10;

/// Maximum number of training images searched for neighbours, evenly spaced over the dataset.
const REFERENCES: usize = 2048;

/// 2 cos(q, x) - r(q) - r(x) for every query and training image, where r is the mean cosine with the ten nearest
/// training images, excluding the image itself.
pub(super) fn csls(train: &[Vec<f32>], queries: &[Vec<f32>]) -> Vec<Vec<f64>> {
    let stride = train.len().div_ceil(REFERENCES).max(1);
    let references: Vec<usize> = (0..train.len()).step_by(stride).collect();
    let mean_nearest = |vector: &[f32], own: Option<usize>| {
        let others = references.iter().filter(|r| Some(**r) != own).filter_map(|r| train.get(*r));
        let mut cosines: Vec<f64> = others.map(|t| cosine(vector, t)).collect();
        cosines.sort_by(|a, b| b.total_cmp(a));
        cosines.truncate(NEIGHBOURS);
        if cosines.is_empty() { 0.0 } else { cosines.iter().sum::<f64>() / cosines.len() as f64 }
    };
    let of_train: Vec<f64> = train.par_iter().enumerate().map(|(i, t)| mean_nearest(t, Some(i))).collect();
    let scores = |query: &Vec<f32>| {
        let own = mean_nearest(query, None);
        train.par_iter().zip(&of_train).map(|(t, r)| 2.0 * cosine(query, t) - own - r).collect()
    };
    queries.iter().map(scores).collect()
}
