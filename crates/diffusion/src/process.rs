//! The diffusion process of a model: its noise schedule with everything that follows, and its samplers' settings.

use super::schedule::NoiseSchedule;
use super::scheduler_config::SchedulerConfig;
use whence_base::Result;

/// How noise is added to samples and what the network predicts of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    scheduler: SchedulerConfig,
    schedule: NoiseSchedule,
}

impl Process {
    /// The process that a `scheduler_config.json` describes.
    ///
    /// # Errors
    /// Settings that do not define a schedule.
    pub fn new(scheduler: SchedulerConfig) -> Result<Self> {
        let schedule = NoiseSchedule::new(&scheduler)?;
        Ok(Self { scheduler, schedule })
    }

    /// Settings of the noise schedule and the samplers.
    pub fn scheduler(&self) -> &SchedulerConfig {
        &self.scheduler
    }

    /// The noise schedule.
    pub fn schedule(&self) -> &NoiseSchedule {
        &self.schedule
    }

    /// blake3 of what decides training, unlearning and scores, hexadecimal: the betas and the prediction type. Settings
    /// that only samplers read (spacing, offset, clipping, variance) and notes such as the version of diffusers do not
    /// belong to it: they change no score.
    pub fn hash(&self) -> String {
        let mut hasher = blake3::Hasher::new_derive_key("whence 2026 process");
        hasher.update(format!("{:?}", self.schedule.prediction_type()).as_bytes());
        for t in 0..self.schedule.len() {
            hasher.update(&self.schedule.beta(t).to_le_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }

    /// What a sampler reads besides the schedule, as content hashes of generated images take it.
    pub fn sampling_id(&self) -> serde_json::Value {
        let s = &self.scheduler;
        serde_json::json!({
            "variance_type": s.variance_type,
            "clip": s.clip_sample.then_some(s.clip_sample_range),
            "timestep_spacing": s.timestep_spacing,
            "steps_offset": s.steps_offset,
            "final_alpha_is_one": s.final_alpha_is_one(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BetaSchedule, PredictionType, TimestepSpacing};

    #[test]
    fn the_hash_is_of_the_schedule_and_not_of_samplers_and_notes() {
        let plain = SchedulerConfig::default();
        let hash = |config: &SchedulerConfig| Process::new(config.clone()).unwrap().hash();
        let mut resaved = plain.clone();
        resaved.diffusers_version = "9.9".into();
        resaved.clip_sample = false;
        resaved.timestep_spacing = TimestepSpacing::Trailing;
        resaved.steps_offset = 1;
        resaved.other.insert("note".into(), "saved again".into());
        assert_eq!(hash(&plain), hash(&resaved));
        let sampling = |config: &SchedulerConfig| Process::new(config.clone()).unwrap().sampling_id();
        assert_ne!(sampling(&plain), sampling(&resaved));
        let cosine = SchedulerConfig { beta_schedule: BetaSchedule::SquaredcosCapV2, ..plain.clone() };
        let v = SchedulerConfig { prediction_type: PredictionType::VPrediction, ..plain.clone() };
        assert_ne!(hash(&plain), hash(&cosine));
        assert_ne!(hash(&plain), hash(&v));
    }
}
