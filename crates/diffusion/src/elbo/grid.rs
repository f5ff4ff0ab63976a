//! The timesteps at which the ELBO is evaluated, and their weights.

use std::fmt;
use std::str::FromStr;

use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use crate::NoiseSchedule;
use whence_base::random::stream;
use whence_base::{Error, Result, Setting};

/// A choice of timesteps, in the syntax of `--timesteps`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Timesteps {
    /// `A..B/STEP`: A, A + STEP, ... below B; up to the model's last timestep if B is omitted.
    Range {
        /// First timestep, at least 1.
        first: usize,
        /// End, exclusive.
        end: Option<usize>,
        /// Stride.
        stride: usize,
    },
    /// `N`: this many evaluations at timesteps sampled by importance; an unbiased estimate of the sum over `10../10`.
    Count(usize),
}

impl Timesteps {
    /// Every tenth step: the grid of the published method.
    pub const OFFICIAL: Self = Self::Range { first: 10, end: None, stride: 10 };
}

impl fmt::Display for Timesteps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range { first, end: Some(end), stride } => write!(f, "{first}..{end}/{stride}"),
            Self::Range { first, end: None, stride } => write!(f, "{first}../{stride}"),
            Self::Count(n) => write!(f, "{n}"),
        }
    }
}

impl FromStr for Timesteps {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let help =
            || format!("\"{text}\" does not describe timesteps: write 10..1000/10, 10../10 or a number such as 50");
        let parse = |s: &str| s.trim().parse::<usize>().map_err(|_| help());
        let Some((first, rest)) = text.split_once("..") else {
            return match parse(text)? {
                0 => Err(help()),
                n => Ok(Self::Count(n)),
            };
        };
        let (end, stride) = rest.split_once('/').unwrap_or((rest, "1"));
        let end = if end.trim().is_empty() { None } else { Some(parse(end)?) };
        let (first, stride) = (parse(first)?, parse(stride)?);
        if first == 0 {
            return Err(format!("{text}: the first timestep must be at least 1; at 0 the ELBO has another term"));
        }
        if stride == 0 || end.is_some_and(|end| end <= first) {
            return Err(help());
        }
        Ok(Self::Range { first, end, stride })
    }
}

impl TryFrom<String> for Timesteps {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        text.parse()
    }
}

impl From<Timesteps> for String {
    fn from(value: Timesteps) -> Self {
        value.to_string()
    }
}

/// Maximum number of evaluations of one model for one query.
pub const MAX_EVALUATIONS: usize = 1_000_000;

/// One evaluation point of the ELBO.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Timestep.
    pub t: usize,
    /// Index of the noise draw at this timestep.
    pub draw: usize,
    /// Factor of the squared error in the score, in nats.
    pub weight: f64,
}

/// The evaluations for one query.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// In the order of timesteps, then of draws.
    pub points: Vec<Point>,
    /// Noise draws per timestep of a fixed grid; 1 for timesteps sampled at random.
    pub draws: usize,
}

impl Timesteps {
    /// Timesteps of the official grid `10../10`; all timesteps if the schedule is shorter than two of its strides.
    pub fn official_grid(schedule: &NoiseSchedule) -> Vec<usize> {
        let last = schedule.len() - 1;
        if last < 20 { (1..=last).collect() } else { (10..=last).step_by(10).collect() }
    }

    /// The evaluations for a query with these bytes.
    ///
    /// On a fixed grid the weights are w_t / draws. For [`Count`](Self::Count), timesteps are sampled systematically
    /// with probability proportional to w_t ᾱ_t mixed with one fifth of a uniform distribution, and weighted by the
    /// inverse, so that the expected sum is the official grid's.
    ///
    /// # Errors
    /// Timesteps beyond the model's, no draws, and more than [`MAX_EVALUATIONS`].
    pub fn plan(self, schedule: &NoiseSchedule, draws: usize, seed: u64, query: &[u8]) -> Result<Plan> {
        if draws == 0 {
            return Err(Error::setting("there are no noise draws", [Setting::Draws], "give 1 or more"));
        }
        let last = schedule.len() - 1;
        let count = match self {
            Self::Range { first, end, stride } => (first..end.unwrap_or(last + 1).min(last + 1)).step_by(stride).len(),
            Self::Count(count) => count,
        };
        if count.saturating_mul(draws) > MAX_EVALUATIONS {
            return Err(Error::setting(
                format!("{count} timesteps with {draws} noise draws each are too many evaluations"),
                [Setting::Timesteps, Setting::Draws],
                format!("give at most {MAX_EVALUATIONS} evaluations per query"),
            ));
        }
        match self {
            Self::Range { first, end, stride } => {
                let end = end.unwrap_or(last + 1);
                if first > last || end > last + 1 {
                    return Err(Error::setting(
                        format!("{self} does not fit the model, which has timesteps up to {last}"),
                        [Setting::Timesteps],
                        "choose timesteps within that, or leave the upper end out: 10../10",
                    ));
                }
                let each = |t| {
                    let weight = schedule.elbo_weight(t) / draws as f64;
                    (0..draws).map(move |draw| Point { t, draw, weight })
                };
                Ok(Plan { points: (first..end).step_by(stride).flat_map(each).collect(), draws })
            }
            Self::Count(count) => {
                let grid = Self::official_grid(schedule);
                Ok(Plan { points: systematic(&grid, count * draws, schedule, seed, query), draws: 1 })
            }
        }
    }
}

/// Systematic sampling with unequal probabilities (Madow 1949): `count` evaluations on the grid.
fn systematic(grid: &[usize], count: usize, schedule: &NoiseSchedule, seed: u64, query: &[u8]) -> Vec<Point> {
    let importance: Vec<f64> = grid.iter().map(|&t| schedule.elbo_weight(t) * schedule.alpha_bar(Some(t))).collect();
    let total: f64 = importance.iter().sum();
    let uniform = 0.2 / grid.len() as f64;
    let offset: f64 = stream("whence 2026 timesteps", seed, query, 0).random();
    let mut points = Vec::with_capacity(count);
    let mut cumulative = 0.0;
    for (&t, importance) in grid.iter().zip(importance) {
        let p = 0.8 * importance / total + uniform;
        cumulative += p;
        let mut draw = 0;
        while points.len() < count && (points.len() as f64 + offset) / (count as f64) < cumulative {
            points.push(Point { t, draw, weight: schedule.elbo_weight(t) / (count as f64 * p) });
            draw += 1;
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BetaSchedule, SchedulerConfig};

    fn schedule(steps: usize) -> NoiseSchedule {
        let config = SchedulerConfig {
            num_train_timesteps: steps,
            beta_schedule: BetaSchedule::SquaredcosCapV2,
            ..SchedulerConfig::default()
        };
        NoiseSchedule::new(&config).unwrap()
    }

    #[test]
    fn text_is_parsed_and_written_back() {
        for text in ["10..4000/10", "10../10", "50"] {
            assert_eq!(text.parse::<Timesteps>().unwrap().to_string(), text);
        }
        assert_eq!("5..9".parse(), Ok(Timesteps::Range { first: 5, end: Some(9), stride: 1 }));
        for bad in ["", "0", "0../10", "10..5/1", "1..2/0", "a..b", "-3", "1..2/x"] {
            assert!(bad.parse::<Timesteps>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_official_grid_has_399_of_4000_steps_and_its_weights_sum_to_the_published_total() {
        let plan = Timesteps::OFFICIAL.plan(&schedule(4000), 1, 0, b"").unwrap();
        assert_eq!(plan.points.len(), 399);
        assert_eq!(plan.points.last().unwrap().t, 3990);
        let total: f64 = plan.points.iter().map(|p| p.weight).sum();
        assert!((total - 1.1288).abs() < 1e-3, "{total}"); // spec/guda.md 3.1
    }

    #[test]
    fn closed_form_of_the_kl_terms() {
        // spec/guda.md 8.3: |difference|² = 30.72 everywhere.
        let schedule = schedule(4000);
        for (t, nats) in [(10, 1.763843), (1000, 0.033287), (3990, 3.602999)] {
            let kl = schedule.elbo_weight(t) * 30.72;
            assert!((kl - nats).abs() < 2e-6, "{t}: {kl}");
        }
    }

    #[test]
    fn drawn_timesteps_estimate_the_official_sum_without_bias() {
        let schedule = schedule(1000);
        let curve = |t: usize| (1.0 - t as f64 / 1000.0).powi(3) * 100.0 + 1.0;
        let sum = |plan: &Plan| plan.points.iter().map(|p| p.weight * curve(p.t)).sum::<f64>();
        let truth = sum(&Timesteps::OFFICIAL.plan(&schedule, 1, 0, b"").unwrap());
        let estimates: Vec<f64> =
            (0..2000).map(|seed| sum(&Timesteps::Count(10).plan(&schedule, 1, seed, b"q").unwrap())).collect();
        let mean = estimates.iter().sum::<f64>() / 2000.0;
        let sd = (estimates.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / 1999.0).sqrt();
        assert!((mean - truth).abs() < 4.0 * sd / 2000f64.sqrt(), "{mean} {truth} {sd}");
        assert!(sd < 0.2 * truth, "{sd} {truth}");
    }

    #[test]
    fn each_drawn_evaluation_has_its_own_noise() {
        let plan = Timesteps::Count(200).plan(&schedule(1000), 1, 3, b"q").unwrap();
        assert_eq!(plan.points.len(), 200);
        let distinct: std::collections::HashSet<_> = plan.points.iter().map(|p| (p.t, p.draw)).collect();
        assert_eq!(distinct.len(), 200);
    }

    #[test]
    fn a_plan_that_no_machine_can_hold_is_refused() {
        let schedule = schedule(1000);
        for (text, draws) in [("1..1000", 1_000_000), ("1..1000", usize::MAX), ("50", 20_001), ("1000001", 1)] {
            let error = text.parse::<Timesteps>().unwrap().plan(&schedule, draws, 0, b"").unwrap_err();
            assert!(error.to_string().contains("too many evaluations"), "{text} {draws}: {error}");
        }
        assert!("1..1000".parse::<Timesteps>().unwrap().plan(&schedule, 1000, 0, b"").is_ok());
    }

    #[test]
    fn timesteps_beyond_the_model_are_refused() {
        let error = "10..4000/10".parse::<Timesteps>().unwrap().plan(&schedule(1000), 1, 0, b"").unwrap_err();
        assert!(error.to_string().contains("999"), "{error}");
    }
}
