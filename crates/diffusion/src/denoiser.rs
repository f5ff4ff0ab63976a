//! What predicts the noise in a noisy image: a network, or a closed form.

use super::conditioner::Condition;
use whence_base::Result;
use whence_nn::SampleShape;

/// How work is divided into passes of a denoiser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passes {
    /// Images per pass, fixed: smaller passes are padded. The prediction for an image then depends neither on the
    /// number of other images nor on its position among them, to the last bit.
    pub images: usize,
    /// Number of passes that may run in parallel.
    pub at_once: usize,
}

impl Passes {
    /// On the CPU: small passes, one per core. Measured on networks of 177 k to 687 k parameters: 8 images per pass are
    /// within 5% of the fastest size on one core, and on two cores one pass per core doubles the speed, whereas one
    /// large pass does not.
    pub fn on_cpu() -> Self {
        Self { images: 8, at_once: rayon::current_num_threads().max(1) }
    }

    /// On a GPU: one pass at a time, from the thread that owns the device, large enough to fill it.
    pub fn on_gpu() -> Self {
        Self { images: 64, at_once: 1 }
    }

    /// At most `limit` images in parallel, but at least one pass.
    #[must_use]
    pub fn limited(self, limit: usize) -> Self {
        Self { at_once: self.at_once.min(limit / self.images.max(1)).max(1), ..self }
    }
}

/// Predicts the noise in noisy images.
pub trait Denoiser: Sync {
    /// Predicted noise for samples `x`, `[batch, channels, height, width]` row-major, with one timestep and condition
    /// per sample; of the shape of `x`.
    ///
    /// # Errors
    /// A failing device; [`Error::Memory`](whence_base::Error::Memory) if it has no memory for this many images.
    fn predict_noise(&self, x: &[f32], timesteps: &[usize], conditions: &[Condition]) -> Result<Vec<f32>>;

    /// Shape of one sample.
    fn shape(&self) -> SampleShape;

    /// How work is divided into passes.
    fn passes(&self) -> Passes {
        Passes::on_cpu()
    }
}
