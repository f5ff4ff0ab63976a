//! DPM-Solver++ 2M (Lu et al. 2022, algorithm 2), as diffusers' `DPMSolverMultistepScheduler` does it by default:
//! midpoint, first and last step of first order, the last one ending without noise.

use super::Sampler;

/// Signal and noise levels at a timestep, and half their log signal-to-noise ratio.
struct NoiseLevel {
    alpha: f64,
    sigma: f64,
    lambda: f64,
}

impl Sampler {
    fn noise_level(&self, index: usize) -> Option<NoiseLevel> {
        let (alpha, sigma) = self.schedule.signal_and_noise(*self.timesteps.get(index)?);
        Some(NoiseLevel { alpha, sigma, lambda: alpha.ln() - sigma.ln() })
    }

    /// Moves `x` from the `index`-th timestep to the next, given the `image` predicted at this timestep.
    pub(super) fn dpm_solver(&self, index: usize, x: &mut [f32], image: &[f32]) {
        let (Some(here), Some(next)) = (self.noise_level(index), self.noise_level(index + 1)) else {
            // The last step ends without noise, at the predicted image.
            x.copy_from_slice(image);
            return;
        };
        let h = next.lambda - here.lambda;
        let decay = (next.sigma / here.sigma) as f32;
        let gain = -next.alpha * (-h).exp_m1();
        let earlier = index.checked_sub(1).and_then(|i| self.noise_level(i)).zip(self.before.as_deref());
        match earlier {
            Some((previous, before)) => {
                let ratio = (here.lambda - previous.lambda) / h;
                let slope = (0.5 * gain / ratio) as f32;
                for ((x, now), before) in x.iter_mut().zip(image).zip(before) {
                    *x = decay * *x + gain as f32 * now + slope * (now - before);
                }
            }
            None => x.iter_mut().zip(image).for_each(|(x, now)| *x = decay * *x + gain as f32 * now),
        }
    }
}
