//! The whole network: noisy sample and timestep to prediction.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::blocks::{DownBlock2D, DownSpec, UNetMidBlock2D, UpBlock2D, UpSpec};
use super::config::{DownBlockType, UNet2DConfig, UpBlockType};
use super::embeddings::{TimestepEmbedding, timestep_embedding};
use whence_base::Result;
use whence_nn::layers::{Conv2d, Conv2dSpec, DropoutRng, Embedding, GroupNorm, GroupNormSpec, silu};
use whence_nn::weights::{Builder, Source};

/// diffusers' `UNet2DModel`: the denoiser of DDPM (Ho et al. 2020) and its variants.
#[derive(Module, Debug)]
pub struct UNet2DModel {
    conv_in: Conv2d,
    time_embedding: TimestepEmbedding,
    class_embedding: Option<Embedding>,
    down_blocks: Vec<DownBlock2D>,
    mid_block: Option<UNetMidBlock2D>,
    up_blocks: Vec<UpBlock2D>,
    conv_norm_out: GroupNorm,
    conv_out: Conv2d,
    #[module(skip)]
    config: UNet2DConfig,
}

impl UNet2DModel {
    /// Builds the network on `device`, its parameters from `source`.
    ///
    /// # Errors
    /// Those of the source, and settings that do not fit together.
    pub fn build(config: &UNet2DConfig, source: &mut dyn Source, device: &Device) -> Result<Self> {
        let b = &mut Builder::new(source, device);
        let widths = &config.block_out_channels;
        let first = config.first_channels();
        let temb = config.time_embed_dim();
        let conv_in = b.within("conv_in", |b| Conv2d::build(b, Conv2dSpec::size_3(config.in_channels, first)))?;
        let time_embedding = b.within("time_embedding", |b| TimestepEmbedding::build(b, first, temb))?;
        let class_embedding = config
            .num_class_embeds
            .map(|classes| b.within("class_embedding", |b| Embedding::build(b, classes, temb)))
            .transpose()?;

        let mut inputs = first;
        let mut down_blocks = Vec::new();
        for (i, (&outputs, kind)) in widths.iter().zip(&config.down_block_types).enumerate() {
            let spec = DownSpec {
                inputs,
                outputs,
                attention: *kind == DownBlockType::AttnDownBlock2D,
                downsample: i + 1 < widths.len(),
            };
            down_blocks.push(b.within(format_args!("down_blocks.{i}"), |b| DownBlock2D::build(b, config, &spec))?);
            inputs = outputs;
        }
        let mid_block = config
            .mid_block_type
            .map(|_| b.within("mid_block", |b| UNetMidBlock2D::build(b, config, inputs)))
            .transpose()?;

        let mut previous = inputs;
        let mut up_blocks = Vec::new();
        for (i, (&outputs, kind)) in widths.iter().rev().zip(&config.up_block_types).enumerate() {
            let finer = widths.iter().rev().nth(i + 1).copied().unwrap_or(first);
            let spec = UpSpec {
                previous,
                inputs: finer,
                outputs,
                attention: *kind == UpBlockType::AttnUpBlock2D,
                upsample: i + 1 < widths.len(),
            };
            up_blocks.push(b.within(format_args!("up_blocks.{i}"), |b| UpBlock2D::build(b, config, &spec))?);
            previous = outputs;
        }
        let norm = GroupNormSpec { channels: first, groups: config.norm_num_groups, eps: config.norm_eps };
        let conv_norm_out = b.within("conv_norm_out", |b| GroupNorm::build(b, norm))?;
        let conv_out = b.within("conv_out", |b| Conv2d::build(b, Conv2dSpec::size_3(first, config.out_channels)))?;
        Ok(Self {
            conv_in,
            time_embedding,
            class_embedding,
            down_blocks,
            mid_block,
            up_blocks,
            conv_norm_out,
            conv_out,
            config: config.clone(),
        })
    }

    /// The settings the network was built from.
    pub fn config(&self) -> &UNet2DConfig {
        &self.config
    }

    /// The prediction for `x` `[batch, channels, height, width]`, one timestep per sample: the same shape.
    ///
    /// `classes` holds one label per sample; class-conditional networks need it, others ignore it. `rng` is given while
    /// training and switches dropout on.
    pub fn forward(
        &self,
        x: Tensor<4>,
        timesteps: &[usize],
        classes: Option<&[usize]>,
        mut rng: DropoutRng<'_>,
    ) -> Tensor<4> {
        let Encoded { mut x, mut skips, temb } = self.encode(x, timesteps, classes, &mut rng);
        for block in &self.up_blocks {
            x = block.forward(x, &temb, &mut skips, &mut rng);
        }
        self.conv_out.forward(self.conv_norm_out.forward_silu(x))
    }

    /// Output of the middle block for `x` `[batch, channels, height, width]`: `[batch, channels', height', width']`, where
    /// the resolution is lowest.
    pub fn bottleneck(&self, x: Tensor<4>, timesteps: &[usize], classes: Option<&[usize]>) -> Tensor<4> {
        self.encode(x, timesteps, classes, &mut None).x
    }

    /// The way down and through the middle.
    fn encode(
        &self,
        x: Tensor<4>,
        timesteps: &[usize],
        classes: Option<&[usize]>,
        rng: &mut DropoutRng<'_>,
    ) -> Encoded {
        let config = &self.config;
        debug_assert_eq!(x.dims()[0], timesteps.len(), "one timestep per sample");
        debug_assert!(
            self.class_embedding.is_none() || classes.is_some_and(|labels| labels.len() == timesteps.len()),
            "a class-conditional network needs one label per sample"
        );
        let x = if config.center_input_sample { x * 2.0 - 1.0 } else { x };
        let encoded = timestep_embedding(
            timesteps,
            config.first_channels(),
            config.flip_sin_to_cos,
            config.freq_shift,
            &x.device(),
        );
        let mut temb = self.time_embedding.forward(encoded);
        if let (Some(table), Some(labels)) = (&self.class_embedding, classes) {
            temb = temb + table.forward(labels);
        }
        // Every block begins with this activation, so it is computed once.
        let temb = silu(temb);

        let mut x = self.conv_in.forward(x);
        let mut skips = vec![x.clone()];
        for block in &self.down_blocks {
            x = block.forward(x, &temb, &mut skips, rng);
        }
        if let Some(block) = &self.mid_block {
            x = block.forward(x, &temb, rng);
        }
        Encoded { x, skips, temb }
    }
}

/// Activations half way through the network.
struct Encoded {
    /// Output of the middle block.
    x: Tensor<4>,
    /// Outputs of the layers on the way down, for the way up.
    skips: Vec<Tensor<4>>,
    /// Activated time embedding `[batch, width]`.
    temb: Tensor<2>,
}
