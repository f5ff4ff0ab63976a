//! Noisy pictures with their targets, drawn by counter: step s of a run is the same however the run got there.

use std::ops::Range;

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use whence_base::random::normals;
use whence_data::Dataset;
use whence_diffusion::{Model, NoiseSchedule};

/// How pictures are varied when they are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Variation {
    /// Mirror half of the pictures left to right.
    pub flip: bool,
    /// Uniform noise in units of one grey level of 255, centred; spreads pictures of few grey levels.
    pub dequantize: f64,
}

/// A picture drawn for training: [-1, 1], row-major.
pub fn draw_picture(dataset: &Dataset, index: usize, variation: Variation, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let mut picture: Vec<f32> = dataset.pixels(index).iter().map(|&b| f32::from(b) / 127.5 - 1.0).collect();
    if variation.dequantize > 0.0 {
        let size = (variation.dequantize / 127.5) as f32;
        for v in &mut picture {
            *v += (rng.random::<f32>() - 0.5) * size;
        }
    }
    if variation.flip && rng.random::<bool>() {
        for row in picture.chunks_mut(dataset.shape().width.max(1)) {
            row.reverse();
        }
    }
    picture
}

/// Pictures, noisy at random timesteps, and what the network should say of them.
#[derive(Clone, Debug, Default)]
pub struct NoisyBatch {
    /// Noisy pictures.
    pub noisy: Vec<f32>,
    /// The network's targets, in its own terms.
    pub targets: Vec<f32>,
    /// One timestep a picture.
    pub timesteps: Vec<usize>,
    /// One class label a picture, for class-conditional models.
    pub classes: Option<Vec<usize>>,
}

impl NoisyBatch {
    /// Makes `picture` noisy at a random timestep and adds it.
    pub fn push(&mut self, picture: Vec<f32>, class: Option<usize>, schedule: &NoiseSchedule, rng: &mut ChaCha8Rng) {
        let t = rng.random_range(0..schedule.len());
        self.push_at(t, picture, class, schedule, rng);
    }

    /// Makes `picture` noisy at timestep `t` and adds it.
    pub fn push_at(
        &mut self,
        t: usize,
        picture: Vec<f32>,
        class: Option<usize>,
        schedule: &NoiseSchedule,
        rng: &mut ChaCha8Rng,
    ) {
        let noise = normals(rng, picture.len());
        self.noisy.extend(schedule.add_noise(&picture, &noise, t));
        self.targets.extend(schedule.target(&picture, &noise, t));
        self.timesteps.push(t);
        if let Some(class) = class {
            self.classes.get_or_insert_default().push(class);
        }
    }

    /// Adds the places of `other` behind one's own.
    pub fn append(&mut self, other: Self) {
        self.noisy.extend(other.noisy);
        self.targets.extend(other.targets);
        self.timesteps.extend(other.timesteps);
        if let Some(classes) = other.classes {
            self.classes.get_or_insert_default().extend(classes);
        }
    }

    /// Some of the pictures, by their places.
    #[must_use]
    pub fn part(&self, places: &Range<usize>) -> Self {
        let size = self.noisy.len() / self.len().max(1);
        let values = |all: &[f32]| all.get(places.start * size..places.end * size).unwrap_or_default().to_vec();
        Self {
            noisy: values(&self.noisy),
            targets: values(&self.targets),
            timesteps: self.timesteps.get(places.clone()).unwrap_or_default().to_vec(),
            classes: self.classes.as_ref().map(|c| c.get(places.clone()).unwrap_or_default().to_vec()),
        }
    }

    /// Number of pictures.
    pub fn len(&self) -> usize {
        self.timesteps.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.timesteps.is_empty()
    }
}

/// The class label that a class-conditional model gives a group: the group's own number, where there are as many
/// classes as groups or more.
pub fn class_of_group(model: &Model, group: Option<usize>) -> Option<usize> {
    let classes = model.classes()?;
    Some(group.unwrap_or(0).min(classes - 1))
}
