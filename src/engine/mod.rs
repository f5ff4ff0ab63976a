//! The background: jobs in, events out, one compute thread.

pub mod api;
mod counterfactuals;
mod host;
mod jobs;
mod reporter;
mod workspace;

pub use counterfactuals::folder_name;
pub use host::Engine;
