//! What leaves the program: tables, JSON, images, reports.

mod export;
mod generated_png;
mod html;
mod image_file;
mod image_scores;
mod near;
mod recipe_png;
pub mod svg;
mod tables;

pub use export::{Comparison, TableFormat, write_comparison, write_scores};
pub use generated_png::{GenerationRecord, read_generation_record, write_generated_png};
pub use html::{Facts, GroupStyle, Report, ReportImage, ReportQuery};
pub use image_file::{png_bytes, to_rgb, write_png, write_side_by_side};
pub use recipe_png::{ViewQuery, ViewRecipe, ViewSettings, carries_recipe, read_recipe_png, write_recipe_png};
pub use tables::{Provenance, write_attribution};
