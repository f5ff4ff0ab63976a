//! Models without a group: unlearned ones in the store, retrained and imported ones as diffusers folders.

mod imported;
mod resident;
mod retrained;
mod source;
mod unlearned;

use std::path::Path;

use whence_base::{Error, Result};
use whence_diffusion::Pipeline;

pub use imported::Imported;
pub use resident::Resident;
pub use retrained::{Retrained, training_of};
pub use source::{Source, SourceParts};
pub use unlearned::{SharedNeighbours, Unlearned};

/// Refuses a model that cannot be compared with the full one.
///
/// # Errors
/// Another image size, schedule, prediction type or set of classes.
fn check_alike(other: &Pipeline, full: &Pipeline, folder: &Path) -> Result<()> {
    let (a, b) = (other.image_shape(), full.image_shape());
    let differs = if a != b {
        format!("works on {a:?}, the full model on {b:?}")
    } else if other.schedule() != full.schedule() {
        "has another noise schedule or prediction type than the full model".into()
    } else if other.classes() != full.classes() {
        "knows other classes than the full model".into()
    } else {
        return Ok(());
    };
    Err(Error::file(format!("this model {differs}"), folder, "give a model that was trained like the full one"))
}
