//! Safety stops: an unlearning run that damages the model is stopped, and its last undamaged weights are returned.

use std::ops::Range;

use rayon::prelude::*;

use super::objective::ForgetBatch;
use super::recipe::Recipe;
use super::split::Split;
use crate::batch::NoisyBatch;
use whence_base::Result;
use whence_base::random::stream;
use whence_data::Dataset;
use whence_diffusion::{GroupConditions, Pipeline};
use whence_models::Network;
use whence_nn::gradients::shards;
use whence_nn::sample::to_tensor;
use whence_nn::weights::to_vec;

/// Number of steps between probes; the network is also probed after the last step.
pub const PROBE_EVERY: usize = 10;

/// Maximum number of probed images to forget.
const FORGET: usize = 4;

/// Maximum number of probed images to retain. Both together are two passes on the CPU.
const OTHERS: usize = 12;

/// Compares a network with the full model on a few images, the same at every probe, with fixed noise at timesteps
/// evenly spaced over the schedule.
pub struct Probe<'a> {
    model: &'a Pipeline,
    recipe: &'a Recipe,
    /// The images to forget first.
    batch: NoisyBatch,
    /// Number of the images to forget.
    forget: usize,
    /// The full model's errors on the two parts.
    before: (f64, f64),
}

impl<'a> Probe<'a> {
    /// A probe on held-out images, if there are any.
    ///
    /// # Errors
    /// An internal fault if an image belongs to no group.
    pub fn new(
        model: &'a Pipeline,
        dataset: &Dataset,
        conditions: &GroupConditions,
        split: &Split,
        recipe: &'a Recipe,
    ) -> Result<Self> {
        let pick = |held: &'_ [usize], used: &'_ [usize], most| {
            noisy(model, dataset, conditions, if held.is_empty() { used } else { held }, most)
        };
        let mut batch = pick(&split.held_forget, &split.forget, FORGET)?;
        let forget = batch.len();
        batch.append(pick(&split.held_others, &split.retain, OTHERS)?);
        let mut probe = Self { model, recipe, batch, forget, before: (0.0, 0.0) };
        probe.before = probe.errors(&model.network)?;
        Ok(probe)
    }

    /// The reason to stop the run at this network, if there is one.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn damage(&self, network: &Network) -> Result<Option<String>> {
        let after = self.errors(network)?;
        let forget = after.0 / self.before.0.max(1e-12);
        let others = after.1 / self.before.1.max(1e-12);
        tracing::debug!(
            "safety probe: {forget:.3} of the full model's error on the forgotten, {others:.3} on the others"
        );
        let Recipe { retain_limit, forget_limit, .. } = *self.recipe;
        if beyond(others, 1.0 + retain_limit, retain_limit) {
            let (rise, limit) = (100.0 * (others - 1.0), 100.0 * retain_limit);
            return Ok(Some(format!("the error on images to retain rose by {rise:.0} %, the limit is {limit:.0} %")));
        }
        if beyond(forget, forget_limit, forget_limit) {
            return Ok(Some(format!(
                "the error on images to forget is {forget:.1} times the full model's, the limit is {forget_limit}"
            )));
        }
        Ok(None)
    }

    /// Mean squared error of the network's output, without dropout, on the two parts.
    fn errors(&self, network: &Network) -> Result<(f64, f64)> {
        let (shape, device) = (self.model.sample_shape(), self.model.device());
        let one = |range: &Range<usize>| -> Result<Vec<f32>> {
            let part = self.batch.part(range);
            let noisy = to_tensor(&part.noisy, shape, device);
            let output = network.forward(noisy, &part.timesteps, &part.network_conditions(), None);
            to_vec(ForgetBatch::losses(output, to_tensor(&part.targets, shape, device)))
        };
        let losses: Vec<Vec<f32>> = match shards(self.batch.len(), 1, shape, device).as_slice() {
            // On the calling thread: a GPU is used by one thread only.
            [all] => vec![one(all)?],
            several => several.par_iter().map(one).collect::<Result<_>>()?,
        };
        let losses = losses.concat();
        let mean = |part: &[f32]| part.iter().map(|l| f64::from(*l)).sum::<f64>() / part.len().max(1) as f64;
        let (forget, others) = losses.split_at_checked(self.forget).unwrap_or_default();
        Ok((mean(forget), mean(others)))
    }
}

/// Whether `value` exceeds `limit`, unless the limit is disabled (`setting` 0). NaN exceeds every limit.
fn beyond(value: f64, limit: f64, setting: f64) -> bool {
    setting > 0.0 && (value > limit || value.is_nan())
}

/// At most `most` of `images`, evenly spaced, each at a timestep of its own stratum.
fn noisy(
    model: &Pipeline,
    dataset: &Dataset,
    conditions: &GroupConditions,
    images: &[usize],
    most: usize,
) -> Result<NoisyBatch> {
    let count = images.len().min(most);
    let mut batch = NoisyBatch::default();
    for i in 0..count {
        let Some(&image) = images.get(i * images.len() / count) else { continue };
        let t = (2 * i + 1) * model.schedule().len() / (2 * count);
        let mut rng = stream("whence 2026 safety probe", 0, b"", i as u64);
        let condition = conditions.of_group(dataset.group_of(image))?;
        batch.push_at(t, model.codec().encode(dataset.pixels(image)), condition, model.schedule(), &mut rng);
    }
    Ok(batch)
}
