//! Down, middle and up blocks: residual blocks, attention between them, and a change of resolution.

use burn::module::Module;
use burn::tensor::Tensor;

use super::attention::{Attention, AttentionSpec};
use super::config::{Resampling, TimeScaleShift, UNet2DConfig};
use super::resnet::{Downsample2D, ResnetBlock2D, Scale, Upsample2D};
use whence_base::Result;
use whence_nn::layers::DropoutRng;
use whence_nn::weights::Builder;

fn build_resnets(b: &mut Builder<'_>, config: &UNet2DConfig, channels: &[[usize; 2]]) -> Result<Vec<ResnetBlock2D>> {
    let make = |(i, &[inputs, outputs]): (usize, &[usize; 2])| {
        b.within(format_args!("resnets.{i}"), |b| ResnetBlock2D::build(b, config, inputs, outputs, Scale::Keep, 1.0))
    };
    channels.iter().enumerate().map(make).collect()
}

fn build_attentions(
    b: &mut Builder<'_>,
    config: &UNet2DConfig,
    channels: usize,
    count: usize,
) -> Result<Vec<Attention>> {
    let spec = AttentionSpec {
        channels,
        head_dim: config.attention_head_dim,
        groups: Some(config.norm_num_groups),
        eps: config.norm_eps,
        rescale_output_factor: 1.0,
    };
    (0..count).map(|i| b.within(format_args!("attentions.{i}"), |b| Attention::build(b, spec))).collect()
}

/// Residual blocks, each followed by attention where there is any, then half the resolution.
#[derive(Module, Debug)]
pub struct DownBlock2D {
    resnets: Vec<ResnetBlock2D>,
    attentions: Vec<Attention>,
    downsamplers: Vec<Downsample2D>,
    resnet_downsamplers: Vec<ResnetBlock2D>,
}

/// Settings of a down block.
pub(super) struct DownSpec {
    pub inputs: usize,
    pub outputs: usize,
    pub attention: bool,
    pub downsample: bool,
}

impl DownBlock2D {
    pub(super) fn build(b: &mut Builder<'_>, config: &UNet2DConfig, spec: &DownSpec) -> Result<Self> {
        let c = spec.outputs;
        let layers = config.layers_per_block;
        let channels: Vec<_> = (0..layers).map(|i| [if i == 0 { spec.inputs } else { c }, c]).collect();
        // Only attention blocks heed `downsample_type`; plain blocks always convolve.
        let by_resnet = spec.attention && config.downsample_type == Resampling::Resnet;
        Ok(Self {
            resnets: build_resnets(b, config, &channels)?,
            attentions: build_attentions(b, config, c, if spec.attention { layers } else { 0 })?,
            downsamplers: (spec.downsample && !by_resnet)
                .then(|| b.within("downsamplers.0", |b| Downsample2D::build(b, c, config.downsample_padding)))
                .transpose()?
                .into_iter()
                .collect(),
            resnet_downsamplers: (spec.downsample && by_resnet)
                .then(|| b.within("downsamplers.0", |b| ResnetBlock2D::build(b, config, c, c, Scale::Halve, 1.0)))
                .transpose()?
                .into_iter()
                .collect(),
        })
    }

    /// Pushes each layer's output on `skips` for the up blocks.
    pub fn forward(
        &self,
        mut x: Tensor<4>,
        temb: &Tensor<2>,
        skips: &mut Vec<Tensor<4>>,
        rng: &mut DropoutRng<'_>,
    ) -> Tensor<4> {
        for (i, resnet) in self.resnets.iter().enumerate() {
            x = resnet.forward(x, temb.clone(), rng);
            if let Some(attention) = self.attentions.get(i) {
                x = attention.forward(x);
            }
            skips.push(x.clone());
        }
        for layer in &self.downsamplers {
            x = layer.forward(x);
            skips.push(x.clone());
        }
        for layer in &self.resnet_downsamplers {
            x = layer.forward(x, temb.clone(), rng);
            skips.push(x.clone());
        }
        x
    }
}

/// Two residual blocks with attention between them, at the lowest resolution.
#[derive(Module, Debug)]
pub struct UNetMidBlock2D {
    resnets: Vec<ResnetBlock2D>,
    attentions: Vec<Attention>,
}

impl UNetMidBlock2D {
    pub(super) fn build(b: &mut Builder<'_>, config: &UNet2DConfig, channels: usize) -> Result<Self> {
        let factor = config.mid_block_scale_factor;
        // diffusers drops this normalisation where the time embedding scales and shifts, unless it is asked for.
        let groups = config.attn_norm_num_groups.or(match config.resnet_time_scale_shift {
            TimeScaleShift::Default => Some(config.norm_num_groups),
            TimeScaleShift::ScaleShift => None,
        });
        let spec = AttentionSpec {
            channels,
            head_dim: config.attention_head_dim,
            groups,
            eps: config.norm_eps,
            rescale_output_factor: factor,
        };
        let resnets = (0..2).map(|i| {
            b.within(format_args!("resnets.{i}"), |b| {
                ResnetBlock2D::build(b, config, channels, channels, Scale::Keep, factor)
            })
        });
        Ok(Self {
            resnets: resnets.collect::<Result<_>>()?,
            attentions: config
                .add_attention
                .then(|| b.within("attentions.0", |b| Attention::build(b, spec)))
                .transpose()?
                .into_iter()
                .collect(),
        })
    }

    /// `[batch, channels, h, w]` to the same shape.
    pub fn forward(&self, mut x: Tensor<4>, temb: &Tensor<2>, rng: &mut DropoutRng<'_>) -> Tensor<4> {
        for (i, resnet) in self.resnets.iter().enumerate() {
            x = resnet.forward(x, temb.clone(), rng);
            if let Some(attention) = self.attentions.get(i) {
                x = attention.forward(x);
            }
        }
        x
    }
}

/// Residual blocks over the input and the down path's outputs, then twice the resolution.
#[derive(Module, Debug)]
pub struct UpBlock2D {
    resnets: Vec<ResnetBlock2D>,
    attentions: Vec<Attention>,
    upsamplers: Vec<Upsample2D>,
    resnet_upsamplers: Vec<ResnetBlock2D>,
}

/// Settings of an up block.
pub(super) struct UpSpec {
    /// Channels that come up from below.
    pub previous: usize,
    /// Channels of the next finer down block's outputs.
    pub inputs: usize,
    pub outputs: usize,
    pub attention: bool,
    pub upsample: bool,
}

impl UpBlock2D {
    pub(super) fn build(b: &mut Builder<'_>, config: &UNet2DConfig, spec: &UpSpec) -> Result<Self> {
        let c = spec.outputs;
        let layers = config.layers_per_block + 1;
        let channels: Vec<_> = (0..layers)
            .map(|i| {
                let below = if i == 0 { spec.previous } else { c };
                let skip = if i == layers - 1 { spec.inputs } else { c };
                [below + skip, c]
            })
            .collect();
        let by_resnet = spec.attention && config.upsample_type == Resampling::Resnet;
        Ok(Self {
            resnets: build_resnets(b, config, &channels)?,
            attentions: build_attentions(b, config, c, if spec.attention { layers } else { 0 })?,
            upsamplers: (spec.upsample && !by_resnet)
                .then(|| b.within("upsamplers.0", |b| Upsample2D::build(b, c)))
                .transpose()?
                .into_iter()
                .collect(),
            resnet_upsamplers: (spec.upsample && by_resnet)
                .then(|| b.within("upsamplers.0", |b| ResnetBlock2D::build(b, config, c, c, Scale::Double, 1.0)))
                .transpose()?
                .into_iter()
                .collect(),
        })
    }

    /// Takes one of `skips` for each layer.
    pub fn forward(
        &self,
        mut x: Tensor<4>,
        temb: &Tensor<2>,
        skips: &mut Vec<Tensor<4>>,
        rng: &mut DropoutRng<'_>,
    ) -> Tensor<4> {
        for (i, resnet) in self.resnets.iter().enumerate() {
            let joined = skips.pop().into_iter().fold(x, |x, skip| Tensor::cat(vec![x, skip], 1));
            x = resnet.forward(joined, temb.clone(), rng);
            if let Some(attention) = self.attentions.get(i) {
                x = attention.forward(x);
            }
        }
        for layer in &self.upsamplers {
            x = layer.forward(x);
        }
        for layer in &self.resnet_upsamplers {
            x = layer.forward(x, temb.clone(), rng);
        }
        x
    }
}
