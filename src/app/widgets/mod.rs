//! What several panels draw with.

mod bars;
mod curve;
mod notice;
mod swatch;
mod textures;
mod thumbnail;

pub use bars::{Bar, Scale, bar, floor, header};
pub use curve::{Series, curve};
pub use notice::notice;
pub use swatch::{star, swatch, warning};
pub use textures::{Picture, Textures};
pub use thumbnail::{Tile, picture, tile};
