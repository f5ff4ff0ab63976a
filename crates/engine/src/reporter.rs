//! Connection of a job to its caller: reports progress, and checks whether it has to stop.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::scheduler::{Scheduler, Signal};
use whence_base::Result;
use whence_jobs::{Event, EventKind, JobEstimate, JobId, Progress};

/// Shortest time between two reports of progress.
const REPORT_EVERY: Duration = Duration::from_millis(50);

/// No remaining time is estimated before this: the first passes are slow.
const WARM_UP: Duration = Duration::from_secs(2);

/// A job's connection to its caller.
pub struct Reporter<'a> {
    job: JobId,
    scheduler: &'a Scheduler,
    signal: Arc<Signal>,
    started: Instant,
    last: Option<Instant>,
    seconds_left: Option<f64>,
    /// Units of work finished in earlier phases, and the total.
    finished: f64,
    total: f64,
    captured: Mutex<Capture>,
}

/// What happens to the events of a job whose cost is asked for.
#[derive(Clone, Copy, Debug, Default)]
enum Capture {
    /// They are emitted: the job is run.
    #[default]
    Off,
    /// They are dropped, except for the estimate.
    On(Option<JobEstimate>),
}

impl<'a> Reporter<'a> {
    pub(super) fn new(job: JobId, scheduler: &'a Scheduler, signal: Arc<Signal>) -> Self {
        let started = Instant::now();
        let captured = Mutex::default();
        Self { job, scheduler, signal, started, last: None, seconds_left: None, finished: 0.0, total: 1.0, captured }
    }

    /// Fails if the job has to stop.
    ///
    /// # Errors
    /// [`Error::Cancelled`](whence_base::Error::Cancelled), or [`Error::Interrupted`](whence_base::Error::Interrupted)
    /// where it is resumed later.
    pub fn check(&self) -> Result<()> {
        self.signal.check()
    }

    /// The estimate that `work` reports; its other events are dropped.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn estimate_of(&mut self, work: impl FnOnce(&mut Self) -> Result<String>) -> Result<Option<JobEstimate>> {
        *self.captured.lock() = Capture::On(None);
        let outcome = work(self);
        let captured = std::mem::take(&mut *self.captured.lock());
        outcome?;
        Ok(match captured {
            Capture::On(estimate) => estimate,
            Capture::Off => None,
        })
    }

    /// Whether the event belongs to a job whose cost is asked for, and is not to be emitted.
    fn captures(&self, kind: &EventKind) -> bool {
        let mut captured = self.captured.lock();
        match (&mut *captured, kind) {
            (Capture::Off, _) => false,
            (Capture::On(known), EventKind::Estimate(estimate)) => {
                *known = Some(*estimate);
                true
            }
            (Capture::On(_), _) => true,
        }
    }

    /// Emits an event that must not be lost; blocks while the queue is full.
    pub fn state(&self, kind: EventKind) {
        if self.captures(&kind) {
            return;
        }
        self.scheduler.events.send(Event { job: self.job, kind });
    }

    /// Emits an event that the next of its kind supersedes; dropped if the queue is full.
    pub fn passing(&self, kind: EventKind) {
        if self.captures(&kind) {
            return;
        }
        self.scheduler.events.offer(Event { job: self.job, kind });
    }

    /// Sets the size of the whole job, in any unit.
    pub fn plan(&mut self, total: f64) {
        self.total = total.max(f64::MIN_POSITIVE);
        self.finished = 0.0;
        self.started = Instant::now();
    }

    /// Adds work that was not planned.
    pub fn extend(&mut self, units: f64) {
        self.total += units.max(0.0);
    }

    /// A phase of `units` is skipped, because an earlier run did it. It leaves the total, so that it does not make the
    /// remaining phases seem fast.
    pub fn skip(&mut self, units: f64) {
        self.total = (self.total - units).max(self.finished).max(f64::MIN_POSITIVE);
    }

    /// A phase of `units` is finished.
    pub fn advance(&mut self, units: f64) {
        self.finished += units;
        self.last = None;
    }

    /// Reports progress inside a phase of `units`.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn within(&mut self, phase: &str, done: usize, of: usize, units: f64) -> Result<()> {
        self.check()?;
        let now = Instant::now();
        if self.last.is_some_and(|last| now - last < REPORT_EVERY) && done < of {
            return Ok(());
        }
        self.last = Some(now);
        let share = if of == 0 { 0.0 } else { done as f64 / of as f64 };
        let fraction = ((self.finished + share * units) / self.total).clamp(0.0, 1.0);
        let elapsed = now - self.started;
        self.seconds_left =
            (elapsed > WARM_UP && fraction > 0.01).then(|| elapsed.as_secs_f64() * (1.0 - fraction) / fraction);
        let queue_seconds_left =
            self.seconds_left.zip(self.scheduler.seconds_waiting()).map(|(own, others)| own + others);
        let phase = phase.to_owned();
        self.passing(EventKind::Progress(Progress {
            phase,
            fraction,
            seconds_left: self.seconds_left,
            queue_seconds_left,
        }));
        Ok(())
    }

    /// Remaining seconds by the last report of progress.
    pub(super) fn seconds_left(&self) -> Option<f64> {
        self.seconds_left
    }
}
