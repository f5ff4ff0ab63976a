//! The curve of a score over the timesteps, from noise to image.

use egui::accesskit::Role;
use egui::{Align2, Color32, Pos2, Rect, Response, Sense, Shape, Stroke, Ui, Vec2, WidgetInfo, pos2, vec2};

use crate::app::format;
use crate::app::theme::{self, tokens};

/// One group's curve.
pub struct Line<'a> {
    /// Its colour.
    pub color: Color32,
    /// Timesteps from noise to image, with the contribution of each in nats.
    pub points: &'a [(usize, f64)],
}

/// Height of the texts above and below the curves.
const TEXT_HEIGHT: f32 = 20.0;

/// Draws the curve of the group `name`, with faint curves of the other groups behind it.
pub fn timeline(ui: &mut Ui, size: Vec2, name: &str, line: &Line<'_>, others: &[Line<'_>]) -> Response {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let plot = Rect::from_min_max(rect.min + vec2(0.0, TEXT_HEIGHT), rect.max - vec2(0.0, TEXT_HEIGHT - 2.0));
    let painter = ui.painter_at(rect);
    painter.rect_filled(plot, 3.0, t.panel);
    let frame = Frame::of(plot.shrink2(vec2(4.0, 6.0)), others.iter().chain([line]));
    painter.hline(plot.x_range(), frame.y(0.0), Stroke::new(1.0, t.outline.gamma_multiply(0.7)));
    for other in others {
        painter.add(frame.line(other, Stroke::new(1.0, other.color.gamma_multiply(0.3))));
    }
    painter.add(frame.line(line, Stroke::new(1.8, line.color)));
    let text = |at: Pos2, align: Align2, text: &str, color: Color32| {
        painter.text(at, align, text, theme::caption(), color);
    };
    text(rect.left_bottom(), Align2::LEFT_BOTTOM, "noise", t.weak);
    text(rect.center_bottom(), Align2::CENTER_BOTTOM, "timestep", t.weak);
    text(rect.right_bottom(), Align2::RIGHT_BOTTOM, "image", t.weak);
    text(rect.left_top(), Align2::LEFT_TOP, "By timestep", t.text);
    let hovered = response.hover_pos().and_then(|pointer| frame.nearest(line, pointer));
    match hovered {
        Some((timestep, value, sum)) => {
            painter.vline(frame.x(timestep), plot.y_range(), Stroke::new(1.0, t.outline));
            painter.circle_filled(pos2(frame.x(timestep), frame.y(value)), 3.0, line.color);
            text(rect.right_top(), Align2::RIGHT_TOP, &describe(interval(line, timestep), value, Some(sum)), t.strong);
        }
        None => {
            if let Some((timestep, value, _)) = peak(line) {
                let peak = format!("Peak at {}", describe(interval(line, timestep), value, None));
                text(rect.right_top(), Align2::RIGHT_TOP, &peak, t.weak);
            }
        }
    }
    let label = match hovered.or_else(|| peak(line)) {
        Some((timestep, value, sum)) => {
            format!("By timestep, {name}: {}", describe(interval(line, timestep), value, Some(sum)))
        }
        None => format!("By timestep, {name}: not known yet"),
    };
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &label));
    response
}

/// The timesteps that a point represents: those nearer to it than to its neighbours. Where only some timesteps were
/// evaluated, each carries the weight of all timesteps around it.
fn interval(line: &Line<'_>, timestep: usize) -> (usize, usize) {
    let others = || line.points.iter().map(|(t, _)| *t);
    let below = others().filter(|t| *t < timestep).max();
    let above = others().filter(|t| *t > timestep).min();
    (below.map_or(timestep, |t| (t + timestep) / 2 + 1), above.map_or(timestep, |t| (t + timestep) / 2))
}

/// Timesteps with their contribution, and the cumulative score from the noise up to them.
fn describe((first, last): (usize, usize), value: f64, cumulative: Option<f64>) -> String {
    let nats = |v: f64| format::signed(v, format::decimals(v).min(2));
    let cumulative = cumulative.map_or_else(String::new, |sum| format!(", cumulative {}", nats(sum)));
    let timesteps = if first == last { format!("timestep {first}") } else { format!("timesteps {first}–{last}") };
    format!("{timesteps}: {} nats{cumulative}", nats(value))
}

/// The timestep with the largest contribution of either sign.
fn peak(line: &Line<'_>) -> Option<(usize, f64, f64)> {
    with_cumulative(line).max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))
}

/// Timesteps with their contribution and the cumulative sum from the noise.
fn with_cumulative<'a>(line: &Line<'a>) -> impl Iterator<Item = (usize, f64, f64)> + 'a {
    line.points.iter().scan(0.0, |sum, (step, value)| {
        *sum += value;
        Some((*step, *value, *sum))
    })
}

/// The axes: positions of timesteps and values on screen.
struct Frame {
    plot: Rect,
    /// The noisiest timestep.
    first: f64,
    /// The timestep nearest to the image.
    last: f64,
    low: f64,
    high: f64,
}

impl Frame {
    /// Axes that contain all lines, and zero.
    fn of<'a>(plot: Rect, lines: impl Iterator<Item = &'a Line<'a>>) -> Self {
        let mut frame = Self { plot, first: f64::NEG_INFINITY, last: f64::INFINITY, low: 0.0, high: 0.0 };
        for (step, value) in lines.flat_map(|l| l.points).filter(|(_, v)| v.is_finite()) {
            (frame.first, frame.last) = (frame.first.max(*step as f64), frame.last.min(*step as f64));
            (frame.low, frame.high) = (frame.low.min(*value), frame.high.max(*value));
        }
        if frame.high - frame.low < 1e-12 {
            frame.high = frame.low + 1.0;
        }
        frame
    }

    fn x(&self, step: usize) -> f32 {
        let u = (self.first - step as f64) / (self.first - self.last).max(1.0);
        self.plot.left() + u.clamp(0.0, 1.0) as f32 * self.plot.width()
    }

    fn y(&self, value: f64) -> f32 {
        let v = (value - self.low) / (self.high - self.low);
        self.plot.bottom() - v.clamp(0.0, 1.0) as f32 * self.plot.height()
    }

    fn line(&self, line: &Line<'_>, stroke: Stroke) -> Shape {
        let points = line.points.iter().filter(|(_, v)| v.is_finite());
        Shape::line(points.map(|(step, v)| pos2(self.x(*step), self.y(*v))).collect(), stroke)
    }

    fn nearest(&self, line: &Line<'_>, pointer: Pos2) -> Option<(usize, f64, f64)> {
        let far = |step: usize| (self.x(step) - pointer.x).abs();
        with_cumulative(line).min_by(|a, b| far(a.0).total_cmp(&far(b.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINTS: [(usize, f64); 3] = [(900, 1.0), (400, -3.0), (10, 2.0)];

    #[test]
    fn a_point_represents_the_timesteps_around_it() {
        let line = Line { color: Color32::PLACEHOLDER, points: &POINTS };
        assert_eq!([900, 400, 10].map(|t| interval(&line, t)), [(651, 900), (206, 650), (10, 205)]);
        assert_eq!(describe((206, 650), -3.0, None), "timesteps 206–650: \u{2212}3.00 nats");
    }

    #[test]
    fn noise_is_at_the_left_and_zero_is_visible() {
        let plot = Rect::from_min_size(pos2(0.0, 0.0), vec2(100.0, 50.0));
        let line = Line { color: Color32::PLACEHOLDER, points: &POINTS };
        let frame = Frame::of(plot, [&line].into_iter());
        assert_eq!((frame.x(900), frame.x(10)), (0.0, 100.0));
        assert_eq!((frame.y(-3.0), frame.y(2.0), frame.y(0.0).round()), (50.0, 0.0, 20.0));
        assert_eq!(frame.nearest(&line, pos2(60.0, 0.0)), Some((400, -3.0, -2.0)));
        assert_eq!(peak(&line), Some((400, -3.0, -2.0)));
        let none = Line { color: Color32::PLACEHOLDER, points: &[] };
        let frame = Frame::of(plot, [&none].into_iter());
        assert!(frame.nearest(&none, pos2(5.0, 5.0)).is_none() && frame.y(0.0).is_finite() && frame.x(3).is_finite());
    }
}
