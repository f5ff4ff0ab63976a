//! Training: the loop, its optimizer, its settings, its batches.

pub mod batch;
mod config;
pub mod optimizer;
mod run;

pub use config::{TrainingConfig, network_for};
pub use optimizer::AdamWConfig;
pub use run::{Training, TrainingRecord, TrainingStep};
