//! UNet2DModel as a family of the registry.

use burn::tensor::{Device, Tensor};

use super::config::{DownBlockType, SampleSize, UNet2DConfig, UpBlockType};
use super::unet::UNet2DModel;
use crate::registry::{Conditions, Family, FamilyConfig};
use whence_base::Result;
use whence_nn::SampleShape;
use whence_nn::layers::DropoutRng;
use whence_nn::weights::Source;

impl FamilyConfig for UNet2DConfig {
    fn from_json(text: &str, place: &str) -> Result<Self> {
        Self::from_json(text, place)
    }

    fn to_json(&self) -> Result<String> {
        self.to_json()
    }

    fn sample_shape(&self) -> Result<SampleShape> {
        self.sample_shape()
    }

    fn classes(&self) -> Option<usize> {
        self.num_class_embeds
    }
}

impl Family for UNet2DModel {
    type Config = UNet2DConfig;

    fn build(config: &UNet2DConfig, source: &mut dyn Source, device: &Device) -> Result<Self> {
        Self::build(config, source, device)
    }

    fn config(&self) -> &UNet2DConfig {
        self.config()
    }

    fn forward(&self, x: Tensor<4>, timesteps: &[usize], conditions: &Conditions, rng: DropoutRng<'_>) -> Tensor<4> {
        self.forward(x, timesteps, conditions.classes(), rng)
    }

    fn bottleneck(&self, x: Tensor<4>, timesteps: &[usize], conditions: &Conditions) -> Tensor<4> {
        self.bottleneck(x, timesteps, conditions.classes())
    }
}

impl UNet2DConfig {
    /// A network sized for samples of this shape: attention below 16 x 16, at most about a million parameters.
    pub fn for_samples(shape: SampleShape) -> Self {
        use DownBlockType::{AttnDownBlock2D, DownBlock2D};
        use UpBlockType::{AttnUpBlock2D, UpBlock2D};
        let side = shape.height.min(shape.width);
        let (channels, down, up) = if side <= 8 {
            (vec![16, 32], vec![DownBlock2D, AttnDownBlock2D], vec![AttnUpBlock2D, UpBlock2D])
        } else if side <= 16 {
            (vec![32, 64], vec![DownBlock2D, AttnDownBlock2D], vec![AttnUpBlock2D, UpBlock2D])
        } else {
            (
                vec![24, 48, 72],
                vec![DownBlock2D, DownBlock2D, AttnDownBlock2D],
                vec![AttnUpBlock2D, UpBlock2D, UpBlock2D],
            )
        };
        Self {
            sample_size: Some(if shape.height == shape.width {
                SampleSize::Square(shape.height)
            } else {
                SampleSize::Rectangle([shape.height, shape.width])
            }),
            in_channels: shape.channels,
            out_channels: shape.channels,
            block_out_channels: channels,
            down_block_types: down,
            up_block_types: up,
            layers_per_block: 1,
            norm_num_groups: 8,
            ..Self::default()
        }
    }
}
