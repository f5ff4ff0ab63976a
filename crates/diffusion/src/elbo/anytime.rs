//! Anytime ranking of the groups that made an image likely, with as few evaluations as the decision needs: sequential
//! elimination in a group-sequential design.
//!
//! The first analysis compares all groups on few evaluations; then only undecided groups get more evaluations, until
//! the best ones are separated from the others at the chosen level or the budget is spent. This module decides what to
//! evaluate and which groups are separated. It evaluates nothing itself, so that callers can run many queries in common
//! batches and store every term.
//!
//! Why the confidence level holds although the data are examined repeatedly: the analyses are planned in advance and
//! share the error budget ([`interim_analyses`]). Why it holds although many groups are compared: the level is divided
//! between all pairs that could be confused, top × others among the undecided groups (Bonferroni). Eliminated groups
//! are not counted: a group that is clearly worse cannot replace the best one (Romano, Shaikh and Wolf 2014 prove this
//! with a fraction of the level set aside). Here nothing is set aside; in simulations with 2 to 10 groups, any number
//! of them tied and the others at any distance, at most 4.7% of the rankings lost the best group at the 95% level.

pub mod interim_analyses;
pub mod moments;
pub mod sampler;
pub mod student;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::grid::MAX_EVALUATIONS;
use interim_analyses::InterimAnalyses;
use moments::Moments;
use sampler::{EvalPoint, Sample, TimestepSampler};
use student::t_tail;
use whence_base::{Error, Result, Setting};

/// An error about the settings of early stopping.
fn input(what: &str) -> Error {
    Error::setting(what, [Setting::Budget, Setting::Level, Setting::Top], "correct these settings")
}

/// Settings of the stopping rule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Confidence level of the separation, from 0.5 to below 1.
    pub level: f64,
    /// Number of groups to separate from the others; their order among themselves stays undecided.
    pub top: usize,
    /// Maximum number of network evaluations for this query, including the full model's: each point costs one per group
    /// and one for the full model.
    pub budget: usize,
    /// Number of points of the first analysis.
    pub first: usize,
}

/// Fewest points from which a variance is estimated.
const MIN_POINTS: usize = 4;

/// Prior degrees of freedom of the moderated t statistic (Smyth 2004): how much the variance of one difference is
/// shrunk towards that of the same group's other differences, in the limit of many groups. Measured on stored terms:
/// with 2, tail probabilities are right at 6 to 12 points; with 8 they are not.
const PRIOR_DF: f64 = 2.0;

impl Settings {
    /// The leader at the 95% level, with at most a quarter of the evaluations of a grid of `timesteps` steps: queries
    /// that are decided early bring the mean below a fifth.
    pub fn quarter(timesteps: usize, groups: usize) -> Self {
        Self { budget: timesteps * (groups + 1) / 4, ..Self::default() }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self { level: 0.95, top: 1, budget: 200, first: 6 }
    }
}

/// Evaluations to make next: every group at every point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Timesteps and draws; the full model is evaluated there too.
    pub points: Vec<EvalPoint>,
    /// Groups whose counterfactual models are evaluated, ascending.
    pub groups: Vec<usize>,
}

/// The decision about a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decision {
    /// Among the top groups.
    #[serde(rename = "In")]
    Top,
    /// Below the top groups: gets no more evaluations.
    #[serde(rename = "Out")]
    Eliminated,
    /// Not separated from the others yet.
    #[serde(rename = "Open")]
    Undecided,
}

impl Decision {
    /// Order in a ranking: top, undecided, eliminated.
    pub fn tier(self) -> usize {
        match self {
            Self::Top => 0,
            Self::Undecided => 1,
            Self::Eliminated => 2,
        }
    }
}

/// Whether, and why, the ranking has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// More evaluations are needed.
    Unfinished,
    /// The top groups are separated at the level.
    Separated,
    /// The budget or the last planned analysis is reached; undecided groups are tied.
    Budget,
}

/// Estimate and decision for one group.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupStanding {
    /// Estimate of the score, nats.
    pub estimate: f64,
    /// Its standard error, nats.
    pub std_err: f64,
    /// Pointwise 95% interval, nats.
    pub interval: (f64, f64),
    /// Number of evaluations.
    pub evaluations: usize,
    /// Whether it is among the top groups.
    #[serde(rename = "side")]
    pub decision: Decision,
}

/// Estimates and decisions for all groups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// In the caller's order.
    pub groups: Vec<GroupStanding>,
    /// Whether the ranking has stopped.
    pub verdict: Verdict,
    /// Evaluations of the groups' models.
    pub evaluations: usize,
    /// Evaluations of the full model: points.
    #[serde(rename = "places")]
    pub points: usize,
}

impl Standing {
    /// Groups from the best down: top, undecided, eliminated, and by estimate within each of these.
    pub fn order(&self) -> Vec<usize> {
        let mut order: Vec<(usize, &GroupStanding)> = self.groups.iter().enumerate().collect();
        order.sort_by(|(i, a), (j, b)| {
            a.decision.tier().cmp(&b.decision.tier()).then(b.estimate.total_cmp(&a.estimate)).then(i.cmp(j))
        });
        order.into_iter().map(|(i, _)| i).collect()
    }
}

/// The ranking of one query in progress.
#[derive(Clone, Debug)]
pub struct Anytime {
    settings: Settings,
    analyses: InterimAnalyses,
    /// All points that could be evaluated, in order.
    samples: Vec<Sample>,
    /// Weighted terms of each group at the first of them, nats.
    values: Vec<Vec<f64>>,
    decisions: Vec<Decision>,
    /// Number of completed analyses.
    analyses_made: usize,
    /// Number of points evaluated.
    points: usize,
}

/// Indices of the evaluated points in two orders.
struct Orders {
    circle: Vec<usize>,
    time: Vec<usize>,
}

impl Orders {
    /// Estimates from the points that have a value.
    fn moments(&self, value: impl Fn(usize) -> Option<f64>) -> Moments {
        let sorted = |order: &[usize]| order.iter().filter_map(|&i| value(i)).collect::<Vec<f64>>();
        Moments::of(sorted(&self.circle).into_iter(), sorted(&self.time).into_iter())
    }
}

impl Anytime {
    /// A ranking of `groups` groups over the points of `sampler`.
    ///
    /// # Errors
    /// Levels outside 0.5 to 1, a top that is not smaller than the number of groups, and a budget below four points.
    pub fn new(groups: usize, sampler: TimestepSampler, settings: Settings) -> Result<Self> {
        if !(0.5..1.0).contains(&settings.level) {
            return Err(input("the confidence level must be at least 0.5 and below 1"));
        }
        if settings.top == 0 || settings.top >= groups {
            return Err(input("the leaders to separate must be at least one group, and fewer than all"));
        }
        if settings.budget > MAX_EVALUATIONS {
            return Err(input("the evaluation budget must be at most 1,000,000"));
        }
        let most = settings.budget / (groups + 1);
        if most < MIN_POINTS {
            return Err(input(
                "the evaluation budget is too small: every group and the full model need four evaluations each",
            ));
        }
        let first = settings.first.clamp(MIN_POINTS, most);
        // The longest run: all but two groups leave at the first analysis, and each point costs those and the full
        // model.
        let last = first + (settings.budget - first * (groups + 1)) / 3;
        let analyses = InterimAnalyses::planned(first, last);
        let samples = sampler.take(analyses.last()).collect();
        let (values, decisions) = (vec![Vec::new(); groups], vec![Decision::Undecided; groups]);
        Ok(Self { settings, analyses, samples, values, decisions, analyses_made: 0, points: 0 })
    }

    /// The evaluations to make next; the same until their terms are [recorded](Self::record). None once finished.
    pub fn next(&self) -> Option<Request> {
        let groups = self.undecided();
        let wanted = self.analyses.size(self.analyses_made)?.saturating_sub(self.points);
        let affordable = (self.settings.budget - self.spent()) / (groups.len() + 1);
        let count = wanted.min(affordable);
        if groups.is_empty() || count == 0 {
            return None;
        }
        Some(Request { points: self.samples.iter().skip(self.points).take(count).map(|s| s.point).collect(), groups })
    }

    /// Records the terms that [`next`](Self::next) requested, and performs the next analysis: for each group of the
    /// request and each of its points, the unweighted paired term |d|² - 2<e, d>.
    ///
    /// # Errors
    /// Where nothing was requested, for another number of groups or points, and for terms that are not finite. Nothing
    /// is recorded then.
    pub fn record(&mut self, terms: &[Vec<f64>]) -> Result<()> {
        let request = self.next().ok_or(input("no evaluations were requested"))?;
        if terms.len() != request.groups.len() || terms.iter().any(|t| t.len() != request.points.len()) {
            return Err(input("give one list of terms per group and one term per point"));
        }
        if terms.iter().flatten().any(|v| !v.is_finite()) {
            return Err(input("terms must be finite"));
        }
        for (&group, terms) in request.groups.iter().zip(terms) {
            debug_assert!(group < self.values.len(), "a request for group {group} of {}", self.values.len());
            if let Some(values) = self.values.get_mut(group) {
                values.extend(terms.iter().zip(self.samples.iter().skip(self.points)).map(|(x, s)| s.factor * x));
            }
        }
        self.points += request.points.len();
        self.analyse();
        self.analyses_made += 1;
        Ok(())
    }

    /// Estimates and decisions so far.
    pub fn standing(&self) -> Standing {
        let orders = self.orders();
        let groups = self
            .values
            .iter()
            .zip(&self.decisions)
            .map(|(values, &decision)| {
                let moments = orders.moments(|i| values.get(i).copied());
                GroupStanding {
                    estimate: moments.mean,
                    std_err: moments.std_err(),
                    interval: moments.interval_95(),
                    evaluations: values.len(),
                    decision,
                }
            })
            .collect();
        let verdict = match (self.undecided().is_empty(), self.next()) {
            (true, _) => Verdict::Separated,
            (false, None) => Verdict::Budget,
            (false, Some(_)) => Verdict::Unfinished,
        };
        Standing { groups, verdict, evaluations: self.values.iter().map(Vec::len).sum(), points: self.points }
    }

    /// Indices of the undecided groups.
    fn undecided(&self) -> Vec<usize> {
        let decisions = self.decisions.iter().enumerate();
        decisions.filter(|(_, d)| **d == Decision::Undecided).map(|(group, _)| group).collect()
    }

    /// Number of groups still to be added to the top.
    fn free_slots(&self) -> usize {
        self.settings.top.saturating_sub(self.decisions.iter().filter(|d| **d == Decision::Top).count())
    }

    /// Network evaluations so far.
    fn spent(&self) -> usize {
        self.points + self.values.iter().map(Vec::len).sum::<usize>()
    }

    /// Indices of the evaluated points, sorted by their position on the circle and by time.
    fn orders(&self) -> Orders {
        let by = |key: fn(&Sample) -> f64| {
            let mut order: Vec<(f64, usize)> =
                self.samples.iter().take(self.points).enumerate().map(|(i, s)| (key(s), i)).collect();
            order.sort_by(|a, b| a.0.total_cmp(&b.0));
            order.into_iter().map(|(_, i)| i).collect()
        };
        Orders { circle: by(|s| s.circle), time: by(Sample::relative_time) }
    }

    /// One interim analysis: decides groups that are separated from the others, upwards or downwards.
    fn analyse(&mut self) {
        let undecided = self.undecided();
        let slots = self.free_slots();
        let pairs = slots * (undecided.len() - slots);
        let level = self.analyses.nominal((1.0 - self.settings.level) / pairs as f64);
        let orders = self.orders();
        let (mut wins, mut losses) = (vec![0; self.decisions.len()], vec![0; self.decisions.len()]);
        for &winner in &undecided {
            for loser in self.beaten_by(winner, &undecided, &orders, level) {
                if let (Some(wins), Some(losses)) = (wins.get_mut(winner), losses.get_mut(loser)) {
                    *wins += 1;
                    *losses += 1;
                }
            }
        }
        for ((decision, wins), losses) in self.decisions.iter_mut().zip(wins).zip(losses) {
            if *decision != Decision::Undecided {
                continue;
            }
            if losses >= slots {
                *decision = Decision::Eliminated;
            } else if wins >= undecided.len() - slots {
                *decision = Decision::Top;
            }
        }
        // Where the top is full, or no more groups remain than it has room for, the others are decided too.
        let slots = self.free_slots();
        let decided = if slots == 0 {
            Decision::Eliminated
        } else if self.undecided().len() <= slots {
            Decision::Top
        } else {
            return;
        };
        for decision in self.decisions.iter_mut().filter(|d| **d == Decision::Undecided) {
            *decision = decided;
        }
    }

    /// Groups among `rivals` whose paired difference from `winner` is significant at `level`.
    fn beaten_by(&self, winner: usize, rivals: &[usize], orders: &Orders, level: f64) -> Vec<usize> {
        debug_assert!(winner < self.values.len(), "group {winner} of {}", self.values.len());
        let Some(ours) = self.values.get(winner) else { return Vec::new() };
        let differences: Vec<Moments> =
            self.values.iter().map(|theirs| orders.moments(|i| Some(ours.get(i)? - theirs.get(i)?))).collect();
        // All of these contain the winner's own noise, so their variances are similar and are shrunk towards their
        // mean.
        let others = (differences.len() - 1) as f64;
        let shared = differences.iter().enumerate().filter(|(g, _)| *g != winner).map(|(_, d)| d.variance).sum::<f64>();
        let prior_df = PRIOR_DF * (others - 1.0) / others;
        let significant = |rival: &usize| {
            let Some(d) = differences.get(*rival) else { return false };
            let d = d.moderated(shared / others, prior_df);
            *rival != winner && t_tail(d.t(), d.df) <= level
        };
        rivals.iter().copied().filter(significant).collect()
    }
}
