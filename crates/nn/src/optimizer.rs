//! AdamW with PyTorch's meaning, clipping by the global norm.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::gradients::{Gradients, squared_norm};
use super::parameters::{flat_parameters, with_parameters};
use crate::weights::{Init, NamedValues, Source, to_vec};
use whence_base::{Error, Result};

/// Settings of [`AdamW`] (Loshchilov and Hutter 2019).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdamWConfig {
    /// Decay of the gradient's mean.
    pub beta1: f64,
    /// Decay of the squared gradient's mean.
    pub beta2: f64,
    /// Added to the root of the squared gradient's mean.
    pub epsilon: f64,
    /// Share of each weight taken away per step and unit of learning rate.
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
    moments: Vec<Moments>,
}

/// Flattened moving averages of one parameter's gradient and squared gradient.
struct Moments {
    name: String,
    mean: Tensor<1>,
    square: Tensor<1>,
}

impl AdamW {
    /// Fresh state for `network`.
    pub fn new(config: AdamWConfig, network: &impl Module) -> Self {
        let moments = flat_parameters(network)
            .into_iter()
            .map(|(name, value)| Moments { name, mean: value.zeros_like(), square: value.zeros_like() })
            .collect();
        Self { config, steps: 0, moments }
    }

    /// One update of a plain network with learning rate `rate`. Parameters without a gradient stay as they are.
    ///
    /// Returns the updated network and the gradient's norm before clipping, as a tensor `[1]` still on the device.
    pub fn step<M: Module>(&mut self, network: M, gradients: Gradients, rate: f64) -> (M, Tensor<1>) {
        self.steps += 1;
        let weights: Vec<Tensor<1>> = flat_parameters(&network).into_iter().map(|(_, value)| value).collect();
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
        let one = |((weight, gradient), moments): ((Tensor<1>, Option<Tensor<1>>), &mut Moments)| match gradient {
            Some(gradient) => update.apply(weight, gradient, moments),
            None => weight,
        };
        // Hundreds of small tensors: on the CPU the cores share them out. A GPU is spoken to by one thread only.
        let updated = if parallel {
            weights.into_par_iter().zip(gradients).zip(&mut self.moments).map(one).collect()
        } else {
            weights.into_iter().zip(gradients).zip(&mut self.moments).map(one).collect()
        };
        (with_parameters(network, updated), norm)
    }

    /// Everything needed to go on later: step count, and moments by name.
    pub fn state(&self) -> (u64, Vec<NamedValues>) {
        let mut out = Vec::with_capacity(2 * self.moments.len());
        for m in &self.moments {
            for (kind, value) in [("exp_avg", &m.mean), ("exp_avg_sq", &m.square)] {
                let values = to_vec(value.clone());
                out.push((format!("{kind}.{}", m.name), vec![values.len()], values));
            }
        }
        (self.steps, out)
    }

    /// Takes up a state written by [`state`](Self::state).
    ///
    /// # Errors
    /// Where a parameter's moments are missing or have another length.
    pub fn restore(&mut self, steps: u64, source: &mut dyn Source) -> Result<()> {
        self.steps = steps;
        for m in &mut self.moments {
            for (kind, slot) in [("exp_avg", &mut m.mean), ("exp_avg_sq", &mut m.square)] {
                *slot = restored(source, &format!("{kind}.{}", m.name), slot)?;
            }
        }
        Ok(())
    }
}

/// A tensor of the same size as `like` with the values stored under `name`.
pub fn restored(source: &mut dyn Source, name: &str, like: &Tensor<1>) -> Result<Tensor<1>> {
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
