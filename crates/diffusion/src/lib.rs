//! Diffusion models: noise schedules, samplers, and the model as a folder.

pub mod denoiser;
pub mod elbo;
pub mod generate;
mod model;
mod samplers;
mod schedule;

pub use denoiser::{Denoiser, Passes};
pub use generate::SampleSettings;
pub use model::{Model, image_shape, sample_shape};
pub use samplers::{Sampler, SamplerKind};
pub use schedule::{BetaSchedule, NoiseSchedule, PredictionType, SchedulerConfig, TimestepSpacing, VarianceType};
