//! The rating of an image in the corners of its tile.

use egui::{Align2, FontId, Rect, Stroke, Ui, pos2, vec2};

use super::star;
use crate::app::state::Rating;
use crate::app::theme::tokens;

/// Paints the stars of an image, with their number, and a cross where it is rejected.
pub fn rating_badge(ui: &Ui, tile: Rect, rating: Rating) {
    let t = tokens(ui);
    let painter = ui.painter();
    if rating.stars > 0 {
        let at = tile.right_top() + vec2(-10.0, 10.0);
        star(painter, at, 6.5, t);
        let number = FontId::proportional(9.0);
        painter.text(at + vec2(0.0, 0.5), Align2::CENTER_CENTER, rating.stars, number, t.window);
    }
    if rating.rejected {
        let (a, b) = (tile.left_bottom() + vec2(5.0, -15.0), tile.left_bottom() + vec2(15.0, -5.0));
        painter.rect_filled(Rect::from_two_pos(a, b).expand(2.0), 3.0, t.window);
        for (from, to) in [(a, b), (pos2(a.x, b.y), pos2(b.x, a.y))] {
            painter.line_segment([from, to], Stroke::new(2.0, t.warn));
        }
    }
}
