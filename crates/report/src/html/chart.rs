//! The bars of a ranking as lengths on paper: signed around a zero line, with intervals and the random groups' floor.

use whence_diffusion::elbo::Estimate;
use whence_methods::NullTest;

/// Units of the drawing: its width, the edge of the bars at the left and at the right, a row's height, and the room above.
pub const WIDTH: f64 = 720.0;
const LEFT: f64 = 168.0;
const RIGHT: f64 = 640.0;
const ROW: f64 = 28.0;
const HEAD: f64 = 22.0;

/// Half the heights of a bar and of an interval's ends.
const BAR: f64 = 8.0;
const TICK: f64 = 4.0;

/// Room for a character of a name, and for the longest name.
const LETTERS: usize = 20;

/// One group's bar.
#[derive(Debug, PartialEq)]
pub struct Bar {
    /// Class of its colour.
    pub class: String,
    /// Its name, and as much of it as has room.
    pub name: String,
    pub short: String,
    /// Its score as people read it.
    pub score: String,
    /// Middle of the row.
    pub y: f64,
    /// The bar.
    pub x: f64,
    pub width: f64,
    pub top: f64,
    /// The interval's line; none where it has no width or no end.
    pub whisker: Option<(f64, f64)>,
    /// Whether nothing tells it apart from the bar above.
    pub tie_top: Option<f64>,
}

/// A whole drawing.
#[derive(Debug, PartialEq)]
pub struct Chart {
    pub bars: Vec<Bar>,
    pub height: f64,
    pub zero: f64,
    /// Left edge, width and limit of the floor, and where its words begin and on which side.
    pub floor: Option<Floor>,
    pub bar_height: f64,
    pub tick: f64,
    pub head: f64,
    pub body: f64,
}

/// Where groups of no meaning lie.
#[derive(Debug, PartialEq)]
pub struct Floor {
    pub x: f64,
    pub width: f64,
    pub limit: f64,
    pub text_x: f64,
    pub anchor: &'static str,
}

/// What a bar is made of.
pub struct Row<'a> {
    pub class: &'a str,
    pub name: &'a str,
    pub score: String,
    pub estimate: Estimate,
    pub tied: bool,
}

impl Chart {
    /// Draws rows, the highest first.
    pub fn new(rows: &[Row<'_>], null: Option<&NullTest>) -> Self {
        // As far below the random groups' mean as above.
        let floor = null
            .map(|n| (2.0 * n.mean - n.threshold, n.threshold))
            .filter(|(low, high)| low.is_finite() && high.is_finite());
        let ends = |e: &Estimate| {
            let (low, high) = e.interval_95();
            [e.score, low, high]
        };
        let (low, high) = rows
            .iter()
            .flat_map(|r| ends(&r.estimate))
            .chain(floor.map(|f| f.1))
            .filter(|v| v.is_finite())
            .fold((0.0f64, 0.0f64), |(low, high), v| (low.min(v), high.max(v)));
        let span = if high - low > 1e-12 { high - low } else { 1.0 };
        let x = |value: f64| rounded(LEFT + ((value - low) / span).clamp(0.0, 1.0) * (RIGHT - LEFT));
        let zero = x(0.0);
        let bars = rows
            .iter()
            .enumerate()
            .map(|(i, row)| {
                let y = HEAD + ROW * (i as f64 + 0.5);
                let score = if row.estimate.score.is_nan() { 0.0 } else { row.estimate.score };
                let (a, b) = (zero.min(x(score)), zero.max(x(score)));
                let (low, high) = row.estimate.interval_95();
                Bar {
                    class: row.class.to_owned(),
                    name: row.name.to_owned(),
                    short: short(row.name),
                    score: row.score.clone(),
                    y,
                    x: a,
                    width: rounded((b - a).max(1.0)),
                    top: y - BAR,
                    whisker: (low.is_finite() && high.is_finite() && high > low).then(|| (x(low), x(high))),
                    tie_top: row.tied.then_some(y - ROW + 2.0),
                }
            })
            .collect();
        let floor = floor.map(|(low, high)| {
            let (start, limit) = (x(low), x(high));
            let right = limit < 0.5 * (LEFT + RIGHT);
            Floor {
                x: start,
                width: rounded(limit - start),
                limit,
                text_x: if right { limit + 5.0 } else { limit - 5.0 },
                anchor: if right { "start" } else { "end" },
            }
        });
        let body = ROW * rows.len() as f64;
        Self { bars, height: HEAD + body + 6.0, zero, floor, bar_height: 2.0 * BAR, tick: TICK, head: HEAD, body }
    }
}

/// Tenths are as fine as any screen or printer.
fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

fn short(name: &str) -> String {
    if name.chars().count() <= LETTERS {
        return name.to_owned();
    }
    let mut out: String = name.chars().take(LETTERS - 1).collect();
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn row(name: &str, estimate: Estimate) -> Row<'_> {
        Row { class: "g0", name, score: String::new(), estimate, tied: false }
    }

    #[test]
    fn everything_is_in_sight_and_signs_point_their_way() {
        let rows = [row("up", Estimate::new(10.0, 1.0)), row("down", Estimate::new(-5.0, 0.5))];
        let chart = Chart::new(&rows, None);
        let (up, down) = (&chart.bars[0], &chart.bars[1]);
        assert_eq!(up.x, chart.zero);
        assert!((down.x + down.width - chart.zero).abs() < 0.11, "it ends at zero");
        assert!((up.width / down.width - 2.0).abs() < 0.01);
        let (low, high) = up.whisker.unwrap();
        assert_eq!(high, RIGHT);
        assert!(low < up.x + up.width && up.x + up.width < high);
        assert!(down.whisker.unwrap().0 >= LEFT);
        assert!(chart.height > chart.bars[1].y + BAR);
    }

    #[test]
    fn what_has_no_number_still_has_a_place() {
        let rows = [row("a", Estimate::new(f64::NAN, 1.0)), row("b", Estimate::new(1.0, f64::INFINITY))];
        let chart = Chart::new(&rows, None);
        assert!(chart.bars.iter().all(|b| b.x.is_finite() && b.width.is_finite() && b.whisker.is_none()));
        assert!(Chart::new(&[row("a", Estimate::exact(0.0))], None).bars[0].width >= 1.0);
        assert!(Chart::new(&[], None).height.is_finite());
    }

    #[test]
    fn the_floor_is_in_sight_even_above_all_bars() {
        let null = NullTest {
            scores: vec![],
            mean: 1.0,
            sd: 1.0,
            threshold: 30.0,
            allowances: BTreeMap::new(),
            references: 0,
        };
        let chart = Chart::new(&[row("a", Estimate::exact(3.0))], Some(&null));
        let floor = chart.floor.unwrap();
        assert_eq!((floor.limit, floor.anchor), (RIGHT, "end"));
        assert!(chart.bars[0].width < 0.2 * (RIGHT - LEFT));
    }

    #[test]
    fn long_names_are_cut() {
        assert_eq!(short("pointillism"), "pointillism");
        assert_eq!(short(&"ü".repeat(30)).chars().count(), LETTERS);
    }
}
