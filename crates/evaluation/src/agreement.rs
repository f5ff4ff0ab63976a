//! All metrics of one pairing: means over queries with intervals, chance levels, splits, and an oracle's ceiling.

#[cfg(test)]
pub(super) mod tests;

use serde::{Serialize, Serializer};

use super::metrics::{Metric, metrics};
use super::pairing::Pairing;
use super::statistics::{MAX_RESAMPLES, RESAMPLES, bootstrap_means};
use whence_base::{Error, Result, Setting};

/// How intervals are made.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Bootstrap resamples, from 1 on.
    pub resamples: usize,
    /// Seed of the resamples.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { resamples: RESAMPLES, seed: 0 }
    }
}

/// Further tables, paired with the same reference.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extras<'a> {
    /// A similarity method: a query is hard where the reference's first group is not the most similar one.
    pub looks_like: Option<&'a Pairing>,
    /// A second oracle, such as another seed of the same retraining: no method can be expected to agree more.
    pub ceiling: Option<&'a Pairing>,
}

/// A metric's mean over queries.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// Name of the metric.
    #[serde(skip)]
    pub name: &'static str,
    /// What it is.
    pub definition: &'static str,
    /// Mean over queries; where it is undefined for a query, that query counts as chance.
    pub value: f64,
    /// Lower bound of the 95% percentile bootstrap interval over queries.
    pub low_95: f64,
    /// Upper bound.
    pub high_95: f64,
    /// Exact expectation of a random order of the groups.
    pub chance: f64,
    /// (value - chance) / (best - chance): 0 at chance, 1 at best. None where chance is the best there is.
    pub chance_corrected: Option<f64>,
    /// Highest value that the metric can have.
    pub best: f64,
    /// Queries for which the metric is undefined.
    pub undefined: usize,
    /// The second oracle's value on the same queries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<f64>,
    /// (value - chance) / (ceiling - chance). None where the ceiling is not above chance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_of_ceiling: Option<f64>,
}

/// The same metrics on some of the queries.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Split {
    /// Its name: `large_margin`, `small_margin`, `separated`, `hard`, `easy`.
    #[serde(skip)]
    pub name: &'static str,
    /// Which queries these are.
    pub definition: &'static str,
    /// How many.
    pub queries: usize,
    /// Empty where there are no queries.
    #[serde(serialize_with = "by_name")]
    pub metrics: Vec<Measured>,
}

/// How well scores agree with a reference.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// Queries compared.
    pub queries: usize,
    /// Groups of each query.
    pub groups: usize,
    /// All metrics, in the registry's order.
    #[serde(serialize_with = "by_name")]
    pub metrics: Vec<Measured>,
    /// Metrics on parts of the queries.
    #[serde(serialize_with = "splits_by_name")]
    pub splits: Vec<Split>,
    /// Queries whose highest score is shared by several groups, so that their order decides the first place.
    pub tied_at_top: usize,
    /// Queries left out because the reference lacks them.
    pub only_in_scores: usize,
    /// Queries left out because the scores, or a further table, lack them.
    pub only_in_reference: usize,
    /// Bootstrap resamples.
    pub resamples: usize,
    /// Their seed.
    pub seed: u64,
}

pub(super) fn by_name<S: Serializer>(metrics: &[Measured], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(metrics.iter().map(|m| (m.name, m)))
}

fn splits_by_name<S: Serializer>(splits: &[Split], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(splits.iter().map(|s| (s.name, s)))
}

impl Agreement {
    /// Measures a pairing.
    #[must_use]
    pub fn of(pairing: &Pairing, options: &Options) -> Self {
        measure(pairing, Extras::default(), options)
    }

    /// Measures a pairing, with further splits and ceilings.
    ///
    /// # Errors
    /// Where a further table is not paired with the same queries of the same reference; too many resamples.
    pub fn with(pairing: &Pairing, extras: Extras<'_>, options: &Options) -> Result<Self> {
        if !(1..=MAX_RESAMPLES).contains(&options.resamples) {
            return Err(Error::setting(
                format!("{} bootstrap resamples", options.resamples),
                [Setting::Resamples],
                format!("give 1 to {MAX_RESAMPLES}"),
            ));
        }
        for (other, setting) in [(extras.looks_like, Setting::LooksLike), (extras.ceiling, Setting::Ceiling)] {
            if other.is_some_and(|other| !pairing.shares_reference(other)) {
                let what = "the tables do not have the same queries";
                return Err(Error::setting(
                    what,
                    [setting, Setting::CommonQueries],
                    "compare the queries that all tables have",
                ));
            }
        }
        Ok(measure(pairing, extras, options))
    }

    /// The metric of this name, over all queries.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<&Measured> {
        self.metrics.iter().find(|m| m.name == name)
    }

    /// `{"queries": n, "groups": k, "metrics": {NAME: {"value", "low_95", "high_95", "chance", "chance_corrected", ...}},
    /// "splits": {NAME: {"queries", "metrics", ...}}, ...}`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!(self)
    }
}

/// Values of all metrics: one row per query, one column per metric.
pub(super) struct Values {
    /// Chance stands in where a metric is undefined.
    pub(super) rows: Vec<Vec<f64>>,
    chance: Vec<Vec<f64>>,
    undefined: Vec<Vec<bool>>,
}

impl Values {
    pub(super) fn of(pairing: &Pairing) -> Self {
        let mut values = Self { rows: Vec::new(), chance: Vec::new(), undefined: Vec::new() };
        for (scores, reference) in pairing.scores.iter().zip(&pairing.reference) {
            let raw: Vec<Option<f64>> = metrics().iter().map(|m| (m.value)(scores, reference)).collect();
            let chance: Vec<f64> = metrics().iter().map(|m| (m.chance)(reference)).collect();
            values.rows.push(raw.iter().zip(&chance).map(|(v, c)| v.unwrap_or(*c)).collect());
            values.undefined.push(raw.iter().map(Option::is_none).collect());
            values.chance.push(chance);
        }
        values
    }

    fn means(rows: &[&Vec<f64>], column: usize) -> f64 {
        let sum: f64 = rows.iter().filter_map(|row| row.get(column)).sum();
        sum / rows.len().max(1) as f64
    }

    /// Metrics of the queries with these numbers.
    fn measure(&self, chosen: &[usize], groups: usize, ceiling: Option<&Self>, options: &Options) -> Vec<Measured> {
        if chosen.is_empty() {
            return Vec::new();
        }
        let rows: Vec<&Vec<f64>> = chosen.iter().filter_map(|&q| self.rows.get(q)).collect();
        let chances: Vec<&Vec<f64>> = chosen.iter().filter_map(|&q| self.chance.get(q)).collect();
        let ceilings: Option<Vec<&Vec<f64>>> = ceiling.map(|c| chosen.iter().filter_map(|&q| c.rows.get(q)).collect());
        let owned: Vec<Vec<f64>> = rows.iter().map(|row| (*row).clone()).collect();
        let intervals = bootstrap_means(&owned, options.resamples, options.seed);
        let one = |(column, (metric, (low_95, high_95))): (usize, (&Metric, (f64, f64)))| {
            let (value, chance) = (Self::means(&rows, column), Self::means(&chances, column));
            let best = (metric.best)(groups);
            let above_chance = |full: f64| (full - chance > 1e-9).then(|| (value - chance) / (full - chance));
            let ceiling = ceilings.as_ref().map(|rows| Self::means(rows, column));
            let undefined = chosen.iter().filter_map(|&q| self.undefined.get(q)?.get(column)).filter(|u| **u).count();
            Measured {
                name: metric.name,
                definition: metric.definition,
                value,
                low_95,
                high_95,
                chance,
                chance_corrected: above_chance(best),
                best,
                undefined,
                ceiling,
                share_of_ceiling: ceiling.and_then(above_chance),
            }
        };
        metrics().iter().zip(intervals).enumerate().map(one).collect()
    }
}

fn measure(pairing: &Pairing, extras: Extras<'_>, options: &Options) -> Agreement {
    let values = Values::of(pairing);
    let ceiling = extras.ceiling.map(Values::of);
    let groups = pairing.groups.len();
    let all: Vec<usize> = (0..pairing.queries.len()).collect();
    let on = |chosen: &[usize]| values.measure(chosen, groups, ceiling.as_ref(), options);
    let splits = parts(pairing, extras.looks_like)
        .into_iter()
        .map(|(name, definition, chosen)| Split { name, definition, queries: chosen.len(), metrics: on(&chosen) })
        .collect();
    let tied = |scores: &&Vec<f64>| matches!(top_two(scores), Some((a, b)) if a.1 == b.1);
    Agreement {
        queries: pairing.queries.len(),
        groups,
        metrics: on(&all),
        splits,
        tied_at_top: pairing.scores.iter().filter(tied).count(),
        only_in_scores: pairing.only_in_scores.len(),
        only_in_reference: pairing.only_in_reference.len(),
        resamples: options.resamples.max(1),
        seed: options.seed,
    }
}

type Place = (usize, f64);

/// Leader and runner-up: index and value; of equal values the lower index comes first.
fn top_two(values: &[f64]) -> Option<(Place, Place)> {
    let mut order: Vec<Place> = values.iter().copied().enumerate().collect();
    order.sort_by(|(_, a), (_, b)| b.partial_cmp(a).unwrap_or(std::cmp::Ordering::Equal));
    match order.as_slice() {
        [first, second, ..] => Some((*first, *second)),
        _ => None,
    }
}

type Part = (&'static str, &'static str, Vec<usize>);

/// Which queries belong to which split.
fn parts(pairing: &Pairing, looks_like: Option<&Pairing>) -> Vec<Part> {
    let tops: Vec<(Place, Place)> = pairing.reference.iter().filter_map(|r| top_two(r)).collect();
    let margins: Vec<f64> = tops.iter().map(|(first, second)| first.1 - second.1).collect();
    let mut sorted = margins.clone();
    sorted.sort_by(f64::total_cmp);
    let middle = |i: usize| sorted.get(i).copied().unwrap_or_default();
    let median = f64::midpoint(middle(sorted.len().saturating_sub(1) / 2), middle(sorted.len() / 2));
    let (large, small) = (0..margins.len()).partition(|&q| margins.get(q).is_some_and(|m| *m > median));
    let mut parts: Vec<Part> = vec![
        ("large_margin", "the reference's leader is ahead of its runner-up by more than the median query's is", large),
        ("small_margin", "the reference's leader is ahead of its runner-up by the median or less", small),
    ];
    if let Some(errors) = &pairing.reference_errors {
        let separated = tops.iter().zip(errors).enumerate().filter(|(_, ((first, second), errors))| {
            let of = |place: &Place| errors.get(place.0).copied().unwrap_or(f64::INFINITY);
            first.1 - second.1 > 1.96 * of(first).hypot(of(second))
        });
        let definition = "the reference's leader is ahead of its runner-up by more than 1.96 standard errors of the \
                          difference, their noise taken as independent";
        parts.push(("separated", definition, separated.map(|(q, _)| q).collect()));
    }
    if let Some(looks_like) = looks_like {
        let first = |values: &[f64]| top_two(values).map(|(first, _)| first.0);
        let likes = pairing.reference.iter().zip(&looks_like.scores);
        let same: Vec<bool> = likes.map(|(reference, similarity)| first(reference) == first(similarity)).collect();
        let (easy, hard) = (0..same.len()).partition(|&q| same.get(q).copied().unwrap_or_default());
        parts.push(("hard", "the reference's first group is not the group that the query looks like", hard));
        parts.push(("easy", "the reference's first group is the group that the query looks like", easy));
    }
    parts
}
