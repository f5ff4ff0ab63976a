//! The engine: one named thread that owns the compute device and all tensors, behind bounded channels.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use parking_lot::Mutex;

use super::api::{Event, EventKind, JobId, JobSpec};
use super::jobs;
use super::reporter::Reporter;
use super::workspace::Workspace;
use crate::error::{Error, Result};

/// Commands that may wait.
const COMMANDS: usize = 32;

/// Events that may wait; progress beyond that is dropped, everything else waits.
const EVENTS: usize = 256;

type Flags = Arc<Mutex<HashMap<JobId, Arc<AtomicBool>>>>;

/// A handle on the compute thread. Dropping it cancels what runs and waits for the thread.
pub struct Engine {
    commands: Option<Sender<(JobId, JobSpec, Arc<AtomicBool>)>>,
    events: Receiver<Event>,
    flags: Flags,
    next: AtomicU64,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Engine {
    /// Starts the compute thread. `device` is what `--device` takes; `wake` is called after each event, from the compute
    /// thread.
    ///
    /// The device itself is opened by the first job that needs it, so that this returns at once.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn start(device: &str, wake: impl Fn() + Send + 'static) -> Result<Self> {
        let (command_sender, command_receiver) = bounded::<(JobId, JobSpec, Arc<AtomicBool>)>(COMMANDS);
        let (event_sender, events) = bounded::<Event>(EVENTS);
        let flags: Flags = Arc::default();
        let device = device.to_owned();
        let thread_flags = Arc::clone(&flags);
        let thread = std::thread::Builder::new()
            .name("whence-compute".into())
            // Deep autodiff graphs recurse.
            .stack_size(64 << 20)
            .spawn(move || {
                let mut workspace = Workspace::new(device);
                for (job, spec, cancel) in command_receiver {
                    let mut reporter = Reporter::new(job, event_sender.clone(), cancel, &wake);
                    run_one(&mut workspace, &spec, &mut reporter);
                    thread_flags.lock().remove(&job);
                }
            })
            .map_err(Error::io("start", std::path::Path::new("the compute thread")))?;
        Ok(Self { commands: Some(command_sender), events, flags, next: AtomicU64::new(1), thread: Some(thread) })
    }

    /// Queues a job. Never waits.
    ///
    /// # Errors
    /// Where too many jobs wait already, or the compute thread is gone.
    pub fn run(&self, spec: JobSpec) -> Result<JobId> {
        let job = self.next.fetch_add(1, Ordering::Relaxed);
        let cancel = Arc::new(AtomicBool::new(false));
        let sender = self.commands.as_ref().ok_or_else(gone)?;
        self.flags.lock().insert(job, Arc::clone(&cancel));
        sender.try_send((job, spec, cancel)).map_err(|e| {
            self.flags.lock().remove(&job);
            match e {
                TrySendError::Full(_) => {
                    Error::input("too many jobs are waiting", "job queue", "wait for one to end, or cancel some")
                }
                TrySendError::Disconnected(_) => gone(),
            }
        })?;
        Ok(job)
    }

    /// Asks a waiting or running job to stop; it answers [`EventKind::Cancelled`] within about a second.
    pub fn cancel(&self, job: JobId) {
        if let Some(flag) = self.flags.lock().get(&job) {
            flag.store(true, Ordering::Relaxed);
        }
    }

    /// Asks all jobs to stop.
    pub fn cancel_all(&self) {
        for flag in self.flags.lock().values() {
            flag.store(true, Ordering::Relaxed);
        }
    }

    /// What the engine tells, in order.
    pub fn events(&self) -> &Receiver<Event> {
        &self.events
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.cancel_all();
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            // Events that nobody reads any more must not keep the thread waiting.
            while !thread.is_finished() {
                while self.events.try_recv().is_ok() {}
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            let _ = thread.join();
        }
    }
}

fn gone() -> Error {
    Error::Device {
        device: "compute thread".into(),
        what: "it has stopped".into(),
        remedy: "Start the program again: what was finished is kept".into(),
    }
}

/// Runs a job inside a panic boundary: a fault of a driver or a library fails the job, not the program.
fn run_one(workspace: &mut Workspace, spec: &JobSpec, reporter: &mut Reporter<'_>) {
    reporter.state(EventKind::Started);
    let result = catch_unwind(AssertUnwindSafe(|| {
        reporter.check()?;
        jobs::run(workspace, spec, reporter)
    }));
    let end = match result {
        Ok(Ok(summary)) => EventKind::Finished(summary),
        Ok(Err(error)) if error.is_cancelled() => EventKind::Cancelled,
        Ok(Err(error)) => {
            tracing::error!("{error}");
            EventKind::Failed(error.to_string())
        }
        Err(panic) => {
            // Tensors of a failed device are of no use to later jobs.
            workspace.forget();
            let what = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("no message");
            tracing::error!("the job stopped unexpectedly: {what}");
            EventKind::Failed(format!(
                "The job stopped unexpectedly: {what}. What was finished is kept; start the job again, or choose --device cpu"
            ))
        }
    };
    reporter.state(end);
}
