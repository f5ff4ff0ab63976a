//! DDIM (Song et al. 2021, eq. 12 and 16).

use super::Sampler;

impl Sampler {
    /// From timestep `t` to the one a stride below, given the predicted image and noise.
    pub(super) fn ddim(&self, t: usize, x: &mut [f32], image: &[f32], noise: &[f32], fresh: &[f32]) {
        let bar = self.schedule.alpha_bar(Some(t));
        let before = t.checked_sub(self.stride).map_or(self.final_alpha, |p| self.schedule.alpha_bar(Some(p)));
        let variance = (1.0 - before) / (1.0 - bar) * (1.0 - bar / before);
        let spread = self.eta * variance.max(0.0).sqrt();
        let signal = before.sqrt() as f32;
        let rest = (1.0 - before - spread * spread).max(0.0).sqrt() as f32;
        for ((x, x0), e) in x.iter_mut().zip(image).zip(noise) {
            *x = signal * x0 + rest * e;
        }
        if spread > 0.0 {
            x.iter_mut().zip(fresh).for_each(|(x, z)| *x += spread as f32 * z);
        }
    }
}
