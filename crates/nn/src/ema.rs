//! A moving average of the weights.

use burn::module::Module;
use burn::tensor::Tensor;

use super::optimizer::restored;
use super::parameters::{flat_parameters, with_parameters};
use crate::weights::{NamedValues, Source, to_vec};
use whence_base::Result;

/// Exponential moving average of the weights: average = decay * average + (1 - decay) * weight, after every step.
pub struct Ema {
    decay: f64,
    averages: Vec<(String, Tensor<1>)>,
}

impl Ema {
    /// Starts at the network's own weights.
    pub fn new(decay: f64, network: &impl Module) -> Self {
        Self { decay, averages: flat_parameters(network) }
    }

    /// Call after each optimizer step; `step` counts from 1. The decay is at most (1 + step) / (10 + step), so that the
    /// random start is soon forgotten.
    pub fn update(&mut self, network: &impl Module, step: u64) {
        let step = step as f64;
        let decay = self.decay.min((1.0 + step) / (10.0 + step));
        for ((_, average), (_, value)) in self.averages.iter_mut().zip(flat_parameters(network)) {
            *average = average.clone() * decay + value * (1.0 - decay);
        }
    }

    /// The plain network with the averages in place of its weights.
    pub fn apply<M: Module>(&self, network: M) -> M {
        with_parameters(network, self.averages.iter().map(|(_, average)| average.clone()).collect())
    }

    /// The averages by name, for a checkpoint.
    pub fn state(&self) -> Vec<NamedValues> {
        self.averages
            .iter()
            .map(|(name, value)| {
                let values = to_vec(value.clone());
                (format!("ema.{name}"), vec![values.len()], values)
            })
            .collect()
    }

    /// Takes up a state written by [`state`](Self::state).
    ///
    /// # Errors
    /// Where a parameter's average is missing or has another length.
    pub fn restore(&mut self, source: &mut dyn Source) -> Result<()> {
        for (name, average) in &mut self.averages {
            *average = restored(source, &format!("ema.{name}"), average)?;
        }
        Ok(())
    }
}
