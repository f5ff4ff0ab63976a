//! What leaves the program: tables, JSON, pictures, reports.

mod drawn_png;
mod export;
mod html;
mod near;
mod picture;
mod recipe_png;
mod tables;

pub use drawn_png::{Drawn, read_drawn, write_drawn_png};
pub use export::{Comparison, TableFormat, write_comparison, write_scores};
pub use html::{Facts, GroupLook, Report, ReportPicture, ReportQuery};
pub use picture::{png_bytes, to_rgb, write_png, write_side_by_side};
pub use recipe_png::{ViewQuery, ViewRecipe, ViewSettings, carries_recipe, read_recipe_png, write_recipe_png};
pub use tables::{Provenance, write_attribution};
