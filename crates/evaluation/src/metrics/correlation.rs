//! Metrics that see values, or that treat equal values as equal.

use super::ranked::ranks;

/// Deviations from the mean over the largest value, so that squares neither overflow nor vanish.
fn deviations(values: &[f64]) -> Vec<f64> {
    let largest = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    let mean = values.iter().map(|v| v / largest).sum::<f64>() / values.len() as f64;
    let centred: Vec<f64> = values.iter().map(|v| v / largest - mean).collect();
    let largest = centred.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    centred.iter().map(|v| v / largest).collect()
}

/// In [-1, 1]; None where either side is constant.
pub(super) fn pearson(scores: &[f64], reference: &[f64]) -> Option<f64> {
    let (s, r) = (deviations(scores), deviations(reference));
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let value = product(&s, &r) / (product(&s, &s).sqrt() * product(&r, &r).sqrt());
    // A constant over itself is exactly 1, its deviations exactly 0, and 0/0 is not finite.
    value.is_finite().then(|| value.clamp(-1.0, 1.0))
}

/// In [-1, 1]; None where either side is constant.
pub(super) fn spearman(scores: &[f64], reference: &[f64]) -> Option<f64> {
    pearson(&average_ranks(scores), &average_ranks(reference))
}

/// Ranks from 1 for the lowest; equal values share the mean of their ranks.
fn average_ranks(values: &[f64]) -> Vec<f64> {
    let rank = |v: &f64| {
        let (mut below, mut equal) = (0_usize, 0_usize);
        for other in values {
            below += usize::from(other < v);
            equal += usize::from(other == v);
        }
        below as f64 + (equal as f64 + 1.0) / 2.0
    };
    values.iter().map(rank).collect()
}

/// Each pair of groups once.
fn pairs<'a>(scores: &'a [f64], reference: &'a [f64]) -> impl Iterator<Item = (usize, usize, f64, f64)> + 'a {
    let both = move || scores.iter().zip(reference).enumerate();
    both().flat_map(move |(i, (si, ri))| {
        both().skip(i + 1).map(move |(j, (sj, rj))| (i, j, order(*si, *sj), order(*ri, *rj)))
    })
}

/// 1, 0 or -1. Not the sign of a difference, which can vanish.
fn order(a: f64, b: f64) -> f64 {
    f64::from(i8::from(a > b) - i8::from(a < b))
}

/// (C - D) / sqrt((C + D + ties only in scores)(C + D + ties only in reference)), in [-1, 1].
pub(super) fn kendall_tau_b(scores: &[f64], reference: &[f64]) -> Option<f64> {
    let (mut sum, mut untied_scores, mut untied_reference) = (0.0, 0.0, 0.0);
    for (_, _, s, r) in pairs(scores, reference) {
        sum += s * r;
        untied_scores += s * s;
        untied_reference += r * r;
    }
    let size = f64::sqrt(untied_scores) * f64::sqrt(untied_reference);
    (size > 0.0).then(|| (sum / size).clamp(-1.0, 1.0))
}

/// Share of the pairs in the reference's order, in [0, 1]; of pairs with a group among the reference's first `depth` that
/// differ there by more than `tolerance`; weighted by that difference.
pub(super) fn weighted_pairs(scores: &[f64], reference: &[f64], depth: usize, tolerance: f64) -> Option<f64> {
    let ranks = ranks(reference);
    let is_top = |i: usize| ranks.get(i).is_some_and(|place| *place < depth);
    let (mut right, mut all) = (0.0, 0.0);
    for (i, j, s, r) in pairs(scores, reference) {
        let weight = match (reference.get(i), reference.get(j)) {
            (Some(a), Some(b)) => (a - b).abs(),
            _ => 0.0,
        };
        if weight > tolerance && (is_top(i) || is_top(j)) {
            all += weight;
            right += if s == r { weight } else { 0.0 };
        }
    }
    let value: f64 = right / all;
    value.is_finite().then_some(value)
}
