//! AdamW (Loshchilov and Hutter 2019) with PyTorch's defaults, and gradient clipping by the global norm.
//!
//! Not burn's own optimizer: that one clips each tensor by itself, and restoring its state opens the default device.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::gradients::{Gradients, squared_norm};
use super::parameters::{NamedTensor, named_tensors, replace_parameters};
use super::selection::ParameterSelection;
use crate::weights::{Init, Source};
use whence_base::{Error, Result};

/// Settings of [`AdamW`] (Loshchilov and Hutter 2019).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdamWConfig {
    /// Decay of the gradient's moving average.
    pub beta1: f64,
    /// Decay of the squared gradient's moving average.
    pub beta2: f64,
    /// Added to the square root of the squared gradient's moving average.
    pub epsilon: f64,
    /// Decoupled weight decay: the fraction of each weight that a step removes, per unit of learning rate.
    pub weight_decay: f64,
    /// Gradients are scaled down to this norm over all parameters together; no clipping where absent.
    pub clip_norm: Option<f64>,
}

impl Default for AdamWConfig {
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0, clip_norm: Some(1.0) }
    }
}

impl AdamWConfig {
    /// Refuses settings that turn or stop the optimizer.
    ///
    /// # Errors
    /// A sentence that names the setting and its range.
    pub fn check(&self) -> std::result::Result<(), String> {
        for (name, beta) in [("beta1", self.beta1), ("beta2", self.beta2)] {
            if !(0.0..1.0).contains(&beta) {
                return Err(format!("{name} is {beta}, and must be at least 0 and below 1"));
            }
        }
        if !(self.epsilon > 0.0 && self.epsilon <= 1.0) {
            return Err(format!("epsilon is {}, and must be above 0 and at most 1", self.epsilon));
        }
        if !(0.0..=100.0).contains(&self.weight_decay) {
            return Err(format!("weight_decay is {}, and must be between 0 and 100", self.weight_decay));
        }
        match self.clip_norm {
            Some(norm) if !(norm > 0.0 && norm <= 1e9) => {
                Err(format!("clip_norm is {norm}, and must be above 0 and at most 1e9; leave it out for no clipping"))
            }
            _ => Ok(()),
        }
    }
}

/// Optimizer state: two moving averages for each parameter, in the order of the network's tree.
pub struct AdamW {
    config: AdamWConfig,
    steps: u64,
    /// None for parameters that are not trained.
    moments: Vec<Option<Moments>>,
}

/// Flattened moving averages of one parameter's gradient and squared gradient.
struct Moments {
    name: String,
    mean: Tensor<1>,
    square: Tensor<1>,
}

impl AdamW {
    /// The state before the first step of training the selected parameters of `network`.
    pub fn new(config: AdamWConfig, network: &impl Module, selection: &ParameterSelection) -> Self {
        let start = |p: NamedTensor| {
            let (mean, square) = (p.values.zeros_like(), p.values.zeros_like());
            selection.contains(&p.name).then_some(Moments { name: p.name, mean, square })
        };
        let moments = named_tensors(network).into_iter().map(start).collect();
        Self { config, steps: 0, moments }
    }

    /// One update of a network, not in training, with learning rate `rate`. Parameters without a gradient, and those that
    /// are not selected, stay as they are.
    ///
    /// Returns the updated network and the gradient's norm before clipping, as a tensor `[1]` still on the device.
    pub fn step<M: Module>(&mut self, network: M, gradients: Gradients, rate: f64) -> (M, Tensor<1>) {
        self.steps += 1;
        let weights: Vec<Tensor<1>> = named_tensors(&network).into_iter().map(|p| p.values).collect();
        debug_assert!(
            weights.len() == gradients.len() && weights.len() == self.moments.len(),
            "gradients or state of another network"
        );
        let device = weights.first().map_or_else(Device::flex, Tensor::device);
        let parallel = device == Device::flex();
        let norm = squared_norm(&gradients, &device, parallel).sqrt();
        let steps = self.steps as f64;
        let update = Update {
            config: self.config,
            rate,
            correction1: 1.0 - self.config.beta1.powf(steps),
            correction2: 1.0 - self.config.beta2.powf(steps),
            // PyTorch's clip_grad_norm_: max / (norm + 1e-6), never above 1.
            scale: self.config.clip_norm.map(|max| ((norm.clone() + 1e-6).recip() * max).clamp_max(1.0)),
        };
        let one = |((weight, gradient), moments): ((Tensor<1>, Option<Tensor<1>>), &mut Option<Moments>)| {
            let moments = moments.as_mut();
            debug_assert!(moments.is_some() || gradient.is_none(), "a gradient of a parameter that is not trained");
            Some(update.apply(weight, gradient?, moments?))
        };
        // Hundreds of small tensors: on the CPU the cores share them. Only one thread works with a GPU.
        let updated = if parallel {
            weights.into_par_iter().zip(gradients).zip(&mut self.moments).map(one).collect()
        } else {
            weights.into_iter().zip(gradients).zip(&mut self.moments).map(one).collect()
        };
        (replace_parameters(network, updated), norm)
    }

    /// Everything needed to resume: step count, and moments by name.
    pub fn state(&self) -> (u64, Vec<NamedTensor>) {
        let mut tensors = Vec::with_capacity(2 * self.moments.len());
        for moments in self.moments.iter().flatten() {
            for (kind, values) in [("exp_avg", &moments.mean), ("exp_avg_sq", &moments.square)] {
                tensors.push(NamedTensor {
                    name: format!("{kind}.{}", moments.name),
                    shape: values.dims().to_vec(),
                    values: values.clone(),
                });
            }
        }
        (self.steps, tensors)
    }

    /// Resumes from a state written by [`state`](Self::state).
    ///
    /// # Errors
    /// Where a parameter's moments are missing or have another length.
    pub fn restore(&mut self, steps: u64, source: &mut dyn Source) -> Result<()> {
        self.steps = steps;
        for moments in self.moments.iter_mut().flatten() {
            for (kind, slot) in [("exp_avg", &mut moments.mean), ("exp_avg_sq", &mut moments.square)] {
                *slot = restored(source, &format!("{kind}.{}", moments.name), slot)?;
            }
        }
        Ok(())
    }
}

/// A tensor of the same size as `like` with the values stored under `name`.
pub(crate) fn restored(source: &mut dyn Source, name: &str, like: &Tensor<1>) -> Result<Tensor<1>> {
    let wanted = like.dims();
    let values = source.values(name, &wanted, Init::Constant(0.0)).map_err(|_| {
        Error::input(
            format!("the checkpoint lacks {name} or holds it in another size"),
            "checkpoint",
            "delete the checkpoint to start afresh",
        )
    })?;
    Ok(Tensor::from_data(TensorData::new(values, wanted), &like.device()))
}

struct Update {
    config: AdamWConfig,
    rate: f64,
    correction1: f64,
    correction2: f64,
    scale: Option<Tensor<1>>,
}

impl Update {
    fn apply(&self, weight: Tensor<1>, grad: Tensor<1>, moments: &mut Moments) -> Tensor<1> {
        let c = &self.config;
        let grad = match &self.scale {
            Some(scale) => grad * scale.clone(),
            None => grad,
        };
        moments.mean = moments.mean.clone() * c.beta1 + grad.clone() * (1.0 - c.beta1);
        moments.square = moments.square.clone() * c.beta2 + grad.powi_scalar(2) * (1.0 - c.beta2);
        let root = moments.square.clone().sqrt() / self.correction2.sqrt() + c.epsilon;
        let decayed = if c.weight_decay == 0.0 { weight } else { weight * (1.0 - self.rate * c.weight_decay) };
        decayed - moments.mean.clone() / root * (self.rate / self.correction1)
    }
}
