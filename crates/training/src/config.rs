//! The settings of a training run, as plain data: what `--config` reads, and what a model remembers of its making.

use serde::{Deserialize, Serialize};

use whence_base::{Error, Result};
use whence_diffusion::{BetaSchedule, SchedulerConfig};
use whence_models::NetworkConfig;
use whence_nn::optimizer::AdamWConfig;
use whence_nn::weights::Precision;

/// Settings of `whence train`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingConfig {
    /// The network; chosen by image size where absent.
    pub network: Option<NetworkConfig>,
    /// The noise schedule.
    pub scheduler: SchedulerConfig,
    /// Optimizer steps.
    pub steps: usize,
    /// Images a step.
    pub batch: usize,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Steps of linear warm-up to the peak; then a cosine to zero.
    pub warmup_steps: usize,
    /// Optimizer.
    pub optimizer: AdamWConfig,
    /// Decay of the weights' moving average, which is what is saved; the raw weights where absent.
    pub ema_decay: Option<f64>,
    /// Mirror half of the images.
    pub flip: bool,
    /// Uniform noise in units of one grey level of 255.
    pub dequantize: f64,
    /// Seed of the start, the order, the noise.
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
    /// Refuses numbers that cannot train anything.
    ///
    /// # Errors
    /// Names the setting.
    pub fn check(&self) -> Result<()> {
        let refuse = |name: &str, value: String, remedy: &str| {
            Err(Error::input(format!("{name} is {value}"), "training settings", remedy))
        };
        if self.steps == 0 || self.batch == 0 || self.checkpoint_every == 0 {
            return refuse("steps, batch or checkpoint_every", "0".into(), "give 1 or more");
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            return refuse("learning_rate", self.learning_rate.to_string(), "give a positive number such as 0.001");
        }
        if self.ema_decay.is_some_and(|d| !(0.0..1.0).contains(&d)) {
            return refuse("ema_decay", format!("{:?}", self.ema_decay), "give a number between 0 and 1");
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
        let rest = self.steps.saturating_sub(self.warmup_steps).max(1) as f64;
        let progress = ((step - self.warmup_steps) as f64 / rest).min(1.0);
        self.learning_rate * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos())
    }
}
