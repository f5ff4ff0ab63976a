//! The rating of an image in the corners of its tile.

use egui::{Align2, FontId, Rect, Stroke, Ui, pos2, vec2};

use super::star_shape;
use crate::app::state::Rating;
use crate::app::theme::tokens;

/// Paints the number of an image's stars, and a cross where it is rejected.
pub fn rating_badge(ui: &Ui, tile: Rect, rating: Rating) {
    let t = tokens(ui);
    let painter = ui.painter();
    if rating.stars > 0 {
        let pill = Rect::from_min_size(tile.right_top() + vec2(-31.0, 3.0), vec2(28.0, 16.0));
        painter.rect_filled(pill, 8.0, t.window);
        let number = FontId::proportional(11.0);
        painter.text(pill.left_center() + vec2(6.0, 0.0), Align2::LEFT_CENTER, rating.stars, number, t.strong);
        star_shape(painter, pill.right_center() - vec2(9.0, 0.0), 5.5, t.strong);
    }
    if rating.rejected {
        let (a, b) = (tile.left_bottom() + vec2(5.0, -15.0), tile.left_bottom() + vec2(15.0, -5.0));
        painter.rect_filled(Rect::from_two_pos(a, b).expand(2.0), 3.0, t.window);
        for (from, to) in [(a, b), (pos2(a.x, b.y), pos2(b.x, a.y))] {
            painter.line_segment([from, to], Stroke::new(2.0, t.warn));
        }
    }
}
