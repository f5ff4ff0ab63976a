//! Residual blocks and the layers that change the resolution.

use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::module::{avg_pool2d, interpolate};
use burn::tensor::ops::{AvgPoolOptions, InterpolateMode, InterpolateOptions};

use super::config::{TimeScaleShift, UNet2DConfig};
use whence_base::Result;
use whence_nn::layers::{Conv2d, DropoutRng, GroupNorm, Linear, Padding, dropout, silu};
use whence_nn::weights::Builder;

/// Change of resolution inside a residual block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// As it is.
    Keep,
    /// Mean of 2x2 pixels.
    Halve,
    /// Nearest neighbour.
    Double,
}

/// Two convolutions with the time embedding between them, added to the input (diffusers' `ResnetBlock2D`).
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
    scale: Scale,
    #[module(skip)]
    dropout: f64,
    #[module(skip)]
    output_scale_factor: f64,
}

impl ResnetBlock2D {
    pub(super) fn build(
        b: &mut Builder<'_>,
        config: &UNet2DConfig,
        inputs: usize,
        outputs: usize,
        scale: Scale,
        output_scale_factor: f64,
    ) -> Result<Self> {
        let (groups, eps) = (config.norm_num_groups, config.norm_eps);
        let projected = match config.resnet_time_scale_shift {
            TimeScaleShift::Default => outputs,
            TimeScaleShift::ScaleShift => 2 * outputs,
        };
        Ok(Self {
            norm1: b.within("norm1", |b| GroupNorm::build(b, inputs, groups, eps))?,
            conv1: b.within("conv1", |b| Conv2d::build_3x3(b, inputs, outputs))?,
            time_emb_proj: b.within("time_emb_proj", |b| Linear::build(b, config.time_embed_dim(), projected))?,
            norm2: b.within("norm2", |b| GroupNorm::build(b, outputs, groups, eps))?,
            conv2: b.within("conv2", |b| Conv2d::build_3x3(b, outputs, outputs))?,
            conv_shortcut: (inputs != outputs)
                .then(|| b.within("conv_shortcut", |b| Conv2d::build(b, [inputs, outputs], 1, 1, Padding::Even(0))))
                .transpose()?,
            time_embedding_norm: config.resnet_time_scale_shift,
            scale,
            dropout: config.dropout,
            output_scale_factor,
        })
    }

    /// `x` `[batch, inputs, h, w]`, `temb` `[batch, time width]` after its activation.
    pub fn forward(&self, x: Tensor<4>, temb: Tensor<2>, rng: &mut DropoutRng<'_>) -> Tensor<4> {
        let mut h = self.norm1.forward_silu(x.clone());
        let mut x = x;
        match self.scale {
            Scale::Keep => {}
            Scale::Halve => {
                h = halve(h);
                x = halve(x);
            }
            Scale::Double => {
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
                let mut parts = temb.chunk(2, 1).into_iter();
                let h = self.norm2.forward(h);
                match (parts.next(), parts.next()) {
                    (Some(scale), Some(shift)) => silu(h * (scale + 1.0) + shift),
                    _ => silu(h),
                }
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

/// A strided convolution.
#[derive(Module, Debug)]
pub struct Downsample2D {
    conv: Conv2d,
}

impl Downsample2D {
    pub(super) fn build(b: &mut Builder<'_>, channels: usize, padding: usize) -> Result<Self> {
        let padding = if padding == 0 { Padding::RightBottom } else { Padding::Even(padding) };
        Ok(Self { conv: b.within("conv", |b| Conv2d::build(b, [channels, channels], 3, 2, padding))? })
    }

    /// Half the height and width.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.conv.forward(x)
    }
}

/// Nearest neighbour, then a convolution.
#[derive(Module, Debug)]
pub struct Upsample2D {
    conv: Conv2d,
}

impl Upsample2D {
    pub(super) fn build(b: &mut Builder<'_>, channels: usize) -> Result<Self> {
        Ok(Self { conv: b.within("conv", |b| Conv2d::build_3x3(b, channels, channels))? })
    }

    /// Twice the height and width.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.conv.forward(double(x))
    }
}
