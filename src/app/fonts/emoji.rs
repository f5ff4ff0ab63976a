//! What emoji look like where no font has them: a face in the colour of the text, which is no box.

use egui::{Color32, ColorImage, GlyphBitmap, GlyphRasterizer, GlyphRasterizerRequest, RasterizedGlyph, vec2};

/// Draws emoji that no font has.
pub fn rasterizer() -> GlyphRasterizer {
    GlyphRasterizer::new("whence::emoji", |request: &GlyphRasterizerRequest<'_>| {
        let first = request.cluster.chars().next()?;
        is_emoji(first).then(|| face(request.font_size_px))
    })
}

/// Whether a character is in a block of pictographs.
fn is_emoji(c: char) -> bool {
    matches!(c, '\u{1F000}'..='\u{1FAFF}' | '\u{2600}'..='\u{27BF}')
}

/// A round face as high as capital letters.
fn face(size: f32) -> RasterizedGlyph {
    let side = (0.9 * size).ceil().clamp(4.0, 512.0);
    let pixels = side as usize;
    let image = ColorImage::new(
        [pixels; 2],
        (0..pixels * pixels)
            .map(|i| {
                // Position within the face, -1 to 1.
                let at = |v: usize| (v as f32 + 0.5) / side * 2.0 - 1.0;
                let (x, y) = (at(i % pixels), at(i / pixels));
                let soft = 2.0 / side;
                let inside = |distance: f32| (0.5 - distance / soft).clamp(0.0, 1.0);
                let ring = ((x.hypot(y) - 0.78).abs() - 0.09).max(-1.0);
                let eye = (x.abs() - 0.3).hypot(y + 0.22) - 0.12;
                let mouth = ((x.hypot(y - 0.02) - 0.42).abs() - 0.07).max(0.16 - y);
                let coverage = inside(ring).max(inside(eye)).max(inside(mouth));
                Color32::from_white_alpha((255.0 * coverage) as u8)
            })
            .collect(),
    );
    let bitmap = GlyphBitmap { image, offset_px: vec2(0.05 * size, -0.8 * size), is_color: false };
    RasterizedGlyph { bitmap, advance_px: size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_face_has_ink_inside_and_none_in_its_corners() {
        assert!(is_emoji('🎨') && is_emoji('🦊') && !is_emoji('日') && !is_emoji('A'));
        let face = face(20.0).bitmap.image;
        let [width, height] = face.size;
        let ink = face.pixels.iter().filter(|p| p.a() > 127).count() as f32 / (width * height) as f32;
        assert!((0.1..0.5).contains(&ink), "{ink}");
        assert_eq!(face.pixels[0].a(), 0);
    }
}
