//! Metrics that see only the order of the groups.

use std::cmp::Ordering;

/// Place of each value, 0 for the highest; of equal values the lower index comes first.
pub(super) fn ranks(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<(usize, f64)> = values.iter().copied().enumerate().collect();
    // Not total_cmp: 0 and -0 are equal. The sort is stable.
    order.sort_by(|(_, a), (_, b)| b.partial_cmp(a).unwrap_or(Ordering::Equal));
    let mut ranks = vec![0; values.len()];
    for (place, (index, _)) in order.into_iter().enumerate() {
        if let Some(slot) = ranks.get_mut(index) {
            *slot = place;
        }
    }
    ranks
}

/// Share of the first `depth` groups that both have, in [0, 1].
pub(super) fn overlap(scores: &[f64], reference: &[f64], depth: usize) -> f64 {
    let depth = depth.min(reference.len());
    let both = ranks(scores).into_iter().zip(ranks(reference)).filter(|(s, r)| (*s).max(*r) < depth).count();
    if depth == 0 { 0.0 } else { both as f64 / depth as f64 }
}

/// Sum over depths d = 1..=K of (1-p) p^(d-1) |A_d and B_d| / d.
pub(super) fn rbo(scores: &[f64], reference: &[f64], p: f64) -> f64 {
    // A group is in both tops from the deeper of its two ranks on.
    let mut entered = vec![0_usize; reference.len()];
    for (s, r) in ranks(scores).into_iter().zip(ranks(reference)) {
        if let Some(slot) = entered.get_mut(s.max(r)) {
            *slot += 1;
        }
    }
    let (mut weight, mut common, mut sum) = (1.0 - p, 0, 0.0);
    for (place, entered) in entered.into_iter().enumerate() {
        common += entered;
        sum += weight * common as f64 / (place + 1) as f64;
        weight *= p;
    }
    sum
}

/// What it is worth to show the group at a place of the reference.
#[derive(Clone, Copy, Debug)]
pub(super) enum Gain {
    /// 2^(K-1-place) - 1.
    Exponential,
    /// K - place.
    Linear,
}

impl Gain {
    /// Up to a factor that is the same for all ranks.
    fn at(self, place: usize, groups: usize) -> f64 {
        match self {
            // Times 2^-(K-1): as it stands it overflows beyond 1024 groups. The powers are exact.
            Self::Exponential => half_to_the(place) - half_to_the(groups - 1),
            Self::Linear => (groups - place) as f64,
        }
    }
}

fn half_to_the(power: usize) -> f64 {
    0.5_f64.powi(i32::try_from(power).unwrap_or(i32::MAX))
}

fn discount(place: usize) -> f64 {
    1.0 / (place as f64 + 2.0).log2()
}

fn ideal(groups: usize, depth: usize, gain: Gain) -> f64 {
    (0..depth.min(groups)).map(|place| gain.at(place, groups) * discount(place)).sum()
}

/// Discounted gain of the first `depth` groups over the highest possible, in [0, 1] (Järvelin and Kekäläinen 2002).
pub(super) fn ndcg(scores: &[f64], reference: &[f64], depth: usize, gain: Gain) -> Option<f64> {
    let groups = reference.len();
    let shown = ranks(scores).into_iter().zip(ranks(reference)).filter(|(s, _)| *s < depth);
    let found: f64 = shown.map(|(s, r)| gain.at(r, groups) * discount(s)).sum();
    let ideal = ideal(groups, depth, gain);
    (ideal > 0.0).then(|| found / ideal)
}

/// In random order each place holds the mean gain.
pub(super) fn ndcg_chance(groups: usize, depth: usize, gain: Gain) -> f64 {
    let mean = (0..groups).map(|place| gain.at(place, groups)).sum::<f64>() / groups.max(1) as f64;
    let discounts: f64 = (0..depth.min(groups)).map(discount).sum();
    let ideal = ideal(groups, depth, gain);
    if ideal > 0.0 { mean * discounts / ideal } else { 0.0 }
}
