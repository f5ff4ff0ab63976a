//! DPM-Solver++ 2M (Lu et al. 2022, algorithm 2), as diffusers' `DPMSolverMultistepScheduler` does it by default:
//! midpoint, first and last step of first order, the last one ending without noise.

use super::Sampler;

/// Shares of image and noise, and half their log ratio, at a place of the way.
struct Place {
    alpha: f64,
    sigma: f64,
    lambda: f64,
}

impl Sampler {
    fn place(&self, index: usize) -> Option<Place> {
        let (alpha, sigma) = self.schedule.signal_and_noise(*self.timesteps.get(index)?);
        Some(Place { alpha, sigma, lambda: alpha.ln() - sigma.ln() })
    }

    /// From the `index`-th timestep to the next, given the image predicted here.
    pub(super) fn dpm_solver(&self, index: usize, x: &mut [f32], image: &[f32]) {
        let (Some(here), Some(next)) = (self.place(index), self.place(index + 1)) else {
            // The last step ends where there is no noise left: in the predicted image.
            x.copy_from_slice(image);
            return;
        };
        let h = next.lambda - here.lambda;
        let keep = (next.sigma / here.sigma) as f32;
        let gain = -next.alpha * (-h).exp_m1();
        let earlier = index.checked_sub(1).and_then(|i| self.place(i)).zip(self.before.as_deref());
        match earlier {
            Some((place, before)) => {
                let ratio = (here.lambda - place.lambda) / h;
                let slope = (0.5 * gain / ratio) as f32;
                for ((x, now), before) in x.iter_mut().zip(image).zip(before) {
                    *x = keep * *x + gain as f32 * now + slope * (now - before);
                }
            }
            None => x.iter_mut().zip(image).for_each(|(x, now)| *x = keep * *x + gain as f32 * now),
        }
    }
}
