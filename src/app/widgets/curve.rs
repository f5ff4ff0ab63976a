//! Small line plots of what a job measures, updated as values arrive.

use egui::accesskit::Role;
use egui::{Align2, Color32, Pos2, Rect, Response, Sense, Shape, Stroke, Ui, Vec2, WidgetInfo, pos2, vec2};

use crate::app::theme::{self, tokens};

/// One line.
pub struct Series<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its colour.
    pub color: Color32,
    /// Points (x, y), sorted by x.
    pub points: &'a [[f64; 2]],
    /// Whether single points are noisy. They are then drawn faint, with their running mean over them.
    pub noisy: bool,
}

/// Decay of the exponential running mean.
const DECAY: f64 = 0.85;

/// Exponential running mean with bias correction, as in Adam (Kingma and Ba 2015). Non-finite points are skipped.
fn running_mean(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let (mut sum, mut weight) = (0.0, 0.0);
    points
        .iter()
        .filter(|p| p[1].is_finite())
        .map(|[x, y]| {
            sum = DECAY * sum + y;
            weight = DECAY * weight + 1.0;
            [*x, sum / weight]
        })
        .collect()
}

/// Height of the legend above the plot.
const LEGEND: f32 = 18.0;

/// Draws line plots over x from 0 to `end`. `zero` includes y = 0 and marks it. `format` formats a value.
pub fn curve(
    ui: &mut Ui,
    size: Vec2,
    title: &str,
    series: &[Series<'_>],
    end: f64,
    zero: bool,
    format: impl Fn(f64) -> String,
) -> Response {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let painter = ui.painter_at(rect);
    let plot = Rect::from_min_max(rect.min + vec2(0.0, LEGEND + 4.0), rect.max - vec2(0.0, 1.0));
    let mut cursor = rect.min;
    if !title.is_empty() {
        let shown = painter.text(cursor, Align2::LEFT_TOP, title, theme::caption(), t.weak);
        cursor.x = shown.right() + 12.0;
    }
    let (low, high) = range(series, zero);
    let position = |[x, y]: [f64; 2]| -> Pos2 {
        let u = (x / end.max(1.0)).clamp(0.0, 1.0) as f32;
        let v = ((y - low) / (high - low)).clamp(0.0, 1.0) as f32;
        pos2(plot.left() + 3.0 + u * (plot.width() - 6.0), plot.bottom() - 3.0 - v * (plot.height() - 6.0))
    };
    painter.rect_filled(plot, 3.0, t.window);
    if zero {
        let y = position([0.0, 0.0]).y;
        painter.hline(plot.x_range(), y, Stroke::new(1.0, t.line));
    }
    for line in series {
        let means = line.noisy.then(|| running_mean(line.points));
        let main = means.as_deref().unwrap_or(line.points);
        if line.noisy && line.points.len() > 1 {
            let raw = line.points.iter().filter(|p| p[1].is_finite()).map(|p| position(*p)).collect();
            painter.add(Shape::line(raw, Stroke::new(1.0, line.color.gamma_multiply(0.4))));
        }
        let points: Vec<Pos2> = main.iter().filter(|p| p[1].is_finite()).map(|p| position(*p)).collect();
        let last = points.last().copied();
        if points.len() > 1 {
            painter.add(Shape::line(points, Stroke::new(1.5, line.color)));
        }
        if let Some(last) = last {
            painter.circle_filled(last, 2.5, line.color);
        }
        let value = main.last().map_or_else(String::new, |p| format(p[1]));
        let name = painter.text(cursor, Align2::LEFT_TOP, line.name, theme::caption(), t.weak);
        let shown =
            painter.text(name.right_top() + vec2(5.0, 0.0), Align2::LEFT_TOP, value, theme::caption(), t.strong);
        // The name is underlined in the colour of its line.
        let under = name.left_bottom() + vec2(0.0, 1.0);
        painter.hline(under.x..=name.right(), under.y, Stroke::new(1.5, line.color));
        cursor.x = shown.right() + 14.0;
    }
    let words: Vec<String> = series
        .iter()
        .map(|s| {
            std::format!("{} {}", s.name, s.points.last().map_or_else(|| "not known yet".into(), |p| format(p[1])))
        })
        .collect();
    let words = std::format!("{title} {}", words.join(", "));
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, words.trim()));
    response
}

/// The range of the y values; never empty.
fn range(series: &[Series<'_>], zero: bool) -> (f64, f64) {
    let values = series.iter().flat_map(|s| s.points.iter().map(|p| p[1])).filter(|y| y.is_finite());
    let start = if zero { (0.0, 0.0) } else { (f64::INFINITY, f64::NEG_INFINITY) };
    let (low, high) = values.fold(start, |(low, high), y| (low.min(y), high.max(y)));
    if high - low > 1e-12 {
        (low, high)
    } else if low.is_finite() {
        (low - 0.5, high + 0.5)
    } else {
        (0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_mean_starts_at_the_first_point() {
        let points: Vec<[f64; 2]> = (0..200).map(|i| [f64::from(i), f64::from(i % 2)]).collect();
        let means = running_mean(&points);
        assert_eq!(means.first(), Some(&[0.0, 0.0]));
        assert!(means.last().is_some_and(|p| (p[1] - 0.5).abs() < 0.1));
    }

    #[test]
    fn ranges_are_never_empty() {
        let of = |points: &[[f64; 2]], zero| {
            range(&[Series { name: "", color: Color32::TRANSPARENT, points, noisy: false }], zero)
        };
        assert_eq!(of(&[], false), (0.0, 1.0));
        assert_eq!(of(&[[0.0, 2.0]], false), (1.5, 2.5));
        assert_eq!(of(&[[0.0, 2.0], [1.0, 5.0]], true), (0.0, 5.0));
        assert_eq!(of(&[[0.0, f64::NAN], [1.0, -5.0]], true), (-5.0, 0.0));
    }
}
