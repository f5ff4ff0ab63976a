//! ReTrack in its correct form: on the group's noisy images, the target is the noise that would have produced them from
//! the nearest images of other groups, weighted by the posterior probability of each neighbour.
//!
//! The released code computes the weights without logarithms, underflows, and teaches zero: see `zero`.

use burn::tensor::Tensor;

use super::objective::{ForgetBatch, Objective};

/// Mean squared error to the posterior-weighted target of the neighbours.
pub struct ReTrack;

impl Objective for ReTrack {
    fn name(&self) -> &'static str {
        "retrack"
    }

    fn about(&self) -> &'static str {
        "teach the group's noisy images the noise of their nearest neighbours in other groups"
    }

    fn default_weight(&self) -> f64 {
        0.1
    }

    fn default_neighbours(&self) -> usize {
        1
    }

    fn loss(&self, batch: ForgetBatch) -> Tensor<1> {
        let target = batch.neighbour_target.unwrap_or(batch.target);
        (batch.prediction - target).powi_scalar(2).mean()
    }
}

/// The weighted mean of `neighbours` (images of x_0's size) under the posterior given the noisy image `noisy`:
/// weights are the softmax of -|noisy - signal * neighbour|² / (2 noise²), in logarithms so that none underflows.
///
/// Returns the mean image; the implied noise is (noisy - signal * mean) / noise, by linearity.
pub(super) fn posterior_mean(noisy: &[f32], neighbours: &[Vec<f32>], signal: f64, noise: f64) -> Vec<f32> {
    let logs: Vec<f64> = neighbours
        .iter()
        .map(|a| {
            let distance: f64 =
                noisy.iter().zip(a).map(|(x, a)| (f64::from(*x) - signal * f64::from(*a)).powi(2)).sum();
            -distance / (2.0 * noise * noise)
        })
        .collect();
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logs.iter().map(|l| (l - largest).exp()).collect();
    let total: f64 = weights.iter().sum();
    let mut mean = vec![0.0f64; noisy.len()];
    for (a, weight) in neighbours.iter().zip(weights) {
        for (m, a) in mean.iter_mut().zip(a) {
            *m += weight / total * f64::from(*a);
        }
    }
    mean.into_iter().map(|m| m as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unlearning::objective::test::check_gradient;
    use whence_base::random::epsilon;
    use whence_diffusion::{BetaSchedule, NoiseSchedule, SchedulerConfig};

    #[test]
    fn gradient_is_that_of_finite_differences() {
        check_gradient(&ReTrack, 1);
    }

    #[test]
    fn weights_stay_finite_at_every_timestep_and_copies_give_the_neighbour() {
        let config = SchedulerConfig {
            num_train_timesteps: 4000,
            beta_schedule: BetaSchedule::SquaredcosCapV2,
            ..SchedulerConfig::default()
        };
        let schedule = NoiseSchedule::new(&config).unwrap();
        let x0 = epsilon(0, b"x", 1, 0, 3072);
        let neighbour: Vec<f32> = x0.iter().zip(epsilon(0, b"n", 1, 0, 3072)).map(|(x, n)| x + 0.25 * n).collect();
        for t in [0, 1, 10, 1000, 2000, 3990, 3999] {
            let (signal, noise) = schedule.signal_and_noise(t);
            let noisy = schedule.add_noise(&x0, &epsilon(0, b"e", t, 0, 3072), t);
            // spec/guda.md 8.3: K copies of one image give (x_t - signal a) / noise, whatever K.
            let mean = posterior_mean(&noisy, &vec![neighbour.clone(); 5], signal, noise);
            let worst = mean.iter().zip(&neighbour).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-6, "{t}: {worst}");
        }
    }

    #[test]
    fn weights_are_those_of_the_posterior() {
        // One value, two neighbours: closed form.
        let (signal, noise) = (0.6, 0.8);
        let mean = posterior_mean(&[0.5], &[vec![1.0], vec![-1.0]], signal, noise);
        let odds = ((-(0.5f64 - 0.6).powi(2) + (0.5f64 + 0.6).powi(2)) / (2.0 * 0.64)).exp();
        let expected = (odds - 1.0) / (odds + 1.0);
        assert!((f64::from(mean[0]) - expected).abs() < 1e-6);
    }
}
