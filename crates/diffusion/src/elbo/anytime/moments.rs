//! Mean and variance of a systematic sample: the variance is estimated from successive differences (von Neumann 1941).

use super::student::t_quantile;

/// Estimates from a systematic sample of evaluations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    /// Mean, nats.
    pub mean: f64,
    /// Variance of one evaluation within its stratum, nats².
    pub variance: f64,
    /// Degrees of freedom of the variance.
    pub df: f64,
    /// Number of evaluations.
    pub count: usize,
}

/// Up to this many evaluations, neighbours on the circle are too far apart. Measured coverage of 95% intervals: with the
/// circle alone 98 to 99% for 6 to 14 evaluations, with time alone 92% for 20 to 40.
const TIME_ONLY: f64 = 9.0;

impl Moments {
    /// Estimates from the evaluations in the order of their positions on the circle, and in the order of time.
    ///
    /// Half the mean squared difference of neighbours (von Neumann 1941; Wolter 2007, chapter 8, for systematic samples):
    /// a trend along time, which the even positions average out, is not mistaken for noise. Neighbours in time are close, but
    /// those at the ends count once, where the first timesteps' variance is largest; neighbours on the circle all count twice,
    /// but with few evaluations they are so far apart that the variance is overestimated. So the circle's weight grows with
    /// the number of evaluations, as 1 - 9/n. Degrees of freedom are von Neumann's, 2(n-1)²/(3n-4).
    pub fn of(circle: impl Iterator<Item = f64> + Clone, time: impl Iterator<Item = f64> + Clone) -> Self {
        let count = circle.clone().count();
        let n = count as f64;
        let mean = circle.clone().sum::<f64>() / n.max(1.0);
        if count < 2 {
            return Self { mean, variance: f64::INFINITY, df: 1.0, count };
        }
        let around = squares(circle.clone(), circle.clone().skip(1).chain(circle.take(1))) / n;
        let along = squares(time.clone(), time.skip(1)) / (n - 1.0);
        let weight = (1.0 - TIME_ONLY / n).max(0.0);
        let df = 2.0 * (n - 1.0) * (n - 1.0) / (3.0 * n - 4.0);
        Self { mean, variance: 0.5 * (weight * around + (1.0 - weight) * along), df, count }
    }

    /// The estimates behind a moderated t statistic (Smyth 2004): the variance is shrunk towards `prior`, the variance of
    /// similar samples, which counts for `prior_df` degrees of freedom.
    pub fn moderated(self, prior: f64, prior_df: f64) -> Self {
        let df = self.df + prior_df;
        Self { variance: (self.df * self.variance + prior_df * prior) / df, df, ..self }
    }

    /// Standard error of the mean, nats.
    pub fn std_err(&self) -> f64 {
        (self.variance / self.count.max(1) as f64).sqrt()
    }

    /// Student's t statistic of the mean; 0 where mean and standard error are 0.
    pub fn t(&self) -> f64 {
        if self.mean == 0.0 { 0.0 } else { self.mean / self.std_err() }
    }

    /// Two-sided 95% interval from Student's distribution, nats.
    pub fn interval_95(&self) -> (f64, f64) {
        let half = if self.variance == 0.0 { 0.0 } else { t_quantile(0.025, self.df) * self.std_err() };
        (self.mean - half, self.mean + half)
    }
}

/// Sum of squared differences.
fn squares(from: impl Iterator<Item = f64>, to: impl Iterator<Item = f64>) -> f64 {
    from.zip(to).map(|(a, b)| (b - a) * (b - a)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trend_is_not_noise() {
        // Forth on even numbers and back on odd ones: 2 steps to the neighbour on the circle, 1 at its ends and in time.
        let circle = (0..50).map(|i| 2 * i).chain((0..50).rev().map(|i| 2 * i + 1)).map(|i| f64::from(i) / 10.0);
        let m = Moments::of(circle, (0..100).map(|i| f64::from(i) / 10.0));
        assert!((m.mean - 4.95).abs() < 1e-12, "{m:?}");
        assert!((m.variance - 0.5 * (0.09 * 0.01 + 0.91 * (98.0 * 0.04 + 2.0 * 0.01) / 100.0)).abs() < 1e-12, "{m:?}");
    }

    #[test]
    fn one_value_has_an_infinite_standard_error_and_equal_values_have_none() {
        assert!(Moments::of([3.0].into_iter(), [3.0].into_iter()).std_err().is_infinite());
        let equal = Moments::of([2.0; 5].into_iter(), [2.0; 5].into_iter());
        assert_eq!((equal.interval_95(), equal.t()), ((2.0, 2.0), f64::INFINITY));
        assert_eq!(Moments::of([0.0; 5].into_iter(), [0.0; 5].into_iter()).t(), 0.0);
    }

    #[test]
    fn moderation_averages_by_degrees_of_freedom() {
        let m = Moments { mean: 1.0, variance: 4.0, df: 3.0, count: 4 }.moderated(1.0, 1.0);
        assert_eq!((m.variance, m.df), (3.25, 4.0));
    }
}
