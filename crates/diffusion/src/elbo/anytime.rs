//! Which groups made an image likely, with as few evaluations as the answer needs.
//!
//! A coarse first look at all groups; then only groups whose place is open get more evaluations, until the best ones are
//! separated from the rest at the chosen level or the budget is spent. This module decides what to evaluate and what the
//! numbers mean; it evaluates nothing itself, so callers may run many queries in common batches and keep every term.
//!
//! Why the answer is valid although the data are looked at repeatedly: the looks are planned before the first, and each
//! uses the smaller p-value of a group-sequential design ([`looks`]). Why although many groups are compared: the level is
//! shared between all pairs that could be confused, in × out of those still open (Bonferroni). Groups that left are
//! not counted: what is clearly worse cannot take the best one's place (Romano, Shaikh and Wolf 2014 prove it with a share
//! of the level set aside). Here nothing is set aside; simulated with 2 to 10 groups, any number of them tied and the others
//! at any distance, at most 4.7 % of the rankings lost the best group at the 95 % level.

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
use sampler::{Place, Sample, Sampler};
use student::t_tail;
use whence_base::{Error, Result, Setting};

/// An error about the settings of early stopping.
fn input(what: &str) -> Error {
    Error::setting(what, [Setting::Budget, Setting::Level, Setting::Top], "correct these settings")
}

/// What the user chooses.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Chance that a separated top is the right one, below 1.
    pub level: f64,
    /// How many groups are to be separated from the rest; their order among themselves is left open.
    pub top: usize,
    /// Network passes for this query at most, the full model's included: a place costs one for each group and one more.
    pub budget: usize,
    /// Places of the first look.
    pub first: usize,
}

/// Fewest places whose spread is worth anything.
const FEWEST: usize = 4;

/// Degrees of freedom lent to a difference's variance by the differences of the same group from the others, once there are
/// many of those. Measured on stored terms: 2 keep tail probabilities at 6 to 12 places, 8 do not.
const PRIOR_DF: f64 = 2.0;

impl Settings {
    /// The 95 % leader, with at most a quarter of the passes of a grid with `timesteps` steps: queries that are decided early
    /// bring the mean below a fifth.
    pub fn quarter(timesteps: usize, groups: usize) -> Self {
        Self { budget: timesteps * (groups + 1) / 4, ..Self::default() }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self { level: 0.95, top: 1, budget: 200, first: 6 }
    }
}

/// Evaluations to make next: every group at every place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Where; the full model is needed here too.
    pub places: Vec<Place>,
    /// Whose models, ascending.
    pub groups: Vec<usize>,
}

/// Where a group stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decision {
    /// Among the top.
    #[serde(rename = "In")]
    Top,
    /// Below it: gets no more evaluations.
    #[serde(rename = "Out")]
    Eliminated,
    /// Not known.
    #[serde(rename = "Open")]
    Undecided,
}

impl Decision {
    /// Order in a ranking: the top, what is open, what was left behind.
    pub fn place(self) -> usize {
        match self {
            Self::Top => 0,
            Self::Undecided => 1,
            Self::Eliminated => 2,
        }
    }
}

/// Why no more is evaluated, or that more would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// More evaluations are wanted.
    Unfinished,
    /// The top is separated at the level.
    Separated,
    /// The budget or the last planned look is reached; open groups are tied.
    Budget,
}

/// What is known about one group.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupStanding {
    /// Estimate of the score, nats.
    pub estimate: f64,
    /// Its standard error, nats.
    pub std_err: f64,
    /// Pointwise 95 % interval, nats.
    pub interval: (f64, f64),
    /// Evaluations behind it.
    pub evaluations: usize,
    /// Whether it is among the top.
    pub side: Decision,
}

/// What is known about all groups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// In the caller's order.
    pub groups: Vec<GroupStanding>,
    /// Whether this is final.
    pub verdict: Verdict,
    /// Evaluations of groups.
    pub evaluations: usize,
    /// Places: passes of the full model.
    pub places: usize,
}

impl Standing {
    /// Groups from the best down: the top and what is open by estimate, then what was left behind by estimate.
    pub fn order(&self) -> Vec<usize> {
        let mut order: Vec<(usize, &GroupStanding)> = self.groups.iter().enumerate().collect();
        order.sort_by(|(i, a), (j, b)| {
            a.side.place().cmp(&b.side.place()).then(b.estimate.total_cmp(&a.estimate)).then(i.cmp(j))
        });
        order.into_iter().map(|(i, _)| i).collect()
    }
}

/// The ranking of one query in progress.
#[derive(Clone, Debug)]
pub struct Anytime {
    settings: Settings,
    looks: InterimAnalyses,
    /// All places that could be visited, in order.
    samples: Vec<Sample>,
    /// Weighted terms of each group at the first of them, nats.
    values: Vec<Vec<f64>>,
    sides: Vec<Decision>,
    /// InterimAnalyses taken.
    look: usize,
    places: usize,
}

/// Numbers of places in two orders.
struct Orders {
    circle: Vec<usize>,
    time: Vec<usize>,
}

impl Orders {
    /// Of the places that have a value.
    fn moments(&self, value: impl Fn(usize) -> Option<f64>) -> Moments {
        let sorted = |order: &[usize]| order.iter().filter_map(|&i| value(i)).collect::<Vec<f64>>();
        Moments::of(sorted(&self.circle).into_iter(), sorted(&self.time).into_iter())
    }
}

impl Anytime {
    /// A ranking of `groups` groups over the places of `sampler`.
    ///
    /// # Errors
    /// Levels outside 0.5 to 1, a top that is not smaller than the number of groups, a budget below 4 places for all.
    pub fn new(groups: usize, sampler: Sampler, settings: Settings) -> Result<Self> {
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
        if most < FEWEST {
            return Err(input(
                "the evaluation budget is too small: every group and the full model need four evaluations each",
            ));
        }
        let first = settings.first.clamp(FEWEST, most);
        // The longest run: all but two rivals leave at the first look, and each place costs them and the full model.
        let last = first + (settings.budget - first * (groups + 1)) / 3;
        let looks = InterimAnalyses::planned(first, last);
        let samples = sampler.take(looks.last()).collect();
        let (values, sides) = (vec![Vec::new(); groups], vec![Decision::Undecided; groups]);
        Ok(Self { settings, looks, samples, values, sides, look: 0, places: 0 })
    }

    /// What to evaluate next; the same until it is told. `None` once finished.
    pub fn next(&self) -> Option<Request> {
        let groups = self.open();
        let wanted = self.looks.size(self.look)?.saturating_sub(self.places);
        let affordable = (self.settings.budget - self.spent()) / (groups.len() + 1);
        let count = wanted.min(affordable);
        if groups.is_empty() || count == 0 {
            return None;
        }
        Some(Request { places: self.samples.iter().skip(self.places).take(count).map(|s| s.place).collect(), groups })
    }

    /// Takes the answer to [`next`](Self::next): for each of its groups, for each of its places, the unweighted paired term
    /// |d|² - 2<e, d>.
    ///
    /// # Errors
    /// Nothing was asked for, another number of groups or places, or numbers that are not finite. Nothing is taken then.
    pub fn tell(&mut self, terms: &[Vec<f64>]) -> Result<()> {
        let request = self.next().ok_or(input("nothing was asked for"))?;
        if terms.len() != request.groups.len() || terms.iter().any(|t| t.len() != request.places.len()) {
            return Err(input("one list of terms a group, one term a place"));
        }
        if terms.iter().flatten().any(|v| !v.is_finite()) {
            return Err(input("terms must be finite"));
        }
        for (&group, terms) in request.groups.iter().zip(terms) {
            if let Some(values) = self.values.get_mut(group) {
                values.extend(terms.iter().zip(self.samples.iter().skip(self.places)).map(|(x, s)| s.factor * x));
            }
        }
        self.places += request.places.len();
        self.compare();
        self.look += 1;
        Ok(())
    }

    /// Everything known so far.
    pub fn standing(&self) -> Standing {
        let orders = self.orders();
        let groups = self
            .values
            .iter()
            .zip(&self.sides)
            .map(|(values, &side)| {
                let moments = orders.moments(|i| values.get(i).copied());
                GroupStanding {
                    estimate: moments.mean,
                    std_err: moments.std_err(),
                    interval: moments.interval_95(),
                    evaluations: values.len(),
                    side,
                }
            })
            .collect();
        let verdict = match (self.open().is_empty(), self.next()) {
            (true, _) => Verdict::Separated,
            (false, None) => Verdict::Budget,
            (false, Some(_)) => Verdict::Unfinished,
        };
        Standing { groups, verdict, evaluations: self.values.iter().map(Vec::len).sum(), places: self.places }
    }

    /// Groups whose place is open.
    fn open(&self) -> Vec<usize> {
        (0..self.sides.len()).filter(|&g| self.sides.get(g) == Some(&Decision::Undecided)).collect()
    }

    /// Network passes so far.
    fn spent(&self) -> usize {
        self.places + self.values.iter().map(Vec::len).sum::<usize>()
    }

    /// Numbers of the visited places, sorted.
    fn orders(&self) -> Orders {
        let by = |key: fn(&Sample) -> f64| {
            let mut order: Vec<(f64, usize)> =
                self.samples.iter().take(self.places).enumerate().map(|(i, s)| (key(s), i)).collect();
            order.sort_by(|a, b| a.0.total_cmp(&b.0));
            order.into_iter().map(|(_, i)| i).collect()
        };
        Orders { circle: by(|s| s.circle), time: by(Sample::along) }
    }

    /// One look: groups that leave, above or below.
    fn compare(&mut self) {
        let open = self.open();
        let slots = self.settings.top - self.sides.iter().filter(|&&s| s == Decision::Top).count();
        let level = self.looks.nominal((1.0 - self.settings.level) / (slots * (open.len() - slots)) as f64);
        let orders = self.orders();
        let (mut wins, mut losses) = (vec![0; self.sides.len()], vec![0; self.sides.len()]);
        for &winner in &open {
            for loser in self.beaten_by(winner, &open, &orders, level) {
                wins.get_mut(winner).into_iter().for_each(|n| *n += 1);
                losses.get_mut(loser).into_iter().for_each(|n| *n += 1);
            }
        }
        for ((side, wins), losses) in
            self.sides.iter_mut().zip(wins).zip(losses).filter(|((s, _), _)| **s == Decision::Undecided)
        {
            if losses >= slots {
                *side = Decision::Eliminated;
            } else if wins >= open.len() - slots {
                *side = Decision::Top;
            }
        }
        // What is left follows from the numbers.
        let left = self.open();
        let slots = self.settings.top.saturating_sub(self.sides.iter().filter(|&&s| s == Decision::Top).count());
        let side = if slots == 0 {
            Decision::Eliminated
        } else if left.len() <= slots {
            Decision::Top
        } else {
            return;
        };
        left.into_iter().for_each(|g| self.sides.get_mut(g).into_iter().for_each(|s| *s = side));
    }

    /// Groups among `rivals` whose paired difference from `winner` is significant at `level`.
    fn beaten_by(&self, winner: usize, rivals: &[usize], orders: &Orders, level: f64) -> Vec<usize> {
        let Some(ours) = self.values.get(winner) else { return Vec::new() };
        let differences: Vec<Moments> =
            self.values.iter().map(|theirs| orders.moments(|i| Some(ours.get(i)? - theirs.get(i)?))).collect();
        // The winner's own noise is in all of these, so they resemble each other and share what they know.
        let others = (differences.len() - 1) as f64;
        let shared = differences.iter().enumerate().filter(|(g, _)| *g != winner).map(|(_, d)| d.variance).sum::<f64>();
        let lent = PRIOR_DF * (others - 1.0) / others;
        let significant = |rival: &usize| {
            let Some(d) = differences.get(*rival) else { return false };
            let d = d.moderated(shared / others, lent);
            *rival != winner && t_tail(d.t(), d.df) <= level
        };
        rivals.iter().copied().filter(significant).collect()
    }
}
