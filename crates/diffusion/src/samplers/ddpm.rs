//! Ancestral steps (Ho et al. 2020, eq. 7).

use super::{Sampler, VarianceType};

impl Sampler {
    /// Moves `x` from the `index`-th timestep to the next, given the predicted `image` and the standard normal
    /// `step_noise`; all of the same length.
    pub(super) fn ddpm(&self, index: usize, t: usize, x: &mut [f32], image: &[f32], step_noise: &[f32]) {
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
        let sigma = if t > 0 { variance.sqrt() as f32 } else { 0.0 };
        for ((x, x0), z) in x.iter_mut().zip(image).zip(step_noise) {
            *x = from_x0 * x0 + from_x * *x + sigma * z;
        }
    }
}
