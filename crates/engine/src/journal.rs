//! The log of jobs: one JSON line for each start, pause and end, in a file of bounded size.
//!
//! A thread of its own writes it, so that no job and no frame waits for a disk, and nothing fails where it cannot be
//! written.

use std::borrow::Cow;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crossbeam_channel::{Receiver, Sender, bounded};
use serde::{Deserialize, Serialize};

use whence_jobs::{JobId, JobSpec};

/// A file larger than this becomes the old one; the old one before it is deleted.
const LIMIT: u64 = 4 << 20;

/// Lines that may wait to be written; more are dropped.
const LINES: usize = 256;

/// What happened to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobEvent {
    /// It started, or resumed.
    Started,
    /// It is paused.
    Paused,
    /// A paused one waits again.
    Resumed,
    /// It was preempted by a job of higher priority, and waits again.
    #[serde(rename = "gave_way")]
    Preempted,
    /// It is done.
    Finished,
    /// The user stopped it.
    Cancelled,
    /// It failed.
    Failed,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobLine<'a> {
    /// Time, in UTC.
    pub time: String,
    /// Id of the program's process: several may write.
    pub process: u32,
    /// Id of the job in that process.
    pub job: JobId,
    /// What happened.
    pub event: JobEvent,
    /// Total computing time of the job so far, in seconds, over all its runs.
    pub seconds: f64,
    /// One line about it: its result, or why it failed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// The job's description, without images in memory.
    pub spec: Cow<'a, JobSpec>,
}

impl<'a> JobLine<'a> {
    pub(super) fn new(job: JobId, event: JobEvent, seconds: f64, message: &str, spec: &'a JobSpec) -> Self {
        let seconds = (seconds * 1000.0).round() / 1000.0;
        let (message, spec) = (message.to_owned(), Cow::Borrowed(spec));
        Self { time: now(), process: std::process::id(), job, event, seconds, message, spec }
    }
}

/// Path of the log of this user's jobs.
pub fn journal_path() -> PathBuf {
    whence_store::user_data_folder().join("jobs.jsonl")
}

/// Handle on the thread that writes the log. Dropping it waits until all is written.
pub(super) struct Journal {
    lines: Option<Sender<Vec<u8>>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Journal {
    /// Starts the thread. If the system refuses one, nothing is logged and a warning is emitted.
    pub fn new(path: PathBuf) -> Self {
        let (sender, receiver) = bounded(LINES);
        let thread =
            std::thread::Builder::new().name("whence-journal".into()).spawn(move || write_all(&path, &receiver));
        let thread = thread.inspect_err(|e| tracing::warn!("jobs are not logged: {e}")).ok();
        Self { lines: Some(sender), thread }
    }

    /// Writes a line soon. Never waits.
    pub fn write(&self, line: &JobLine<'_>) {
        let Some(lines) = &self.lines else { return };
        match serde_json::to_vec(line) {
            Ok(mut text) => {
                text.push(b'\n');
                // A full queue or a thread that never started: jobs matter more than their log.
                if lines.try_send(text).is_err() {
                    tracing::debug!("a line of the log of jobs was dropped");
                }
            }
            Err(error) => tracing::error!("a line of the log of jobs cannot be encoded: {error}"),
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.lines = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn write_all(path: &Path, lines: &Receiver<Vec<u8>>) {
    let mut warned = false;
    for line in lines {
        if let Err(error) = append(path, &line, LIMIT)
            && !warned
        {
            warned = true;
            tracing::warn!("jobs are not logged in {}: {error}", path.display());
        }
    }
}

/// Adds a line; the file is opened anew each time, because another process may have renamed it.
fn append(path: &Path, line: &[u8], limit: u64) -> std::io::Result<()> {
    if std::fs::metadata(path).is_ok_and(|m| m.len() + line.len() as u64 > limit) {
        std::fs::rename(path, path.with_extension("old.jsonl"))?;
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // One write per line, at the end of the file: lines of several processes do not mix.
    std::fs::OpenOptions::new().create(true).append(true).open(path)?.write_all(line)
}

/// The time now in UTC to the second, as `2026-11-22T22:25:40Z` (RFC 3339).
pub fn now() -> String {
    rfc3339(jiff::Timestamp::now())
}

fn rfc3339(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(job: JobId) -> JobLine<'static> {
        let spec = JobSpec::LoadModel("/m".into());
        let line = JobLine::new(job, JobEvent::Failed, 1.23456, "it broke", &spec);
        JobLine { spec: Cow::Owned(spec.clone()), ..line }
    }

    fn text(job: JobId) -> Vec<u8> {
        [serde_json::to_vec(&line(job)).unwrap(), b"\n".to_vec()].concat()
    }

    fn jobs(path: &Path) -> Vec<JobId> {
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().map(|l| serde_json::from_str::<JobLine<'_>>(l).unwrap().job).collect()
    }

    #[test]
    fn lines_can_be_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new folder/jobs.jsonl");
        let journal = Journal::new(path.clone());
        for job in 1..=3 {
            journal.write(&line(job));
        }
        drop(journal);
        assert_eq!(jobs(&path), [1, 2, 3]);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(r#""event":"failed","seconds":1.235,"message":"it broke","spec":{"load_model":"/m"}"#));
    }

    #[test]
    fn a_full_file_is_rotated_and_the_one_before_it_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.jsonl");
        let limit = 3 * text(1).len() as u64;
        for job in 1..=7 {
            append(&path, &text(job), limit).unwrap();
        }
        assert_eq!(jobs(&path), [7]);
        assert_eq!(jobs(&folder.path().join("jobs.old.jsonl")), [4, 5, 6]);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn nothing_fails_where_it_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::new(folder.path().to_owned());
        journal.write(&line(1));
        drop(journal);
        assert!(append(folder.path(), &text(1), LIMIT).is_err());
    }

    #[test]
    fn times_are_in_utc_and_to_the_second() {
        let text = |seconds| rfc3339(jiff::Timestamp::new(seconds, 999_999_999).unwrap());
        assert_eq!(text(0), "1970-01-01T00:00:00Z");
        assert_eq!(text(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(text(4_107_542_400), "2100-03-01T00:00:00Z");
    }

    #[test]
    fn events_keep_their_names_in_the_log() {
        assert_eq!(serde_json::to_string(&JobEvent::Preempted).unwrap(), "\"gave_way\"");
        assert_eq!(serde_json::to_string(&JobEvent::Started).unwrap(), "\"started\"");
    }
}
