//! Weightings of the timesteps: the ELBO's own, and others.

use serde::{Deserialize, Serialize};

use crate::NoiseSchedule;

/// Weight of each timestep in a score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weighting {
    /// The ELBO's own w_t: the score is in nats.
    #[default]
    Elbo,
    /// Min-SNR weighting of the noise's squared error, min(SNR, 5) / SNR (Hang et al. 2023, gamma = 5); not in nats.
    #[serde(rename = "min-snr-5")]
    MinSnr5,
    /// 1, as in the simple training loss of Ho et al. 2020; not in nats.
    Uniform,
}

impl Weighting {
    /// Name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Elbo => "ELBO",
            Self::MinSnr5 => "min-SNR-5",
            Self::Uniform => "uniform",
        }
    }

    /// Ratio of this weight to the ELBO's weight at timestep `t`; 0 if the ELBO's weight is 0.
    pub fn factor(self, schedule: &NoiseSchedule, t: usize) -> f64 {
        let elbo = schedule.elbo_weight(t);
        if elbo == 0.0 {
            return 0.0;
        }
        match self {
            Self::Elbo => 1.0,
            Self::Uniform => 1.0 / elbo,
            Self::MinSnr5 => {
                let bar = schedule.alpha_bar(Some(t));
                let snr = bar / (1.0 - bar);
                snr.min(5.0) / snr / elbo
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SchedulerConfig;

    #[test]
    fn factors_turn_elbo_weights_into_the_named_ones() {
        let schedule = NoiseSchedule::new(&SchedulerConfig::default()).unwrap();
        for t in [1, 100, 500, 999] {
            let weight = |w: Weighting| w.factor(&schedule, t) * schedule.elbo_weight(t);
            assert!((weight(Weighting::Uniform) - 1.0).abs() < 1e-12);
            assert_eq!(weight(Weighting::Elbo), schedule.elbo_weight(t));
            // 1 where there is more noise than signal, falling as 5 over SNR where there is little noise.
            let (a, s) = schedule.signal_and_noise(t);
            let snr = (a / s).powi(2);
            let expected = if snr < 5.0 { 1.0 } else { 5.0 / snr };
            assert!((weight(Weighting::MinSnr5) - expected).abs() < 1e-9);
        }
        assert_eq!(Weighting::Uniform.factor(&schedule, 0), 0.0);
    }
}
