//! The noise schedule and what follows from it.

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

/// Betas and their cumulative products ᾱ, indexed by timestep 0..T.
#[derive(Clone, Debug, PartialEq)]
pub struct NoiseSchedule {
    betas: Vec<f64>,
    alphas_cumprod: Vec<f64>,
    prediction_type: PredictionType,
}

impl NoiseSchedule {
    /// The schedule of a configuration, rounded where PyTorch rounds (32-bit betas; products in 64 bits, stored in 32).
    ///
    /// # Errors
    /// Fewer than two timesteps, betas outside (0, 1).
    pub fn new(config: &SchedulerConfig) -> Result<Self> {
        let t = config.num_train_timesteps;
        let refuse = |what: String| {
            Err(Error::input(what, "scheduler_config.json", "use the file that was saved with these weights"))
        };
        if !(2..=1_000_000).contains(&t) {
            return refuse(format!("num_train_timesteps is {t}"));
        }
        let betas: Vec<f32> = match (&config.trained_betas, config.beta_schedule) {
            (Some(betas), _) => betas.clone(),
            (None, BetaSchedule::Linear) => linspace(config.beta_start, config.beta_end, t),
            (None, BetaSchedule::ScaledLinear) => {
                linspace(config.beta_start.sqrt(), config.beta_end.sqrt(), t).into_iter().map(|b| b * b).collect()
            }
            (None, BetaSchedule::SquaredcosCapV2) => {
                let bar = |s: f64| ((s + 0.008) / 1.008 * std::f64::consts::FRAC_PI_2).cos().powi(2);
                (0..t)
                    .map(|i| (1.0 - bar((i + 1) as f64 / t as f64) / bar(i as f64 / t as f64)).min(0.999) as f32)
                    .collect()
            }
        };
        if betas.len() != t {
            return refuse(format!("there are {} trained_betas for {t} timesteps", betas.len()));
        }
        if let Some(at) = betas.iter().position(|b| !(*b > 0.0 && *b < 1.0)) {
            return refuse(format!("beta {at} is not between 0 and 1"));
        }
        let mut product = 1.0f64;
        let alphas_cumprod: Vec<f64> = betas
            .iter()
            .map(|b| {
                product *= f64::from(1.0 - b);
                f64::from(product as f32)
            })
            .collect();
        if let Some(at) = alphas_cumprod.iter().position(|a| *a <= 0.0 || *a >= 1.0) {
            return refuse(format!("the betas leave nothing of the image, or add no noise, at timestep {at}"));
        }
        Ok(Self {
            betas: betas.into_iter().map(f64::from).collect(),
            alphas_cumprod,
            prediction_type: config.prediction_type,
        })
    }

    /// Number of timesteps T.
    pub fn len(&self) -> usize {
        self.betas.len()
    }

    /// Never: a schedule has at least two steps.
    pub fn is_empty(&self) -> bool {
        self.betas.is_empty()
    }

    /// What the network predicts.
    pub fn prediction_type(&self) -> PredictionType {
        self.prediction_type
    }

    /// ᾱ_t, in (0, 1]; 1 before the first step (`None`).
    pub fn alpha_bar(&self, t: Option<usize>) -> f64 {
        t.map_or(1.0, |t| self.alphas_cumprod.get(t).copied().unwrap_or(0.0))
    }

    /// β_t, in (0, 1).
    pub fn beta(&self, t: usize) -> f64 {
        self.betas.get(t).copied().unwrap_or(0.0)
    }

    /// (sqrt(ᾱ_t), sqrt(1-ᾱ_t)): the signal and noise levels of a noisy image.
    pub fn signal_and_noise(&self, t: usize) -> (f64, f64) {
        let bar = self.alpha_bar(Some(t));
        (bar.sqrt(), (1.0 - bar).sqrt())
    }

    /// w_t = β_t / (2 α_t (1-ᾱ_{t-1})) in nats: the weight of |noise - predicted noise|² in the ELBO's term at
    /// 1 <= t < T (Ho et al. 2020, eq. 12, with the posterior's variance). 0 elsewhere.
    pub fn elbo_weight(&self, t: usize) -> f64 {
        if t == 0 || t >= self.len() {
            return 0.0;
        }
        let beta = self.beta(t);
        beta / (2.0 * (1.0 - beta) * (1.0 - self.alpha_bar(Some(t - 1))))
    }

    /// Noisy sample x_t = sqrt(ᾱ_t) x_0 + sqrt(1-ᾱ_t) noise; all of the same length.
    pub fn add_noise(&self, x0: &[f32], noise: &[f32], t: usize) -> Vec<f32> {
        let (a, s) = self.signal_and_noise(t);
        let (a, s) = (a as f32, s as f32);
        x0.iter().zip(noise).map(|(x, n)| a * x + s * n).collect()
    }

    /// Training target in the model's prediction type (noise, v or sample), of the length of the image.
    pub fn target(&self, x0: &[f32], noise: &[f32], t: usize) -> Vec<f32> {
        match self.prediction_type {
            PredictionType::Epsilon => noise.to_vec(),
            PredictionType::Sample => x0.to_vec(),
            PredictionType::VPrediction => {
                let (a, s) = self.signal_and_noise(t);
                let (a, s) = (a as f32, s as f32);
                x0.iter().zip(noise).map(|(x, n)| a * n - s * x).collect()
            }
        }
    }

    /// The image x_0 and the noise predicted by the network's `output` for `x_t`; all of the same length.
    pub fn image_and_noise(&self, output: &[f32], x_t: &[f32], t: usize) -> (Vec<f32>, Vec<f32>) {
        let (a, s) = self.signal_and_noise(t);
        let (a, s) = (a as f32, s as f32);
        let both = output.iter().zip(x_t);
        match self.prediction_type {
            PredictionType::Epsilon => both.map(|(o, x)| ((x - s * o) / a, *o)).unzip(),
            PredictionType::Sample => both.map(|(o, x)| (*o, (x - a * o) / s)).unzip(),
            PredictionType::VPrediction => both.map(|(o, x)| (a * x - s * o, a * o + s * x)).unzip(),
        }
    }

    /// Converts the network's output for `x_t` to predicted noise, in place.
    pub fn to_noise(&self, output: &mut [f32], x_t: &[f32], t: usize) {
        let (a, s) = self.signal_and_noise(t);
        let (a, s) = (a as f32, s as f32);
        match self.prediction_type {
            PredictionType::Epsilon => {}
            PredictionType::Sample => {
                for (o, x) in output.iter_mut().zip(x_t) {
                    *o = (x - a * *o) / s;
                }
            }
            PredictionType::VPrediction => {
                for (o, x) in output.iter_mut().zip(x_t) {
                    *o = a * *o + s * x;
                }
            }
        }
    }
}

/// PyTorch's `linspace` in 32 bits: counted from both ends.
fn linspace(start: f64, end: f64, count: usize) -> Vec<f32> {
    let (start, end) = (start as f32, end as f32);
    let step = (end - start) / (count - 1) as f32;
    (0..count)
        .map(|i| if i < count / 2 { start + step * i as f32 } else { end - step * (count - 1 - i) as f32 })
        .collect()
}
