//! The noise schedule and what follows from it.

use super::scheduler_config::{BetaSchedule, PredictionType, SchedulerConfig};
use whence_base::{Error, Result};

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
