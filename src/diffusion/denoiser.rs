//! What predicts the noise in a noisy picture: a network, or a closed form.

use crate::dataset::ImageShape;
use crate::error::Result;

/// Predicts the noise in noisy pictures.
pub trait Denoiser {
    /// Predicted noise for pictures `x` (row-major, one after another), one timestep each.
    ///
    /// # Errors
    /// Where the device fails.
    fn predict_noise(&self, x: &[f32], timesteps: &[usize], class: Option<usize>) -> Result<Vec<f32>>;

    /// Shape of one picture.
    fn shape(&self) -> ImageShape;
}
