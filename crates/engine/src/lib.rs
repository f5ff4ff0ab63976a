//! The engine: jobs in, events out, one compute thread.

mod cache;
mod counterfactuals;
pub mod device;
mod estimate;
mod event_queue;
mod gates;
mod host;
mod jobs;
mod journal;
mod progress_bridge;
mod project;
mod queue;
mod reporter;
mod scheduler;
mod workspace;

pub use event_queue::EventQueue;
pub use host::Engine;
pub use journal::{JobEvent, JobLine, journal_path, now};
pub use project::{
    DataFacts, Field, Inspection, ModelFacts, NewCopy, NewProject, NewProjectError, Parts, copy_project, inspect,
    new_project, project_inputs,
};
pub use scheduler::MAX_QUEUED_JOBS;
