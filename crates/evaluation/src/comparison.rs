//! Two methods against one reference, on the same queries.

#[cfg(test)]
mod tests;

use serde::{Serialize, Serializer};

use super::agreement::{Options, Values};
use super::metrics::metrics;
use super::pairing::Pairing;
use super::statistics::{bootstrap_means, holm, mcnemar_p, sign_flip_p};
use whence_base::{Error, Result, Setting};

/// How two methods differ in a metric.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Name of the metric.
    #[serde(skip)]
    pub name: &'static str,
    /// The first method's mean over queries; undefined counts as chance.
    pub a: f64,
    /// The second method's.
    pub b: f64,
    /// a - b.
    pub difference: f64,
    /// Lower bound of the 95% paired bootstrap interval of the difference.
    pub low_95: f64,
    /// Upper bound.
    pub high_95: f64,
    /// Two-sided paired permutation test (sign flips), in (0, 1].
    pub p_permutation: f64,
    /// The same, corrected after Holm for asking about all metrics.
    pub p_holm: f64,
    /// Exact McNemar test, for metrics that are 0 or 1, in (0, 1].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_mcnemar: Option<f64>,
}

/// How two methods differ, over the same queries.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Queries compared.
    pub queries: usize,
    /// Groups of each.
    pub groups: usize,
    /// All metrics, in the registry's order.
    #[serde(serialize_with = "by_name")]
    pub metrics: Vec<Difference>,
}

fn by_name<S: Serializer>(differences: &[Difference], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(differences.iter().map(|d| (d.name, d)))
}

/// Compares two methods, each paired with the same reference.
///
/// # Errors
/// Where they are not paired with the same queries of the same reference.
pub fn compare(a: &Pairing, b: &Pairing, options: &Options) -> Result<Comparison> {
    if !a.shares_reference(b) {
        let what = "the two methods do not have the same queries";
        return Err(Error::setting(
            what,
            [Setting::Versus, Setting::CommonQueries],
            "compare the queries that all tables have",
        ));
    }
    let (values_a, values_b) = (Values::of(a).rows, Values::of(b).rows);
    let rows = values_a.iter().zip(&values_b);
    let differences: Vec<Vec<f64>> = rows.map(|(a, b)| a.iter().zip(b).map(|(a, b)| a - b).collect()).collect();
    let intervals = bootstrap_means(&differences, options.resamples, options.seed);
    let column =
        |rows: &[Vec<f64>], i: usize| -> Vec<f64> { rows.iter().filter_map(|row| row.get(i).copied()).collect() };
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let mut measured = Vec::with_capacity(metrics().len());
    for (i, (metric, (low_95, high_95))) in metrics().iter().zip(intervals).enumerate() {
        let changes = column(&differences, i);
        let count = |sign: f64| changes.iter().filter(|d| **d * sign > 0.0).count();
        measured.push(Difference {
            name: metric.name,
            a: mean(&column(&values_a, i)),
            b: mean(&column(&values_b, i)),
            difference: mean(&changes),
            low_95,
            high_95,
            p_permutation: sign_flip_p(&changes, options.seed),
            p_holm: 1.0,
            p_mcnemar: metric.yes_or_no.then(|| mcnemar_p(count(1.0), count(-1.0))),
        });
    }
    let corrected = holm(&measured.iter().map(|d| d.p_permutation).collect::<Vec<_>>());
    for (difference, p) in measured.iter_mut().zip(corrected) {
        difference.p_holm = p;
    }
    Ok(Comparison { queries: a.queries.len(), groups: a.groups.len(), metrics: measured })
}
