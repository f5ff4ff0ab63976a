//! Network families, one folder each, under the names that diffusers gives them.

mod registry;
mod unet2d;

pub use registry::{CLASS_NAMES, Conditions, Family, FamilyConfig, Network, NetworkConfig, default_network};
pub use unet2d::{
    Activation, DownBlockType, MidBlockType, Resampling, SampleSize, TimeEmbeddingType, TimeScaleShift, UNet2DConfig,
    UNet2DModel, UpBlockType,
};
