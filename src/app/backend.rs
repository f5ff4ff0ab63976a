//! The window's access to the engine, behind a trait so that tests need no compute device.

use whence_base::Result;
use whence_engine::Engine;
use whence_jobs::Priority;
use whence_jobs::{Event, JobId, JobSpec};

/// Runs jobs. No method blocks.
pub trait Backend {
    /// Queues a job.
    ///
    /// # Errors
    /// Those of [`Engine::run_at`].
    fn run(&mut self, spec: JobSpec, priority: Priority) -> Result<JobId>;

    /// Asks a job to stop.
    fn cancel(&mut self, job: JobId);

    /// Pauses a job.
    fn pause(&mut self, job: JobId);

    /// Queues a paused job again.
    fn resume(&mut self, job: JobId);

    /// Gives a job another priority, before those that have it already.
    fn prioritise(&mut self, job: JobId, priority: Priority);

    /// The jobs that wait, in the order they will run.
    fn order(&self) -> Vec<JobId>;

    /// The next event, where one waits.
    fn next_event(&mut self) -> Option<Event>;
}

impl Backend for Engine {
    fn run(&mut self, spec: JobSpec, priority: Priority) -> Result<JobId> {
        self.run_at(spec, priority)
    }

    fn cancel(&mut self, job: JobId) {
        Self::cancel(self, job);
    }

    fn pause(&mut self, job: JobId) {
        Self::pause(self, job);
    }

    fn resume(&mut self, job: JobId) {
        Self::resume(self, job);
    }

    fn prioritise(&mut self, job: JobId, priority: Priority) {
        Self::prioritise(self, job, priority);
    }

    fn order(&self) -> Vec<JobId> {
        Self::order(self)
    }

    fn next_event(&mut self) -> Option<Event> {
        self.events().try_recv()
    }
}
