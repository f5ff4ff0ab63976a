//! Training: the loop, its settings and batches; and unlearning, which is training with another objective.

pub mod batch;
mod checkpoint;
mod config;
mod left_out;
mod run;
mod settings_file;
pub mod unlearning;

pub use config::TrainingConfig;
pub use left_out::LeftOut;
pub use run::{Training, TrainingRecord, TrainingStep};
pub use settings_file::read_settings;
