//! From terms to a score with its uncertainty.

use serde::{Deserialize, Serialize};

/// A score in nats, with what the noise leaves uncertain.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Sum of the terms, nats.
    pub score: f64,
    /// Standard error due to the noise, nats.
    pub std_err: f64,
}

/// Two-sided 95 % quantile of the normal distribution.
const Z95: f64 = 1.959_963_984_540_054;

impl Estimate {
    /// The sum of `terms` (nats, each with its weight) and its standard error.
    ///
    /// With several draws at each timestep (`draws` consecutive terms belong together), the error comes from their
    /// spread. With one, it comes from second differences between neighbouring timesteps, which a smooth curve does
    /// not move: the variance of a term is estimated by (y₋₁ - 2y + y₊₁)² / 6.
    pub fn from_terms(terms: &[f64], draws: usize) -> Self {
        let score = sum(terms);
        let variance = if draws > 1 {
            let n = draws as f64;
            terms
                .chunks(draws)
                .map(|group| {
                    let mean = sum(group) / n;
                    group.iter().map(|y| (y - mean).powi(2)).sum::<f64>() * n / (n - 1.0)
                })
                .sum()
        } else {
            neighbour_variance(terms)
        };
        Self { score, std_err: variance.sqrt() }
    }

    /// An exact value.
    pub fn exact(score: f64) -> Self {
        Self { score, std_err: 0.0 }
    }

    /// Lower and upper end of the 95 % interval, nats.
    pub fn interval_95(&self) -> (f64, f64) {
        (self.score - Z95 * self.std_err, self.score + Z95 * self.std_err)
    }

    /// Whether zero lies outside the 95 % interval.
    pub fn is_separated(&self) -> bool {
        let (low, high) = self.interval_95();
        low > 0.0 || high < 0.0
    }
}

/// Variance of the sum from neighbouring terms; infinite where there are too few to tell.
fn neighbour_variance(terms: &[f64]) -> f64 {
    let second: f64 = terms
        .windows(3)
        .filter_map(|w| <&[f64; 3]>::try_from(w).ok())
        .map(|[a, b, c]| (a - 2.0 * b + c).powi(2) / 6.0)
        .sum();
    match terms.len() {
        0..=2 => f64::INFINITY,
        // The differences stand for n - 2 of the n terms.
        n => second * n as f64 / (n - 2) as f64,
    }
}

/// Kahan's compensated sum, so that the order of magnitude of the terms does not matter.
pub fn sum(values: &[f64]) -> f64 {
    let (mut total, mut lost) = (0.0f64, 0.0f64);
    for v in values {
        let y = v - lost;
        let t = total + y;
        lost = (t - total) - y;
        total = t;
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elbo::noise::epsilon;

    /// Noise around a curve: the claimed standard error must be the spread that repetitions show.
    fn check(draws: usize) {
        let (steps, repetitions) = (100usize, 400u64);
        let mut scores = Vec::new();
        let mut claimed = Vec::new();
        for seed in 0..repetitions {
            let noise = epsilon(seed, b"estimate", 1, 0, steps * draws);
            let terms: Vec<f64> = (0..steps * draws)
                .map(|i| {
                    let x = (i / draws) as f64 / steps as f64;
                    let size = 0.2 + 1.5 * (-4.0 * x).exp();
                    (3.0 * (-3.0 * x).exp() + size * f64::from(noise[i])) / draws as f64
                })
                .collect();
            let e = Estimate::from_terms(&terms, draws);
            scores.push(e.score);
            claimed.push(e.std_err.powi(2));
        }
        let mean = scores.iter().sum::<f64>() / repetitions as f64;
        let spread = scores.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / (repetitions - 1) as f64;
        let claim = claimed.iter().sum::<f64>() / repetitions as f64;
        assert!((claim / spread - 1.0).abs() < 0.2, "{draws} draws: {claim} for {spread}");
    }

    #[test]
    fn standard_errors_are_the_spread_of_repetitions() {
        check(1);
        check(4);
    }

    #[test]
    fn too_few_terms_promise_nothing() {
        assert!(Estimate::from_terms(&[1.0, 2.0], 1).std_err.is_infinite());
        assert_eq!(Estimate::from_terms(&[1.0, 2.0], 1).score, 3.0);
    }

    #[test]
    fn small_terms_survive_beside_large_ones() {
        let terms: Vec<f64> = std::iter::once(1e16).chain(std::iter::repeat_n(1.0, 1000)).chain([-1e16]).collect();
        assert_eq!(sum(&terms), 1000.0);
    }
}
