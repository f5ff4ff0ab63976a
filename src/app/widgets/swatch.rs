//! Small marks: of a group, of a warning, and stars.

use egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, Vec2, pos2};

use crate::app::theme::{Mark, Tokens};

/// Paints a group's mark around `center`. All marks have about the same weight.
pub fn swatch(painter: &Painter, center: Pos2, radius: f32, group: usize, tokens: &Tokens) {
    painter.add(mark_shape(center, radius, group, tokens.group(group)));
}

/// A group's mark around `center`.
pub fn mark_shape(center: Pos2, radius: f32, group: usize, color: Color32) -> Shape {
    let Pos2 { x, y } = center;
    let r = radius;
    let filled = |corners: Vec<Pos2>| Shape::convex_polygon(corners, color, Stroke::NONE);
    let thick = Stroke::new(0.5 * r, color);
    let lines = |ends: [[Pos2; 2]; 2]| Shape::Vec(ends.map(|ends| Shape::line_segment(ends, thick)).to_vec());
    match Mark::of(group) {
        Mark::Disc => Shape::circle_filled(center, r, color),
        Mark::Ring => Shape::circle_stroke(center, 0.8 * r, Stroke::new(0.4 * r, color)),
        Mark::Square => Shape::rect_filled(Rect::from_center_size(center, Vec2::splat(1.8 * r)), 0.2 * r, color),
        Mark::Diamond => {
            let d = 1.15 * r;
            filled(vec![pos2(x, y - d), pos2(x + d, y), pos2(x, y + d), pos2(x - d, y)])
        }
        Mark::Up => filled(vec![pos2(x, y - r), pos2(x + 1.1 * r, y + 0.85 * r), pos2(x - 1.1 * r, y + 0.85 * r)]),
        Mark::Down => filled(vec![pos2(x, y + r), pos2(x - 1.1 * r, y - 0.85 * r), pos2(x + 1.1 * r, y - 0.85 * r)]),
        Mark::Plus => lines([[pos2(x - r, y), pos2(x + r, y)], [pos2(x, y - r), pos2(x, y + r)]]),
        Mark::Cross => {
            let d = 0.8 * r;
            lines([[pos2(x - d, y - d), pos2(x + d, y + d)], [pos2(x - d, y + d), pos2(x + d, y - d)]])
        }
    }
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
