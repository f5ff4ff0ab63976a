//! All settings of an unlearning run, as plain data; its hash names the result.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::objective::objective;
use crate::TrainingRecord;
use crate::config::{LEARNING_RATE_REMEDY, MAX_BATCH, MAX_STEPS, is_learning_rate, longest_warmup};
use crate::settings_file::read_settings;
use whence_base::{Error, Result, Setting};
use whence_diffusion::Pipeline;
use whence_nn::optimizer::AdamWConfig;
use whence_nn::weights::named_tensors;

/// Maximum number of nearest images that an objective may use per image.
const MAX_NEIGHBOURS: usize = 10_000;

/// Settings of an unlearning run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recipe {
    /// Name of the objective: `hinge`, `retrack` or `released-zero`.
    pub objective: String,
    /// Weight of the forget loss relative to the retain loss; the objective's default if absent.
    pub forget_weight: Option<f64>,
    /// Number of optimizer steps.
    pub steps: usize,
    /// Images to forget per step, and as many to retain.
    pub batch: usize,
    /// Learning rate; a tenth of the training's peak if absent.
    pub learning_rate: Option<f64>,
    /// Steps of linear warm-up; constant thereafter.
    pub warmup_steps: usize,
    /// Number of nearest images; the objective's default if absent.
    pub neighbours: Option<usize>,
    /// Optimizer.
    pub optimizer: AdamWConfig,
    /// Mirror half of the images horizontally.
    pub flip: bool,
    /// Amplitude of uniform noise, in units of one grey level of 255.
    pub dequantize: f64,
    /// Seed of the image order and the noise.
    pub seed: u64,
    /// Fraction of each group that is held out for the quality gate; 0 for none.
    pub held_out: f64,
    /// The run stops if the error on images to retain rises by more than this fraction; 0 for no limit. In ordinary
    /// runs on two datasets it rose by up to 50% temporarily and by 10% at the end.
    pub retain_limit: f64,
    /// The run stops if the error on images to forget exceeds this multiple of the full model's; 0 for no limit. In
    /// ordinary runs it rose to 2.8 times with `hinge` and 4.9 with `retrack`.
    pub forget_limit: f64,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            objective: "hinge".into(),
            forget_weight: None,
            steps: 60,
            batch: 32,
            learning_rate: None,
            warmup_steps: 5,
            neighbours: None,
            optimizer: AdamWConfig::default(),
            flip: false,
            dequantize: 1.0,
            seed: 0,
            held_out: 0.1,
            retain_limit: 1.0,
            forget_limit: 10.0,
        }
    }
}

impl Recipe {
    /// Reads a recipe file (TOML).
    ///
    /// # Errors
    /// Unknown settings, by name, and values out of range.
    pub fn load(path: &Path) -> Result<Self> {
        let recipe: Self = read_settings(path, "a recipe")?;
        recipe.check()?;
        Ok(recipe)
    }

    /// Rejects settings that cannot unlearn anything.
    ///
    /// # Errors
    /// Names the setting.
    pub fn check(&self) -> Result<()> {
        objective(&self.objective)?;
        let refuse = |what: &str| Err(Error::setting(what, [Setting::Recipe], "correct the recipe"));
        if !(1..=MAX_STEPS).contains(&self.steps) {
            return refuse(&format!("steps is {}, and must be between 1 and {MAX_STEPS}", self.steps));
        }
        if !(1..=MAX_BATCH).contains(&self.batch) {
            return refuse(&format!("batch is {}, and must be between 1 and {MAX_BATCH}", self.batch));
        }
        if let Some(rate) = self.learning_rate.filter(|r| !is_learning_rate(*r)) {
            return refuse(&format!("learning_rate is {rate}: {LEARNING_RATE_REMEDY}"));
        }
        let longest = longest_warmup(self.steps);
        if self.warmup_steps > longest {
            return refuse(&format!("warmup_steps is {}, and must be at most {longest}", self.warmup_steps));
        }
        if let Err(what) = self.optimizer.check() {
            return refuse(&what);
        }
        if let Some(weight) = self.forget_weight.filter(|w| !(0.0..=1e6).contains(w)) {
            return refuse(&format!("forget_weight is {weight}, and must be between 0 and 1,000,000"));
        }
        if let Some(neighbours) = self.neighbours.filter(|n| *n > MAX_NEIGHBOURS) {
            return refuse(&format!("neighbours is {neighbours}, and must be at most {MAX_NEIGHBOURS}"));
        }
        if !(0.0..=255.0).contains(&self.dequantize) {
            return refuse("dequantize must be between 0 and 255 grey levels");
        }
        if !(0.0..=0.5).contains(&self.held_out) {
            return refuse("held_out must be between 0 and 0.5");
        }
        if !(self.retain_limit.is_finite() && self.retain_limit >= 0.0) {
            return refuse("retain_limit must not be negative");
        }
        if !(self.forget_limit == 0.0 || (self.forget_limit.is_finite() && self.forget_limit >= 1.0)) {
            return refuse("forget_limit must be 1 or more, or 0 for none");
        }
        Ok(())
    }

    /// The recipe with all defaults filled in for this model: this one is run, shown and hashed.
    ///
    /// # Errors
    /// Unknown objectives.
    pub fn resolved(&self, model: &Pipeline, folder: Option<&Path>) -> Result<Self> {
        self.check()?;
        let objective = objective(&self.objective)?;
        let peak = folder.and_then(TrainingRecord::of_model).map(|r| r.config.learning_rate);
        let rate = self.learning_rate.unwrap_or_else(|| 0.1 * peak.unwrap_or_else(|| typical_peak(model)));
        Ok(Self {
            forget_weight: Some(self.forget_weight.unwrap_or(objective.default_weight())),
            learning_rate: Some(rate),
            neighbours: Some(self.neighbours.unwrap_or(objective.default_neighbours())),
            ..self.clone()
        })
    }
}

/// A peak learning rate for a network whose training is unknown. Adam's best rate falls as one over a layer's fan-in
/// (Yang et al. 2022, table 3); 0.4 over the median fan-in of the 3x3 convolutions matches both the digits' network
/// (2e-3 at 16 to 32 channels) and the published CIFAR-10 one (1e-4 to 2e-4 at 128 to 256).
fn typical_peak(model: &Pipeline) -> f64 {
    let mut fans: Vec<usize> = named_tensors(&model.network)
        .iter()
        .filter_map(|parameter| match parameter.shape.as_slice() {
            [_, inputs, 3, 3] => Some(inputs * 9),
            _ => None,
        })
        .collect();
    fans.sort_unstable();
    let median = fans.get(fans.len() / 2).copied().unwrap_or(400).max(1);
    (0.4 / median as f64).clamp(1e-5, 2e-3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        let refused = |change: &dyn Fn(&mut Recipe)| {
            let mut recipe = Recipe::default();
            change(&mut recipe);
            recipe.check().unwrap_err().to_string()
        };
        assert!(Recipe::default().check().is_ok());
        assert!(Recipe { steps: 1, ..Recipe::default() }.check().is_ok(), "a trial run");
        assert!(refused(&|r| r.batch = 1 << 32).contains("batch is 4294967296"));
        assert!(refused(&|r| r.steps = 0).contains("steps is 0"));
        assert!(refused(&|r| r.warmup_steps = usize::MAX).contains("warmup_steps"));
        assert!(refused(&|r| r.learning_rate = Some(1e-300)).contains("learning_rate"));
        assert!(refused(&|r| r.forget_weight = Some(1.8e19)).contains("forget_weight"));
        assert!(refused(&|r| r.neighbours = Some(1 << 40)).contains("neighbours"));
        assert!(refused(&|r| r.optimizer.clip_norm = Some(-1.0)).contains("clip_norm"));
    }
}
