//! The engine: one named thread that owns the compute device and all tensors, between a queue of jobs and one of
//! events.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::event_queue::EventQueue;
use super::jobs;
use super::journal::Journal;
use super::reporter::Reporter;
use super::scheduler::Scheduler;
use super::workspace::Workspace;
use whence_base::{Error, Result, panic_text};
use whence_jobs::Priority;
use whence_jobs::{JobId, JobSpec};

/// A handle on the compute thread. Dropping it cancels what runs and waits for the thread.
pub struct Engine {
    scheduler: Arc<Scheduler>,
    next: AtomicU64,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Engine {
    /// Starts the compute thread. `device` is a name as for [`device::choose`](crate::device::choose); `wake` is called
    /// after each event, by the thread that emitted it.
    ///
    /// The device itself is opened by the first job that needs it, so that this returns at once.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn start(device: &str, wake: impl Fn() + Send + Sync + 'static) -> Result<Self> {
        Self::start_with(device, None, wake)
    }

    /// As [`start`](Self::start), with a log of all jobs in this file.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn start_logged(device: &str, log: PathBuf, wake: impl Fn() + Send + Sync + 'static) -> Result<Self> {
        Self::start_with(device, Some(Journal::new(log)), wake)
    }

    fn start_with(device: &str, journal: Option<Journal>, wake: impl Fn() + Send + Sync + 'static) -> Result<Self> {
        let scheduler = Arc::new(Scheduler::new(EventQueue::new(wake), journal));
        let device = device.to_owned();
        let shared = Arc::clone(&scheduler);
        let thread = std::thread::Builder::new()
            .name("whence-compute".into())
            // As much as a main thread has: drivers compile shaders on this thread, and compilers recurse. Backward
            // passes run on rayon's workers and need no deep stack, because burn traverses its graph iteratively.
            .stack_size(8 << 20)
            .spawn(move || {
                let mut workspace = Workspace::new(device);
                while let Some((mut entry, signal)) = shared.next() {
                    let mut reporter = Reporter::new(entry.job, &shared, signal);
                    let begun = Instant::now();
                    let result = run_one(&mut workspace, &entry.work.spec, &mut reporter);
                    entry.work.seconds_spent += begun.elapsed().as_secs_f64();
                    entry.work.seconds_left = reporter.seconds_left();
                    shared.on_exit(entry, result);
                }
                shared.events.close();
            })
            .map_err(Error::io("start", std::path::Path::new("the compute thread")))?;
        Ok(Self { scheduler, next: AtomicU64::new(1), thread: Some(thread) })
    }

    /// Queues a job with the priority of its kind. Never waits.
    ///
    /// # Errors
    /// Where too many jobs wait already, or the compute thread is gone.
    pub fn run(&self, spec: JobSpec) -> Result<JobId> {
        let priority = spec.priority();
        self.run_at(spec, priority)
    }

    /// Queues a job. Never waits. A running job of lower priority that is resumable is preempted and resumes later
    /// where it was.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_at(&self, spec: JobSpec, priority: Priority) -> Result<JobId> {
        let job = self.next.fetch_add(1, Ordering::Relaxed);
        self.scheduler.submit(job, spec, priority)?;
        Ok(job)
    }

    /// Cancels a job. A running one ends with [`EventKind::Cancelled`](whence_jobs::EventKind::Cancelled) within about
    /// a second, others at once.
    pub fn cancel(&self, job: JobId) {
        self.scheduler.cancel(job);
    }

    /// Cancels all jobs.
    pub fn cancel_all(&self) {
        for job in self.scheduler.jobs() {
            self.scheduler.cancel(job);
        }
    }

    /// Pauses a job until it is resumed. A running one stops within about a second, and its results so far remain
    /// stored; one that is not resumable (see [`JobSpec::is_resumable`]) continues, and so does anything of
    /// [`Priority::Prompt`].
    pub fn pause(&self, job: JobId) {
        self.scheduler.pause(job);
    }

    /// Queues a paused job again, in front of those of its priority.
    pub fn resume(&self, job: JobId) {
        self.scheduler.resume(job);
    }

    /// Changes the priority of a job and moves it in front of the others of that priority. The priority of
    /// [`Priority::Prompt`] jobs does not change.
    pub fn prioritise(&self, job: JobId, priority: Priority) {
        self.scheduler.prioritise(job, priority);
    }

    /// The waiting jobs, in the order in which they will run.
    pub fn order(&self) -> Vec<JobId> {
        self.scheduler.order()
    }

    /// What the engine reports, in order.
    pub fn events(&self) -> &EventQueue {
        &self.scheduler.events
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.scheduler.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Runs a job inside a panic boundary: a fault of a driver or a library ends the job, not the program.
fn run_one(workspace: &mut Workspace, spec: &JobSpec, reporter: &mut Reporter<'_>) -> Result<String> {
    let result = catch_unwind(AssertUnwindSafe(|| {
        reporter.check()?;
        jobs::run(workspace, spec, reporter)
    }));
    result.unwrap_or_else(|panic| {
        // Later jobs cannot use tensors of a device that failed.
        workspace.drop_tensors();
        let what = panic_text(&*panic);
        let text = format!(
            "The job stopped unexpectedly: {what}. What was finished is saved. Start the job again, or choose the CPU as the device"
        );
        Err(Error::Job(text.into()))
    })
}
