//! Batches of noisy images with their targets, sampled by counter: the batch of a step does not depend on where the run
//! was started or resumed.

use std::ops::Range;

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use whence_base::random::normals;
use whence_data::Dataset;
use whence_diffusion::{Condition, NoiseSchedule};
use whence_models::Conditions;

/// Data augmentation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Variation {
    /// Mirror half of the images left to right.
    pub flip: bool,
    /// Amplitude of centred uniform noise, in units of one grey level of 255; dequantises images of few grey levels.
    pub dequantize: f64,
}

/// A training sample `[channels, height, width]`, row-major, in [-1, 1].
pub fn draw_image(dataset: &Dataset, index: usize, variation: Variation, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let mut image: Vec<f32> = dataset.pixels(index).iter().map(|&b| f32::from(b) / 127.5 - 1.0).collect();
    if variation.dequantize > 0.0 {
        let size = (variation.dequantize / 127.5) as f32;
        for v in &mut image {
            *v += (rng.random::<f32>() - 0.5) * size;
        }
    }
    if variation.flip && rng.random::<bool>() {
        for row in image.chunks_mut(dataset.shape().width.max(1)) {
            row.reverse();
        }
    }
    image
}

/// Images with noise at random timesteps, and the network's training targets.
#[derive(Clone, Debug, Default)]
pub struct NoisyBatch {
    /// Noisy images, `[batch, channels, height, width]` row-major.
    pub noisy: Vec<f32>,
    /// Training targets in the model's prediction type (noise, v or sample), of the same shape.
    pub targets: Vec<f32>,
    /// One timestep per image.
    pub timesteps: Vec<usize>,
    /// One condition per sample.
    pub conditions: Vec<Condition>,
}

impl NoisyBatch {
    /// Adds `image` with noise at a random timestep.
    pub fn push(&mut self, image: Vec<f32>, condition: Condition, schedule: &NoiseSchedule, rng: &mut ChaCha8Rng) {
        let t = rng.random_range(0..schedule.len());
        self.push_at(t, image, condition, schedule, rng);
    }

    /// Adds `image` with noise at timestep `t`.
    pub fn push_at(
        &mut self,
        t: usize,
        image: Vec<f32>,
        condition: Condition,
        schedule: &NoiseSchedule,
        rng: &mut ChaCha8Rng,
    ) {
        let noise = normals(rng, image.len());
        self.noisy.extend(schedule.add_noise(&image, &noise, t));
        self.targets.extend(schedule.target(&image, &noise, t));
        self.timesteps.push(t);
        self.conditions.push(condition);
    }

    /// Appends the images of `other`.
    pub fn append(&mut self, other: Self) {
        self.noisy.extend(other.noisy);
        self.targets.extend(other.targets);
        self.timesteps.extend(other.timesteps);
        self.conditions.extend(other.conditions);
    }

    /// The images in a range of indices.
    #[must_use]
    pub fn part(&self, range: &Range<usize>) -> Self {
        let size = self.noisy.len() / self.len().max(1);
        let values = |all: &[f32]| all.get(range.start * size..range.end * size).unwrap_or_default().to_vec();
        Self {
            noisy: values(&self.noisy),
            targets: values(&self.targets),
            timesteps: self.timesteps.get(range.clone()).unwrap_or_default().to_vec(),
            conditions: self.conditions.get(range.clone()).unwrap_or_default().to_vec(),
        }
    }

    /// The conditions in the form of the network's input.
    ///
    /// A batch belongs to one model, so either all of its samples have a condition or none has.
    pub fn network_conditions(&self) -> Conditions {
        let conditions = Condition::batch(&self.conditions);
        debug_assert!(conditions.is_ok(), "a batch of one model has conditions of one kind");
        conditions.unwrap_or_default()
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.timesteps.len()
    }

    /// Whether the batch is empty.
    pub fn is_empty(&self) -> bool {
        self.timesteps.is_empty()
    }
}
