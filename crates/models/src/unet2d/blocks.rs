//! Down, middle and up blocks of the U-Net (Ronneberger et al. 2015; Ho et al. 2020): residual blocks, attention between
//! them, and a change of resolution.

use burn::module::Module;
use burn::tensor::Tensor;

use super::attention::{Attention, AttentionSpec};
use super::config::{Resampling, TimeScaleShift, UNet2DConfig};
use super::resnet::{Downsample2D, ResnetBlock2D, ResnetSpec, ResolutionChange, Upsample2D};
use whence_base::Result;
use whence_nn::layers::DropoutRng;
use whence_nn::weights::Builder;

fn build_resnets(b: &mut Builder<'_>, config: &UNet2DConfig, channels: &[[usize; 2]]) -> Result<Vec<ResnetBlock2D>> {
    let mut resnets = Vec::with_capacity(channels.len());
    for (i, &[inputs, outputs]) in channels.iter().enumerate() {
        let spec = ResnetSpec::new(inputs, outputs);
        resnets.push(b.within(format_args!("resnets.{i}"), |b| ResnetBlock2D::build(b, config, spec))?);
    }
    Ok(resnets)
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

/// Residual blocks, each followed by attention in attention blocks, then downsampling except in the last block.
#[derive(Module, Debug)]
pub struct DownBlock2D {
    resnets: Vec<ResnetBlock2D>,
    attentions: Vec<Attention>,
    downsampler: Option<Downsample2D>,
    resnet_downsampler: Option<ResnetBlock2D>,
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
        // In diffusers only attention blocks use `downsample_type`; the others always use a convolution.
        let by_resnet = spec.attention && config.downsample_type == Resampling::Resnet;
        let resnets = build_resnets(b, config, &channels)?;
        let attentions = build_attentions(b, config, c, if spec.attention { layers } else { 0 })?;
        let (mut downsampler, mut resnet_downsampler) = (None, None);
        if spec.downsample && by_resnet {
            let spec = ResnetSpec::resampling(c, ResolutionChange::Halve);
            resnet_downsampler = Some(b.within("downsamplers.0", |b| ResnetBlock2D::build(b, config, spec))?);
        } else if spec.downsample {
            let padding = config.downsample_padding;
            downsampler = Some(b.within("downsamplers.0", |b| Downsample2D::build(b, c, padding))?);
        }
        Ok(Self { resnets, attentions, downsampler, resnet_downsampler })
    }

    /// `x` `[batch, inputs, height, width]` and `temb` `[batch, time width]`. Pushes each layer's output on `skips` for the
    /// up blocks.
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
        if let Some(layer) = &self.downsampler {
            x = layer.forward(x);
            skips.push(x.clone());
        }
        if let Some(layer) = &self.resnet_downsampler {
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
        // diffusers leaves this normalisation out where the time embedding scales and shifts, unless its groups are set.
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
        let resnet = ResnetSpec { output_scale_factor: factor, ..ResnetSpec::new(channels, channels) };
        let mut resnets = Vec::new();
        for i in 0..2 {
            resnets.push(b.within(format_args!("resnets.{i}"), |b| ResnetBlock2D::build(b, config, resnet))?);
        }
        let mut attentions = Vec::new();
        if config.add_attention {
            attentions.push(b.within("attentions.0", |b| Attention::build(b, spec))?);
        }
        Ok(Self { resnets, attentions })
    }

    /// `[batch, channels, height, width]` to the same shape.
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

/// Residual blocks over the input and the down path's outputs, then upsampling except in the last block.
#[derive(Module, Debug)]
pub struct UpBlock2D {
    resnets: Vec<ResnetBlock2D>,
    attentions: Vec<Attention>,
    upsampler: Option<Upsample2D>,
    resnet_upsampler: Option<ResnetBlock2D>,
}

/// Settings of an up block.
pub(super) struct UpSpec {
    /// Channels of the block below.
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
        let resnets = build_resnets(b, config, &channels)?;
        let attentions = build_attentions(b, config, c, if spec.attention { layers } else { 0 })?;
        let (mut upsampler, mut resnet_upsampler) = (None, None);
        if spec.upsample && by_resnet {
            let spec = ResnetSpec::resampling(c, ResolutionChange::Double);
            resnet_upsampler = Some(b.within("upsamplers.0", |b| ResnetBlock2D::build(b, config, spec))?);
        } else if spec.upsample {
            upsampler = Some(b.within("upsamplers.0", |b| Upsample2D::build(b, c))?);
        }
        Ok(Self { resnets, attentions, upsampler, resnet_upsampler })
    }

    /// `x` `[batch, previous, height, width]` and `temb` `[batch, time width]`. Pops one of `skips` per layer.
    pub fn forward(
        &self,
        mut x: Tensor<4>,
        temb: &Tensor<2>,
        skips: &mut Vec<Tensor<4>>,
        rng: &mut DropoutRng<'_>,
    ) -> Tensor<4> {
        for (i, resnet) in self.resnets.iter().enumerate() {
            let Some(skip) = skips.pop() else {
                unreachable!("the down path pushes one output per layer of the up path")
            };
            x = resnet.forward(Tensor::cat(vec![x, skip], 1), temb.clone(), rng);
            if let Some(attention) = self.attentions.get(i) {
                x = attention.forward(x);
            }
        }
        if let Some(layer) = &self.upsampler {
            x = layer.forward(x);
        }
        if let Some(layer) = &self.resnet_upsampler {
            x = layer.forward(x, temb.clone(), rng);
        }
        x
    }
}
