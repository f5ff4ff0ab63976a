//! The networks that are measured: the demo's, and two published ones for CIFAR-10.

use serde::Serialize;

use whence_models::{DownBlockType, SampleSize, UNet2DConfig, UpBlockType};
use whence_nn::SampleShape;

/// A network that is measured; all see colour images of 32 × 32 pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum BenchmarkNetwork {
    /// The demo's network, 687,347 parameters.
    Demo,
    /// `google/ddpm-cifar10-32` (Ho et al. 2020), 35,746,307 parameters.
    Cifar10,
    /// The network of GUDA's CIFAR-10 experiments, 49,062,787 parameters.
    Guda,
}

impl BenchmarkNetwork {
    /// All of them, by size.
    pub const ALL: [Self; 3] = [Self::Demo, Self::Cifar10, Self::Guda];

    /// Shape of a sample.
    pub const SHAPE: SampleShape = SampleShape { channels: 3, height: 32, width: 32 };

    /// Name on the command line and in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Demo => "demo",
            Self::Cifar10 => "ddpm-cifar10",
            Self::Guda => "guda",
        }
    }

    /// The network of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|network| network.name() == name)
    }

    /// Its settings.
    pub fn config(self) -> UNet2DConfig {
        use DownBlockType::{AttnDownBlock2D, DownBlock2D};
        use UpBlockType::{AttnUpBlock2D, UpBlock2D};
        let common = UNet2DConfig { sample_size: Some(SampleSize::Square(32)), ..UNet2DConfig::default() };
        match self {
            Self::Demo => UNet2DConfig {
                block_out_channels: vec![16, 32, 64],
                down_block_types: vec![DownBlock2D, DownBlock2D, AttnDownBlock2D],
                up_block_types: vec![AttnUpBlock2D, UpBlock2D, UpBlock2D],
                layers_per_block: 1,
                norm_num_groups: 8,
                ..common
            },
            Self::Cifar10 => UNet2DConfig {
                block_out_channels: vec![128, 256, 256, 256],
                down_block_types: vec![DownBlock2D, AttnDownBlock2D, DownBlock2D, DownBlock2D],
                up_block_types: vec![UpBlock2D, UpBlock2D, AttnUpBlock2D, UpBlock2D],
                attention_head_dim: None,
                downsample_padding: 0,
                flip_sin_to_cos: false,
                freq_shift: 1,
                norm_eps: 1e-6,
                ..common
            },
            Self::Guda => UNet2DConfig {
                block_out_channels: vec![128, 256, 256, 256],
                down_block_types: vec![DownBlock2D, AttnDownBlock2D, AttnDownBlock2D, DownBlock2D],
                up_block_types: vec![UpBlock2D, AttnUpBlock2D, AttnUpBlock2D, UpBlock2D],
                layers_per_block: 3,
                ..common
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::module::Module as _;
    use burn::tensor::Device;
    use whence_models::UNet2DModel;
    use whence_nn::weights::RandomStart;

    #[test]
    fn the_networks_have_the_published_numbers_of_parameters() {
        for (network, parameters) in BenchmarkNetwork::ALL.into_iter().zip([687_347, 35_746_307, 49_062_787]) {
            let built = UNet2DModel::build(&network.config(), &mut RandomStart { seed: 1 }, &Device::flex()).unwrap();
            assert_eq!(built.num_params(), parameters, "{}", network.name());
            assert_eq!(BenchmarkNetwork::from_name(network.name()), Some(network));
        }
        assert_eq!(BenchmarkNetwork::from_name("vgg"), None);
    }
}
