//! Two-dimensional convolution.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;

use crate::weights::{Builder, Init};
use whence_base::Result;
use whence_kernels::{self as kernels, Geometry, Padding};

/// Two-dimensional convolution (as usual in networks, a cross-correlation: the kernel is not flipped).
#[derive(Module, Debug)]
pub struct Conv2d {
    /// `[outputs, inputs, kernel, kernel]`.
    weight: Param<Tensor<4>>,
    /// `[outputs]`.
    bias: Param<Tensor<1>>,
    #[module(skip)]
    stride: usize,
    #[module(skip)]
    padding: Padding,
}

/// Settings of a [`Conv2d`].
#[derive(Clone, Copy, Debug)]
pub struct Conv2dSpec {
    /// Channels of the input.
    pub inputs: usize,
    /// Channels of the output.
    pub outputs: usize,
    /// Height and width of the square kernel.
    pub kernel: usize,
    /// Pixels from one output to the next, in both directions.
    pub stride: usize,
    /// Zeros around the input.
    pub padding: Padding,
}

impl Conv2dSpec {
    /// A 3 x 3 convolution that keeps height and width.
    pub fn size_3(inputs: usize, outputs: usize) -> Self {
        Self { inputs, outputs, kernel: 3, stride: 1, padding: Padding::Even(1) }
    }

    /// A 1 x 1 convolution: a linear layer over the channels of each pixel.
    pub fn size_1(inputs: usize, outputs: usize) -> Self {
        Self { inputs, outputs, kernel: 1, stride: 1, padding: Padding::Even(0) }
    }
}

impl Conv2d {
    /// A convolution with these settings.
    ///
    /// # Errors
    /// Those of the source of parameters.
    pub fn build(b: &mut Builder<'_>, spec: Conv2dSpec) -> Result<Self> {
        let Conv2dSpec { inputs, outputs, kernel, stride, padding } = spec;
        let init = Init::Uniform { fan_in: inputs * kernel * kernel };
        Ok(Self {
            weight: b.param("weight", [outputs, inputs, kernel, kernel], init)?,
            bias: b.param("bias", [outputs], init)?,
            stride,
            padding,
        })
    }

    /// `[batch, inputs, height, width]` to `[batch, outputs, height', width']`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (weight, bias) = (self.weight.val(), self.bias.val());
        if kernels::supports(&x) {
            let ([_, _, kernel, _], [_, _, height, width]) = (weight.dims(), x.dims());
            let geometry = Geometry::new(kernel, self.stride, self.padding, [height, width]);
            return kernels::conv2d(x, weight, bias, geometry);
        }
        let (x, padding) = match self.padding {
            Padding::Even(p) => (x, p),
            // Padded by hand: the backward pass of uneven padding is not the same on every backend.
            Padding::RightBottom => (pad_right_bottom(x), 0),
        };
        let options = ConvOptions::new([self.stride; 2], [padding; 2], [1, 1], 1);
        conv2d(x, weight, Some(bias), options)
    }
}

fn pad_right_bottom(x: Tensor<4>) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    let device = x.device();
    let x = Tensor::cat(vec![x, Tensor::zeros([n, c, h, 1], &device)], 3);
    Tensor::cat(vec![x, Tensor::zeros([n, c, 1, w + 1], &device)], 2)
}
