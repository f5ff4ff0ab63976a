//! Small marks: of a group, and that something is in doubt.

use egui::{Painter, Pos2, Shape, Stroke, pos2};

use crate::app::theme::{Mark, Tokens};

/// Paints a group's mark around `center`.
pub fn swatch(painter: &Painter, center: Pos2, radius: f32, group: usize, tokens: &Tokens) {
    let color = tokens.group(group);
    let Pos2 { x, y } = center;
    match Mark::of(group) {
        Mark::Disc => painter.circle_filled(center, radius, color),
        Mark::Ring => painter.circle_stroke(center, radius - 1.0, Stroke::new(2.0, color)),
        Mark::Square => {
            let rect = egui::Rect::from_center_size(center, egui::Vec2::splat(2.0 * radius - 1.0));
            painter.rect_filled(rect, 1.0, color)
        }
        Mark::Diamond => {
            let corners = vec![pos2(x, y - radius), pos2(x + radius, y), pos2(x, y + radius), pos2(x - radius, y)];
            painter.add(Shape::convex_polygon(corners, color, Stroke::NONE))
        }
    };
}

/// Paints a warning sign around `center`.
pub fn warning(painter: &Painter, center: Pos2, tokens: &Tokens) {
    let Pos2 { x, y } = center;
    let corners = vec![pos2(x, y - 6.5), pos2(x + 7.0, y + 5.5), pos2(x - 7.0, y + 5.5)];
    painter.add(Shape::convex_polygon(corners, tokens.warn, Stroke::NONE));
    painter.vline(x, y - 2.5..=y + 1.8, Stroke::new(1.6, tokens.window));
    painter.circle_filled(pos2(x, y + 3.7), 0.9, tokens.window);
}
