//! What a model's files say of it, without reading its weights.

use std::path::Path;

use super::codec::Codec;
use super::conditioner::Conditioner;
use super::files::{Files, read_text};
use super::process::Process;
use super::scheduler_config::SchedulerConfig;
use whence_base::Result;
use whence_data::ImageShape;
use whence_models::NetworkConfig;
use whence_nn::weights::SafetensorsSource;

/// What a model's files say of it.
#[derive(Clone, Debug, PartialEq)]
pub struct PipelineFacts {
    /// diffusers' name of the network's family.
    pub architecture: &'static str,
    /// Shape of the images.
    pub shape: ImageShape,
    /// Number of parameters.
    pub parameters: usize,
    /// Number of timesteps.
    pub timesteps: usize,
    /// What the model is conditioned on.
    pub conditioner: Conditioner,
}

impl PipelineFacts {
    /// Reads a model's settings and the header of its weights. Whether the weights fit the settings shows when they are
    /// read.
    ///
    /// # Errors
    /// Those of [`Pipeline::load`](super::Pipeline::load), as far as these files show them.
    pub fn read(folder: &Path) -> Result<Self> {
        let files = Files::find(folder)?;
        let path = files.scheduler()?;
        let scheduler = SchedulerConfig::from_json(&read_text(path)?, &path.display().to_string())?;
        let config = NetworkConfig::from_json(&read_text(&files.config)?, &files.config.display().to_string())?;
        Ok(Self {
            architecture: config.class_name(),
            shape: Codec::for_pixels(config.sample_shape()?, "config.json: in_channels")?.image_shape(),
            parameters: SafetensorsSource::open(&files.weights)?.value_count(),
            timesteps: Process::new(scheduler)?.schedule().len(),
            conditioner: Conditioner::new(config.classes(), files.class_names()?),
        })
    }
}
