//! Residual blocks, and the layers that change the resolution.

use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::module::{avg_pool2d, interpolate};
use burn::tensor::ops::{AvgPoolOptions, InterpolateMode, InterpolateOptions};

use super::config::{TimeScaleShift, UNet2DConfig};
use whence_base::Result;
use whence_nn::layers::{Conv2d, Conv2dSpec, DropoutRng, GroupNorm, GroupNormSpec, Linear, Padding, dropout, silu};
use whence_nn::weights::Builder;

/// Change of resolution inside a residual block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResolutionChange {
    /// The resolution stays the same.
    None,
    /// Average pooling over 2 x 2 pixels.
    Halve,
    /// Nearest-neighbour upsampling.
    Double,
}

/// Settings of a [`ResnetBlock2D`] that differ between the blocks of a network.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResnetSpec {
    pub inputs: usize,
    pub outputs: usize,
    pub resolution: ResolutionChange,
    /// Divides the sum of the block's two branches.
    pub output_scale_factor: f64,
}

impl ResnetSpec {
    /// A block that keeps the resolution.
    pub fn new(inputs: usize, outputs: usize) -> Self {
        Self { inputs, outputs, resolution: ResolutionChange::None, output_scale_factor: 1.0 }
    }

    /// A block that changes the resolution.
    pub fn resampling(channels: usize, resolution: ResolutionChange) -> Self {
        Self { resolution, ..Self::new(channels, channels) }
    }
}

/// Residual block (He et al. 2016) of two convolutions with the time embedding between them: diffusers' `ResnetBlock2D`.
#[derive(Module, Debug)]
pub struct ResnetBlock2D {
    norm1: GroupNorm,
    conv1: Conv2d,
    time_emb_proj: Linear,
    norm2: GroupNorm,
    conv2: Conv2d,
    conv_shortcut: Option<Conv2d>,
    #[module(skip)]
    time_embedding_norm: TimeScaleShift,
    #[module(skip)]
    resolution: ResolutionChange,
    #[module(skip)]
    dropout: f64,
    #[module(skip)]
    output_scale_factor: f64,
}

impl ResnetBlock2D {
    pub(super) fn build(b: &mut Builder<'_>, config: &UNet2DConfig, spec: ResnetSpec) -> Result<Self> {
        let ResnetSpec { inputs, outputs, resolution, output_scale_factor } = spec;
        let norm = |channels| GroupNormSpec { channels, groups: config.norm_num_groups, eps: config.norm_eps };
        let projected = match config.resnet_time_scale_shift {
            TimeScaleShift::Default => outputs,
            TimeScaleShift::ScaleShift => 2 * outputs,
        };
        Ok(Self {
            norm1: b.within("norm1", |b| GroupNorm::build(b, norm(inputs)))?,
            conv1: b.within("conv1", |b| Conv2d::build(b, Conv2dSpec::size_3(inputs, outputs)))?,
            time_emb_proj: b.within("time_emb_proj", |b| Linear::build(b, config.time_embed_dim(), projected))?,
            norm2: b.within("norm2", |b| GroupNorm::build(b, norm(outputs)))?,
            conv2: b.within("conv2", |b| Conv2d::build(b, Conv2dSpec::size_3(outputs, outputs)))?,
            conv_shortcut: if inputs == outputs {
                None
            } else {
                Some(b.within("conv_shortcut", |b| Conv2d::build(b, Conv2dSpec::size_1(inputs, outputs)))?)
            },
            time_embedding_norm: config.resnet_time_scale_shift,
            resolution,
            dropout: config.dropout,
            output_scale_factor,
        })
    }

    /// `x` `[batch, inputs, height, width]` and `temb` `[batch, time width]`, the time embedding after its activation, to
    /// `[batch, outputs, height', width']`.
    pub fn forward(&self, x: Tensor<4>, temb: Tensor<2>, rng: &mut DropoutRng<'_>) -> Tensor<4> {
        let mut h = self.norm1.forward_silu(x.clone());
        let mut x = x;
        match self.resolution {
            ResolutionChange::None => {}
            ResolutionChange::Halve => {
                h = halve(h);
                x = halve(x);
            }
            ResolutionChange::Double => {
                h = double(h);
                x = double(x);
            }
        }
        h = self.conv1.forward(h);
        let temb = self.time_emb_proj.forward(temb);
        let [n, width] = temb.dims();
        let temb = temb.reshape([n, width, 1, 1]);
        h = match self.time_embedding_norm {
            TimeScaleShift::Default => self.norm2.forward_silu(h + temb),
            TimeScaleShift::ScaleShift => {
                let channels = width / 2;
                let (scale, shift) = (temb.clone().narrow(1, 0, channels), temb.narrow(1, channels, channels));
                silu(self.norm2.forward(h) * (scale + 1.0) + shift)
            }
        };
        h = self.conv2.forward(dropout(h, self.dropout, rng));
        if let Some(shortcut) = &self.conv_shortcut {
            x = shortcut.forward(x);
        }
        let sum = x + h;
        if self.output_scale_factor == 1.0 { sum } else { sum / self.output_scale_factor }
    }
}

fn halve(x: Tensor<4>) -> Tensor<4> {
    avg_pool2d(x, AvgPoolOptions::new([2, 2]))
}

fn double(x: Tensor<4>) -> Tensor<4> {
    let [_, _, h, w] = x.dims();
    interpolate(x, InterpolateOptions::new(InterpolateMode::Nearest).with_output_size([2 * h, 2 * w]))
}

/// Downsampling by a strided convolution.
#[derive(Module, Debug)]
pub struct Downsample2D {
    conv: Conv2d,
}

impl Downsample2D {
    pub(super) fn build(b: &mut Builder<'_>, channels: usize, padding: usize) -> Result<Self> {
        let padding = if padding == 0 { Padding::RightBottom } else { Padding::Even(padding) };
        let spec = Conv2dSpec { stride: 2, padding, ..Conv2dSpec::size_3(channels, channels) };
        Ok(Self { conv: b.within("conv", |b| Conv2d::build(b, spec))? })
    }

    /// `[batch, channels, height, width]` to half the height and width.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.conv.forward(x)
    }
}

/// Nearest-neighbour upsampling, then a convolution.
#[derive(Module, Debug)]
pub struct Upsample2D {
    conv: Conv2d,
}

impl Upsample2D {
    pub(super) fn build(b: &mut Builder<'_>, channels: usize) -> Result<Self> {
        Ok(Self { conv: b.within("conv", |b| Conv2d::build(b, Conv2dSpec::size_3(channels, channels)))? })
    }

    /// `[batch, channels, height, width]` to twice the height and width.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.conv.forward(double(x))
    }
}
