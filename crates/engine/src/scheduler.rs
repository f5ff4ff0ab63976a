//! What the threads share: the queue, what runs, and everything that can happen to a job from outside.
//!
//! Every change of a job's place happens under one lock and is told under it, so that nobody hears of it in another
//! order. Nothing here waits, except the compute thread for its next job.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::event_queue::EventQueue;
use super::journal::{JobEvent, JobLine, Journal};
use super::queue::{Entry, Queue};
use whence_base::{Error, Result};
use whence_jobs::Priority;
use whence_jobs::{Event, EventKind, JobId, JobSpec};

/// Jobs that may wait or be paused.
pub const MAX_QUEUED_JOBS: usize = 32;

/// What a running job shall do at its next safe point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum StopRequest {
    /// Go on.
    Run,
    /// Leave for a job of higher priority, and wait again.
    Yield,
    /// Leave, and wait to be resumed.
    Pause,
    /// End.
    Cancel,
}

/// A running job's wish: written by any thread, read by the job.
pub(super) struct Signal(AtomicU8);

impl Signal {
    pub fn new() -> Self {
        Self(AtomicU8::new(StopRequest::Run as u8))
    }

    pub fn get(&self) -> StopRequest {
        let wish = self.0.load(Ordering::Relaxed);
        [StopRequest::Run, StopRequest::Yield, StopRequest::Pause]
            .into_iter()
            .find(|w| *w as u8 == wish)
            .unwrap_or(StopRequest::Cancel)
    }

    fn set(&self, wish: StopRequest) {
        self.0.store(wish as u8, Ordering::Relaxed);
    }

    /// Fails where the job shall leave.
    pub fn check(&self) -> Result<()> {
        match self.get() {
            StopRequest::Run => Ok(()),
            StopRequest::Yield | StopRequest::Pause => Err(Error::Interrupted),
            StopRequest::Cancel => Err(Error::Cancelled),
        }
    }
}

/// A job, and what is known of its course.
#[derive(Debug)]
pub(super) struct Work {
    pub spec: JobSpec,
    /// Seconds it has computed.
    pub spent: f64,
    /// Seconds it said were left when it last left the compute thread.
    pub left: Option<f64>,
}

struct Running {
    job: JobId,
    priority: Priority,
    is_resumable: bool,
    signal: Arc<Signal>,
}

struct State {
    queue: Queue<Work>,
    running: Option<Running>,
    closed: bool,
}

/// See the module.
pub(super) struct Scheduler {
    state: Mutex<State>,
    changed: Condvar,
    pub mail: EventQueue,
    journal: Option<Journal>,
}

impl Scheduler {
    pub fn new(mail: EventQueue, journal: Option<Journal>) -> Self {
        let state = State { queue: Queue::new(MAX_QUEUED_JOBS), running: None, closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), mail, journal }
    }

    /// Queues a new job.
    pub fn submit(&self, job: JobId, spec: JobSpec, priority: Priority) -> Result<()> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(Error::Device {
                device: "compute thread".into(),
                what: "it has stopped".into(),
                remedy: "Start the program again: what was finished is kept".into(),
            });
        }
        if !state.queue.push(Entry { job, priority, work: Work { spec, spent: 0.0, left: None } }) {
            return Err(Error::input("too many jobs are waiting", "job queue", "wait for one to end, or cancel some"));
        }
        self.settle(&mut state);
        Ok(())
    }

    /// The next job; waits for one. None once the engine is closed. For the compute thread.
    pub fn next(&self) -> Option<(Entry<Work>, Arc<Signal>)> {
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
                self.tell(entry.job, EventKind::Started);
                self.note(entry.job, JobEvent::Started, &entry.work, "");
                return Some((entry, signal));
            }
            self.changed.wait(&mut state);
        }
    }

    /// A job left the compute thread with this result; where it was interrupted, it is put where it belongs. For the
    /// compute thread.
    pub fn left(&self, mut entry: Entry<Work>, result: Result<String>) {
        let mut state = self.state.lock();
        let running = state.running.take();
        let wish = running.as_ref().map_or(StopRequest::Cancel, |r| r.signal.get());
        // Its priority may have changed while it ran.
        entry.priority = running.map_or(entry.priority, |r| r.priority);
        let job = entry.job;
        let end = match result {
            Err(Error::Interrupted) if wish == StopRequest::Pause => {
                self.tell(job, EventKind::Paused);
                self.note(job, JobEvent::Paused, &entry.work, "");
                return state.queue.set_aside(entry);
            }
            Err(Error::Interrupted) if wish != StopRequest::Cancel => {
                self.tell(job, EventKind::Waiting);
                self.note(job, JobEvent::GaveWay, &entry.work, "");
                return state.queue.put_back(entry);
            }
            Ok(summary) => EventKind::Finished(summary),
            Err(Error::Cancelled | Error::Interrupted) => EventKind::Cancelled,
            Err(error) => {
                tracing::error!("{error}");
                EventKind::Failed(error.to_string())
            }
        };
        drop(state);
        let (event, message) = match &end {
            EventKind::Finished(summary) => (JobEvent::Finished, summary.as_str()),
            EventKind::Failed(text) => (JobEvent::Failed, text.as_str()),
            _ => (JobEvent::Cancelled, ""),
        };
        self.note(job, event, &entry.work, message);
        self.mail.send(Event { job, kind: end });
    }

    /// Asks a running job to stop; one that waits or is paused is answered at once.
    pub fn cancel(&self, job: JobId) {
        let mut state = self.state.lock();
        if let Some(running) = state.running.as_ref().filter(|r| r.job == job) {
            running.signal.set(StopRequest::Cancel);
        } else if let Some(entry) = state.queue.remove(job) {
            self.tell(job, EventKind::Cancelled);
            self.note(job, JobEvent::Cancelled, &entry.work, "");
            self.settle(&mut state);
        }
    }

    /// All jobs there are.
    pub fn jobs(&self) -> Vec<JobId> {
        let state = self.state.lock();
        let queued = state.queue.waiting().iter().chain(state.queue.paused()).map(|e| e.job);
        state.running.iter().map(|r| r.job).chain(queued).collect()
    }

    /// The jobs that wait, in the order they will run.
    pub fn order(&self) -> Vec<JobId> {
        self.state.lock().queue.waiting().iter().map(|e| e.job).collect()
    }

    /// Puts a job aside. Nothing happens to those that are over in seconds, nor to running ones that would begin anew.
    pub fn pause(&self, job: JobId) {
        let mut state = self.state.lock();
        if let Some(running) = state.running.as_ref().filter(|r| r.job == job) {
            if running.is_resumable && running.signal.get() != StopRequest::Cancel {
                running.signal.set(StopRequest::Pause);
            }
        } else if state.queue.get(job).is_some_and(|e| e.priority != Priority::Prompt) && state.queue.pause(job) {
            self.tell(job, EventKind::Paused);
            self.note_queued(&state, job, JobEvent::Paused);
            self.settle(&mut state);
        }
    }

    /// Lets a paused job wait for its turn again.
    pub fn resume(&self, job: JobId) {
        let mut state = self.state.lock();
        if let Some(running) = state.running.as_ref().filter(|r| r.job == job && r.signal.get() == StopRequest::Pause) {
            // It has not left yet, so it need not.
            running.signal.set(StopRequest::Run);
            self.tell(job, EventKind::Started);
        } else if state.queue.resume(job) {
            self.tell(job, EventKind::Waiting);
            self.note_queued(&state, job, JobEvent::Resumed);
        }
        self.settle(&mut state);
    }

    /// Gives a job another priority, ahead of those that have it already.
    pub fn prioritise(&self, job: JobId, priority: Priority) {
        let mut state = self.state.lock();
        if let Some(running) = state.running.as_mut().filter(|r| r.job == job && r.priority != Priority::Prompt) {
            running.priority = priority;
        } else if state.queue.get(job).is_some_and(|e| e.priority != Priority::Prompt) {
            state.queue.prioritise(job, priority);
        }
        self.settle(&mut state);
    }

    /// Seconds that the waiting jobs will take, where each of them ran before and could tell.
    pub fn seconds_waiting(&self) -> Option<f64> {
        self.state.lock().queue.waiting().iter().map(|e| e.work.left).sum()
    }

    /// Ends everything: no job is taken or given out any more, and nobody reads.
    pub fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        if let Some(running) = &state.running {
            running.signal.set(StopRequest::Cancel);
        }
        for entry in state.queue.waiting().iter().chain(state.queue.paused()) {
            self.note(entry.job, JobEvent::Cancelled, &entry.work, "");
        }
        self.changed.notify_all();
        self.mail.stop_reading();
    }

    /// After every change: a running job makes way for one of higher priority, and stays where there is none any more.
    fn settle(&self, state: &mut MutexGuard<'_, State>) {
        let next = state.queue.next_priority();
        if let Some(running) = state.running.as_ref().filter(|r| r.is_resumable) {
            let overtaken = next.is_some_and(|next| next > running.priority);
            match (running.signal.get(), overtaken) {
                (StopRequest::Run, true) => running.signal.set(StopRequest::Yield),
                (StopRequest::Yield, false) => running.signal.set(StopRequest::Run),
                _ => {}
            }
        }
        self.changed.notify_one();
    }

    fn tell(&self, job: JobId, kind: EventKind) {
        self.mail.post(Event { job, kind });
    }

    fn note_queued(&self, state: &State, job: JobId, event: JobEvent) {
        if let Some(entry) = state.queue.get(job) {
            self.note(job, event, &entry.work, "");
        }
    }

    fn note(&self, job: JobId, event: JobEvent, work: &Work, message: &str) {
        if let Some(journal) = &self.journal {
            journal.note(&JobLine::new(job, event, work.spent, message, &work.spec));
        }
    }
}

#[cfg(test)]
mod tests;
