//! Noisy images with their targets, drawn by counter: step s of a run is the same however the run got there.

use std::ops::Range;

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use whence_base::random::normals;
use whence_data::Dataset;
use whence_diffusion::{Condition, NoiseSchedule};
use whence_models::Conditions;

/// How images are varied when they are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Variation {
    /// Mirror half of the images left to right.
    pub flip: bool,
    /// Uniform noise in units of one grey level of 255, centred; spreads images of few grey levels.
    pub dequantize: f64,
}

/// An image drawn for training: [-1, 1], row-major.
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

/// Images, noisy at random timesteps, and what the network should say of them.
#[derive(Clone, Debug, Default)]
pub struct NoisyBatch {
    /// Noisy images.
    pub noisy: Vec<f32>,
    /// The network's targets, in its own terms.
    pub targets: Vec<f32>,
    /// One timestep an image.
    pub timesteps: Vec<usize>,
    /// One condition per sample.
    pub conditions: Vec<Condition>,
}

impl NoisyBatch {
    /// Makes `image` noisy at a random timestep and adds it.
    pub fn push(&mut self, image: Vec<f32>, condition: Condition, schedule: &NoiseSchedule, rng: &mut ChaCha8Rng) {
        let t = rng.random_range(0..schedule.len());
        self.push_at(t, image, condition, schedule, rng);
    }

    /// Makes `image` noisy at timestep `t` and adds it.
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

    /// Adds the places of `other` behind one's own.
    pub fn append(&mut self, other: Self) {
        self.noisy.extend(other.noisy);
        self.targets.extend(other.targets);
        self.timesteps.extend(other.timesteps);
        self.conditions.extend(other.conditions);
    }

    /// Some of the images, by their places.
    #[must_use]
    pub fn part(&self, places: &Range<usize>) -> Self {
        let size = self.noisy.len() / self.len().max(1);
        let values = |all: &[f32]| all.get(places.start * size..places.end * size).unwrap_or_default().to_vec();
        Self {
            noisy: values(&self.noisy),
            targets: values(&self.targets),
            timesteps: self.timesteps.get(places.clone()).unwrap_or_default().to_vec(),
            conditions: self.conditions.get(places.clone()).unwrap_or_default().to_vec(),
        }
    }

    /// The conditions as the network takes them.
    ///
    /// A batch is of one model, so that all of its samples have a condition or none has one.
    pub fn network_conditions(&self) -> Conditions {
        let conditions = Condition::batch(&self.conditions);
        debug_assert!(conditions.is_ok(), "a batch of one model has conditions of one kind");
        conditions.unwrap_or_default()
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.timesteps.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.timesteps.is_empty()
    }
}
