//! Group normalisation.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use super::silu;
use crate::weights::{Builder, Init};
use whence_base::{Error, Result};
use whence_kernels as kernels;

/// Group normalisation (Wu and He 2018): in each sample, the values of each group of channels are normalised to mean 0 and
/// variance 1; then each channel is scaled by `weight` and shifted by `bias`.
#[derive(Module, Debug)]
pub struct GroupNorm {
    /// `[channels]`.
    weight: Param<Tensor<1>>,
    /// `[channels]`.
    bias: Param<Tensor<1>>,
    #[module(skip)]
    groups: usize,
    #[module(skip)]
    eps: f64,
}

/// Settings of a [`GroupNorm`].
#[derive(Clone, Copy, Debug)]
pub struct GroupNormSpec {
    /// Channels of the input.
    pub channels: usize,
    /// Groups of equally many channels.
    pub groups: usize,
    /// Added to the variance.
    pub eps: f64,
}

impl GroupNorm {
    /// A normalisation with these settings.
    ///
    /// # Errors
    /// Channels that cannot be split evenly, and those of the source of parameters.
    pub fn build(b: &mut Builder<'_>, spec: GroupNormSpec) -> Result<Self> {
        let GroupNormSpec { channels, groups, eps } = spec;
        if groups == 0 || !channels.is_multiple_of(groups) {
            return Err(Error::input(
                format!("{channels} channels cannot be normalised in {groups} groups"),
                "config.json: norm_num_groups",
                "use the config.json that was saved with these weights",
            ));
        }
        Ok(Self {
            weight: b.param("weight", [channels], Init::Constant(1.0))?,
            bias: b.param("bias", [channels], Init::Constant(0.0))?,
            groups,
            eps,
        })
    }

    /// `[batch, channels, ...]` to the same shape.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        self.normalise(x, false)
    }

    /// The same, followed by SiLU.
    pub fn forward_silu<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        self.normalise(x, true)
    }

    fn normalise<const D: usize>(&self, x: Tensor<D>, activate: bool) -> Tensor<D> {
        if kernels::supports(&x) {
            let settings = kernels::GroupNormSettings { groups: self.groups, eps: self.eps as f32, activate };
            return kernels::group_norm(x, self.weight.val(), self.bias.val(), settings);
        }
        let shape = x.dims();
        let [batch, channels] = [shape[0], shape[1]];
        let positions = shape[2..].iter().product::<usize>();
        let x = x.reshape([batch, self.groups, channels / self.groups * positions]);
        let mean = x.clone().mean_dim(2);
        let centred = x - mean;
        let variance = (centred.clone() * centred.clone()).mean_dim(2);
        let normal = centred / (variance + self.eps).sqrt();
        let scaled = normal.reshape([batch, channels, positions]) * self.weight.val().reshape([1, channels, 1])
            + self.bias.val().reshape([1, channels, 1]);
        let scaled = scaled.reshape(shape);
        if activate { silu(scaled) } else { scaled }
    }
}
