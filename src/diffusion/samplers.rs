//! From noise to a picture: ancestral DDPM and DDIM steps.

use serde::{Deserialize, Serialize};

use super::schedule::{NoiseSchedule, SchedulerConfig, TimestepSpacing, VarianceType};
use crate::error::{Error, Result};

/// Ways to draw a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SamplerKind {
    /// Deterministic (Song et al. 2021, eta = 0).
    Ddim,
    /// Ancestral, with fresh noise at every step (Ho et al. 2020).
    Ddpm,
}

impl SamplerKind {
    /// All, in the order of menus.
    pub const ALL: [Self; 2] = [Self::Ddim, Self::Ddpm];

    /// Name on the command line and on screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ddim => "ddim",
            Self::Ddpm => "ddpm",
        }
    }
}

impl std::str::FromStr for SamplerKind {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|k| k.name() == text)
            .ok_or_else(|| format!("{text} is no sampler: use ddim or ddpm"))
    }
}

/// A sampler set up for a number of steps.
#[derive(Clone, Debug)]
pub struct Sampler {
    kind: SamplerKind,
    schedule: NoiseSchedule,
    timesteps: Vec<usize>,
    stride: usize,
    clip: Option<f32>,
    variance: VarianceType,
    final_alpha: f64,
}

impl Sampler {
    /// A sampler of `steps` steps.
    ///
    /// # Errors
    /// No steps, or more than the model has.
    pub fn new(kind: SamplerKind, config: &SchedulerConfig, steps: usize) -> Result<Self> {
        let schedule = NoiseSchedule::new(config)?;
        let total = schedule.len();
        if steps == 0 || steps > total {
            return Err(Error::input(
                format!("{steps} sampling steps"),
                "--steps",
                format!("give 1 to {total}, the model's own number of steps"),
            ));
        }
        let stride = total / steps;
        let timesteps = match config.timestep_spacing {
            TimestepSpacing::Leading => {
                (0..steps).rev().map(|i| (i * stride + config.steps_offset).min(total - 1)).collect()
            }
            TimestepSpacing::Trailing => (0..steps)
                .map(|i| {
                    let t = (total as f64 - i as f64 * total as f64 / steps as f64).round_ties_even() as usize;
                    t.saturating_sub(1)
                })
                .collect(),
            TimestepSpacing::Linspace => (0..steps)
                .rev()
                .map(|i| (i as f64 * (total - 1) as f64 / steps.saturating_sub(1).max(1) as f64).round_ties_even())
                .map(|t| t as usize)
                .collect(),
        };
        let final_alpha = if config.final_alpha_is_one() { 1.0 } else { schedule.alpha_bar(Some(0)) };
        Ok(Self {
            kind,
            schedule,
            timesteps,
            stride,
            clip: config.clip_sample.then_some(config.clip_sample_range as f32),
            variance: config.variance_type,
            final_alpha,
        })
    }

    /// Timesteps in the order they are visited.
    pub fn timesteps(&self) -> &[usize] {
        &self.timesteps
    }

    /// One step: `x` at the `index`-th timestep becomes less noisy, in place, given the predicted `noise`.
    ///
    /// `fresh` is standard normal noise of the same length, which ancestral steps add. Returns the picture predicted
    /// at this step, for previews.
    pub fn step(&self, index: usize, x: &mut [f32], noise: &[f32], fresh: &[f32]) -> Vec<f32> {
        let Some(&t) = self.timesteps.get(index) else { return x.to_vec() };
        let (a, s) = self.schedule.signal_and_noise(t);
        let predicted: Vec<f32> = x
            .iter()
            .zip(noise)
            .map(|(x, e)| {
                let x0 = (x - s as f32 * e) / a as f32;
                self.clip.map_or(x0, |c| x0.clamp(-c, c))
            })
            .collect();
        match self.kind {
            SamplerKind::Ddim => {
                let previous = t.checked_sub(self.stride);
                let bar = previous.map_or(self.final_alpha, |p| self.schedule.alpha_bar(Some(p)));
                let (signal, rest) = (bar.sqrt() as f32, (1.0 - bar).sqrt() as f32);
                for ((x, x0), e) in x.iter_mut().zip(&predicted).zip(noise) {
                    *x = signal * x0 + rest * e;
                }
            }
            SamplerKind::Ddpm => {
                let bar = self.schedule.alpha_bar(Some(t));
                let before = self.schedule.alpha_bar(self.timesteps.get(index + 1).copied());
                let alpha = bar / before;
                let beta = 1.0 - alpha;
                let from_x0 = (before.sqrt() * beta / (1.0 - bar)) as f32;
                let from_x = (alpha.sqrt() * (1.0 - before) / (1.0 - bar)) as f32;
                let variance = match self.variance {
                    VarianceType::FixedSmall => ((1.0 - before) / (1.0 - bar) * beta).max(1e-20),
                    VarianceType::FixedLarge => beta,
                };
                let spread = if t > 0 { variance.sqrt() as f32 } else { 0.0 };
                for ((x, x0), z) in x.iter_mut().zip(&predicted).zip(fresh) {
                    *x = from_x0 * x0 + from_x * *x + spread * z;
                }
            }
        }
        predicted
    }

    /// Whether [`step`](Self::step) uses fresh noise.
    pub fn needs_noise(&self) -> bool {
        self.kind == SamplerKind::Ddpm
    }
}
