//! Images drawn from a model, one seed each.

use serde::{Deserialize, Serialize};

use super::conditioner::Condition;
use super::pipeline::Pipeline;
use super::samplers::{Sampler, SamplerKind};
use whence_base::random::{normals, stream};
use whence_base::{Error, Result};

/// How images are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SampleSettings {
    /// Sampler.
    pub sampler: SamplerKind,
    /// Its steps.
    pub steps: usize,
    /// Share of DDPM's variance that DDIM adds at each step: 0 none, 1 all.
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

/// Called after each step with the step, the number of steps and the images predicted at this step.
pub type Preview<'a> = &'a mut dyn FnMut(usize, usize, &[f32]) -> Result<()>;

/// Standard normal noise of a seed's image: the start at step 0, and what ancestral steps add at 1, 2, ...
pub fn noise_of(seed: u64, step: usize, size: usize) -> Vec<f32> {
    normals(&mut stream("whence 2026 sample", seed, b"", step as u64), size)
}

/// Draws one image a seed; the same seed gives the same image in any batch.
///
/// Returns the images in [-1, 1], row-major, one after another. An error from `preview` stops the
/// sampling.
///
/// # Errors
/// Bad settings, a failing device, or the preview's own.
pub fn generate(model: &Pipeline, draw: &SampleSettings, seeds: &[u64], preview: Preview<'_>) -> Result<Vec<f32>> {
    let size = model.sample_shape().numel();
    let noise = seeds.iter().flat_map(|&seed| noise_of(seed, 0, size)).collect();
    denoise(model, draw, seeds, noise, 0, preview)
}

/// What an image is drawn again from.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
    /// The noise of its seed: all steps are taken.
    Noise {
        /// The seed.
        seed: u64,
    },
    /// The image itself under noise, as much as there is half way: the second half of the steps is taken (SDEdit, Meng et
    /// al. 2022).
    Image {
        /// Planar bytes.
        pixels: &'a [u8],
        /// Seed of the noise.
        seed: u64,
    },
}

/// Draws an image again, by another model than its own.
///
/// # Errors
/// As [`generate`].
pub fn regenerate(model: &Pipeline, draw: &SampleSettings, start: Start<'_>, preview: Preview<'_>) -> Result<Vec<f32>> {
    let size = model.sample_shape().numel();
    match start {
        Start::Noise { seed } => generate(model, draw, &[seed], preview),
        Start::Image { pixels, seed } => {
            let skipped = draw.steps / 2;
            let sampler = Sampler::new(draw.sampler, model.scheduler(), draw.steps, draw.eta)?;
            let Some(&t) = sampler.timesteps().get(skipped) else { return Ok(model.codec().encode(pixels)) };
            let noisy = model.schedule().add_noise(&model.codec().encode(pixels), &noise_of(seed, 0, size), t);
            denoise(model, draw, &[seed], noisy, skipped, preview)
        }
    }
}

/// Takes the steps from the `first` on.
fn denoise(
    model: &Pipeline,
    draw: &SampleSettings,
    seeds: &[u64],
    mut x: Vec<f32>,
    first: usize,
    preview: Preview<'_>,
) -> Result<Vec<f32>> {
    let condition = Condition::of_class(draw.class);
    model.conditioner().check(condition)?;
    let mut sampler = Sampler::new(draw.sampler, model.scheduler(), draw.steps, draw.eta)?;
    let size = model.sample_shape().numel();
    let noise = |step: usize| -> Vec<f32> { seeds.iter().flat_map(|&seed| noise_of(seed, step, size)).collect() };
    for (index, t) in sampler.timesteps().to_vec().into_iter().enumerate().skip(first) {
        let output = model.output(&x, &vec![t; seeds.len()], &vec![condition; seeds.len()])?;
        let fresh = if sampler.needs_noise() { noise(1 + index) } else { Vec::new() };
        let image = sampler.step(index, &mut x, &output, &fresh);
        preview(index + 1, draw.steps, &image)?;
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
