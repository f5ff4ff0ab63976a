//! Fully connected layer.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use burn::tensor::module::linear;

use crate::weights::{Builder, Init};
use whence_base::Result;
use whence_kernels::{self as kernels, Geometry, Padding};

/// Fully connected layer, y = W x + b.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[outputs, inputs]`.
    weight: Param<Tensor<2>>,
    /// `[outputs]`.
    bias: Param<Tensor<1>>,
}

impl Linear {
    /// A layer from `inputs` to `outputs` features.
    ///
    /// # Errors
    /// Those of the source of parameters.
    pub fn build(b: &mut Builder<'_>, inputs: usize, outputs: usize) -> Result<Self> {
        let init = Init::Uniform { fan_in: inputs };
        Ok(Self { weight: b.param("weight", [outputs, inputs], init)?, bias: b.param("bias", [outputs], init)? })
    }

    /// `[..., inputs]` to `[..., outputs]`.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        linear(x, self.weight.val().transpose(), Some(self.bias.val()))
    }

    /// The same layer over the channels of `[batch, inputs, height, width]`, as a convolution with a 1 x 1 kernel. Only for
    /// tensors that [`whence_kernels::supports`].
    pub fn forward_channels(&self, x: Tensor<4>) -> Tensor<4> {
        let ([outputs, inputs], [_, _, height, width]) = (self.weight.dims(), x.dims());
        let geometry = Geometry::new(1, 1, Padding::Even(0), [height, width]);
        kernels::conv2d(x, self.weight.val().reshape([outputs, inputs, 1, 1]), self.bias.val(), geometry)
    }
}
