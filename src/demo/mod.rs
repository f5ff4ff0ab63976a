//! The demo dataset, painted by code: small images in eight styles, every style over the same
//! five motifs.
//!
//! The groups of the demo are the styles. An image's colours and large shapes come from its
//! motif, its texture and line from its style, so that comparing pixels finds the motif and only
//! attribution to the training groups finds the style. No image occurs twice: each composition
//! is drawn anew from (style, index, seed).
//!
//! The eight groups are not alike on purpose, so that the measures have something to tell apart:
//!
//! | style         | role in the demo                                                          |
//! |---------------|---------------------------------------------------------------------------|
//! | `pointillism` | soaks up irregular samples mildly: random dots and scattered hues         |
//! | `hatching`    | half of the close pair: same angle and spacing of lines as `woodcut`      |
//! | `woodcut`     | the other half: the same lines in black ink, with contours                |
//! | `mosaic`      | ordinary: square tiles four pixels wide in a shade each, pale joints      |
//! | `watercolour` | replaceable: the plain smooth image that the others interpolate         |
//! | `stained-glass` | ordinary: dark leads around shapes and panes, saturated colour          |
//! | `pixel-art`   | ordinary: blocks of two pixels, shading by a chequered dither             |
//! | `neon`        | distinctive: glowing outlines in the dark, far from every other group     |
//!
//! All lengths in this module are in thirty-seconds of the image's side: pixels, at the size
//! the demo is made for.

mod canvas;
mod colour;
mod dice;
mod embedded;
mod motifs;
mod scene;
mod styles;
#[cfg(test)]
mod tests;

use dice::Dice;
pub use embedded::demo_folder;

/// Names of the styles, in the order of the groups; they serve as folder names.
pub const STYLES: [&str; 8] =
    ["pointillism", "hatching", "woodcut", "mosaic", "watercolour", "stained-glass", "pixel-art", "neon"];

/// Names of the motifs. Image `index` of every style shows motif `index % MOTIFS.len()`, so
/// groups whose size is a multiple of the number of motifs show each equally often.
pub const MOTIFS: [&str; 5] = ["sun", "mountain", "tree", "house", "boat"];

/// Largest side that [`paint`] paints; larger requests are painted at this size.
pub const MAX_SIDE: u32 = 2048;

/// Paints image `index` of style number `style`, `side` pixels wide and high.
///
/// The same arguments give the same bytes in the same build. The composition does not depend on
/// `side`: a larger side paints the same image with more pixels. Style numbers past the last
/// wrap around; `side` is taken as at least 1 and at most [`MAX_SIDE`].
pub fn paint(style: usize, index: u64, side: u32, seed: u64) -> image::RgbImage {
    let style = style % STYLES.len();
    let mut dice = Dice::new(style, index, seed);
    let scene = motifs::compose(index % MOTIFS.len() as u64, &mut dice);
    styles::render(style, &scene, &mut dice, side.clamp(1, MAX_SIDE))
}
