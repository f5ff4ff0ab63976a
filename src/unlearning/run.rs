//! The unlearning loop: the full model in, the model without one group out.

use burn::module::Module as _;
use burn::tensor::Tensor;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::objective::{ForgetBatch, Objective, objective};
use super::recipe::Recipe;
use super::retrack::posterior_mean;
use crate::dataset::{Dataset, nearest};
use crate::diffusion::Model;
use crate::elbo::noise::stream;
use crate::error::{Error, Result};
use crate::network::UNet2DModel;
use crate::training::batch::{NoisyBatch, Variation, class_of_group, draw_picture, to_tensor};
use crate::training::optimizer::AdamW;

/// What the caller sees after each step.
pub struct UnlearningStep<'a> {
    /// Steps done.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// Mean squared error on the group's pictures of this step.
    pub forget_loss: f32,
    /// Mean squared error on the other groups' pictures of this step.
    pub retain_loss: f32,
    /// The network as it is now, with gradients; `valid()` gives one to score with.
    pub network: &'a UNet2DModel,
}

/// An unlearning run's inputs.
pub struct Unlearning<'a> {
    /// The full model.
    pub model: &'a Model,
    /// Its training images.
    pub dataset: &'a Dataset,
    /// Number of the group to forget.
    pub group: usize,
    /// A resolved recipe.
    pub recipe: &'a Recipe,
}

impl Unlearning<'_> {
    /// Unlearns the group.
    ///
    /// # Errors
    /// A group that is empty or everything, a loss that is not finite, a failing device, and the observer's own.
    pub fn run(&self, observe: &mut dyn FnMut(UnlearningStep<'_>) -> Result<()>) -> Result<Model> {
        let recipe = self.recipe;
        let objective = objective(&recipe.objective)?;
        let forget = self.dataset.indices_of(self.group);
        let retain = self.dataset.indices_without(self.group);
        let name = self.dataset.groups().get(self.group).map_or("?", String::as_str);
        if forget.is_empty() || retain.is_empty() {
            return Err(Error::input(
                if forget.is_empty() {
                    format!("the group {name} has no pictures")
                } else {
                    "there is only one group".into()
                },
                self.dataset.path().display().to_string(),
                "unlearning needs pictures to forget and pictures to retain: give a dataset of at least two groups",
            ));
        }
        if let Some(classes) = self.model.classes().filter(|c| *c < self.dataset.groups().len()) {
            return Err(Error::input(
                format!("the model knows {classes} classes and the dataset has {} groups", self.dataset.groups().len()),
                self.dataset.path().display().to_string(),
                "unlearning a class-conditional model takes group number n as class n: give the groups it was trained on",
            ));
        }
        let count = recipe.neighbours.unwrap_or(objective.default_neighbours());
        let neighbours =
            if objective.default_neighbours() > 0 { self.neighbours_of(forget, count.max(1)) } else { Vec::new() };
        let rate = recipe.learning_rate.unwrap_or(1e-4);
        let weight = recipe.forget_weight.unwrap_or(objective.default_weight());
        let mut network = self.model.network.clone().train();
        let mut optimizer = AdamW::new(recipe.optimizer, &network);
        for step in 0..recipe.steps {
            let mut rng = stream("whence 2026 unlearning", recipe.seed, name.as_bytes(), step as u64);
            let batch = self.draw(forget, &retain, &neighbours, &mut rng);
            let (loss, forget_loss, retain_loss) = self.losses(objective, &network, &batch, weight, &mut rng)?;
            let gradients = loss.backward();
            let warm = ((step + 1) as f64 / recipe.warmup_steps.max(1) as f64).min(1.0);
            (network, _) = optimizer.step(network, gradients, rate * warm);
            observe(UnlearningStep {
                step: step + 1,
                steps: recipe.steps,
                forget_loss,
                retain_loss,
                network: &network,
            })?;
        }
        self.model.with_network(network)
    }

    /// The step's loss, and its two parts as numbers.
    fn losses(
        &self,
        objective: &dyn Objective,
        network: &UNet2DModel,
        batch: &Batch,
        weight: f64,
        rng: &mut ChaCha8Rng,
    ) -> Result<(Tensor<1>, f32, f32)> {
        let shape = self.dataset.shape();
        let plain = self.model.device();
        let device = plain.clone().autodiff();
        let n = batch.forget;
        let all = &batch.noisy;
        let count = all.len();
        let noisy = to_tensor(&all.noisy, shape, &device);
        let target = to_tensor(&all.targets, shape, &device);
        let output = network.forward(noisy, &all.timesteps, all.classes.as_deref(), Some(rng));
        let part = |t: &Tensor<4>, from: usize, to: usize| t.clone().narrow(0, from, to - from);
        let teacher = if objective.needs_teacher() {
            let size = shape.numel();
            let noisy = to_tensor(all.noisy.get(..n * size).unwrap_or_default(), shape, plain);
            let timesteps = all.timesteps.get(..n).unwrap_or_default();
            let classes = all.classes.as_deref().and_then(|c| c.get(..n));
            Some(self.model.network.forward(noisy, timesteps, classes, None).autodiff())
        } else {
            None
        };
        let neighbour_target =
            (!batch.neighbour_targets.is_empty()).then(|| to_tensor(&batch.neighbour_targets, shape, &device));
        let prediction = part(&output, 0, n);
        let forget_target = part(&target, 0, n);
        let forget_error = (prediction.clone() - forget_target.clone()).powi_scalar(2).mean();
        let retain = (part(&output, n, count) - part(&target, n, count)).powi_scalar(2).mean();
        let told: Vec<f32> =
            crate::network::weights::to_vec(Tensor::cat(vec![forget_error.inner(), retain.clone().inner()], 0));
        let (forget_loss, retain_loss) = match told.as_slice() {
            [f, r] if f.is_finite() && r.is_finite() => (*f, *r),
            _ => {
                return Err(Error::input(
                    "the loss is no longer finite",
                    "unlearning",
                    "lower the recipe's learning_rate, or check the model's weights",
                ));
            }
        };
        let forget = objective.loss(ForgetBatch { prediction, target: forget_target, teacher, neighbour_target });
        Ok((retain + forget * weight, forget_loss, retain_loss))
    }

    /// Nearest pictures of other groups, for each picture to forget.
    fn neighbours_of(&self, forget: &[usize], count: usize) -> Vec<Vec<usize>> {
        forget
            .iter()
            .map(|&index| {
                let pixels = self.dataset.pixels(index);
                let mut found: Vec<_> = (0..self.dataset.groups().len())
                    .filter(|g| *g != self.group)
                    .flat_map(|g| nearest(self.dataset, pixels, g, count))
                    .collect();
                found.sort_by(|a, b| a.distance.total_cmp(&b.distance).then(a.index.cmp(&b.index)));
                found.into_iter().take(count).map(|n| n.index).collect()
            })
            .collect()
    }

    fn draw(&self, forget: &[usize], retain: &[usize], neighbours: &[Vec<usize>], rng: &mut ChaCha8Rng) -> Batch {
        let recipe = self.recipe;
        let schedule = self.model.schedule();
        let variation = Variation { flip: recipe.flip, dequantize: recipe.dequantize };
        let mut batch = Batch { forget: recipe.batch, noisy: NoisyBatch::default(), neighbour_targets: Vec::new() };
        for half in [forget, retain] {
            let is_forget = batch.noisy.is_empty();
            for _ in 0..recipe.batch {
                let place = rng.random_range(0..half.len());
                let Some(&index) = half.get(place) else { continue };
                let picture = draw_picture(self.dataset, index, variation, rng);
                let class = class_of_group(self.model, self.dataset.group_of(index));
                let start = batch.noisy.noisy.len();
                batch.noisy.push(picture, class, schedule, rng);
                let near = neighbours.get(place).filter(|n| is_forget && !n.is_empty());
                if let (Some(near), Some(&t), Some(noisy)) =
                    (near, batch.noisy.timesteps.last(), batch.noisy.noisy.get(start..))
                {
                    let pictures: Vec<_> =
                        near.iter().map(|&i| draw_picture(self.dataset, i, Variation::default(), rng)).collect();
                    let (signal, noise) = schedule.signal_and_noise(t);
                    let mean = posterior_mean(noisy, &pictures, signal, noise);
                    let implied: Vec<f32> = noisy
                        .iter()
                        .zip(&mean)
                        .map(|(x, a)| ((f64::from(*x) - signal * f64::from(*a)) / noise) as f32)
                        .collect();
                    batch.neighbour_targets.extend(schedule.target(&mean, &implied, t));
                }
            }
        }
        batch
    }
}

/// The pictures of a step: those to forget first.
struct Batch {
    forget: usize,
    noisy: NoisyBatch,
    neighbour_targets: Vec<f32>,
}
