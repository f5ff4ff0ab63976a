//! Samplers: DDIM, ancestral DDPM and DPM-Solver++.

mod ddim;
mod ddpm;
mod dpm_solver;

use serde::{Deserialize, Serialize};

use super::schedule::NoiseSchedule;
use super::scheduler_config::{SchedulerConfig, TimestepSpacing, VarianceType};
use whence_base::{Error, Result, Setting};

/// Sampling algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SamplerKind {
    /// Deterministic at eta 0, ancestral at eta 1 (Song et al. 2021).
    Ddim,
    /// Ancestral, with new noise at every step (Ho et al. 2020).
    Ddpm,
    /// DPM-Solver++ 2M: second-order multistep solver (Lu et al. 2022).
    #[serde(rename = "dpm-solver++")]
    DpmSolver,
}

impl SamplerKind {
    /// All, in the order of menus.
    pub const ALL: [Self; 3] = [Self::Ddim, Self::Ddpm, Self::DpmSolver];

    /// Name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ddim => "ddim",
            Self::Ddpm => "ddpm",
            Self::DpmSolver => "dpm-solver++",
        }
    }

    /// Name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Ddim => "DDIM",
            Self::Ddpm => "DDPM (ancestral)",
            Self::DpmSolver => "DPM-Solver++ 2M",
        }
    }
}

impl std::str::FromStr for SamplerKind {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|k| k.name() == text)
            .ok_or_else(|| format!("{text} is no sampler: use {}", Self::ALL.map(Self::name).join(", ")))
    }
}

/// A sampler set up for a number of steps; denoises one batch of samples.
#[derive(Clone, Debug)]
pub struct Sampler {
    kind: SamplerKind,
    schedule: NoiseSchedule,
    timesteps: Vec<usize>,
    /// DDIM's distance between timesteps.
    stride: usize,
    eta: f64,
    clip: Option<f32>,
    variance: VarianceType,
    final_alpha: f64,
    /// The image predicted one step before, for DPM-Solver++.
    before: Option<Vec<f32>>,
}

impl Sampler {
    /// A sampler of `steps` steps. `eta`, 0 or more, scales the noise that DDIM adds (1 is the variance of DDPM); the
    /// other samplers ignore it.
    ///
    /// # Errors
    /// No steps, more steps than the model has timesteps, and a negative or infinite eta.
    pub fn new(kind: SamplerKind, config: &SchedulerConfig, steps: usize, eta: f64) -> Result<Self> {
        let schedule = NoiseSchedule::new(config)?;
        // The solver's own grid has one additional timestep, which it drops.
        let most = if kind == SamplerKind::DpmSolver { schedule.len() - 1 } else { schedule.len() };
        if steps == 0 || steps > most {
            return Err(Error::setting(
                format!("{steps} sampling steps are not possible with this model"),
                [Setting::Steps],
                format!("give 1 to {most}"),
            ));
        }
        if !(eta.is_finite() && eta >= 0.0) {
            return Err(Error::setting(
                format!("eta is {eta}"),
                [Setting::Eta],
                "give 0 for no noise, up to 1 for DDPM's",
            ));
        }
        if kind == SamplerKind::DpmSolver {
            config.check_dpm_solver()?;
        }
        let timesteps = timesteps(kind, config, schedule.len(), steps);
        let final_alpha = if config.final_alpha_is_one() { 1.0 } else { schedule.alpha_bar(Some(0)) };
        Ok(Self {
            kind,
            stride: schedule.len() / steps,
            schedule,
            timesteps,
            eta,
            clip: config.clip_sample.then_some(config.clip_sample_range as f32),
            variance: config.variance_type,
            final_alpha,
            before: None,
        })
    }

    /// Timesteps in the order in which they are visited.
    pub fn timesteps(&self) -> &[usize] {
        &self.timesteps
    }

    /// Runs one step in place: moves `x`, `[batch, channels, height, width]` row-major, from the `index`-th timestep to
    /// the next, given the network's `output` of the same shape in its prediction type. Steps must be run in order.
    ///
    /// `step_noise` is standard normal noise of the same shape if [`needs_noise`](Self::needs_noise), otherwise unused.
    /// Returns the image predicted at this step, for previews.
    pub fn step(&mut self, index: usize, x: &mut [f32], output: &[f32], step_noise: &[f32]) -> Vec<f32> {
        let Some(&t) = self.timesteps.get(index) else { return x.to_vec() };
        let (mut image, noise) = self.schedule.image_and_noise(output, x, t);
        if self.kind == SamplerKind::DpmSolver {
            // Clipping is no part of this solver in diffusers.
            self.dpm_solver(index, x, &image);
            self.before = Some(image.clone());
            return image;
        }
        if let Some(c) = self.clip {
            image.iter_mut().for_each(|v| *v = v.clamp(-c, c));
        }
        match self.kind {
            SamplerKind::Ddim => self.ddim(t, x, &image, &noise, step_noise),
            _ => self.ddpm(index, t, x, &image, step_noise),
        }
        image
    }

    /// Whether [`step`](Self::step) uses its `step_noise`.
    pub fn needs_noise(&self) -> bool {
        match self.kind {
            SamplerKind::Ddim => self.eta > 0.0,
            SamplerKind::Ddpm => true,
            SamplerKind::DpmSolver => false,
        }
    }
}

/// The timesteps that diffusers' scheduler of this kind visits, with its rounding.
fn timesteps(kind: SamplerKind, config: &SchedulerConfig, total: usize, steps: usize) -> Vec<usize> {
    let extra = usize::from(kind == SamplerKind::DpmSolver);
    let last = total - 1;
    match config.timestep_spacing {
        TimestepSpacing::Leading => {
            let stride = total / (steps + extra);
            (extra..steps + extra).rev().map(|i| (i * stride + config.steps_offset).min(last)).collect()
        }
        TimestepSpacing::Trailing => {
            // numpy's arange finds its distance by this subtraction, which decides how halves are rounded.
            let total = total as f64;
            let distance = (total - total / steps as f64) - total;
            let timestep_at = |i| (total + i as f64 * distance).round_ties_even() as usize;
            (0..steps).map(|i| timestep_at(i).saturating_sub(1)).collect()
        }
        TimestepSpacing::Linspace => {
            let distance = last as f64 / (steps + extra - 1).max(1) as f64;
            (extra..steps + extra).rev().map(|i| (i as f64 * distance).round_ties_even() as usize).collect()
        }
    }
}
