//! The background: jobs in, events out, one compute thread.

mod counterfactuals;
mod desk;
pub mod device;
mod forecast;
mod gates;
mod host;
mod jobs;
mod journal;
mod mailbox;
mod project;
mod queue;
mod reporter;
mod workspace;

pub use host::Engine;
pub use journal::{JobEvent, JobLine, journal_path, now};
pub use mailbox::Mailbox;
pub use project::project_inputs;
