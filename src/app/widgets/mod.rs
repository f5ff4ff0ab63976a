//! Widgets shared by several panels.

mod bars;
mod chart;
mod compare;
mod heat;
pub mod hover;
pub mod image_grid;
mod job_progress;
pub mod point_map;
mod rating_badge;
mod swatch;
mod text;
mod textures;
mod thumbnail;

pub use bars::{Bar, Scale, bar, control_caption, header};
pub use chart::{Axis, Chart, Scaling, Series, chart};
pub use compare::{Contrast, Mode, Named, Pair, compare, modes};
pub use heat::{Heat, heat, install, legend, shade};
pub use job_progress::job_progress;
pub use point_map::PointMap;
pub use rating_badge::rating_badge;
pub use swatch::{star_shape, swatch, warning};
pub use text::elided;
pub use textures::{TextureKey, Textures, content, grey};
pub use thumbnail::{Tile, WHOLE, fit, show_image, tile};
