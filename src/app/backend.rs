//! The window's line to the engine, behind a trait so that tests need no compute device.

use crate::engine::Engine;
use crate::engine::api::{Event, JobId, JobSpec};
use crate::error::Result;

/// Where jobs run.
pub trait Backend {
    /// Queues a job. Never waits.
    ///
    /// # Errors
    /// Those of [`Engine::run`].
    fn run(&mut self, spec: JobSpec) -> Result<JobId>;

    /// Asks a job to stop.
    fn cancel(&mut self, job: JobId);

    /// The next event, where one waits.
    fn next_event(&mut self) -> Option<Event>;
}

impl Backend for Engine {
    fn run(&mut self, spec: JobSpec) -> Result<JobId> {
        Self::run(self, spec)
    }

    fn cancel(&mut self, job: JobId) {
        Self::cancel(self, job);
    }

    fn next_event(&mut self) -> Option<Event> {
        self.events().try_recv().ok()
    }
}
