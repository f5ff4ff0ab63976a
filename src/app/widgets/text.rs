//! Text truncated to a width.

use std::sync::Arc;

use egui::text::{LayoutJob, TextWrapping};
use egui::{Color32, FontId, Galley, Painter, TextFormat};

use crate::app::bidi;

/// A line of text, truncated with an ellipsis where it is wider than `width`.
pub fn elided(painter: &Painter, text: &str, font: FontId, color: Color32, width: f32) -> Arc<Galley> {
    let mut job = LayoutJob::default();
    // Each direction is a section of its own: the shaper turns a whole section where it begins with a right-to-left letter.
    match bidi::pieces(text) {
        Some(pieces) => pieces.iter().for_each(|p| job.append(p, 0.0, TextFormat::simple(font.clone(), color))),
        None => job.append(text, 0.0, TextFormat::simple(font, color)),
    }
    job.wrap = TextWrapping::truncate_at_width(width.max(10.0));
    painter.layout_job(job)
}
