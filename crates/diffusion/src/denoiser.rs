//! What predicts the noise in a noisy image: a network, or a closed form.

use super::conditioner::Condition;
use whence_base::Result;
use whence_nn::SampleShape;

/// How work is cut for a denoiser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passes {
    /// Images in one pass, always: shorter ones are padded. What a network says of an image then depends neither on
    /// how many others are asked about nor on its place among them, to the last bit.
    pub images: usize,
    /// Passes that may run side by side.
    pub at_once: usize,
}

impl Passes {
    /// On the CPU: small passes, one a core. Measured on networks of 177 k to 687 k parameters: 8 images a
    /// pass come within 5 % of the best size on one core, and one pass a core is twice as fast on two cores, where
    /// one large pass is not.
    pub fn on_cpu() -> Self {
        Self { images: 8, at_once: rayon::current_num_threads().max(1) }
    }

    /// On a GPU: one pass at a time, from the thread that owns the device, large enough to fill it.
    pub fn on_gpu() -> Self {
        Self { images: 64, at_once: 1 }
    }

    /// At most `limit` images under way at once, but one pass in any case.
    #[must_use]
    pub fn limited(self, limit: usize) -> Self {
        Self { at_once: self.at_once.min(limit / self.images.max(1)).max(1), ..self }
    }
}

/// Predicts the noise in noisy images.
pub trait Denoiser: Sync {
    /// Predicted noise for samples `x` (row-major, one after another), one timestep and condition each.
    ///
    /// # Errors
    /// Where the device fails; [`Error::Memory`](whence_base::Error::Memory) where it has no room for so many images.
    fn predict_noise(&self, x: &[f32], timesteps: &[usize], conditions: &[Condition]) -> Result<Vec<f32>>;

    /// Shape of one sample.
    fn shape(&self) -> SampleShape;

    /// How work is cut for it.
    fn passes(&self) -> Passes {
        Passes::on_cpu()
    }
}
