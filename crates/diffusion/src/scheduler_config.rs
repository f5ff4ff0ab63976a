//! `scheduler_config.json`: the settings of the noise schedule.

use serde::{Deserialize, Serialize};

use whence_base::files::shortened;
use whence_base::{Error, Result, Setting};

/// How the betas grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BetaSchedule {
    /// From `beta_start` to `beta_end` in equal steps (Ho et al. 2020).
    Linear,
    /// Equal steps of the square root (latent diffusion).
    ScaledLinear,
    /// Cosine-shaped cumulative product, betas capped at 0.999 (Nichol and Dhariwal 2021).
    SquaredcosCapV2,
}

/// What the network predicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PredictionType {
    /// The noise.
    Epsilon,
    /// sqrt(ᾱ) noise - sqrt(1-ᾱ) image (Salimans and Ho 2022).
    VPrediction,
    /// The image.
    Sample,
}

/// Variance of an ancestral sampling step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VarianceType {
    /// The posterior's variance.
    #[serde(alias = "fixed_small_log")]
    FixedSmall,
    /// Beta.
    FixedLarge,
}

/// Which of the training timesteps a sampler visits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimestepSpacing {
    /// From 0 upwards in integer strides.
    Leading,
    /// From the last downwards.
    Trailing,
    /// Both ends included.
    Linspace,
}

/// Settings of the schedule: diffusers' `scheduler_config.json`, names and defaults of its `DDPMScheduler`.
///
/// Sampler settings that Whence does not use are preserved and written back unchanged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SchedulerConfig {
    /// diffusers' class of the scheduler.
    #[serde(rename = "_class_name")]
    pub class_name: String,
    /// Version of diffusers that wrote the file.
    #[serde(rename = "_diffusers_version")]
    pub diffusers_version: String,
    /// Number of timesteps T.
    pub num_train_timesteps: usize,
    /// First beta.
    pub beta_start: f64,
    /// Last beta.
    pub beta_end: f64,
    /// Shape between them.
    pub beta_schedule: BetaSchedule,
    /// Betas given one by one; override the three above.
    pub trained_betas: Option<Vec<f32>>,
    /// What the network predicts.
    pub prediction_type: PredictionType,
    /// Variance of ancestral steps.
    pub variance_type: VarianceType,
    /// Clip the predicted image while sampling.
    pub clip_sample: bool,
    /// Clipping range: samples are clipped to plus and minus this value.
    pub clip_sample_range: f64,
    /// Which timesteps a sampler visits.
    pub timestep_spacing: TimestepSpacing,
    /// Offset added to each timestep.
    pub steps_offset: usize,
    /// Dynamic thresholding; refused.
    pub thresholding: bool,
    /// Betas rescaled to end in pure noise; refused.
    pub rescale_betas_zero_snr: bool,
    /// Whether the last DDIM step ends in a noise-free image; true if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_alpha_to_one: Option<bool>,
    /// All other fields of the file.
    #[serde(flatten)]
    pub other: serde_json::Map<String, serde_json::Value>,
}

impl Default for SchedulerConfig {
    fn default() -> Self {
        Self {
            class_name: "DDPMScheduler".into(),
            diffusers_version: "0.42.1".into(),
            num_train_timesteps: 1000,
            beta_start: 1e-4,
            beta_end: 0.02,
            beta_schedule: BetaSchedule::Linear,
            trained_betas: None,
            prediction_type: PredictionType::Epsilon,
            variance_type: VarianceType::FixedSmall,
            clip_sample: true,
            clip_sample_range: 1.0,
            timestep_spacing: TimestepSpacing::Leading,
            steps_offset: 0,
            thresholding: false,
            rescale_betas_zero_snr: false,
            set_alpha_to_one: None,
            other: serde_json::Map::new(),
        }
    }
}

impl SchedulerConfig {
    /// Reads a `scheduler_config.json`. `place` names the file in errors.
    ///
    /// # Errors
    /// Invalid JSON, unknown values, and numbers that do not define a schedule.
    pub fn from_json(text: &str, place: &str) -> Result<Self> {
        let unsupported = |key: &str, e: &serde_json::Error| {
            Error::input(
                format!("unsupported scheduler setting {key}: {}", shortened(&e.to_string())),
                place,
                "Whence knows linear, scaled_linear and squaredcos_cap_v2 betas, or betas given one by one",
            )
        };
        let mut fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&quote_infinities(text))
            .map_err(|e| {
                let what = format!("this is not a whole JSON object: {e}");
                Error::input(what, place, "the file may be cut short or damaged: copy it again")
            })?;
        // Files of the solvers contain null if they have no variance.
        if fields.get("variance_type").is_some_and(serde_json::Value::is_null) {
            fields.remove("variance_type");
        }
        let class = fields.get("_class_name").and_then(serde_json::Value::as_str).unwrap_or_default();
        let even = ["DPMSolver", "UniPC", "Euler", "LMS"].iter().any(|prefix| class.starts_with(prefix));
        if even && !fields.contains_key("timestep_spacing") {
            fields.insert("timestep_spacing".into(), "linspace".into());
        }
        // Field by field first: the error of the whole object names neither the key nor its value.
        for (key, value) in &fields {
            let alone = serde_json::Map::from_iter([(key.clone(), value.clone())]);
            serde_json::from_value::<Self>(alone.into()).map_err(|e| unsupported(key, &e))?;
        }
        let config: Self = serde_json::from_value(fields.into()).map_err(|e| unsupported("together", &e))?;
        let refuse = |what: &str| Err(Error::input(what, place, "save the model with a DDPM or DDIM scheduler"));
        const KNOWN: [&str; 9] = [
            "DDPMScheduler",
            "DDIMScheduler",
            "PNDMScheduler",
            "LMSDiscreteScheduler",
            "EulerDiscreteScheduler",
            "EulerAncestralDiscreteScheduler",
            "DPMSolverMultistepScheduler",
            "DPMSolverSinglestepScheduler",
            "UniPCMultistepScheduler",
        ];
        if !KNOWN.contains(&config.class_name.as_str()) {
            return refuse(&format!("the scheduler {} does not belong to a discrete DDPM", config.class_name));
        }
        for name in ["use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "use_flow_sigmas"] {
            if config.other.get(name).and_then(serde_json::Value::as_bool) == Some(true) {
                return refuse(&format!("{name} is not supported"));
            }
        }
        if config.clip_sample && !(config.clip_sample_range.is_finite() && config.clip_sample_range > 0.0) {
            return refuse(&format!("clip_sample_range is {}", config.clip_sample_range));
        }
        if config.steps_offset >= config.num_train_timesteps {
            return refuse(&format!("steps_offset is {}", config.steps_offset));
        }
        if config.thresholding {
            return refuse("thresholding is not supported");
        }
        if config.rescale_betas_zero_snr {
            return refuse("rescale_betas_zero_snr is not supported: the last step's weight would be infinite");
        }
        Ok(config)
    }

    /// The file's content: what [`from_json`](Self::from_json) reads.
    ///
    /// # Errors
    /// Numbers that JSON cannot hold.
    pub fn to_json(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|e| Error::internal(format!("scheduler_config.json cannot be encoded: {e}")))?;
        Ok(text.replace(": \"-Infinity\"", ": -Infinity").replace(": \"Infinity\"", ": Infinity"))
    }

    /// Rejects solver settings other than the defaults of DPM-Solver++ 2M.
    ///
    /// # Errors
    /// Names the setting.
    pub(super) fn check_dpm_solver(&self) -> Result<()> {
        let set = |name: &str| self.other.get(name).filter(|v| !v.is_null());
        let text = |name: &str| set(name).and_then(serde_json::Value::as_str);
        let wrong = if text("final_sigmas_type").is_some_and(|t| t != "zero") {
            "final_sigmas_type"
        } else if set("lambda_min_clipped").is_some_and(serde_json::Value::is_number) {
            "lambda_min_clipped"
        } else if text("algorithm_type").is_some_and(|t| t != "dpmsolver++") {
            "algorithm_type"
        } else if text("solver_type").is_some_and(|t| t != "midpoint") {
            "solver_type"
        } else if set("solver_order").and_then(serde_json::Value::as_u64).is_some_and(|n| n != 2) {
            "solver_order"
        } else {
            return Ok(());
        };
        Err(Error::setting(
            format!("{wrong} of scheduler_config.json is not DPM-Solver++ 2M's default"),
            [Setting::Sampler],
            "use ddim or ddpm, or remove the setting from the file",
        ))
    }

    /// Whether the last DDIM step goes to a noise-free image (diffusers' `set_alpha_to_one`).
    pub fn final_alpha_is_one(&self) -> bool {
        self.set_alpha_to_one.unwrap_or(true)
    }
}

/// Python writes infinities as bare words, which JSON does not know.
fn quote_infinities(text: &str) -> String {
    [("-Infinity", "\"-Infinity\""), ("Infinity", "\"Infinity\"")]
        .iter()
        .fold(text.to_owned(), |text, (bare, quoted)| text.replace(&format!(": {bare}"), &format!(": {quoted}")))
}
