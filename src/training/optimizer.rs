//! AdamW with PyTorch's meaning, clipping by the global norm, and a moving average of the weights.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Gradients, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::network::UNet2DModel;
use crate::network::weights::{NamedValues, SafetensorsSource, join_name, to_vec};

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
    pub fn new(config: AdamWConfig, network: &UNet2DModel) -> Self {
        let moments = flat_parameters(network)
            .into_iter()
            .map(|(name, value)| Moments { name, mean: value.zeros_like(), square: value.zeros_like() })
            .collect();
        Self { config, steps: 0, moments }
    }

    /// One update with learning rate `rate`; the network must be on an autodiff device.
    ///
    /// Returns the updated network and the gradients' norm before clipping, as a tensor `[1]` still on the device.
    pub fn step(&mut self, network: UNet2DModel, mut gradients: Gradients, rate: f64) -> (UNet2DModel, Tensor<1>) {
        self.steps += 1;
        let grads = collect_gradients(&network, &mut gradients);
        let squares: Vec<Tensor<1>> = grads.iter().flatten().map(|g| g.clone().powi_scalar(2).sum()).collect();
        let norm = if squares.is_empty() {
            Tensor::zeros([1], &network_device(&network))
        } else {
            Tensor::cat(squares, 0).sum().sqrt()
        };
        // PyTorch's clip_grad_norm_: max / (norm + 1e-6), never above 1.
        let scale = self.config.clip_norm.map(|max| ((norm.clone() + 1e-6).recip() * max).clamp_max(1.0));
        let steps = self.steps as f64;
        let update = Update {
            config: self.config,
            rate,
            correction1: 1.0 - self.config.beta1.powf(steps),
            correction2: 1.0 - self.config.beta2.powf(steps),
            scale,
        };
        let mut apply = Apply { update: &update, grads: grads.into_iter(), moments: self.moments.iter_mut() };
        (network.map(&mut apply), norm)
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
    pub fn restore(&mut self, steps: u64, source: &mut SafetensorsSource) -> Result<()> {
        self.steps = steps;
        for m in &mut self.moments {
            for (kind, slot) in [("exp_avg", &mut m.mean), ("exp_avg_sq", &mut m.square)] {
                let name = format!("{kind}.{}", m.name);
                *slot = restored(source, &name, slot)?;
            }
        }
        Ok(())
    }
}

/// A tensor of the same size as `like` with the values stored under `name`.
fn restored(source: &mut SafetensorsSource, name: &str, like: &Tensor<1>) -> Result<Tensor<1>> {
    let wanted = like.dims();
    match source.take(name) {
        Some((_, values)) if [values.len()] == wanted => {
            Ok(Tensor::from_data(TensorData::new(values, wanted), &like.device()))
        }
        _ => Err(Error::input(
            format!("the checkpoint lacks {name} or holds it in another size"),
            "checkpoint",
            "delete the checkpoint folder to start afresh",
        )),
    }
}

/// Exponential moving average of the weights: average = decay * average + (1 - decay) * weight, after every step.
pub struct Ema {
    decay: f64,
    averages: Vec<(String, Tensor<1>)>,
}

impl Ema {
    /// Starts at the network's own weights.
    pub fn new(decay: f64, network: &UNet2DModel) -> Self {
        Self { decay, averages: flat_parameters(network) }
    }

    /// Call after each optimizer step; `step` counts from 1. The decay is at most (1 + step) / (10 + step), so that the
    /// random start is soon forgotten.
    pub fn update(&mut self, network: &UNet2DModel, step: u64) {
        let step = step as f64;
        let decay = self.decay.min((1.0 + step) / (10.0 + step));
        for ((_, average), (_, value)) in self.averages.iter_mut().zip(flat_parameters(network)) {
            *average = average.clone() * decay + value * (1.0 - decay);
        }
    }

    /// The network with the averages in place of its weights.
    pub fn apply(&self, network: UNet2DModel) -> UNet2DModel {
        struct Put<'a>(std::slice::Iter<'a, (String, Tensor<1>)>);
        impl ModuleMapper for Put<'_> {
            fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
                match self.0.next() {
                    Some((_, average)) => replace(param, |old| average.clone().reshape(old.dims())),
                    None => param,
                }
            }
        }
        network.map(&mut Put(self.averages.iter()))
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
    pub fn restore(&mut self, source: &mut SafetensorsSource) -> Result<()> {
        for (name, average) in &mut self.averages {
            *average = restored(source, &format!("ema.{name}"), average)?;
        }
        Ok(())
    }
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

struct Apply<'a> {
    update: &'a Update,
    grads: std::vec::IntoIter<Option<Tensor<1>>>,
    moments: std::slice::IterMut<'a, Moments>,
}

impl ModuleMapper for Apply<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match (self.grads.next().flatten(), self.moments.next()) {
            (Some(grad), Some(moments)) => replace(param, |old| {
                let shape = old.dims();
                let count: usize = shape.iter().product();
                self.update.apply(old.reshape([count]), grad, moments).reshape(shape)
            }),
            _ => param,
        }
    }
}

/// Gives a parameter a new value outside the graph; it goes on requiring gradients where it did.
fn replace<const D: usize>(param: Param<Tensor<D>>, make: impl FnOnce(Tensor<D>) -> Tensor<D>) -> Param<Tensor<D>> {
    let (id, tensor, mapper) = param.consume();
    let tracked = tensor.is_autodiff();
    let value = make(tensor.inner());
    let value = if tracked { Tensor::from_inner(value).require_grad() } else { value };
    Param::from_mapped_value(id, value, mapper)
}

fn network_device(network: &UNet2DModel) -> burn::tensor::Device {
    network.devices().into_iter().next().map_or_else(burn::tensor::Device::flex, |d| d.without_autodiff())
}

/// Each parameter, flattened and outside the graph, with its name.
fn flat_parameters(network: &UNet2DModel) -> Vec<(String, Tensor<1>)> {
    struct Flatten {
        path: Vec<String>,
        found: Vec<(String, Tensor<1>)>,
    }
    impl ModuleVisitor for Flatten {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.to_owned());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let value = param.val().inner();
            let count: usize = value.dims().iter().product();
            self.found.push((join_name(&self.path), value.reshape([count])));
        }
    }
    let mut flatten = Flatten { path: Vec::new(), found: Vec::new() };
    network.visit(&mut flatten);
    flatten.found
}

/// Each parameter's gradient, flattened, in the order of the tree.
pub fn collect_gradients(network: &UNet2DModel, gradients: &mut Gradients) -> Vec<Option<Tensor<1>>> {
    struct Collect<'a> {
        gradients: &'a mut Gradients,
        found: Vec<Option<Tensor<1>>>,
    }
    impl ModuleVisitor for Collect<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let grad = param.val().grad_remove(self.gradients);
            self.found.push(grad.map(|g| {
                let count: usize = g.dims().iter().product();
                g.reshape([count])
            }));
        }
    }
    let mut collect = Collect { gradients, found: Vec::new() };
    network.visit(&mut collect);
    collect.found
}
