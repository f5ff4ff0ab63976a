//! Between images, which people see in 8 bits, and samples, which the network sees in 32-bit floats.

use whence_base::{Error, Result};
use whence_data::ImageShape;
use whence_nn::SampleShape;

/// How images become samples and samples images. 8-bit images stop here: everything behind it works on samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Samples are the pixels, scaled to [-1, 1].
    Identity {
        /// Shape of the images.
        image: ImageShape,
    },
}

impl Codec {
    /// The codec of a pixel-space network with samples of this shape.
    ///
    /// # Errors
    /// Samples that are not images: other than one or three channels.
    pub fn for_pixels(sample: SampleShape, place: &str) -> Result<Self> {
        let SampleShape { channels, height, width } = sample;
        if channels != 1 && channels != 3 {
            return Err(Error::input(
                format!("the network works on {channels} channels, which are not an image's (1 or 3)"),
                place,
                "these are latents or have extra inputs: give a pixel-space model",
            ));
        }
        Ok(Self::Identity { image: ImageShape { channels, height, width } })
    }

    /// Name of the kind of codec, as part of content hashes.
    pub fn id(&self) -> &'static str {
        match self {
            Self::Identity { .. } => "identity",
        }
    }

    /// Shape of the images.
    pub fn image_shape(&self) -> ImageShape {
        match self {
            Self::Identity { image } => *image,
        }
    }

    /// Shape of the samples.
    pub fn sample_shape(&self) -> SampleShape {
        match self {
            Self::Identity { image } => sample_shape(*image),
        }
    }

    /// The sample of an image given as planar bytes `[channels, height, width]`.
    pub fn encode(&self, pixels: &[u8]) -> Vec<f32> {
        match self {
            Self::Identity { .. } => pixels.iter().map(|&b| f32::from(b) / 127.5 - 1.0).collect(),
        }
    }

    /// The image of a sample as planar bytes, rounded and clamped.
    pub fn decode(&self, sample: &[f32]) -> Vec<u8> {
        match self {
            Self::Identity { .. } => {
                sample.iter().map(|v| ((v * 0.5 + 0.5) * 255.0).round().clamp(0.0, 255.0) as u8).collect()
            }
        }
    }
}

/// Shape of the samples of a pixel-space model for images of this shape.
pub fn sample_shape(ImageShape { channels, height, width }: ImageShape) -> SampleShape {
    SampleShape { channels, height, width }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_the_identity_codec_and_only_images_have_one() {
        let shape = SampleShape { channels: 1, height: 16, width: 16 };
        let codec = Codec::for_pixels(shape, "test").unwrap();
        let bytes: Vec<u8> = (0..=255).collect();
        let sample = codec.encode(&bytes);
        assert_eq!((sample[0], sample[255]), (-1.0, 1.0));
        assert_eq!(codec.decode(&sample), bytes);
        assert_eq!(codec.decode(&[-7.0, 7.0]), [0, 255]);
        assert_eq!((codec.sample_shape(), codec.image_shape().channels), (shape, 1));
        for channels in [0, 2, 4] {
            let error = Codec::for_pixels(SampleShape { channels, ..shape }, "config.json").unwrap_err().to_string();
            assert!(error.contains(&format!("{channels} channels")), "{error}");
        }
    }
}
