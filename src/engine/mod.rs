//! The background: jobs in, events out, one compute thread.

pub mod api;
mod counterfactuals;
mod desk;
mod forecast;
mod gates;
mod host;
mod jobs;
mod journal;
mod mailbox;
mod priority;
mod queue;
mod reporter;
mod workspace;

pub use counterfactuals::folder_name;
pub use host::Engine;
pub use journal::{JobEvent, JobLine, journal_path, now};
pub use mailbox::Mailbox;
pub use priority::Priority;
