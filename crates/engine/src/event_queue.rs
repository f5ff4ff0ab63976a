//! Events of the engine, in order: a bounded queue between the threads that emit and the one that reads.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crossbeam_channel::RecvTimeoutError;
use parking_lot::{Condvar, Mutex, MutexGuard};

use whence_jobs::{Event, EventKind};

/// Events that may wait to be read.
const LIMIT: usize = 256;

/// Events of an engine, for one reader.
pub struct EventQueue {
    state: Mutex<QueueState>,
    /// Signalled when an event arrives, and when the queue is closed.
    arrived: Condvar,
    /// Signalled when an event is read, and when the reader has gone.
    has_room: Condvar,
    wake: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct QueueState {
    events: VecDeque<Event>,
    /// Nobody reads any more: new events are dropped.
    reader_gone: bool,
    /// Nothing is emitted any more.
    closed: bool,
}

impl EventQueue {
    /// An empty one; `wake` is called after each event, by the thread that emitted it.
    pub(super) fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self { state: Mutex::default(), arrived: Condvar::new(), has_room: Condvar::new(), wake: Box::new(wake) }
    }

    /// Adds an event that must not be lost; waits for room. For the compute thread.
    pub(super) fn send(&self, event: Event) {
        let mut state = self.state.lock();
        self.has_room.wait_while(&mut state, |s| s.events.len() >= LIMIT && !s.reader_gone);
        self.deliver(state, event);
    }

    /// Adds an event that the next of its kind supersedes; dropped if the queue is full.
    pub(super) fn offer(&self, event: Event) {
        let state = self.state.lock();
        if state.events.len() < LIMIT {
            self.deliver(state, event);
        }
    }

    /// Adds an event about a queued job, and never waits: the caller may be the reader. It replaces unread events about
    /// the job's position, so that the queue stays bounded all the same.
    pub(super) fn post(&self, event: Event) {
        let is_position = |kind: &EventKind| matches!(kind, EventKind::Waiting | EventKind::Paused);
        let mut state = self.state.lock();
        if is_position(&event.kind) {
            state.events.retain(|e| e.job != event.job || !is_position(&e.kind));
        }
        self.deliver(state, event);
    }

    fn deliver(&self, mut state: MutexGuard<'_, QueueState>, event: Event) {
        if !state.reader_gone {
            state.events.push_back(event);
        }
        drop(state);
        self.arrived.notify_one();
        (self.wake)();
    }

    /// The reader is gone: drops the unread events and wakes all waiting emitters.
    pub(super) fn stop_reading(&self) {
        let mut state = self.state.lock();
        state.reader_gone = true;
        state.events.clear();
        drop(state);
        self.has_room.notify_all();
    }

    /// Nothing is emitted any more.
    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.arrived.notify_all();
    }

    /// The next event, if there is one.
    pub fn try_recv(&self) -> Option<Event> {
        let event = self.state.lock().events.pop_front();
        self.has_room.notify_one();
        event
    }

    /// The next event; waits for it no longer than `timeout`.
    ///
    /// # Errors
    /// No event came in time, or none will come any more.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<Event, RecvTimeoutError> {
        let deadline = Instant::now() + timeout;
        let mut state = self.state.lock();
        loop {
            if let Some(event) = state.events.pop_front() {
                drop(state);
                self.has_room.notify_one();
                return Ok(event);
            }
            if state.closed {
                return Err(RecvTimeoutError::Disconnected);
            }
            if self.arrived.wait_until(&mut state, deadline).timed_out() && state.events.is_empty() {
                return Err(RecvTimeoutError::Timeout);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn event(job: u64, kind: EventKind) -> Event {
        Event { job, kind }
    }

    fn received(event_queue: &EventQueue) -> Vec<(u64, String)> {
        std::iter::from_fn(|| event_queue.try_recv()).map(|e| (e.job, format!("{:?}", e.kind))).collect()
    }

    #[test]
    fn offered_events_are_dropped_from_a_full_queue_and_posted_ones_are_not() {
        let event_queue = EventQueue::new(|| {});
        for job in 0..2 * LIMIT as u64 {
            event_queue.offer(event(job, EventKind::Started));
        }
        event_queue.post(event(7, EventKind::Cancelled));
        let received = received(&event_queue);
        assert_eq!((received.len(), received.last()), (LIMIT + 1, Some(&(7, "Cancelled".to_owned()))));
    }

    #[test]
    fn the_latest_position_of_a_job_replaces_earlier_ones() {
        let event_queue = EventQueue::new(|| {});
        event_queue.post(event(2, EventKind::Paused));
        for _ in 0..1000 {
            event_queue.post(event(1, EventKind::Paused));
            event_queue.post(event(1, EventKind::Waiting));
        }
        event_queue.post(event(1, EventKind::Cancelled));
        let expected = [(2, "Paused"), (1, "Waiting"), (1, "Cancelled")].map(|(job, kind)| (job, kind.to_owned()));
        assert_eq!(received(&event_queue), expected);
    }

    #[test]
    fn sending_waits_for_room_and_closing_is_seen_by_the_reader() {
        let event_queue = Arc::new(EventQueue::new(|| {}));
        let sender = Arc::clone(&event_queue);
        let thread = std::thread::Builder::new()
            .name("sender".into())
            .spawn(move || {
                for job in 0..3 * LIMIT as u64 {
                    sender.send(event(job, EventKind::Started));
                }
                sender.close();
            })
            .unwrap();
        let timeout = Duration::from_secs(10);
        let jobs: Vec<u64> = std::iter::from_fn(|| event_queue.recv_timeout(timeout).ok()).map(|e| e.job).collect();
        assert_eq!(jobs, (0..3 * LIMIT as u64).collect::<Vec<_>>());
        thread.join().unwrap();
        assert_eq!(event_queue.recv_timeout(timeout).unwrap_err(), RecvTimeoutError::Disconnected);
    }

    #[test]
    fn nothing_waits_for_a_reader_that_has_gone() {
        let event_queue = EventQueue::new(|| {});
        assert_eq!(event_queue.recv_timeout(Duration::from_millis(1)).unwrap_err(), RecvTimeoutError::Timeout);
        for job in 0..LIMIT as u64 {
            event_queue.send(event(job, EventKind::Started));
        }
        event_queue.stop_reading();
        event_queue.send(event(0, EventKind::Started));
        assert!(event_queue.try_recv().is_none());
    }
}
