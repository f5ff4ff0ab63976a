//! One thread that writes sessions, so that an older one never replaces a newer one, and no frame waits for the disk.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::Session;
use whence_base::Result;
use whence_store::FolderLock;

type Write = dyn Fn(&Path, &Session) -> Result<()> + Send + Sync;

#[derive(Default)]
struct Pending {
    /// The latest session of each project that is not written yet.
    sessions: Vec<Waiting>,
    is_writing: bool,
    /// Whether the latest attempt failed.
    failed: bool,
    has_thread: bool,
    closed: bool,
}

struct Shared {
    pending: Mutex<Pending>,
    changed: Condvar,
    write: Box<Write>,
}

/// A session to be written into a project's folder.
struct Waiting {
    root: PathBuf,
    session: Session,
    /// Kept until the session is written, although the project may be closed by then.
    lock: Option<Arc<FolderLock>>,
}

/// Writes sessions on a thread of its own, the latest of each project only.
pub struct SessionWriter(Arc<Shared>);

impl Default for SessionWriter {
    fn default() -> Self {
        Self::with(|root, session| session.write(root))
    }
}

impl SessionWriter {
    fn with(write: impl Fn(&Path, &Session) -> Result<()> + Send + Sync + 'static) -> Self {
        let shared = Shared { pending: Mutex::default(), changed: Condvar::new(), write: Box::new(write) };
        Self(Arc::new(shared))
    }

    /// Hands over the latest session of a project, with the lock that allows to write there. Does not wait.
    pub fn submit(&self, root: PathBuf, session: Session, lock: Option<Arc<FolderLock>>) {
        let mut pending = self.0.pending.lock();
        match pending.sessions.iter_mut().find(|other| other.root == root) {
            Some(waiting) => (waiting.session, waiting.lock) = (session, lock),
            None => pending.sessions.push(Waiting { root, session, lock }),
        }
        if !pending.has_thread {
            let shared = Arc::clone(&self.0);
            let thread = std::thread::Builder::new().name("whence-session".into()).spawn(move || shared.run());
            pending.has_thread = thread.is_ok();
        }
        self.0.changed.notify_all();
    }

    /// Whether the latest attempt to write failed, so that it is worth another.
    pub fn failed(&self) -> bool {
        self.0.pending.lock().failed
    }

    /// Waits until everything is written, at most for `patience`. False where something is not.
    pub fn flush(&self, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        let mut pending = self.0.pending.lock();
        if !pending.has_thread {
            // Without a thread, the one that waits does the work.
            while let Some(Waiting { root, session, lock }) = pending.sessions.pop() {
                pending.failed = !self.0.attempt(&root, &session);
                drop(lock);
            }
        }
        while pending.is_writing || !pending.sessions.is_empty() {
            if self.0.changed.wait_until(&mut pending, end).timed_out() {
                return false;
            }
        }
        !pending.failed
    }
}

impl Drop for SessionWriter {
    fn drop(&mut self) {
        self.0.pending.lock().closed = true;
        self.0.changed.notify_all();
    }
}

impl Shared {
    fn run(&self) {
        let mut pending = self.pending.lock();
        loop {
            if pending.sessions.is_empty() {
                if pending.closed {
                    return;
                }
                self.changed.wait(&mut pending);
                continue;
            }
            let Waiting { root, session, lock } = pending.sessions.remove(0);
            pending.is_writing = true;
            drop(pending);
            let written = self.attempt(&root, &session);
            drop(lock);
            pending = self.pending.lock();
            (pending.is_writing, pending.failed) = (false, !written);
            self.changed.notify_all();
        }
    }

    /// A panic must not end the thread: whoever flushes waits for it.
    fn attempt(&self, root: &Path, session: &Session) -> bool {
        match catch_unwind(AssertUnwindSafe(|| (self.write)(root, session))) {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!("{error}: the next start will not restore this project's window");
                false
            }
            Err(_) => {
                tracing::error!("writing the session of {} panicked: this is a fault in Whence", root.display());
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::bounded;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn numbered(seed: u64) -> Session {
        Session { seed, ..Session::default() }
    }

    #[test]
    fn a_slow_write_is_followed_by_the_newest_session_and_by_no_older_one() {
        let written: Arc<Mutex<Vec<u64>>> = Arc::default();
        let (started, first) = bounded(1);
        let (go_on, wait) = bounded::<()>(0);
        let log = Arc::clone(&written);
        let writer = SessionWriter::with(move |_, session| {
            if session.seed == 0 {
                started.send(()).unwrap();
                wait.recv().unwrap();
            }
            log.lock().push(session.seed);
            Ok(())
        });
        writer.submit("/p".into(), numbered(0), None);
        first.recv().unwrap();
        for seed in 1..50 {
            writer.submit("/p".into(), numbered(seed), None);
        }
        assert!(!writer.flush(Duration::from_millis(1)), "the first one is still being written");
        go_on.send(()).unwrap();
        assert!(writer.flush(PATIENCE));
        assert_eq!(*written.lock(), [0, 49]);
    }

    #[test]
    fn each_project_keeps_its_own_session() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let writer = SessionWriter::default();
        writer.submit(one.path().into(), numbered(1), None);
        writer.submit(two.path().into(), numbered(2), None);
        assert!(writer.flush(PATIENCE));
        for (folder, seed) in [(&one, 1), (&two, 2)] {
            let text = std::fs::read_to_string(folder.path().join("session.json")).unwrap();
            assert_eq!(serde_json::from_str::<Session>(&text).unwrap().seed, seed);
        }
    }

    #[test]
    fn a_failure_and_a_panic_are_reported_and_hold_nothing_up() {
        let writer = SessionWriter::with(|_, session| match session.seed {
            0 => panic!("on purpose"),
            1 => Err(whence_base::Error::input("no space", "session.json", "free some")),
            _ => Ok(()),
        });
        for (seed, expected) in [(0, false), (1, false), (2, true)] {
            writer.submit("/p".into(), numbered(seed), None);
            assert_eq!(writer.flush(PATIENCE), expected, "{seed}");
            assert_eq!(writer.failed(), !expected);
        }
    }
}
