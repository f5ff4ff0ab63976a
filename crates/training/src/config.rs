//! The settings of a training run, as plain data: read by `--config` and recorded with the trained model.

use serde::{Deserialize, Serialize};

use whence_base::{Error, Result, Setting};
use whence_diffusion::{BetaSchedule, SchedulerConfig};
use whence_models::NetworkConfig;
use whence_nn::optimizer::AdamWConfig;
use whence_nn::weights::Precision;

/// Maximum number of optimizer steps of a run.
pub(crate) const MAX_STEPS: usize = 100_000_000;

/// Maximum number of images per step.
pub(crate) const MAX_BATCH: usize = 65_536;

/// Advice for an invalid learning rate.
pub(crate) const LEARNING_RATE_REMEDY: &str = "give a number from 1e-12 to 10, such as 0.001";

/// Whether this is a valid learning rate.
pub(crate) fn is_learning_rate(rate: f64) -> bool {
    (1e-12..=10.0).contains(&rate)
}

/// Maximum number of warm-up steps. A warm-up longer than a long run would leave its rate near zero; short trial runs
/// may end within the default warm-up.
pub(crate) fn longest_warmup(steps: usize) -> usize {
    steps.max(1000)
}

/// Settings of `whence train`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingConfig {
    /// The network; chosen by image size if absent.
    pub network: Option<NetworkConfig>,
    /// The noise schedule.
    pub scheduler: SchedulerConfig,
    /// Number of optimizer steps.
    pub steps: usize,
    /// Images per step.
    pub batch: usize,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Steps of linear warm-up to the peak; then a cosine to zero.
    pub warmup_steps: usize,
    /// Optimizer.
    pub optimizer: AdamWConfig,
    /// Decay of the exponential moving average of the weights, which is saved; the raw weights are saved if absent.
    pub ema_decay: Option<f64>,
    /// Mirror half of the images horizontally.
    pub flip: bool,
    /// Amplitude of uniform noise, in units of one grey level of 255.
    pub dequantize: f64,
    /// Seed of the initial weights, the image order and the noise.
    pub seed: u64,
    /// Number format of the saved weights.
    pub precision: Precision,
    /// Steps between checkpoints.
    pub checkpoint_every: usize,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            network: None,
            scheduler: SchedulerConfig { beta_schedule: BetaSchedule::SquaredcosCapV2, ..SchedulerConfig::default() },
            steps: 3000,
            batch: 32,
            learning_rate: 1e-3,
            warmup_steps: 100,
            optimizer: AdamWConfig { weight_decay: 1e-4, ..AdamWConfig::default() },
            ema_decay: Some(0.998),
            flip: false,
            dequantize: 1.0,
            seed: 0,
            precision: Precision::Float32,
            checkpoint_every: 100,
        }
    }
}

impl TrainingConfig {
    /// Rejects values that cannot train anything.
    ///
    /// # Errors
    /// Names the setting.
    pub fn check(&self) -> Result<()> {
        let refuse = |name: &str, value: String, remedy: &str| {
            Err(Error::setting(format!("{name} is {value} in the training settings"), [Setting::Training], remedy))
        };
        for (name, value, most) in [
            ("steps", self.steps, MAX_STEPS),
            ("batch", self.batch, MAX_BATCH),
            ("checkpoint_every", self.checkpoint_every, MAX_STEPS),
        ] {
            if !(1..=most).contains(&value) {
                return refuse(name, value.to_string(), &format!("give 1 to {most}"));
            }
        }
        if !is_learning_rate(self.learning_rate) {
            return refuse("learning_rate", self.learning_rate.to_string(), LEARNING_RATE_REMEDY);
        }
        let longest = longest_warmup(self.steps);
        if self.warmup_steps > longest {
            return refuse("warmup_steps", self.warmup_steps.to_string(), &format!("give at most {longest}"));
        }
        if let Err(what) = self.optimizer.check() {
            return Err(Error::setting(what, [Setting::Training], "correct [optimizer] in the training settings"));
        }
        if let Some(decay) = self.ema_decay.filter(|d| !(0.0..1.0).contains(d)) {
            return refuse("ema_decay", decay.to_string(), "give at least 0 and below 1, or leave it out");
        }
        if !(0.0..=255.0).contains(&self.dequantize) {
            return refuse("dequantize", self.dequantize.to_string(), "give a number of grey levels between 0 and 255");
        }
        Ok(())
    }

    /// The learning rate of step `step`, counted from 0: linear warm-up, then a half cosine to zero.
    pub fn rate_at(&self, step: usize) -> f64 {
        if step < self.warmup_steps {
            return self.learning_rate * (step + 1) as f64 / self.warmup_steps as f64;
        }
        let decay_steps = self.steps.saturating_sub(self.warmup_steps).max(1) as f64;
        let progress = ((step - self.warmup_steps) as f64 / decay_steps).min(1.0);
        self.learning_rate * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        let refused = |change: &dyn Fn(&mut TrainingConfig)| {
            let mut config = TrainingConfig::default();
            change(&mut config);
            config.check().unwrap_err().to_string()
        };
        assert!(TrainingConfig::default().check().is_ok());
        assert!(TrainingConfig { steps: 12, ..TrainingConfig::default() }.check().is_ok(), "a trial run");
        assert!(refused(&|c| c.batch = 1 << 32).contains("batch is 4294967296"));
        assert!(refused(&|c| c.warmup_steps = usize::MAX).contains("warmup_steps"));
        assert!(refused(&|c| c.learning_rate = 1e-300).contains("learning_rate"));
        assert!(refused(&|c| c.ema_decay = Some(1.5)).contains("ema_decay is 1.5 in"));
        assert!(refused(&|c| c.optimizer.beta1 = 2.0).contains("beta1"));
        assert!(refused(&|c| c.optimizer.beta2 = -1.0).contains("beta2"));
        assert!(refused(&|c| c.optimizer.epsilon = -1.0).contains("epsilon"));
        assert!(refused(&|c| c.optimizer.epsilon = f64::NAN).contains("epsilon"));
        assert!(refused(&|c| c.optimizer.clip_norm = Some(-1.0)).contains("clip_norm"));
    }
}
