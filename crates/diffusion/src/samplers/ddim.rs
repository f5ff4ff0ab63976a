//! DDIM (Song et al. 2021, eq. 12 and 16).

use super::Sampler;

impl Sampler {
    /// Moves `x` from timestep `t` to `t - stride`, given the predicted `image` and `noise` and the standard normal
    /// `step_noise`; all of the same length.
    pub(super) fn ddim(&self, t: usize, x: &mut [f32], image: &[f32], noise: &[f32], step_noise: &[f32]) {
        let bar = self.schedule.alpha_bar(Some(t));
        let before = t.checked_sub(self.stride).map_or(self.final_alpha, |p| self.schedule.alpha_bar(Some(p)));
        let variance = (1.0 - before) / (1.0 - bar) * (1.0 - bar / before);
        let sigma = self.eta * variance.max(0.0).sqrt();
        let signal = before.sqrt() as f32;
        let direction = (1.0 - before - sigma * sigma).max(0.0).sqrt() as f32;
        for ((x, x0), e) in x.iter_mut().zip(image).zip(noise) {
            *x = signal * x0 + direction * e;
        }
        if sigma > 0.0 {
            x.iter_mut().zip(step_noise).for_each(|(x, z)| *x += sigma as f32 * z);
        }
    }
}
