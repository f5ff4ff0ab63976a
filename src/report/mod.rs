//! What leaves the program: tables, JSON, pictures.

mod picture;
mod tables;

pub use picture::{to_rgb, write_png, write_side_by_side};
pub use tables::{Provenance, write_attribution};
