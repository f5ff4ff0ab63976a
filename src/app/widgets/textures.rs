//! Images as textures: uploaded once, and freed when they have not been shown for a while.

use std::collections::HashMap;

use egui::{Color32, ColorImage, Context, TextureFilter, TextureHandle, TextureId, TextureOptions};

use whence_data::ImageShape;

/// Number of textures above which those not on screen are freed.
const MAX_CACHED: usize = 512;

/// Enlarged pixels stay sharp; reduced images are smoothed.
const OPTIONS: TextureOptions = TextureOptions { minification: TextureFilter::Linear, ..TextureOptions::NEAREST };

/// What a texture shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextureKey {
    /// A query, by key.
    Query(u64),
    /// An image that is being generated: job and step.
    Generating(u64, usize),
    /// A training image: id of the dataset and index of the image.
    TrainingImage(u64, usize),
    /// A query in greyscale, by key.
    Grey(u64),
    /// A regenerated query, by its content hash; whether it is finished.
    Regenerated(u64, bool),
    /// The difference of two images, by their content hashes.
    Difference(u64, u64),
}

impl TextureKey {
    /// Whether it is an intermediate step, which is never shown again once the next one has replaced it.
    fn is_intermediate(self) -> bool {
        matches!(self, Self::Generating(..) | Self::Regenerated(_, false))
    }
}

/// The textures on the graphics card.
#[derive(Default)]
pub struct Textures {
    cached: HashMap<TextureKey, (TextureHandle, u64)>,
    frame: u64,
}

impl Textures {
    /// The image's texture, uploaded where it is new. None where the number of bytes does not match the shape.
    pub fn get(&mut self, ctx: &Context, image: TextureKey, shape: ImageShape, pixels: &[u8]) -> Option<TextureId> {
        self.get_or(ctx, image, shape, || pixels)
    }

    /// The same with bytes that are computed only where the image is new.
    pub fn get_or<P: AsRef<[u8]>>(
        &mut self,
        ctx: &Context,
        image: TextureKey,
        shape: ImageShape,
        pixels: impl FnOnce() -> P,
    ) -> Option<TextureId> {
        if let Some((handle, used)) = self.cached.get_mut(&image) {
            *used = self.frame;
            return Some(handle.id());
        }
        let pixels = to_image(shape, pixels().as_ref())?;
        let limit = ctx.input(|i| i.max_texture_side);
        if shape.width > limit || shape.height > limit {
            return None;
        }
        let handle = ctx.load_texture(format!("{image:?}"), pixels, OPTIONS);
        let id = handle.id();
        self.cached.insert(image, (handle, self.frame));
        Some(id)
    }

    /// Frees textures that were not shown in this frame, where there are too many.
    pub fn end_frame(&mut self) {
        let frame = self.frame;
        let many = self.cached.len() > MAX_CACHED;
        // Of an image that is being generated, only the latest step is shown again.
        self.cached.retain(|image, (_, used)| *used == frame || (!many && !image.is_intermediate()));
        self.frame += 1;
    }
}

/// A hash of the pixels.
pub fn content(pixels: &[u8]) -> u64 {
    egui::util::hash(pixels)
}

/// The image in greyscale, as planar bytes of the same shape.
pub fn grey(shape: ImageShape, pixels: &[u8]) -> Vec<u8> {
    let area = shape.height * shape.width;
    let (red, rest) = pixels.split_at_checked(area).unwrap_or_default();
    let Some((green, blue)) = rest.split_at_checked(area).filter(|_| shape.channels == 3) else {
        return pixels.to_vec();
    };
    // Luma by the Rec. 709 weights.
    let luma = |((r, g), b): ((&u8, &u8), &u8)| {
        (0.2126 * f32::from(*r) + 0.7152 * f32::from(*g) + 0.0722 * f32::from(*b)).round() as u8
    };
    red.iter().zip(green).zip(blue).map(luma).collect::<Vec<u8>>().repeat(3)
}

/// Planar bytes of one or three channels as an image for the screen.
fn to_image(shape: ImageShape, pixels: &[u8]) -> Option<ColorImage> {
    let area = shape.height.checked_mul(shape.width).filter(|a| *a > 0)?;
    let colors: Vec<Color32> = match (shape.channels, pixels.len() == shape.numel()) {
        (1, true) => pixels.iter().map(|&v| Color32::from_gray(v)).collect(),
        (3, true) => {
            let (red, rest) = pixels.split_at_checked(area)?;
            let (green, blue) = rest.split_at_checked(area)?;
            red.iter().zip(green).zip(blue).map(|((&r, &g), &b)| Color32::from_rgb(r, g, b)).collect()
        }
        _ => return None,
    };
    Some(ColorImage::new([shape.width, shape.height], colors))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planar_bytes_become_pixels_and_incomplete_data_is_refused() {
        let shape = ImageShape { channels: 3, height: 1, width: 2 };
        let image = to_image(shape, &[1, 2, 3, 4, 5, 6]).unwrap();
        assert_eq!(image.pixels, [Color32::from_rgb(1, 3, 5), Color32::from_rgb(2, 4, 6)]);
        assert!(to_image(shape, &[1, 2, 3]).is_none());
        assert_eq!(grey(shape, &[255, 0, 255, 0, 255, 255]), [255, 18, 255, 18, 255, 18]);
        assert!(to_image(ImageShape { channels: 4, ..shape }, &[0; 8]).is_none());
        let grey = to_image(ImageShape { channels: 1, height: 1, width: 2 }, &[7, 9]).unwrap();
        assert_eq!(grey.pixels[1], Color32::from_gray(9));
    }
}
