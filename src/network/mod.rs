//! The network: diffusers' UNet2DModel, its settings, its blocks, and its weights on disk.

mod attention;
mod blocks;
mod config;
mod cpu;
pub mod delta;
mod embeddings;
mod layers;
mod resnet;
mod unet;
pub mod weights;

pub use config::{
    Activation, DownBlockType, MidBlockType, Resampling, SampleSize, TimeEmbeddingType, TimeScaleShift, UNet2DConfig,
    UpBlockType,
};
pub use unet::UNet2DModel;
