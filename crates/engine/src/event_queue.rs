//! What the engine tells, in order: a bounded list between the threads that tell and the one that reads.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crossbeam_channel::RecvTimeoutError;
use parking_lot::{Condvar, Mutex};

use whence_jobs::{Event, EventKind};

/// Events that may wait to be read.
const LIMIT: usize = 256;

/// Events of an engine, for one reader.
pub struct EventQueue {
    letters: Mutex<Letters>,
    arrived: Condvar,
    room: Condvar,
    wake: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct Letters {
    unread: VecDeque<Event>,
    /// Nobody reads any more: what is told is dropped.
    unwanted: bool,
    /// Nobody tells any more.
    ended: bool,
}

impl EventQueue {
    /// An empty one; `wake` is called after each event, by the thread that told it.
    pub(super) fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self { letters: Mutex::default(), arrived: Condvar::new(), room: Condvar::new(), wake: Box::new(wake) }
    }

    /// Tells something that must not be lost; waits for room. For the compute thread.
    pub(super) fn send(&self, event: Event) {
        let mut letters = self.letters.lock();
        self.room.wait_while(&mut letters, |l| l.unread.len() >= LIMIT && !l.unwanted);
        self.deliver(letters, event);
    }

    /// Tells something that the next of its kind replaces; dropped where there is no room.
    pub(super) fn offer(&self, event: Event) {
        let letters = self.letters.lock();
        if letters.unread.len() < LIMIT {
            self.deliver(letters, event);
        }
    }

    /// Tells what happened to a job in the queue, and never waits: whoever asks for it may be the one who reads. What was
    /// told of the job's place before and is unread is replaced, so that this stays bounded too.
    pub(super) fn post(&self, event: Event) {
        let of_place = |kind: &EventKind| matches!(kind, EventKind::Waiting | EventKind::Paused);
        let mut letters = self.letters.lock();
        if of_place(&event.kind) {
            letters.unread.retain(|e| e.job != event.job || !of_place(&e.kind));
        }
        self.deliver(letters, event);
    }

    fn deliver(&self, mut letters: parking_lot::MutexGuard<'_, Letters>, event: Event) {
        if !letters.unwanted {
            letters.unread.push_back(event);
        }
        drop(letters);
        self.arrived.notify_one();
        (self.wake)();
    }

    /// Nobody reads any more, so nobody needs to wait for room.
    pub(super) fn stop_reading(&self) {
        let mut letters = self.letters.lock();
        letters.unwanted = true;
        letters.unread.clear();
        drop(letters);
        self.room.notify_all();
    }

    /// Nobody tells any more.
    pub(super) fn end(&self) {
        self.letters.lock().ended = true;
        self.arrived.notify_all();
    }

    /// The next event, where one waits.
    pub fn try_recv(&self) -> Option<Event> {
        let event = self.letters.lock().unread.pop_front();
        self.room.notify_one();
        event
    }

    /// The next event; waits at most so long for it.
    ///
    /// # Errors
    /// No event came, or none will come any more.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<Event, RecvTimeoutError> {
        let until = Instant::now() + timeout;
        let mut letters = self.letters.lock();
        loop {
            if let Some(event) = letters.unread.pop_front() {
                drop(letters);
                self.room.notify_one();
                return Ok(event);
            }
            if letters.ended {
                return Err(RecvTimeoutError::Disconnected);
            }
            if self.arrived.wait_until(&mut letters, until).timed_out() && letters.unread.is_empty() {
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

    fn told(event_queue: &EventQueue) -> Vec<(u64, String)> {
        std::iter::from_fn(|| event_queue.try_recv()).map(|e| (e.job, format!("{:?}", e.kind))).collect()
    }

    #[test]
    fn what_passes_is_dropped_where_nobody_reads_and_what_is_posted_is_not() {
        let event_queue = EventQueue::new(|| {});
        for job in 0..2 * LIMIT as u64 {
            event_queue.offer(event(job, EventKind::Started));
        }
        event_queue.post(event(7, EventKind::Cancelled));
        let told = told(&event_queue);
        assert_eq!((told.len(), told.last()), (LIMIT + 1, Some(&(7, "Cancelled".to_owned()))));
    }

    #[test]
    fn the_last_word_on_a_jobs_place_replaces_those_before() {
        let event_queue = EventQueue::new(|| {});
        event_queue.post(event(2, EventKind::Paused));
        for _ in 0..1000 {
            event_queue.post(event(1, EventKind::Paused));
            event_queue.post(event(1, EventKind::Waiting));
        }
        event_queue.post(event(1, EventKind::Cancelled));
        let expected = [(2, "Paused"), (1, "Waiting"), (1, "Cancelled")].map(|(job, kind)| (job, kind.to_owned()));
        assert_eq!(told(&event_queue), expected);
    }

    #[test]
    fn what_must_not_be_lost_waits_for_room_and_an_end_is_seen() {
        let event_queue = Arc::new(EventQueue::new(|| {}));
        let teller = Arc::clone(&event_queue);
        let thread = std::thread::Builder::new()
            .name("teller".into())
            .spawn(move || {
                (0..3 * LIMIT as u64).for_each(|job| teller.send(event(job, EventKind::Started)));
                teller.end();
            })
            .unwrap();
        let second = Duration::from_secs(10);
        let jobs: Vec<u64> = std::iter::from_fn(|| event_queue.recv_timeout(second).ok()).map(|e| e.job).collect();
        assert_eq!(jobs, (0..3 * LIMIT as u64).collect::<Vec<_>>());
        thread.join().unwrap();
        assert_eq!(event_queue.recv_timeout(second).unwrap_err(), RecvTimeoutError::Disconnected);
    }

    #[test]
    fn nobody_waits_for_a_reader_who_left() {
        let event_queue = EventQueue::new(|| {});
        assert_eq!(event_queue.recv_timeout(Duration::from_millis(1)).unwrap_err(), RecvTimeoutError::Timeout);
        (0..LIMIT as u64).for_each(|job| event_queue.send(event(job, EventKind::Started)));
        event_queue.stop_reading();
        event_queue.send(event(0, EventKind::Started));
        assert!(event_queue.try_recv().is_none());
    }
}
