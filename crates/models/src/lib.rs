//! Network families, one folder each, under the names that diffusers gives them.

mod unet2d;

pub use unet2d::{
    Activation, DownBlockType, MidBlockType, Resampling, SampleSize, TimeEmbeddingType, TimeScaleShift, UNet2DConfig,
    UNet2DModel, UpBlockType,
};
