//! Images on their way to the screen: uploaded once, dropped when they were not shown for a while.

use std::collections::HashMap;

use egui::{Color32, ColorImage, Context, TextureFilter, TextureHandle, TextureId, TextureOptions};

use whence_data::ImageShape;

/// Images kept although they are not shown.
const SPARE: usize = 512;

/// Large pixels stay pixels; small images are smoothed.
const OPTIONS: TextureOptions = TextureOptions { minification: TextureFilter::Linear, ..TextureOptions::NEAREST };

/// What a texture shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextureKey {
    /// A query, by key.
    Query(u64),
    /// An image that is being drawn: job and step.
    Generating(u64, usize),
    /// A training image: number of the dataset and of the image.
    TrainingImage(u64, usize),
    /// A query without its colours, by key.
    Grey(u64),
    /// A query drawn again, by its content; whether it is finished.
    Regenerated(u64, bool),
    /// The difference of two images, by their content.
    Difference(u64, u64),
}

impl TextureKey {
    /// Whether nobody will ask for it again once another has taken its place on screen.
    fn is_passing(self) -> bool {
        matches!(self, Self::Generating(..) | Self::Regenerated(_, false))
    }
}

/// All images on the graphics card.
#[derive(Default)]
pub struct Textures {
    kept: HashMap<TextureKey, (TextureHandle, u64)>,
    frame: u64,
}

impl Textures {
    /// The image's texture; uploads it where it is new. None where the bytes do not fit the shape.
    pub fn get(&mut self, ctx: &Context, image: TextureKey, shape: ImageShape, pixels: &[u8]) -> Option<TextureId> {
        self.get_or(ctx, image, shape, || pixels)
    }

    /// The same with bytes that are only made where the image is new.
    pub fn get_or<P: AsRef<[u8]>>(
        &mut self,
        ctx: &Context,
        image: TextureKey,
        shape: ImageShape,
        pixels: impl FnOnce() -> P,
    ) -> Option<TextureId> {
        if let Some((handle, used)) = self.kept.get_mut(&image) {
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
        self.kept.insert(image, (handle, self.frame));
        Some(id)
    }

    /// Forgets images that were not shown in this frame, where there are too many.
    pub fn end_frame(&mut self) {
        let frame = self.frame;
        let many = self.kept.len() > SPARE;
        // Of an image that is being drawn only the latest step is ever shown again.
        self.kept.retain(|image, (_, used)| *used == frame || (!many && !image.is_passing()));
        self.frame += 1;
    }
}

/// A name for pixels: the same for the same.
pub fn content(pixels: &[u8]) -> u64 {
    egui::util::hash(pixels)
}

/// The image without its colours: planar bytes of the same shape.
pub fn grey(shape: ImageShape, pixels: &[u8]) -> Vec<u8> {
    let area = shape.height * shape.width;
    let (red, rest) = pixels.split_at_checked(area).unwrap_or_default();
    let Some((green, blue)) = rest.split_at_checked(area).filter(|_| shape.channels == 3) else {
        return pixels.to_vec();
    };
    // Brightness after Rec. 709, as eyes weigh the colours.
    let bright = |((r, g), b): ((&u8, &u8), &u8)| {
        (0.2126 * f32::from(*r) + 0.7152 * f32::from(*g) + 0.0722 * f32::from(*b)).round() as u8
    };
    red.iter().zip(green).zip(blue).map(bright).collect::<Vec<u8>>().repeat(3)
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
    fn planes_become_pixels_and_short_data_nothing() {
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
