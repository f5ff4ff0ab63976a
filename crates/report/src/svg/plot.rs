//! Curves with axes, ticks and a legend.

use std::fmt::Write as _;

use super::{Curves, MARGIN, Plot, TITLE, colour, line, number, text, title};

/// Size of a plot, in units of the drawing.
const PLOT: (f64, f64) = (560.0, 220.0);

/// Plots below each other.
pub(super) fn draw(curves: &Curves) -> (f64, f64, String) {
    let mut out = String::new();
    title(&mut out, &curves.title, "");
    let (width, height) = PLOT;
    let left = MARGIN + 70.0;
    for (i, plot) in curves.plots.iter().enumerate() {
        let top = MARGIN + TITLE + 20.0 + i as f64 * (height + 90.0);
        draw_plot(&mut out, plot, &curves.x, (left, top));
    }
    let total = MARGIN + TITLE + curves.plots.len() as f64 * (height + 90.0) + MARGIN;
    (left + width + 2.0 * MARGIN, total, out)
}

fn draw_plot(out: &mut String, plot: &Plot, x_name: &str, (left, top): (f64, f64)) {
    let (width, height) = PLOT;
    let points = || plot.lines.iter().flat_map(|line| &line.points).filter(|p| p.iter().all(|v| v.is_finite()));
    let range = |axis: usize| {
        let values = points().filter_map(|p| p.get(axis).copied());
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        // A single value, or none.
        match (low.is_finite(), high > low) {
            (false, _) => (0.0, 1.0),
            (true, true) => (low, high),
            (true, false) => (low - 0.5, low + 0.5),
        }
    };
    let ((x_low, x_high), (y_low, y_high)) = (range(0), range(1));
    let x = |value: f64| left + (value - x_low) / (x_high - x_low) * width;
    let y = |value: f64| top + height - (value - y_low) / (y_high - y_low) * height;
    text(out, (left, top - 24.0), 13.0, "start", "#000000", &plot.title);
    let mut at = left;
    for own in &plot.lines {
        line(out, (at, top - 10.0), (at + 16.0, top - 10.0), 2.5, colour(&own.colour));
        text(out, (at + 20.0, top - 6.0), 11.0, "start", "#333333", &own.name);
        at += 40.0 + 6.5 * own.name.chars().count() as f64;
    }
    line(out, (left, top + height), (left + width, top + height), 1.0, "#666666");
    line(out, (left, top), (left, top + height), 1.0, "#666666");
    for step in 0..=4 {
        let share = f64::from(step) / 4.0;
        let (x_value, y_value) = (x_low + share * (x_high - x_low), y_low + share * (y_high - y_low));
        text(out, (x(x_value), top + height + 16.0), 11.0, "middle", "#333333", &tick(x_value, x_high - x_low));
        text(out, (left - 8.0, y(y_value) + 4.0), 11.0, "end", "#333333", &tick(y_value, y_high - y_low));
        line(out, (left - 4.0, y(y_value)), (left, y(y_value)), 1.0, "#666666");
        line(out, (x(x_value), top + height), (x(x_value), top + height + 4.0), 1.0, "#666666");
    }
    text(out, (left + width / 2.0, top + height + 34.0), 12.0, "middle", "#333333", x_name);
    for own in &plot.lines {
        let mut path = String::new();
        for point in own.points.iter().filter(|p| p.iter().all(|v| v.is_finite())) {
            let [px, py] = *point;
            let command = if path.is_empty() { 'M' } else { 'L' };
            _ = write!(path, "{command}{} {} ", number(x(px)), number(y(py)));
        }
        if !path.is_empty() {
            _ = writeln!(
                out,
                "<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\" stroke-linejoin=\"round\"/>",
                path.trim_end(),
                colour(&own.colour)
            );
        }
    }
}

/// A number beside an axis whose ends are this far apart.
fn tick(value: f64, span: f64) -> String {
    let digits = match span {
        s if s >= 20.0 => 0,
        s if s >= 2.0 => 1,
        s if s >= 0.2 => 2,
        s if s >= 0.02 => 3,
        _ => 4,
    };
    format!("{value:.digits$}").replace('-', "\u{2212}")
}
