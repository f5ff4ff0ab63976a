//! The estimator of a score and its standard error from ELBO terms.

use serde::{Deserialize, Serialize};

/// A score in nats, with its uncertainty due to the noise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Sum of the terms, nats.
    pub score: f64,
    /// Standard error due to the noise, nats.
    pub std_err: f64,
    /// Half the width of the 95% interval in standard errors: the normal quantile, larger where few evaluations measure
    /// the standard error.
    #[serde(default = "normal_quantile")]
    pub quantile: f64,
}

/// Two-sided 95% quantile of the normal distribution.
fn normal_quantile() -> f64 {
    1.959_963_984_540_054
}

/// One weighted term of a score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Term {
    /// Its value, nats, including the weight.
    pub value: f64,
    /// The weight.
    pub weight: f64,
    /// Euclidean norm over the pixels' products d (d - 2e), without the weight: proportional to the standard deviation
    /// that the term would have if pixels were independent. Only ratios between terms matter.
    #[serde(rename = "spread")]
    pub pixel_norm: f64,
}

impl std::ops::Sub for Term {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            value: self.value - other.value,
            weight: self.weight,
            pixel_norm: self.pixel_norm.hypot(other.pixel_norm),
        }
    }
}

/// Pixel norms and variance factors are averaged over this many timesteps to either side, divided by the draws at each:
/// a variance measured from few draws is itself uncertain, which makes intervals too short.
const WINDOW: usize = 24;

/// Fewest timesteps to either side.
const MIN_WINDOW: usize = 6;

impl Estimate {
    /// The sum of `terms` and its standard error due to the noise.
    ///
    /// A few timesteps carry most of the variance, too few to measure it from one draw or a handful. So each term's
    /// standard deviation is modelled as its weight, times its pixel norm, times a factor; norm and factor vary slowly
    /// with the timestep and are averaged over neighbouring ones. The factor is measured from the sample variance
    /// between draws (`draws` consecutive terms belong to one timestep), or, with one draw, from second differences
    /// between neighbouring timesteps, (z₋₁ - 2z + z₊₁)² / 6 in units of the modelled deviation, to which a smooth
    /// curve contributes nothing.
    pub fn from_terms(terms: &[Term], draws: usize) -> Self {
        let draws = draws.max(1);
        let window = (WINDOW / draws).max(MIN_WINDOW);
        let values: Vec<f64> = terms.iter().map(|t| t.value).collect();
        let score = sum(&values);
        let squares: Vec<f64> = terms
            .chunks(draws)
            .map(|c| c.iter().map(|t| t.pixel_norm * t.pixel_norm).sum::<f64>() / c.len() as f64)
            .collect();
        let largest = squares.iter().copied().fold(0.0, f64::max);
        if largest == 0.0 {
            // The models agree to the last bit, so nothing is uncertain.
            return Self::exact(score);
        }
        let sigmas = smoothed(&squares, window).into_iter().map(|s| s.max(largest * 1e-18).sqrt());
        // Value and modelled deviation, up to the factor.
        let steps: Vec<Vec<(f64, f64)>> = terms
            .chunks(draws)
            .zip(sigmas)
            .map(|(c, sigma)| c.iter().map(|t| (t.value, t.weight.max(f64::MIN_POSITIVE) * sigma)).collect())
            .collect();
        let factors = if draws > 1 { variance_between_draws(&steps) } else { second_differences(&steps) };
        let variance: f64 = steps
            .iter()
            .zip(smoothed(&factors, window))
            .map(|(step, factor)| factor * step.iter().map(|(_, s)| s * s).sum::<f64>())
            .sum();
        Self::new(score, if factors.is_empty() { f64::INFINITY } else { variance.sqrt() })
    }

    /// A score with the standard error of a normal distribution.
    pub fn new(score: f64, std_err: f64) -> Self {
        Self { score, std_err, quantile: normal_quantile() }
    }

    /// A score with its standard error and its 95% interval, which is symmetric.
    pub fn with_interval(score: f64, std_err: f64, (low, high): (f64, f64)) -> Self {
        let quantile = 0.5 * (high - low) / std_err;
        Self { score, std_err, quantile: if quantile.is_finite() { quantile } else { normal_quantile() } }
    }

    /// An exact value.
    pub fn exact(score: f64) -> Self {
        Self::new(score, 0.0)
    }

    /// Lower and upper end of the 95% interval, nats.
    pub fn interval_95(&self) -> (f64, f64) {
        (self.score - self.quantile * self.std_err, self.score + self.quantile * self.std_err)
    }

    /// Whether zero lies outside the 95% interval.
    pub fn is_separated(&self) -> bool {
        let (low, high) = self.interval_95();
        low > 0.0 || high < 0.0
    }
}

/// Sample variance of the draws at each timestep, in units of their modelled variance.
fn variance_between_draws(steps: &[Vec<(f64, f64)>]) -> Vec<f64> {
    steps
        .iter()
        .map(|draws| {
            let n = draws.len() as f64;
            let mean = draws.iter().map(|(y, _)| y).sum::<f64>() / n;
            let square = draws.iter().map(|(_, s)| s * s).sum::<f64>() / n;
            draws.iter().map(|(y, _)| (y - mean).powi(2)).sum::<f64>() / (n - 1.0) / square
        })
        .collect()
}

/// Squared second differences divided by 6, in units of the modelled variance; the ends repeat their neighbours. Empty
/// for fewer than 3 timesteps.
fn second_differences(steps: &[Vec<(f64, f64)>]) -> Vec<f64> {
    let z: Vec<f64> = steps.iter().filter_map(|d| d.first()).map(|(y, s)| y / s).collect();
    let inner: Vec<f64> = z
        .windows(3)
        .filter_map(|w| <&[f64; 3]>::try_from(w).ok())
        .map(|[a, b, c]| (a - 2.0 * b + c).powi(2) / 6.0)
        .collect();
    let (first, last) = (inner.first().copied(), inner.last().copied());
    first.into_iter().chain(inner).chain(last).collect()
}

/// Weighted moving averages with a triangular window.
fn smoothed(factors: &[f64], window: usize) -> Vec<f64> {
    (0..factors.len())
        .map(|i| {
            let from = i.saturating_sub(window);
            let near = factors.iter().enumerate().skip(from).take(i + window + 1 - from);
            let weighted = near.map(|(j, f)| {
                let weight = (window + 1 - i.abs_diff(j)) as f64;
                (weight, weight * f)
            });
            let (weights, total) = weighted.fold((0.0, 0.0), |(a, b), (w, f)| (a + w, b + f));
            total / weights
        })
        .collect()
}

/// Compensated sum (Kahan 1965): small terms are not lost beside large ones.
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
    use whence_base::random::epsilon;

    /// Noise around a steep curve, its size known up to a slowly varying factor, as in a score: most of the variance is
    /// in the first few terms. The standard error must be the standard deviation over repetitions, and large deviations
    /// in units of it must be as rare as for a normal distribution.
    fn check(draws: usize) {
        let (steps, repetitions) = (100usize, 1000u64);
        let mut squares = Vec::new();
        let size = |i: usize| 1.0 / (i as f64 + 0.5);
        let curve = |i: usize| 2.0 / (i as f64 + 2.0);
        for seed in 0..repetitions {
            let noise = epsilon(seed, b"estimate", 1, 0, steps * draws);
            let terms: Vec<Term> = (0..steps * draws)
                .map(|k| {
                    let i = k / draws;
                    let factor = 1.0 + 0.5 * (i as f64 / 30.0).sin();
                    let value = curve(i) + factor * size(i) * f64::from(noise[k]);
                    Term { value: value / draws as f64, weight: size(i) / draws as f64, pixel_norm: 3.0 }
                })
                .collect();
            let e = Estimate::from_terms(&terms, draws);
            let truth: f64 = (0..steps).map(curve).sum();
            squares.push(((e.score - truth) / e.std_err).powi(2));
        }
        let mean = squares.iter().sum::<f64>() / repetitions as f64;
        let beyond = squares.iter().filter(|z| **z > 9.0).count();
        let most = if draws == 1 { 1.5 } else { 1.3 };
        assert!((0.8..most).contains(&mean), "{draws} draws: mean square {mean}");
        assert!(beyond < 30, "{draws} draws: {beyond} of 1000 beyond 3");
    }

    #[test]
    fn standard_errors_are_the_standard_deviation_over_repetitions() {
        check(1);
        check(2);
        check(4);
    }

    #[test]
    fn too_few_terms_have_an_infinite_standard_error() {
        let e = Estimate::from_terms(&[1.0, 2.0].map(|value| Term { value, weight: 1.0, pixel_norm: 1.0 }), 1);
        assert!(e.std_err.is_infinite());
        assert_eq!(e.score, 3.0);
    }

    #[test]
    fn equal_models_have_no_uncertainty() {
        let e = Estimate::from_terms(&[Term { value: 0.0, weight: 1.0, pixel_norm: 0.0 }; 9], 1);
        assert_eq!((e.score, e.std_err), (0.0, 0.0));
    }

    #[test]
    fn small_terms_are_not_lost_beside_large_ones() {
        let terms: Vec<f64> = std::iter::once(1e16).chain(std::iter::repeat_n(1.0, 1000)).chain([-1e16]).collect();
        assert_eq!(sum(&terms), 1000.0);
    }
}
