//! Exponential moving average of the weights (Polyak and Juditsky 1992; with the warm-up that diffusers' `EMAModel` has).

use burn::module::Module;
use burn::tensor::Tensor;

use super::optimizer::restored;
use super::parameters::{NamedTensor, named_tensors, replace_parameters};
use super::selection::ParameterSelection;
use crate::weights::Source;
use whence_base::Result;

/// Exponential moving average of the weights: average = decay * average + (1 - decay) * weight, after every step.
pub struct Ema {
    decay: f64,
    /// In the order of the tree; none for parameters that are not trained.
    averages: Vec<Option<(String, Tensor<1>)>>,
}

impl Ema {
    /// Starts at the network's own weights.
    pub fn new(decay: f64, network: &impl Module, selection: &ParameterSelection) -> Self {
        let averages = named_tensors(network)
            .into_iter()
            .map(|p| selection.contains(&p.name).then_some((p.name, p.values)))
            .collect();
        Self { decay, averages }
    }

    /// Call after each optimizer step; `step` counts from 1. The decay is at most (1 + step) / (10 + step), so that the
    /// random initial weights soon lose their influence.
    pub fn update(&mut self, network: &impl Module, step: u64) {
        let step = step as f64;
        let decay = self.decay.min((1.0 + step) / (10.0 + step));
        let parameters = named_tensors(network);
        debug_assert_eq!(self.averages.len(), parameters.len(), "the average of another network");
        for (average, parameter) in self.averages.iter_mut().zip(parameters) {
            if let Some((_, average)) = average {
                *average = average.clone() * decay + parameter.values * (1.0 - decay);
            }
        }
    }

    /// The network, not in training, with the averages in place of its weights.
    pub fn apply<M: Module>(&self, network: M) -> M {
        let averages = self.averages.iter().map(|a| a.as_ref().map(|(_, average)| average.clone())).collect();
        replace_parameters(network, averages)
    }

    /// The averages by name, for a checkpoint.
    pub fn state(&self) -> Vec<NamedTensor> {
        self.averages
            .iter()
            .flatten()
            .map(|(name, average)| NamedTensor {
                name: format!("ema.{name}"),
                shape: average.dims().to_vec(),
                values: average.clone(),
            })
            .collect()
    }

    /// Resumes from a state written by [`state`](Self::state).
    ///
    /// # Errors
    /// Where a parameter's average is missing or has another length.
    pub fn restore(&mut self, source: &mut dyn Source) -> Result<()> {
        for (name, average) in self.averages.iter_mut().flatten() {
            *average = restored(source, &format!("ema.{name}"), average)?;
        }
        Ok(())
    }
}
