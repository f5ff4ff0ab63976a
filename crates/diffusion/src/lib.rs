//! Diffusion models: noise schedules, samplers, and the model as a folder.

mod codec;
mod conditioner;
pub mod denoiser;
pub mod elbo;
mod facts;
mod files;
pub mod generate;
mod memory;
mod pipeline;
mod process;
mod samplers;
mod schedule;
mod scheduler_config;

pub use codec::{Codec, sample_shape};
pub use conditioner::{Condition, Conditioner, GroupConditions};
pub use denoiser::{Denoiser, Passes};
pub use facts::PipelineFacts;
pub use generate::SampleSettings;
pub use pipeline::{Hashes, Pipeline};
pub use process::Process;
pub use samplers::{Sampler, SamplerKind};
pub use schedule::NoiseSchedule;
pub use scheduler_config::{BetaSchedule, PredictionType, SchedulerConfig, TimestepSpacing, VarianceType};
