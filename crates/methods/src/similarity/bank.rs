//! Features of training images and queries, computed once and cached.

use serde_json::{Value, json};

use crate::artefacts::{Cached, Resolver, Work};
use whence_base::{Error, Result};
use whence_diffusion::{Condition, Denoiser as _};

/// One feature vector per training image and per query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeatureBank {
    /// Of the training images, in the dataset's order.
    pub train: Vec<Vec<f32>>,
    /// Of the queries.
    pub queries: Vec<Vec<f32>>,
}

/// The schedule's length that timesteps are given for.
const STANDARD_LENGTH: usize = 1000;

impl FeatureBank {
    /// The timestep, of 1,000, that images are scaled for.
    pub const TIMESTEP: usize = 50;

    /// Work of computing the features.
    pub(crate) fn work(resolver: &mut Resolver<'_>, timestep: usize) -> Work {
        let inputs = inputs(resolver, timestep);
        let queries = resolver.request.queries.len();
        let train = if resolver.cache.contains(Cached::Features, &inputs) { 0 } else { resolver.request.dataset.len() };
        // Features of the queries alone take less than a second and are not counted.
        let evaluations = if train == 0 { 0 } else { train + queries };
        Work { evaluations, features: evaluations, ..Work::default() }
    }

    /// Features of all training images, from the cache if present, and of the queries.
    pub(crate) fn compute(resolver: &mut Resolver<'_>, timestep: usize) -> Result<Self> {
        let request = resolver.request;
        let inputs = inputs(resolver, timestep);
        let cached = resolver.cache.get(Cached::Features, &inputs);
        let train = match cached.and_then(|bytes| decode(&bytes, request.dataset.len())) {
            Some(train) => train,
            None => {
                let mut images = Vec::with_capacity(request.dataset.len());
                for index in 0..request.dataset.len() {
                    let condition = request.conditions.of_group(request.dataset.group_of(index))?;
                    images.push((request.dataset.pixels(index), condition));
                }
                resolver.report.planned(images.len())?;
                let train = features(resolver, &images, timestep, "features of the training images")?;
                resolver.cache.put(Cached::Features, &inputs, &encode(&train))?;
                train
            }
        };
        Ok(Self { train, queries: Self::of_queries(resolver, timestep)? })
    }

    /// Features of the queries alone.
    pub(crate) fn of_queries(resolver: &mut Resolver<'_>, timestep: usize) -> Result<Vec<Vec<f32>>> {
        let queries = resolver.request.queries.iter();
        let queries: Vec<_> = queries.map(|q| (q.pixels.as_slice(), q.condition)).collect();
        features(resolver, &queries, timestep, "features of the queries")
    }
}

/// Cache inputs of the training images' features.
fn inputs(resolver: &Resolver<'_>, timestep: usize) -> Value {
    let request = &resolver.request;
    json!({
        "feature": "bottleneck",
        "model": request.model.hash(),
        "dataset": request.dataset.hash(),
        "classes": request.conditions.id(),
        "timestep": timestep,
        "device": resolver.cache.device(),
    })
}

/// The output of the middle of the network for sqrt(alpha bar) x, without noise.
fn features(
    resolver: &mut Resolver<'_>,
    images: &[(&[u8], Condition)],
    timestep: usize,
    what: &str,
) -> Result<Vec<Vec<f32>>> {
    let model = resolver.request.model;
    let t = timestep * model.schedule().len() / STANDARD_LENGTH;
    let (signal, _) = model.schedule().signal_and_noise(t);
    let batch = model.passes().images;
    let mut found = Vec::with_capacity(images.len());
    resolver.report.progress(what, 0, images.len())?;
    for part in images.chunks(batch.max(1)) {
        let Some(first) = part.first() else { break };
        let mut x = Vec::with_capacity(batch * model.sample_shape().numel());
        let mut conditions = Vec::with_capacity(batch);
        // Every pass has the same number of images, so that features do not depend on the batch they are in.
        for (pixels, condition) in part.iter().chain(std::iter::repeat_n(first, batch.saturating_sub(part.len()))) {
            x.extend(model.codec().encode(pixels).into_iter().map(|v| (signal * f64::from(v)) as f32));
            conditions.push(*condition);
        }
        let values = model.bottleneck(&x, &vec![t; conditions.len()], &conditions)?;
        let length = values.len() / conditions.len().max(1);
        if values.iter().any(|v| !v.is_finite()) || length == 0 {
            return Err(Error::input(
                "the model's features are not finite",
                "features",
                "its weights are damaged or its training diverged: use another checkpoint",
            ));
        }
        found.extend(values.chunks_exact(length).take(part.len()).map(<[f32]>::to_vec));
        resolver.report.progress(what, found.len(), images.len())?;
    }
    Ok(found)
}

/// Length of a vector, then all values, little-endian.
fn encode(features: &[Vec<f32>]) -> Vec<u8> {
    let length = features.first().map_or(0, Vec::len);
    let mut bytes = Vec::with_capacity(8 + 4 * length * features.len());
    bytes.extend((length as u64).to_le_bytes());
    for value in features.iter().flatten() {
        bytes.extend(value.to_le_bytes());
    }
    bytes
}

/// Reads the bytes of [`encode`] for `count` images; `None` if they do not fit.
fn decode(bytes: &[u8], count: usize) -> Option<Vec<Vec<f32>>> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok().filter(|l| *l > 0)?;
    if rest.len() != length.checked_mul(count)?.checked_mul(4)? {
        return None;
    }
    let values: Vec<f32> = rest.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    Some(values.chunks_exact(length).map(<[f32]>::to_vec).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_survive_the_cache_and_damaged_ones_are_not_used() {
        let features = vec![vec![1.0f32, -2.5], vec![0.25, 1e-9]];
        let bytes = encode(&features);
        assert_eq!(decode(&bytes, 2), Some(features));
        assert_eq!(decode(&bytes, 3), None);
        assert_eq!(decode(&bytes[..bytes.len() - 1], 2), None);
        let mut long = bytes;
        long[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(decode(&long, 2), None, "a length that the file claims is not trusted");
    }
}
