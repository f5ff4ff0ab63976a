//! State that the threads share: the queue, the running job, and every request about a job from outside.
//!
//! Every change of a job's position happens under one lock and its event is emitted under it, so that the reader sees
//! changes in their order. Nothing here waits, except the compute thread for its next job.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::event_queue::EventQueue;
use super::journal::{JobEvent, JobLine, Journal};
use super::queue::{Entry, Queue};
use whence_base::{Error, Result};
use whence_jobs::Priority;
use whence_jobs::{Event, EventKind, JobId, JobSpec};

/// Jobs that may wait or be paused. A restored session queues a few per image, so this allows for thousands; the bound
/// stops a caller that submits without end.
pub const MAX_QUEUED_JOBS: usize = 4096;

/// Request that a running job obeys at its next safe point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum StopRequest {
    /// Continue.
    Run,
    /// Stop for a job of higher priority, and be queued again.
    Yield,
    /// Stop, and wait to be resumed.
    Pause,
    /// Stop for good.
    Cancel,
}

/// The request to a running job: written by any thread, read by the job.
pub(super) struct Signal(AtomicU8);

impl Signal {
    pub fn new() -> Self {
        Self(AtomicU8::new(StopRequest::Run as u8))
    }

    pub fn get(&self) -> StopRequest {
        const RUN: u8 = StopRequest::Run as u8;
        const YIELD: u8 = StopRequest::Yield as u8;
        const PAUSE: u8 = StopRequest::Pause as u8;
        const CANCEL: u8 = StopRequest::Cancel as u8;
        match self.0.load(Ordering::Relaxed) {
            RUN => StopRequest::Run,
            YIELD => StopRequest::Yield,
            PAUSE => StopRequest::Pause,
            request => {
                debug_assert_eq!(request, CANCEL, "only `set` writes it");
                StopRequest::Cancel
            }
        }
    }

    fn set(&self, request: StopRequest) {
        self.0.store(request as u8, Ordering::Relaxed);
    }

    /// Fails if the job has to stop.
    pub fn check(&self) -> Result<()> {
        match self.get() {
            StopRequest::Run => Ok(()),
            StopRequest::Yield | StopRequest::Pause => Err(Error::Interrupted),
            StopRequest::Cancel => Err(Error::Cancelled),
        }
    }
}

/// A job and its times.
#[derive(Debug)]
pub(super) struct QueuedJob {
    pub spec: JobSpec,
    /// Seconds it has computed.
    pub seconds_spent: f64,
    /// Its own estimate of the remaining seconds when it was last preempted or paused.
    pub seconds_left: Option<f64>,
}

struct Running {
    job: JobId,
    priority: Priority,
    is_resumable: bool,
    signal: Arc<Signal>,
}

struct State {
    queue: Queue<QueuedJob>,
    running: Option<Running>,
    closed: bool,
}

/// State shared by the threads; see the module documentation.
pub(super) struct Scheduler {
    state: Mutex<State>,
    changed: Condvar,
    pub events: EventQueue,
    journal: Option<Journal>,
}

impl Scheduler {
    pub fn new(events: EventQueue, journal: Option<Journal>) -> Self {
        let state = State { queue: Queue::new(MAX_QUEUED_JOBS), running: None, closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), events, journal }
    }

    /// Queues a new job.
    pub fn submit(&self, job: JobId, spec: JobSpec, priority: Priority) -> Result<()> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(Error::Device {
                device: "compute thread".into(),
                what: "it has stopped".into(),
                remedy: "Start the program again: finished results are stored".into(),
            });
        }
        let work = QueuedJob { spec, seconds_spent: 0.0, seconds_left: None };
        if !state.queue.push(Entry { job, priority, work }) {
            let what = format!("too many jobs are waiting: the queue holds {MAX_QUEUED_JOBS}");
            return Err(Error::input(what, "job queue", "wait until some have ended, or cancel some"));
        }
        self.preempt_if_outranked(&mut state);
        Ok(())
    }

    /// The next job; waits for one. Nothing once the scheduler is closed. For the compute thread.
    pub fn next(&self) -> Option<(Entry<QueuedJob>, Arc<Signal>)> {
        let mut state = self.state.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(entry) = state.queue.pop() {
                let signal = Arc::new(Signal::new());
                state.running = Some(Running {
                    job: entry.job,
                    priority: entry.priority,
                    is_resumable: entry.work.spec.is_resumable(),
                    signal: Arc::clone(&signal),
                });
                self.emit(entry.job, EventKind::Started);
                self.log(entry.job, JobEvent::Started, &entry.work, "");
                return Some((entry, signal));
            }
            self.changed.wait(&mut state);
        }
    }

    /// Handles a job that left the compute thread with this result: an interrupted one is queued or paused, and any
    /// other has ended. For the compute thread.
    pub fn on_exit(&self, mut entry: Entry<QueuedJob>, result: Result<String>) {
        let mut state = self.state.lock();
        let running = state.running.take();
        let request = running.as_ref().map_or(StopRequest::Cancel, |r| r.signal.get());
        debug_assert!(running.as_ref().is_some_and(|r| r.job == entry.job), "the job that exits is the one that ran");
        // Its priority may have changed while it ran.
        entry.priority = running.map_or(entry.priority, |r| r.priority);
        let job = entry.job;
        let end = match result {
            Err(Error::Interrupted) if request == StopRequest::Pause => {
                self.emit(job, EventKind::Paused);
                self.log(job, JobEvent::Paused, &entry.work, "");
                state.queue.add_paused(entry);
                return;
            }
            Err(Error::Interrupted) if request != StopRequest::Cancel => {
                self.emit(job, EventKind::Waiting);
                self.log(job, JobEvent::Preempted, &entry.work, "");
                state.queue.requeue(entry);
                return;
            }
            Ok(summary) => EventKind::Finished(summary),
            Err(Error::Cancelled | Error::Interrupted) => EventKind::Cancelled,
            Err(error) => {
                // The window or the command line shows it; a second line in the log would only repeat it.
                tracing::debug!("{error}");
                EventKind::Failed(error.failure())
            }
        };
        drop(state);
        let (event, message) = match &end {
            EventKind::Finished(summary) => (JobEvent::Finished, summary.clone()),
            EventKind::Failed(failure) => (JobEvent::Failed, failure.to_string()),
            _ => (JobEvent::Cancelled, String::new()),
        };
        self.log(job, event, &entry.work, &message);
        self.events.send(Event { job, kind: end });
    }

    /// Cancels a job: asks a running one to stop, and removes one that waits or is paused at once.
    pub fn cancel(&self, job: JobId) {
        let mut state = self.state.lock();
        if let Some(running) = state.running.as_ref().filter(|r| r.job == job) {
            running.signal.set(StopRequest::Cancel);
        } else if let Some(entry) = state.queue.remove(job) {
            self.emit(job, EventKind::Cancelled);
            self.log(job, JobEvent::Cancelled, &entry.work, "");
            self.preempt_if_outranked(&mut state);
        }
    }

    /// Every job: running, waiting and paused.
    pub fn jobs(&self) -> Vec<JobId> {
        let state = self.state.lock();
        let queued = state.queue.waiting().iter().chain(state.queue.paused()).map(|e| e.job);
        state.running.iter().map(|r| r.job).chain(queued).collect()
    }

    /// The waiting jobs, in the order in which they will run.
    pub fn order(&self) -> Vec<JobId> {
        self.state.lock().queue.waiting().iter().map(|e| e.job).collect()
    }

    /// Pauses a job. Nothing happens to prompt ones, which end within seconds, nor to running ones that are not
    /// resumable.
    pub fn pause(&self, job: JobId) {
        let mut state = self.state.lock();
        if let Some(running) = state.running.as_ref().filter(|r| r.job == job) {
            if running.is_resumable && running.signal.get() != StopRequest::Cancel {
                running.signal.set(StopRequest::Pause);
            }
        } else if state.queue.get(job).is_some_and(|e| e.priority != Priority::Prompt) && state.queue.pause(job) {
            self.emit(job, EventKind::Paused);
            self.log_queued(&state, job, JobEvent::Paused);
            self.preempt_if_outranked(&mut state);
        }
    }

    /// Queues a paused job again.
    pub fn resume(&self, job: JobId) {
        let mut state = self.state.lock();
        if let Some(running) = state.running.as_ref().filter(|r| r.job == job && r.signal.get() == StopRequest::Pause) {
            // It has not stopped yet, so it need not.
            running.signal.set(StopRequest::Run);
            self.emit(job, EventKind::Started);
        } else if state.queue.resume(job) {
            self.emit(job, EventKind::Waiting);
            self.log_queued(&state, job, JobEvent::Resumed);
        }
        self.preempt_if_outranked(&mut state);
    }

    /// Changes the priority of a job and moves it in front of the others of that priority.
    pub fn prioritise(&self, job: JobId, priority: Priority) {
        let mut state = self.state.lock();
        if let Some(running) = state.running.as_mut().filter(|r| r.job == job && r.priority != Priority::Prompt) {
            running.priority = priority;
        } else if state.queue.get(job).is_some_and(|e| e.priority != Priority::Prompt) {
            state.queue.prioritise(job, priority);
        }
        self.preempt_if_outranked(&mut state);
    }

    /// Remaining seconds of the waiting jobs, where each of them has run before and has an estimate.
    pub fn seconds_waiting(&self) -> Option<f64> {
        self.state.lock().queue.waiting().iter().map(|e| e.work.seconds_left).sum()
    }

    /// Closes the scheduler: no job is accepted or handed out any more, and nobody reads events.
    pub fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        if let Some(running) = &state.running {
            running.signal.set(StopRequest::Cancel);
        }
        for entry in state.queue.waiting().iter().chain(state.queue.paused()) {
            self.log(entry.job, JobEvent::Cancelled, &entry.work, "");
        }
        self.changed.notify_all();
        self.events.stop_reading();
    }

    /// After every change: asks the running job to yield to one of higher priority, and withdraws the request once
    /// there is none.
    fn preempt_if_outranked(&self, state: &mut MutexGuard<'_, State>) {
        let next = state.queue.next_priority();
        if let Some(running) = state.running.as_ref().filter(|r| r.is_resumable) {
            let outranked = next.is_some_and(|next| next > running.priority);
            match (running.signal.get(), outranked) {
                (StopRequest::Run, true) => running.signal.set(StopRequest::Yield),
                (StopRequest::Yield, false) => running.signal.set(StopRequest::Run),
                _ => {}
            }
        }
        self.changed.notify_one();
    }

    fn emit(&self, job: JobId, kind: EventKind) {
        self.events.post(Event { job, kind });
    }

    fn log_queued(&self, state: &State, job: JobId, event: JobEvent) {
        if let Some(entry) = state.queue.get(job) {
            self.log(job, event, &entry.work, "");
        }
    }

    fn log(&self, job: JobId, event: JobEvent, work: &QueuedJob, message: &str) {
        if let Some(journal) = &self.journal {
            journal.write(&JobLine::new(job, event, work.seconds_spent, message, &work.spec));
        }
    }
}

#[cfg(test)]
mod tests;
