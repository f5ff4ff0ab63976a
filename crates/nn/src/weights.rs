//! Where a network's parameters come from and go to: random starts, values in memory and safetensors files.

mod find;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::BTreeMap;

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;

pub use self::find::{WEIGHTS_FILE, find_weights};
pub use self::reader::SafetensorsSource;
pub(crate) use self::reader::{Header, widen};
pub use self::writer::{Precision, write_safetensors, write_tensors, write_tensors_to};
pub(crate) use self::writer::{TensorEntry, arrange, half_precision};
pub use super::parameters::{NamedTensor, NamedValues, named_tensors, named_values, parameters_hash, to_vec};
use whence_base::{Error, Result};

/// Initial values of a parameter: PyTorch's defaults.
#[derive(Clone, Copy, Debug)]
pub enum Init {
    /// Uniform in ±1/sqrt(fan in): linear and convolution layers, weights and biases alike.
    Uniform {
        /// Inputs that one output sums over.
        fan_in: usize,
    },
    /// All ones or all zeros: normalisation.
    Constant(f32),
    /// Standard normal: embedding tables.
    Normal,
}

/// Supplies the values of each parameter, by diffusers' name.
pub trait Source {
    /// Values of the parameter `name` with `shape`, row-major.
    ///
    /// # Errors
    /// Where the parameter is missing, has another shape or holds values that are not finite.
    fn values(&mut self, name: &str, shape: &[usize], init: Init) -> Result<Vec<f32>>;
}

/// Creates parameters and knows their path in the tree of modules.
pub struct Builder<'a> {
    source: &'a mut dyn Source,
    device: &'a Device,
    path: Vec<String>,
}

impl<'a> Builder<'a> {
    /// A builder that fills parameters from `source`, on `device`.
    pub fn new(source: &'a mut dyn Source, device: &'a Device) -> Self {
        Self { source, device, path: Vec::new() }
    }

    /// Runs `make` one level down, under `name`.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn within<T>(&mut self, name: impl std::fmt::Display, make: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.path.push(name.to_string());
        let made = make(self);
        self.path.pop();
        made
    }

    /// The parameter `name` of the current level.
    ///
    /// # Errors
    /// Those of the source.
    pub fn param<const D: usize>(&mut self, name: &str, shape: [usize; D], init: Init) -> Result<Param<Tensor<D>>> {
        let full = self.path.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join(".");
        let values = self.source.values(&full, &shape, init)?;
        Ok(Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), self.device)))
    }
}

/// Random initial values that depend on the seed and each parameter's name alone.
pub struct RandomStart {
    /// Seed of the random streams.
    pub seed: u64,
}

impl Source for RandomStart {
    fn values(&mut self, name: &str, shape: &[usize], init: Init) -> Result<Vec<f32>> {
        let mut key = blake3::Hasher::new_derive_key("whence 2026 random start");
        key.update(&self.seed.to_le_bytes()).update(name.as_bytes());
        let mut rng = ChaCha8Rng::from_seed(*key.finalize().as_bytes());
        let count = shape.iter().product();
        Ok(match init {
            Init::Constant(value) => vec![value; count],
            Init::Uniform { fan_in } => {
                let bound = 1.0 / (fan_in.max(1) as f32).sqrt();
                (0..count).map(|_| (rng.random::<f32>() * 2.0 - 1.0) * bound).collect()
            }
            Init::Normal => whence_base::random::normals(&mut rng, count),
        })
    }
}

/// Values in memory, by name.
pub struct Values(BTreeMap<String, (Vec<usize>, Vec<f32>)>);

impl Values {
    /// Takes values such as [`named_values`] gives.
    pub fn new(values: Vec<NamedValues>) -> Self {
        Self(values.into_iter().map(|(name, shape, values)| (name, (shape, values))).collect())
    }
}

impl Source for Values {
    fn values(&mut self, name: &str, shape: &[usize], _init: Init) -> Result<Vec<f32>> {
        match self.0.remove(name) {
            Some((found, values)) if found == shape => Ok(values),
            _ => Err(Error::internal(format!("the values of {name} are missing"))),
        }
    }
}

/// The values of a source whose names begin with `prefix` and a dot, by the rest of their names: several networks in one
/// file.
pub struct Prefixed<'a> {
    /// Where they are.
    pub source: &'a mut dyn Source,
    /// How their names begin there.
    pub prefix: &'static str,
}

impl Source for Prefixed<'_> {
    fn values(&mut self, name: &str, shape: &[usize], init: Init) -> Result<Vec<f32>> {
        self.source.values(&format!("{}.{name}", self.prefix), shape, init)
    }
}

/// Tensors under the names that [`Prefixed`] looks for.
pub fn prefixed(prefix: &'static str, tensors: Vec<NamedTensor>) -> impl Iterator<Item = NamedTensor> {
    tensors.into_iter().map(move |t| NamedTensor { name: format!("{prefix}.{}", t.name), ..t })
}
