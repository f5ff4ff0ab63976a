//! How well a ranking agrees with a reference, for one query.
//!
//! All metrics order groups from the highest value to the lowest; of equal values the group with the lower index comes
//! first, in scores and reference alike. `K` is the number of groups; a cut-off beyond it means `K`.

mod correlation;
mod ranked;

#[cfg(test)]
mod tests;

use correlation::{kendall_tau_b, pearson, spearman, weighted_pairs};
use ranked::{Gain, ndcg, ndcg_chance, overlap, ranks, rbo};

/// A measure of agreement.
#[derive(Debug)]
pub struct Metric {
    /// Its name in files and on screen: a promise to users and scripts.
    pub name: &'static str,
    /// What it is, in one line, and where it comes from.
    pub definition: &'static str,
    /// Whether its values are 0 or 1.
    pub yes_or_no: bool,
    /// Its highest value for this many groups.
    pub best: fn(usize) -> f64,
    /// Its expectation where the scores are distinct and come in random order, each order equally likely; exact.
    pub chance: fn(&[f64]) -> f64,
    /// Its value for scores and reference of the same groups. None where it is undefined: for correlations, where all
    /// scores or all references are equal; for pairs, where no two references differ.
    pub value: fn(&[f64], &[f64]) -> Option<f64>,
}

const RBO_P: f64 = 0.9;
const TOLERANCE: f64 = 1e-12;

fn one(_: usize) -> f64 {
    1.0
}

fn zero(_: &[f64]) -> f64 {
    0.0
}

fn half(_: &[f64]) -> f64 {
    0.5
}

/// Expectation of a random pick of one in K, times `of`, at most 1.
fn share(of: usize, groups: usize) -> f64 {
    if groups == 0 { 0.0 } else { of.min(groups) as f64 / groups as f64 }
}

fn rbo_best(groups: usize) -> f64 {
    1.0 - RBO_P.powi(i32::try_from(groups).unwrap_or(i32::MAX))
}

/// Sum over depths d of (1-p) p^(d-1) d/K: the expected overlap at depth d is d²/K.
fn rbo_chance(reference: &[f64]) -> f64 {
    let groups = reference.len();
    let mut weight = 1.0 - RBO_P;
    let mut sum = 0.0;
    for depth in 1..=groups {
        sum += weight * depth as f64 / groups as f64;
        weight *= RBO_P;
    }
    sum
}

fn harmonic_mean_place(reference: &[f64]) -> f64 {
    let groups = reference.len();
    (1..=groups).map(|place| 1.0 / place as f64).sum::<f64>() / groups.max(1) as f64
}

static METRICS: [Metric; 16] = [
    Metric {
        name: "top1",
        definition: "share of queries whose first group is the reference's first group (GUDA's Top-1)",
        yes_or_no: true,
        best: one,
        chance: |r| share(1, r.len()),
        value: |s, r| Some(overlap(s, r, 1)),
    },
    Metric {
        name: "top3_overlap",
        definition: "share of the reference's first three groups among the first three (GUDA's Top-3)",
        yes_or_no: false,
        best: one,
        chance: |r| share(3, r.len()),
        value: |s, r| Some(overlap(s, r, 3)),
    },
    Metric {
        name: "mrr",
        definition: "mean of 1 / place of the reference's first group (mean reciprocal rank)",
        yes_or_no: false,
        best: one,
        chance: harmonic_mean_place,
        value: |s, r| ranks(s).iter().zip(ranks(r)).find(|(_, r)| *r == 0).map(|(s, _)| 1.0 / (*s as f64 + 1.0)),
    },
    Metric {
        name: "ndcg@3_exp",
        definition: "NDCG of the first 3, gain 2^rel - 1, rel = K-1 for the reference's first group down to 0 \
                     (GUDA on CIFAR-10)",
        yes_or_no: false,
        best: one,
        chance: |r| ndcg_chance(r.len(), 3, Gain::Exponential),
        value: |s, r| ndcg(s, r, 3, Gain::Exponential),
    },
    Metric {
        name: "ndcg@3_lin",
        definition: "NDCG of the first 3, gain K for the reference's first group down to 1 (GUDA on UnlearnCanvas)",
        yes_or_no: false,
        best: one,
        chance: |r| ndcg_chance(r.len(), 3, Gain::Linear),
        value: |s, r| ndcg(s, r, 3, Gain::Linear),
    },
    Metric {
        name: "ndcg@5_exp",
        definition: "as ndcg@3_exp, of the first 5",
        yes_or_no: false,
        best: one,
        chance: |r| ndcg_chance(r.len(), 5, Gain::Exponential),
        value: |s, r| ndcg(s, r, 5, Gain::Exponential),
    },
    Metric {
        name: "ndcg@5_lin",
        definition: "as ndcg@3_lin, of the first 5",
        yes_or_no: false,
        best: one,
        chance: |r| ndcg_chance(r.len(), 5, Gain::Linear),
        value: |s, r| ndcg(s, r, 5, Gain::Linear),
    },
    Metric {
        name: "ndcg@all_exp",
        definition: "as ndcg@3_exp, of all groups",
        yes_or_no: false,
        best: one,
        chance: |r| ndcg_chance(r.len(), r.len(), Gain::Exponential),
        value: |s, r| ndcg(s, r, r.len(), Gain::Exponential),
    },
    Metric {
        name: "ndcg@all_lin",
        definition: "as ndcg@3_lin, of all groups",
        yes_or_no: false,
        best: one,
        chance: |r| ndcg_chance(r.len(), r.len(), Gain::Linear),
        value: |s, r| ndcg(s, r, r.len(), Gain::Linear),
    },
    Metric {
        name: "rbo_0.9",
        definition: "rank-biased overlap (Webber et al. 2010), p = 0.9, cut off at K and not extrapolated, so at most \
                     1 - 0.9^K (GUDA)",
        yes_or_no: false,
        best: rbo_best,
        chance: rbo_chance,
        value: |s, r| Some(rbo(s, r, RBO_P)),
    },
    Metric {
        name: "rbo_0.9_norm",
        definition: "rbo_0.9 divided by its highest value, 1 - 0.9^K",
        yes_or_no: false,
        best: one,
        chance: |r| rbo_chance(r) / rbo_best(r.len()),
        value: |s, r| Some(rbo(s, r, RBO_P) / rbo_best(r.len())),
    },
    Metric {
        name: "spearman",
        definition: "Spearman's rank correlation, equal values share their average rank",
        yes_or_no: false,
        best: one,
        chance: zero,
        value: spearman,
    },
    Metric {
        name: "kendall_tau_b",
        definition: "Kendall's tau-b (Kendall 1945): pairs in the same order minus pairs in the other, corrected for \
                     ties",
        yes_or_no: false,
        best: one,
        chance: zero,
        value: kendall_tau_b,
    },
    Metric {
        name: "pearson",
        definition: "Pearson's correlation of the values",
        yes_or_no: false,
        best: one,
        chance: zero,
        value: pearson,
    },
    Metric {
        name: "wpra_3",
        definition: "share of pairs put in the reference's order, of the pairs with one of its first three, weighted \
                     by their difference in the reference; equal scores count as wrong (GUDA's WPRA on CIFAR-10)",
        yes_or_no: false,
        best: one,
        chance: half,
        value: |s, r| weighted_pairs(s, r, 3, TOLERANCE),
    },
    Metric {
        name: "wpra_all",
        definition: "as wpra_3, of all pairs",
        yes_or_no: false,
        best: one,
        chance: half,
        value: |s, r| weighted_pairs(s, r, r.len(), TOLERANCE),
    },
];

/// All metrics, in the order in which they are shown.
pub fn metrics() -> &'static [Metric] {
    &METRICS
}
