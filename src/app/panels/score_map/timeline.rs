//! The curve of a score over the training timesteps, from noise to image.

use egui::{Response, Ui, Vec2};

use crate::app::format;
use crate::app::theme::{Mark, tokens};
use crate::app::widgets::{Axis, Chart, Scaling, Series, chart};

/// One group's curve.
pub struct Line<'a> {
    /// The group.
    pub group: usize,
    /// Timesteps from noise to image, with the contribution of each in nats.
    pub points: &'a [(usize, f64)],
}

/// Tooltip: timesteps are not the steps of a sampler.
const HINT: &str = "Timesteps are the noise levels of training: the largest is pure noise, 0 the finished image. They are not the \
                    sampler's steps, of which there are fewer. Both axes are logarithmic, so that the last timesteps and small \
                    contributions are visible.";

/// Draws the curve of the group `name`, with faint curves of the other groups behind it.
pub fn timeline(
    ui: &mut Ui,
    size: Vec2,
    name: &str,
    timesteps: usize,
    line: &Line<'_>,
    others: &[Line<'_>],
) -> Response {
    let t = tokens(ui);
    let curve = |line: &Line<'_>| -> Vec<[f64; 2]> { line.points.iter().map(|(step, v)| [*step as f64, *v]).collect() };
    let (own, behind) = (curve(line), others.iter().map(|o| (o.group, curve(o))).collect::<Vec<_>>());
    let mut series: Vec<Series<'_>> = behind
        .iter()
        .map(|(group, points)| Series {
            name: "other groups",
            color: t.group(*group),
            points,
            noisy: false,
            faint: true,
            mark: None,
        })
        .collect();
    series.push(Series {
        name,
        color: t.group(line.group),
        points: &own,
        noisy: false,
        faint: false,
        mark: Some(Mark::of(line.group)),
    });
    let summary = match peak(line) {
        // The value first: what is at the end is cut in small windows.
        Some((at, value, _)) => {
            let (first, last) = interval(line, at);
            let nats = format::signed(value, format::decimals(value).min(2));
            let range = if first == last { format!("timestep {first}") } else { format!("timesteps {first}–{last}") };
            format!("Peak {nats} nats at {range} of {timesteps}")
        }
        None => "not known yet".into(),
    };
    let values = line.points.iter().chain(others.iter().flat_map(|o| o.points)).map(|(_, v)| *v);
    let y = Scaling::symmetric_log(values);
    let chart_of = Chart {
        title: "By training timestep",
        summary: &summary,
        size,
        x: Axis {
            label: "timestep, from noise to image",
            scaling: Scaling::SymmetricLog { linear: 1.0 },
            format: &|v| format!("{v:.0}"),
        },
        y: Axis { label: "nats", scaling: y, format: &short },
        reversed: true,
        include: &[[0.0, 0.0], [timesteps as f64, 0.0]],
        series: &series,
        describe: &|step, _| {
            let step = step.round().max(0.0) as usize;
            let near = with_cumulative(line).min_by_key(|(at, ..)| at.abs_diff(step));
            near.map_or_else(String::new, |(at, v, sum)| {
                format!("{name}\n{}", describe(interval(line, at), timesteps, v, Some(sum)))
            })
        },
    };
    chart(ui, &chart_of).on_hover_text(HINT)
}

/// A number beside an axis.
fn short(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let digits = (-value.abs().log10().floor()).clamp(0.0, 6.0) as usize;
    format::signed(value, digits)
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
fn describe((first, last): (usize, usize), of: usize, value: f64, cumulative: Option<f64>) -> String {
    let nats = |v: f64| format::signed(v, format::decimals(v).min(2));
    let cumulative = cumulative.map_or_else(String::new, |sum| format!(", cumulative {}", nats(sum)));
    let range = if first == last { format!("timestep {first}") } else { format!("timesteps {first}–{last}") };
    format!("{range} of {of}: {} nats{cumulative}", nats(value))
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

#[cfg(test)]
mod tests {
    use super::*;

    const POINTS: [(usize, f64); 3] = [(900, 1.0), (400, -3.0), (10, 2.0)];

    #[test]
    fn a_point_represents_the_timesteps_around_it() {
        let line = Line { group: 0, points: &POINTS };
        assert_eq!([900, 400, 10].map(|t| interval(&line, t)), [(651, 900), (206, 650), (10, 205)]);
        assert_eq!(describe((206, 650), 1000, -3.0, None), "timesteps 206–650 of 1000: \u{2212}3.00 nats");
        assert_eq!(peak(&line), Some((400, -3.0, -2.0)));
        assert_eq!(peak(&Line { group: 0, points: &[] }), None);
    }

    #[test]
    fn numbers_beside_the_axis_are_short() {
        assert_eq!([0.0, 0.01, -0.1, 1.0, 10.0].map(short), ["0", "+0.01", "\u{2212}0.1", "+1", "+10"]);
    }
}
