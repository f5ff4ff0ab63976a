//! Small marks: of a group, of a warning, and of a starred image.

use egui::{Color32, Painter, Pos2, Shape, Stroke, pos2};

use crate::app::theme::{Mark, Tokens};

/// Paints a group's mark around `center`.
pub fn swatch(painter: &Painter, center: Pos2, radius: f32, group: usize, tokens: &Tokens) {
    painter.add(mark_shape(center, radius, group, tokens.group(group)));
}

/// A group's mark around `center`.
pub fn mark_shape(center: Pos2, radius: f32, group: usize, color: Color32) -> Shape {
    let Pos2 { x, y } = center;
    match Mark::of(group) {
        Mark::Disc => Shape::circle_filled(center, radius, color),
        Mark::Ring => Shape::circle_stroke(center, 0.8 * radius, Stroke::new(0.4 * radius, color)),
        Mark::Square => {
            let rect = egui::Rect::from_center_size(center, egui::Vec2::splat(1.8 * radius));
            Shape::rect_filled(rect, 0.2 * radius, color)
        }
        Mark::Diamond => {
            let corners = vec![pos2(x, y - radius), pos2(x + radius, y), pos2(x, y + radius), pos2(x - radius, y)];
            Shape::convex_polygon(corners, color, Stroke::NONE)
        }
    }
}

/// Paints a star around `center`, visible on any image.
pub fn star(painter: &Painter, center: Pos2, radius: f32, tokens: &Tokens) {
    painter.circle_filled(center, radius + 1.5, tokens.window);
    star_shape(painter, center, radius, tokens.strong);
}

/// Paints a star of a colour around `center`.
pub fn star_shape(painter: &Painter, center: Pos2, radius: f32, color: Color32) {
    let point = |i: usize| {
        let angle = i as f32 * std::f32::consts::TAU / 10.0;
        let reach = if i.is_multiple_of(2) { radius } else { 0.45 * radius };
        center + reach * egui::vec2(angle.sin(), -angle.cos())
    };
    // A star is not convex, but the five kites around its centre are.
    for i in (0..10).step_by(2) {
        let kite = vec![center, point(i + 9), point(i), point(i + 1)];
        painter.add(Shape::convex_polygon(kite, color, Stroke::NONE));
    }
}

/// Paints a warning sign around `center`.
pub fn warning(painter: &Painter, center: Pos2, tokens: &Tokens) {
    let Pos2 { x, y } = center;
    let corners = vec![pos2(x, y - 6.5), pos2(x + 7.0, y + 5.5), pos2(x - 7.0, y + 5.5)];
    painter.add(Shape::convex_polygon(corners, tokens.warn, Stroke::NONE));
    painter.vline(x, y - 2.5..=y + 1.8, Stroke::new(1.6, tokens.window));
    painter.circle_filled(pos2(x, y + 3.7), 0.9, tokens.window);
}
