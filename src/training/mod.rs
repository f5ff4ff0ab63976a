//! Training: the loop, its gradients, its optimizer, its settings, its batches.

pub mod batch;
mod config;
mod ema;
pub mod gradients;
mod left_out;
pub mod optimizer;
mod parameters;
mod run;

pub use config::{TrainingConfig, network_for};
pub use left_out::LeftOut;
pub use optimizer::AdamWConfig;
pub use run::{Training, TrainingRecord, TrainingStep};
