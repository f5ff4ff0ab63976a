//! Pictures drawn from a model, one seed each.

use super::denoiser::Denoiser;
use super::model::Model;
use super::samplers::{Sampler, SamplerKind};
use crate::elbo::noise::{normals, stream};
use crate::error::Result;

/// Called after each step with the step, the number of steps and the pictures predicted at this step.
pub type Preview<'a> = &'a mut dyn FnMut(usize, usize, &[f32]) -> Result<()>;

/// Draws one picture a seed; the same seed gives the same picture in any batch.
///
/// Returns the pictures in [-1, 1], row-major, one after another. An error from `preview` stops the
/// sampling.
///
/// # Errors
/// Bad settings, a failing device, or the preview's own.
pub fn generate(
    model: &Model,
    kind: SamplerKind,
    steps: usize,
    seeds: &[u64],
    class: Option<usize>,
    preview: Preview<'_>,
) -> Result<Vec<f32>> {
    model.check_class(class)?;
    let sampler = Sampler::new(kind, &model.scheduler, steps)?;
    let size = model.shape().numel();
    let noise = |counter: u64| -> Vec<f32> {
        seeds.iter().flat_map(|&seed| normals(&mut stream("whence 2026 sample", seed, b"", counter), size)).collect()
    };
    let mut x = noise(0);
    for (index, &t) in sampler.timesteps().iter().enumerate() {
        let predicted = model.predict_noise(&x, &vec![t; seeds.len()], class)?;
        let fresh = if sampler.needs_noise() { noise(1 + index as u64) } else { Vec::new() };
        let picture = sampler.step(index, &mut x, &predicted, &fresh);
        preview(index + 1, sampler.timesteps().len(), &picture)?;
    }
    Ok(x)
}

/// Bytes of a picture in [-1, 1], rounded and clamped.
pub fn to_bytes(picture: &[f32]) -> Vec<u8> {
    picture.iter().map(|v| ((v * 0.5 + 0.5) * 255.0).round().clamp(0.0, 255.0) as u8).collect()
}

/// A picture in [-1, 1] from bytes.
pub fn from_bytes(bytes: &[u8]) -> Vec<f32> {
    bytes.iter().map(|&b| f32::from(b) / 127.5 - 1.0).collect()
}
