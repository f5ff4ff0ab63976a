//! What of a difference is more than luck of the queries: intervals and tests over queries.

#[cfg(test)]
mod tests;

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// Resamples where nothing else is said.
pub const RESAMPLES: usize = 10_000;

/// Most resamples: more would not move a bound by a thousandth of its width, and each is held for every metric.
pub const MAX_RESAMPLES: usize = 1_000_000;

/// Sign flips drawn where there are too many to try all.
const FLIPS: u32 = 20_000;

/// Differences up to which all sign flips are tried.
const EXACT_UP_TO: usize = 16;

/// 95% percentile bootstrap intervals of the means of columns (Efron 1979): rows are drawn with replacement, the same for
/// all columns; the bounds are the 2.5 and 97.5 percentiles, interpolated linearly. The same seed and number of rows
/// give the same draws, so intervals of differences are paired.
///
/// `rows` are queries and all of one length. One row gives that row; none gives no intervals.
pub fn bootstrap_means(rows: &[Vec<f64>], resamples: usize, seed: u64) -> Vec<(f64, f64)> {
    let (Some(first), count) = (rows.first(), rows.len() as u64) else { return Vec::new() };
    let resamples = resamples.clamp(1, MAX_RESAMPLES);
    let mut columns = vec![Vec::with_capacity(resamples); first.len()];
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut sums = vec![0.0; first.len()];
    for _ in 0..resamples {
        sums.fill(0.0);
        for _ in 0..count {
            let drawn = rng.random_range(0..count) as usize;
            for (sum, value) in sums.iter_mut().zip(rows.get(drawn).into_iter().flatten()) {
                *sum += value;
            }
        }
        for (column, sum) in columns.iter_mut().zip(&sums) {
            column.push(sum / count as f64);
        }
    }
    columns.iter_mut().map(|means| interval(means)).collect()
}

fn interval(means: &mut [f64]) -> (f64, f64) {
    means.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let position = share * means.len().saturating_sub(1) as f64;
        let below = position.floor() as usize;
        let low = means.get(below).copied().unwrap_or_default();
        let high = means.get(below + 1).copied().unwrap_or(low);
        low + (high - low) * position.fract()
    };
    (at(0.025), at(0.975))
}

/// Two-sided p-value of paired differences against "their signs are random" (Fisher 1935), in (0, 1].
///
/// Exact where at most 16 differences are not zero: the share of all sign choices whose sum is at least as far from zero.
/// Else from 20,000 random choices, counting the observed one: (1 + as far) / (1 + 20,000).
pub fn sign_flip_p(differences: &[f64], seed: u64) -> f64 {
    // A zero is zero with either sign.
    let moved: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    let observed = moved.iter().sum::<f64>().abs();
    // Sums of the same numbers in another order differ by rounding.
    let as_far = observed - 1e-12 * moved.iter().map(|d| d.abs()).sum::<f64>();
    if moved.len() <= EXACT_UP_TO {
        let all = 1_u32 << moved.len();
        let count = (0..all).filter(|choice| flipped(&moved, || u64::from(*choice)).abs() >= as_far).count();
        return count as f64 / f64::from(all);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let count = (0..FLIPS).filter(|_| flipped(&moved, || rng.next_u64()).abs() >= as_far).count();
    (1 + count) as f64 / f64::from(1 + FLIPS)
}

/// The sum with signs from bits, of which each call gives 64.
fn flipped(differences: &[f64], mut bits: impl FnMut() -> u64) -> f64 {
    let signed = |chunk: &[f64]| {
        let mut rest = bits();
        let mut sum = 0.0;
        for difference in chunk {
            sum += if rest & 1 == 1 { *difference } else { -difference };
            rest >>= 1;
        }
        sum
    };
    differences.chunks(64).map(signed).sum()
}

/// Two-sided exact p-value of two yes-or-no results on the same queries (McNemar 1947, exact binomial form), in (0, 1].
///
/// `only_a` counts the queries where only the first was right, `only_b` where only the second was.
pub fn mcnemar_p(only_a: usize, only_b: usize) -> f64 {
    let trials = only_a + only_b;
    let mut tail = 0.0;
    let mut ln_choose = 0.0;
    let ln_all = trials as f64 * std::f64::consts::LN_2;
    for successes in 0..=only_a.min(only_b) {
        // In logarithms: 2^-n vanishes beyond a thousand queries.
        tail += f64::exp(ln_choose - ln_all);
        ln_choose += ((trials - successes) as f64 / (successes + 1) as f64).ln();
    }
    (2.0 * tail).min(1.0)
}

/// p-values corrected for asking several questions at once (Holm 1979), in the same order, each at least as large as before
/// and at most 1.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<(usize, f64)> = p.iter().copied().enumerate().collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut corrected = vec![1.0; p.len()];
    let mut highest = 0.0_f64;
    for (place, (index, value)) in order.into_iter().enumerate() {
        highest = highest.max(((p.len() - place) as f64 * value).min(1.0));
        if let Some(slot) = corrected.get_mut(index) {
            *slot = highest;
        }
    }
    corrected
}
