//! Images drawn from a model that say how: a PNG with seed, settings and model in a text chunk.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::recipe_png::{encode, text_in};
use super::to_rgb;
use whence_base::{Error, Result};
use whence_data::ImageShape;
use whence_diffusion::SampleSettings;

/// Keyword of the chunk.
const KEYWORD: &str = "whence-drawn";

/// Layout that this program writes and reads.
const LAYOUT: u32 = 1;

/// How an image was drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drawn {
    schema_version: u32,
    /// Seed of the starting noise.
    pub seed: u64,
    /// How.
    pub draw: SampleSettings,
    /// blake3 of the model's settings and weights.
    pub model: String,
    /// blake3 of the planar bytes: other programs keep the text of images that they change.
    #[serde(rename = "picture")]
    pub image: String,
}

impl Drawn {
    /// From a seed, by the model of this hash.
    pub fn new(seed: u64, draw: SampleSettings, model: &str, pixels: &[u8]) -> Self {
        let image = blake3::hash(pixels).to_hex().to_string();
        Self { schema_version: LAYOUT, seed, draw, model: model.to_owned(), image }
    }

    /// Whether this is the image, by this model.
    pub fn is_of(&self, model: &str, pixels: &[u8]) -> bool {
        self.model == model && self.image == blake3::hash(pixels).to_hex().as_str()
    }
}

/// Writes a planar image as PNG that says how it was drawn.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_drawn_png(path: &Path, pixels: &[u8], shape: ImageShape, drawn: &Drawn) -> Result<()> {
    let text = serde_json::to_string(drawn)
        .map_err(|e| Error::internal(format!("the settings for {} cannot be encoded: {e}", path.display())))?;
    let (data, color) = match shape.channels {
        1 => (pixels.to_vec(), png::ColorType::Grayscale),
        _ => (to_rgb(pixels, shape), png::ColorType::Rgb),
    };
    let size = (shape.width as u32, shape.height as u32);
    let bytes = encode(&data, color, size, KEYWORD, text)
        .map_err(|what| Error::internal(format!("{} cannot be encoded: {what}", path.display())))?;
    whence_store::write_atomic(path, &bytes)
}

/// How an image file was drawn; none where it does not say so in a way that is known here.
pub fn read_drawn(path: &Path) -> Option<Drawn> {
    let text = text_in(path, KEYWORD).ok()??;
    serde_json::from_str::<Drawn>(&text).ok().filter(|d| d.schema_version == LAYOUT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawn_image_says_how_and_is_an_ordinary_image() {
        let folder = tempfile::tempdir().unwrap();
        for channels in [1, 3] {
            let path = folder.path().join(format!("{channels}.png"));
            let shape = ImageShape { channels, height: 4, width: 5 };
            let pixels: Vec<u8> = (0..shape.numel() as u8).collect();
            let drawn =
                Drawn::new(u64::MAX, SampleSettings { steps: 7, eta: 1.0 / 3.0, ..Default::default() }, "abc", &pixels);
            assert!(drawn.is_of("abc", &pixels) && !drawn.is_of("abd", &pixels) && !drawn.is_of("abc", &pixels[1..]));
            write_drawn_png(&path, &pixels, shape, &drawn).unwrap();
            assert_eq!(read_drawn(&path), Some(drawn));
            assert_eq!(whence_data::load_image(&path, shape).unwrap().pixels, pixels);
            assert!(!super::super::carries_recipe(&path), "it is an image to ask about, not a view");
            let bytes = std::fs::read(&path).unwrap();
            std::fs::write(&path, &bytes[..bytes.len() - 9]).unwrap();
            assert_eq!(read_drawn(&path), None, "cut off");
        }
        assert_eq!(read_drawn(Path::new("/nowhere.png")), None);
    }
}
