//! Image generation: one image per seed.

use serde::{Deserialize, Serialize};

use super::conditioner::Condition;
use super::pipeline::Pipeline;
use super::samplers::{Sampler, SamplerKind};
use whence_base::random::{normals, stream};
use whence_base::{Error, Result};

/// Sampling settings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SampleSettings {
    /// Sampling algorithm.
    pub sampler: SamplerKind,
    /// Number of sampling steps, at least 1.
    pub steps: usize,
    /// DDIM's eta, 0 or more: 0 is deterministic, 1 adds the variance of DDPM at each step.
    pub eta: f64,
    /// Class label for class-conditional models.
    pub class: Option<usize>,
}

impl Default for SampleSettings {
    fn default() -> Self {
        Self { sampler: SamplerKind::Ddim, steps: 50, eta: 0.0, class: None }
    }
}

impl SampleSettings {
    /// One line for people: `DDIM, 50 steps`.
    pub fn about(&self) -> String {
        let eta = if self.sampler == SamplerKind::Ddim && self.eta > 0.0 {
            format!(" at eta {}", self.eta)
        } else {
            String::new()
        };
        format!("{}{eta}, {} steps", self.sampler.title(), self.steps)
    }
}

/// Called after each step with the number of completed steps, the total number of steps, and the images predicted at
/// this step, `[batch, channels, height, width]` in [-1, 1].
pub type Preview<'a> = &'a mut dyn FnMut(usize, usize, &[f32]) -> Result<()>;

/// Standard normal noise of the image of `seed`, `size` values: the initial noise at step 0, and the noise added by the
/// ancestral steps 1, 2, ...
pub fn noise_of(seed: u64, step: usize, size: usize) -> Vec<f32> {
    normals(&mut stream("whence 2026 sample", seed, b"", step as u64), size)
}

/// Generates one image per seed. The image of a seed does not depend on the batch it is generated in.
///
/// Returns samples `[seeds, channels, height, width]`, row-major, nominally in [-1, 1]. An error from `preview` stops
/// the sampling.
///
/// # Errors
/// Invalid settings, a failing device, values that are not finite, and errors of `preview`.
pub fn generate(model: &Pipeline, sampling: &SampleSettings, seeds: &[u64], preview: Preview<'_>) -> Result<Vec<f32>> {
    let size = model.sample_shape().numel();
    let noise = seeds.iter().flat_map(|&seed| noise_of(seed, 0, size)).collect();
    denoise(model, sampling, seeds, noise, 0, preview)
}

/// Starting point of a regeneration.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
    /// The initial noise of a seed; all steps are run.
    Noise {
        /// The seed.
        seed: u64,
    },
    /// The image with noise added up to the middle timestep; the second half of the steps is run (SDEdit, Meng et al.
    /// 2022).
    Image {
        /// Planar bytes `[channels, height, width]`.
        pixels: &'a [u8],
        /// Seed of the noise.
        seed: u64,
    },
}

/// Regenerates an image with another model, from the same noise. Returns one sample `[channels, height, width]`.
///
/// # Errors
/// As [`generate`].
pub fn regenerate(
    model: &Pipeline,
    sampling: &SampleSettings,
    start: Start<'_>,
    preview: Preview<'_>,
) -> Result<Vec<f32>> {
    let size = model.sample_shape().numel();
    match start {
        Start::Noise { seed } => generate(model, sampling, &[seed], preview),
        Start::Image { pixels, seed } => {
            let skipped = sampling.steps / 2;
            let sampler = Sampler::new(sampling.sampler, model.scheduler(), sampling.steps, sampling.eta)?;
            let Some(&t) = sampler.timesteps().get(skipped) else { return Ok(model.codec().encode(pixels)) };
            let noisy = model.schedule().add_noise(&model.codec().encode(pixels), &noise_of(seed, 0, size), t);
            denoise(model, sampling, &[seed], noisy, skipped, preview)
        }
    }
}

/// Runs the sampling steps from index `first` to the end on the noisy samples `x`, `[seeds, channels, height, width]`.
fn denoise(
    model: &Pipeline,
    sampling: &SampleSettings,
    seeds: &[u64],
    mut x: Vec<f32>,
    first: usize,
    preview: Preview<'_>,
) -> Result<Vec<f32>> {
    let condition = Condition::of_class(sampling.class);
    model.conditioner().check(condition)?;
    let mut sampler = Sampler::new(sampling.sampler, model.scheduler(), sampling.steps, sampling.eta)?;
    let size = model.sample_shape().numel();
    let noise = |step: usize| -> Vec<f32> { seeds.iter().flat_map(|&seed| noise_of(seed, step, size)).collect() };
    for (index, t) in sampler.timesteps().to_vec().into_iter().enumerate().skip(first) {
        let output = model.output(&x, &vec![t; seeds.len()], &vec![condition; seeds.len()])?;
        let step_noise = if sampler.needs_noise() { noise(1 + index) } else { Vec::new() };
        let image = sampler.step(index, &mut x, &output, &step_noise);
        preview(index + 1, sampling.steps, &image)?;
    }
    // Rounded to bytes, NaN would be a black image.
    if x.iter().any(|value| !value.is_finite()) {
        return Err(Error::input(
            "the model gives values that are not finite, so there is no image",
            "model weights",
            "the weights are damaged, or their training diverged: use an earlier copy or checkpoint",
        ));
    }
    Ok(x)
}
