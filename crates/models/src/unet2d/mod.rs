//! diffusers' UNet2DModel: settings, blocks and the whole network.

mod attention;
mod blocks;
mod config;
mod embeddings;
mod family;
mod resnet;
#[cfg(test)]
mod tests;
mod unet;

pub use config::{
    Activation, DownBlockType, MidBlockType, Resampling, SampleSize, TimeEmbeddingType, TimeScaleShift, UNet2DConfig,
    UpBlockType,
};
pub use unet::UNet2DModel;
