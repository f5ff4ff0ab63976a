//! The unlearning loop: turns the full model into a model without some of its training images.

use std::io::Write;

use burn::tensor::Tensor;

use super::batch::{Batch, Batches, neighbours_of};
use super::forget::Forget;
use super::neighbours::GroupNeighbours;
use super::objective::{ForgetBatch, Objective, objective};
use super::recipe::Recipe;
use super::split::Split;
use super::state::{Progress, UnlearningState};
use super::stop::{PROBE_EVERY, Probe};
use whence_base::random::stream;
use whence_base::{Error, Result};
use whence_data::Dataset;
use whence_diffusion::{GroupConditions, Pipeline};
use whence_models::Network;
use whence_nn::ParameterSelection;
use whence_nn::gradients::{Gradients, Pass};
use whence_nn::sample::to_tensor;
use whence_nn::splitter::BatchSplitter;
use whence_nn::weights::to_vec;

/// Number of steps between two reads of the losses from a GPU: each read stalls it.
const READ_EVERY: usize = 5;

/// Passed to the caller after each step.
pub struct UnlearningStep<'a> {
    /// Number of completed steps.
    pub step: usize,
    /// Total number of steps.
    pub steps: usize,
    /// Mean squared error on the step's images to forget; up to four steps old on a GPU.
    pub forget_loss: f32,
    /// Mean squared error on the step's images to retain; equally old.
    pub retain_loss: f32,
    /// The current network, without gradients.
    pub network: &'a Network,
    progress: &'a Progress,
}

impl UnlearningStep<'_> {
    /// Writes the state from which the run can be resumed ([`UnlearningState`]), three or four times the size of the
    /// weights, of which one tensor at a time is in memory.
    ///
    /// # Errors
    /// Where the device fails, or `out` cannot be written.
    pub fn write_state(&self, out: &mut dyn Write) -> Result<()> {
        self.progress.write(out)
    }
}

/// Result of an unlearning run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The model without the images.
    pub model: Pipeline,
    /// If a safety stop ended the run early: the step at which damage was found, and its description. The model is then
    /// the last one that passed the probe.
    pub stopped_at: Option<(usize, String)>,
}

/// An unlearning run's inputs.
pub struct Unlearning<'a> {
    /// The full model.
    pub model: &'a Pipeline,
    /// Its training images.
    pub dataset: &'a Dataset,
    /// The condition of each group's images.
    pub conditions: &'a GroupConditions,
    /// The images to forget.
    pub forget: &'a Forget,
    /// A resolved recipe.
    pub recipe: &'a Recipe,
    /// The neighbours for all groups of this dataset with this recipe; searched if absent. Not used if the images to
    /// forget are not a group.
    pub neighbours: Option<&'a GroupNeighbours>,
}

impl Unlearning<'_> {
    /// Unlearns the images, from the start or from a `state` of the same run; both give the same weights to the last
    /// bit.
    ///
    /// # Errors
    /// Nothing to forget or to retain, a state of another network, a loss that is not finite, a failing device, and the
    /// observer's own.
    pub fn run(
        &self,
        state: Option<UnlearningState>,
        observe: &mut dyn FnMut(UnlearningStep<'_>) -> Result<()>,
    ) -> Result<Outcome> {
        let recipe = self.recipe;
        let objective = objective(&recipe.objective)?;
        let split = Split::new(self.dataset, self.forget, recipe.held_out);
        self.check(&split)?;
        let count = recipe.neighbours.unwrap_or(objective.default_neighbours());
        let needs_neighbours = objective.default_neighbours() > 0;
        let batches = Batches {
            model: self.model,
            dataset: self.dataset,
            conditions: self.conditions,
            recipe,
            split: &split,
            name: self.forget.stream_key(),
            neighbours: match self.neighbours {
                _ if !needs_neighbours => Vec::new(),
                Some(known) => split.forget.iter().map(|image| known.of(*image)).collect(),
                None => neighbours_of(self.dataset, &split, count.max(1)),
            },
        };
        let probe = Probe::new(self.model, self.dataset, self.conditions, &split, recipe)?;
        let mut progress = Progress::start(&self.model.network, recipe.optimizer);
        if let Some(state) = state {
            progress = progress.resume(state, self.model.device())?;
        }
        let mut losses = None;
        let mut splitter = BatchSplitter::new(self.model.device(), self.model.sample_shape());
        while progress.step < recipe.steps {
            let step = progress.step;
            let batch = batches.sample(step)?;
            let (gradients, metrics) = self.gradients(&mut splitter, objective, &progress.network, &batch, step)?;
            let last = step + 1 == recipe.steps;
            let (forget_loss, retain_loss) = match losses {
                Some(known) if !self.model.is_on_cpu() && !step.is_multiple_of(READ_EVERY) && !last => known,
                _ => read_losses(metrics)?,
            };
            losses = Some((forget_loss, retain_loss));
            let warm = ((step + 1) as f64 / recipe.warmup_steps.max(1) as f64).min(1.0);
            let rate = recipe.learning_rate.unwrap_or(1e-4) * warm;
            (progress.network, _) = progress.optimizer.step(progress.network, gradients, rate);
            progress.step = step + 1;
            if progress.step.is_multiple_of(PROBE_EVERY) || last {
                if let Some(why) = probe.damage(&progress.network)? {
                    let last_passed = progress.last_passed.unwrap_or_else(|| self.model.network.clone());
                    let model = self.model.with_network(last_passed);
                    return Ok(Outcome { model, stopped_at: Some((progress.step, why)) });
                }
                progress.last_passed = Some(progress.network.clone());
            }
            observe(UnlearningStep {
                step: progress.step,
                steps: recipe.steps,
                forget_loss,
                retain_loss,
                network: &progress.network,
                progress: &progress,
            })?;
        }
        Ok(Outcome { model: self.model.with_network(progress.network), stopped_at: None })
    }

    /// Rejects datasets in which nothing can be forgotten or retained.
    fn check(&self, split: &Split) -> Result<()> {
        let place = || self.dataset.path().display().to_string();
        if split.forget.is_empty() || split.retain.is_empty() {
            let name = self.forget.name();
            return Err(Error::input(
                if split.forget.is_empty() {
                    format!("{name} has no images")
                } else {
                    format!("there is nothing besides {name}")
                },
                place(),
                "unlearning needs images to forget and images to retain: give a dataset of at least two groups",
            ));
        }
        Ok(())
    }

    /// The gradient of mean squared error on the images to retain + weight x the objective on those to forget, and
    /// each shard's share of the two halves' mean squared errors, `[2]`, forget first.
    fn gradients(
        &self,
        splitter: &mut BatchSplitter,
        objective: &dyn Objective,
        network: &Network,
        batch: &Batch,
        step: usize,
    ) -> Result<(Gradients, Vec<Tensor<1>>)> {
        let shape = self.model.sample_shape();
        let plain = self.model.device();
        let device = plain.clone().autodiff();
        let weight = self.recipe.forget_weight.unwrap_or(objective.default_weight());
        // As many images of each half in every shard, so that all cost the same.
        splitter.gradients(network, &ParameterSelection::All, (self.recipe.batch, 2), |network, index, range| {
            let (both, near) = batch.part(range);
            let n = range.len();
            let counter = ((step as u64) << 16) | index as u64;
            let name = self.forget.stream_key().as_bytes();
            let mut dropout = stream("whence 2026 unlearning dropout", self.recipe.seed, name, counter);
            let noisy = to_tensor(&both.noisy, shape, &device);
            let output = network.forward(noisy, &both.timesteps, &both.network_conditions(), Some(&mut dropout));
            let target = to_tensor(&both.targets, shape, &device);
            let part = |t: &Tensor<4>, from: usize| t.clone().narrow(0, from, n);
            let teacher = objective.needs_teacher().then(|| {
                let forget = both.part(&(0..n));
                let noisy = to_tensor(&forget.noisy, shape, plain);
                self.model.network.forward(noisy, &forget.timesteps, &forget.network_conditions(), None).autodiff()
            });
            let forget = ForgetBatch {
                prediction: part(&output, 0),
                target: part(&target, 0),
                teacher,
                neighbour_target: (!near.is_empty()).then(|| to_tensor(&near, shape, &device)),
            };
            let forget_error = (forget.prediction.clone() - forget.target.clone()).powi_scalar(2).mean();
            let retain_error = (part(&output, n) - part(&target, n)).powi_scalar(2).mean();
            let share = n as f64 / batch.forget.len() as f64;
            let metrics = Tensor::cat(vec![forget_error.inner(), retain_error.clone().inner()], 0) * share;
            Pass { loss: (retain_error + objective.loss(forget) * weight) * share, metrics }
        })
    }
}

/// The two halves' mean squared errors from all shards' shares.
fn read_losses(metrics: Vec<Tensor<1>>) -> Result<(f32, f32)> {
    let values = to_vec(Tensor::cat(metrics, 0))?;
    let sum = |first: usize| values.iter().skip(first).step_by(2).sum::<f32>();
    let (forget, retain) = (sum(0), sum(1));
    if forget.is_finite() && retain.is_finite() {
        return Ok((forget, retain));
    }
    Err(Error::input(
        "the loss is no longer finite",
        "unlearning",
        "lower the recipe's learning_rate, or check the model's weights",
    ))
}
