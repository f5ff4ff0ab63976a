//! The layers everything else is made of, with PyTorch's parameter names and layouts.

use burn::module::{Module, Param};
use burn::tensor::module::{conv2d, linear};
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Int, Tensor, TensorData};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use whence_base::Result;
use whence_kernels as cpu;
pub use whence_kernels::Padding;

use super::weights::{Builder, Init};

/// y = x Wᵀ + b.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[outputs, inputs]`.
    weight: Param<Tensor<2>>,
    /// `[outputs]`.
    bias: Param<Tensor<1>>,
}

impl Linear {
    pub fn build(b: &mut Builder<'_>, inputs: usize, outputs: usize) -> Result<Self> {
        let init = Init::Uniform { fan_in: inputs };
        Ok(Self { weight: b.param("weight", [outputs, inputs], init)?, bias: b.param("bias", [outputs], init)? })
    }

    /// `[..., inputs]` to `[..., outputs]`.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        linear(x, self.weight.val().transpose(), Some(self.bias.val()))
    }

    /// The same over the channels of `[batch, inputs, height, width]`: a convolution of one pixel. On the CPU only.
    pub fn forward_channels(&self, x: Tensor<4>) -> Tensor<4> {
        let ([outputs, inputs], [_, _, height, width]) = (self.weight.dims(), x.dims());
        let geometry = cpu::Geometry::new(1, 1, Padding::Even(0), [height, width]);
        cpu::conv2d(x, self.weight.val().reshape([outputs, inputs, 1, 1]), self.bias.val(), geometry)
    }
}

/// Cross-correlation over height and width.
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

impl Conv2d {
    pub fn build(
        b: &mut Builder<'_>,
        channels: [usize; 2],
        kernel: usize,
        stride: usize,
        padding: Padding,
    ) -> Result<Self> {
        let [inputs, outputs] = channels;
        let init = Init::Uniform { fan_in: inputs * kernel * kernel };
        Ok(Self {
            weight: b.param("weight", [outputs, inputs, kernel, kernel], init)?,
            bias: b.param("bias", [outputs], init)?,
            stride,
            padding,
        })
    }

    /// A 3x3 convolution that keeps the resolution.
    pub fn build_3x3(b: &mut Builder<'_>, inputs: usize, outputs: usize) -> Result<Self> {
        Self::build(b, [inputs, outputs], 3, 1, Padding::Even(1))
    }

    /// `[batch, inputs, height, width]` to `[batch, outputs, height', width']`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (weight, bias) = (self.weight.val(), self.bias.val());
        if cpu::supports(&x) {
            let ([_, _, kernel, _], [_, _, height, width]) = (weight.dims(), x.dims());
            return cpu::conv2d(
                x,
                weight,
                bias,
                cpu::Geometry::new(kernel, self.stride, self.padding, [height, width]),
            );
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

/// Normalises groups of channels to mean 0 and variance 1, then scales and shifts each channel.
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

impl GroupNorm {
    pub fn build(b: &mut Builder<'_>, channels: usize, groups: usize, eps: f64) -> Result<Self> {
        if groups == 0 || !channels.is_multiple_of(groups) {
            return Err(whence_base::Error::input(
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

    /// The same with SiLU behind it.
    pub fn forward_silu<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        self.normalise(x, true)
    }

    fn normalise<const D: usize>(&self, x: Tensor<D>, activate: bool) -> Tensor<D> {
        if cpu::supports(&x) {
            let settings = cpu::NormSettings { groups: self.groups, eps: self.eps as f32, activate };
            return cpu::group_norm(x, self.weight.val(), self.bias.val(), settings);
        }
        let shape = x.dims();
        let [batch, channels] = [shape[0], shape[1]];
        let rest = shape[2..].iter().product::<usize>();
        let x = x.reshape([batch, self.groups, channels / self.groups * rest]);
        let mean = x.clone().mean_dim(2);
        let centred = x - mean;
        let variance = (centred.clone() * centred.clone()).mean_dim(2);
        let normal = centred / (variance + self.eps).sqrt();
        let scaled = normal.reshape([batch, channels, rest]) * self.weight.val().reshape([1, channels, 1])
            + self.bias.val().reshape([1, channels, 1]);
        let scaled = scaled.reshape(shape);
        if activate { silu(scaled) } else { scaled }
    }
}

/// A table with one row a class.
#[derive(Module, Debug)]
pub struct Embedding {
    /// `[classes, width]`.
    weight: Param<Tensor<2>>,
}

impl Embedding {
    pub fn build(b: &mut Builder<'_>, classes: usize, width: usize) -> Result<Self> {
        Ok(Self { weight: b.param("weight", [classes, width], Init::Normal)? })
    }

    /// Rows of the table: `[labels, width]`.
    pub fn forward(&self, labels: &[usize]) -> Tensor<2> {
        let weight = self.weight.val();
        let labels: Vec<i64> = labels.iter().map(|&l| l as i64).collect();
        let count = labels.len();
        let indices = Tensor::<1, Int>::from_data(TensorData::new(labels, [count]), &weight.device());
        weight.select(0, indices)
    }
}

/// x times sigmoid of x.
pub fn silu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    burn::tensor::activation::silu(x)
}

/// Whether the network is being trained: dropout draws its masks from here, on the CPU, so that a run repeats exactly
/// on every device.
pub type DropoutRng<'a> = Option<&'a mut ChaCha8Rng>;

/// Sets each number to zero with probability `p` and scales the others by 1 / (1 - p), while training.
pub fn dropout<const D: usize>(x: Tensor<D>, p: f64, rng: &mut DropoutRng<'_>) -> Tensor<D> {
    let Some(rng) = rng.as_deref_mut().filter(|_| p > 0.0) else { return x };
    let shape = x.dims();
    let keep = (1.0 / (1.0 - p)) as f32;
    let mask = (0..shape.iter().product()).map(|_| if rng.random::<f32>() < p as f32 { 0.0 } else { keep });
    let mask = Tensor::<D>::from_data(TensorData::new(mask.collect::<Vec<f32>>(), shape), &x.device());
    x * mask
}
