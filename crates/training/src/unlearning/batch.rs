//! The images of an unlearning step.

use std::ops::Range;

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::recipe::Recipe;
use super::retrack::posterior_mean;
use super::split::Split;
use crate::batch::{NoisyBatch, Variation, draw_image};
use whence_base::Result;
use whence_base::random::stream;
use whence_data::{Dataset, nearest_among};
use whence_diffusion::{GroupConditions, Pipeline};

/// Samples the batches of a run, each by its step counter.
pub struct Batches<'a> {
    pub model: &'a Pipeline,
    pub dataset: &'a Dataset,
    pub conditions: &'a GroupConditions,
    pub recipe: &'a Recipe,
    pub split: &'a Split,
    /// Name of the images to forget.
    pub name: &'a str,
    /// The nearest images to retain, for each image to forget; empty if the objective needs none.
    pub neighbours: Vec<Vec<usize>>,
}

/// The images to retain nearest to each image to forget.
pub fn neighbours_of(dataset: &Dataset, split: &Split, count: usize) -> Vec<Vec<usize>> {
    let near = |&image: &usize| nearest_among(dataset, dataset.pixels(image), &split.retain, count);
    split.forget.iter().map(|image| near(image).into_iter().map(|n| n.index).collect()).collect()
}

/// The images of one step: as many to forget as to retain.
pub struct Batch {
    pub forget: NoisyBatch,
    pub retain: NoisyBatch,
    /// Targets from the neighbours for the images to forget, of the shape of their targets; empty if the objective does
    /// not need them.
    pub neighbour_targets: Vec<f32>,
}

impl Batch {
    /// The same range of both halves, the images to forget first, with their neighbour targets.
    pub fn part(&self, range: &Range<usize>) -> (NoisyBatch, Vec<f32>) {
        let size = self.neighbour_targets.len() / self.forget.len().max(1);
        let near = self.neighbour_targets.get(range.start * size..range.end * size).unwrap_or_default();
        let mut both = self.forget.part(range);
        both.append(self.retain.part(range));
        (both, near.to_vec())
    }
}

impl Batches<'_> {
    /// The batch of step `step`, counted from 0.
    ///
    /// # Errors
    /// An internal fault if an image belongs to no group.
    pub fn sample(&self, step: usize) -> Result<Batch> {
        let mut rng = stream("whence 2026 unlearning", self.recipe.seed, self.name.as_bytes(), step as u64);
        let mut batch =
            Batch { forget: NoisyBatch::default(), retain: NoisyBatch::default(), neighbour_targets: Vec::new() };
        for _ in 0..self.recipe.batch {
            let position = self.push(&mut batch.forget, &self.split.forget, &mut rng)?;
            if let Some(near) = self.neighbours.get(position).filter(|n| !n.is_empty()) {
                batch.neighbour_targets.extend(self.neighbour_target(&batch.forget, near));
            }
        }
        for _ in 0..self.recipe.batch {
            self.push(&mut batch.retain, &self.split.retain, &mut rng)?;
        }
        Ok(batch)
    }

    /// Adds one of `images` at random; returns its position in `images`.
    fn push(&self, batch: &mut NoisyBatch, images: &[usize], rng: &mut ChaCha8Rng) -> Result<usize> {
        let variation = Variation { flip: self.recipe.flip, dequantize: self.recipe.dequantize };
        let position = rng.random_range(0..images.len());
        if let Some(&index) = images.get(position) {
            let image = draw_image(self.dataset, index, variation, rng);
            let condition = self.conditions.of_group(self.dataset.group_of(index))?;
            batch.push(image, condition, self.model.schedule(), rng);
        }
        Ok(position)
    }

    /// The training target if the last noisy image had come from its neighbours.
    fn neighbour_target(&self, batch: &NoisyBatch, near: &[usize]) -> Vec<f32> {
        let schedule = self.model.schedule();
        let size = self.model.sample_shape().numel();
        let noisy = batch.noisy.get(batch.noisy.len().saturating_sub(size)..).unwrap_or_default();
        let t = batch.timesteps.last().copied().unwrap_or_default();
        let images: Vec<_> = near.iter().map(|&i| self.model.codec().encode(self.dataset.pixels(i))).collect();
        let (signal, noise) = schedule.signal_and_noise(t);
        let mean = posterior_mean(noisy, &images, signal, noise);
        let implied: Vec<f32> =
            noisy.iter().zip(&mean).map(|(x, a)| ((f64::from(*x) - signal * f64::from(*a)) / noise) as f32).collect();
        schedule.target(&mean, &implied, t)
    }
}
