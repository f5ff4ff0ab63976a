//! The procedural demo dataset: small images in eight styles, every style with the same five
//! motifs.
//!
//! The groups of the demo are the styles. An image's colours and large shapes come from its
//! motif, its texture and lines from its style, so that pixel distance finds the motif and only
//! attribution to the training groups finds the style. No image occurs twice: each composition
//! is generated from its own (style, index, seed).
//!
//! The groups differ in character on purpose, so that attribution methods have something to distinguish:
//!
//! | style         | role in the demo                                                          |
//! |---------------|---------------------------------------------------------------------------|
//! | `pointillism` | irregular texture: random dots and scattered hues                         |
//! | `hatching`    | half of the close pair: same angle and spacing of lines as `woodcut`      |
//! | `woodcut`     | the other half: the same lines in black ink, with contours                |
//! | `mosaic`      | ordinary: square tiles four pixels wide in a shade each, pale joints      |
//! | `watercolour` | replaceable: smooth images between all other styles                      |
//! | `stained-glass` | ordinary: dark leads around shapes and panes, saturated colour          |
//! | `pixel-art`   | ordinary: blocks of two pixels, shading by a chequered dither             |
//! | `neon`        | distinctive: glowing outlines in the dark, far from every other group     |
//!
//! All lengths in this module are in units of 1/32 of the image's side: pixels, at the demo's
//! size.

mod canvas;
mod colour;
mod embedded;
mod motifs;
mod rng;
mod scene;
mod styles;
#[cfg(test)]
mod tests;

pub use embedded::{demo_folder, is_demo};
use rng::ImageRng;

/// Names of the styles, in the order of the groups; they serve as folder names.
pub const STYLES: [&str; 8] =
    ["pointillism", "hatching", "woodcut", "mosaic", "watercolour", "stained-glass", "pixel-art", "neon"];

/// Names of the motifs. Image `index` of every style shows motif `index % MOTIFS.len()`, so
/// groups whose size is a multiple of the number of motifs show each equally often.
pub const MOTIFS: [&str; 5] = ["sun", "mountain", "tree", "house", "boat"];

/// Largest side that [`paint`] accepts; larger ones are reduced to it.
pub const MAX_SIDE: u32 = 2048;

/// Paints image `index` of style `style` (an index into [`STYLES`]), `side` pixels wide and high.
///
/// The same arguments give the same bytes in the same build. The composition does not depend on
/// `side`: a larger side paints the same image at a higher resolution. Style indices beyond the
/// last wrap around; `side` is clamped to 1 to [`MAX_SIDE`].
pub fn paint(style: usize, index: u64, side: u32, seed: u64) -> image::RgbImage {
    let style = style % STYLES.len();
    let mut rng = ImageRng::new(style, index, seed);
    let scene = motifs::compose(index % MOTIFS.len() as u64, &mut rng);
    styles::render(style, &scene, &mut rng, side.clamp(1, MAX_SIDE))
}
