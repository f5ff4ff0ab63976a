//! The log of jobs: one JSON line for each start, pause and end, in a file of bounded size.
//!
//! A thread of its own writes it, so that no job and no frame waits for a disk, and nothing fails where it cannot be
//! written.

use std::borrow::Cow;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

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
    /// It began, or went on.
    Started,
    /// It is paused.
    Paused,
    /// A paused one waits again.
    Resumed,
    /// It left for a job that is wanted sooner, and waits again.
    GaveWay,
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
    /// When, in UTC.
    pub time: String,
    /// Number of the program's process: several may write.
    pub process: u32,
    /// Number of the job in that process.
    pub job: JobId,
    /// What happened.
    pub event: JobEvent,
    /// How long the job has computed by now, all its parts together.
    pub seconds: f64,
    /// One line about it: what came of it, or why it failed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// The job's description; images in memory are left out.
    pub spec: Cow<'a, JobSpec>,
}

impl<'a> JobLine<'a> {
    pub(super) fn new(job: JobId, event: JobEvent, seconds: f64, message: &str, spec: &'a JobSpec) -> Self {
        let seconds = (seconds * 1000.0).round() / 1000.0;
        let (message, spec) = (message.to_owned(), Cow::Borrowed(spec));
        Self { time: now(), process: std::process::id(), job, event, seconds, message, spec }
    }
}

/// Where the log of this user's jobs is.
pub fn journal_path() -> PathBuf {
    whence_store::user_data_folder().join("jobs.jsonl")
}

/// The line to the thread that writes. Dropping it waits until all is written.
pub(super) struct Journal {
    lines: Option<Sender<Vec<u8>>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Journal {
    /// Starts the thread. Where the system gives none, nothing is logged.
    pub fn new(path: PathBuf) -> Self {
        let (sender, receiver) = bounded(LINES);
        let thread =
            std::thread::Builder::new().name("whence-journal".into()).spawn(move || write_all(&path, &receiver));
        let thread = thread.inspect_err(|e| tracing::warn!("jobs are not logged: {e}")).ok();
        Self { lines: Some(sender), thread }
    }

    /// Writes a line soon. Never waits.
    pub fn note(&self, line: &JobLine<'_>) {
        if let (Some(lines), Ok(mut text)) = (&self.lines, serde_json::to_vec(line)) {
            text.push(b'\n');
            let _ = lines.try_send(text);
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

/// Adds a line; the file is opened anew each time, because another process may have made it the old one.
fn append(path: &Path, line: &[u8], limit: u64) -> std::io::Result<()> {
    if std::fs::metadata(path).is_ok_and(|m| m.len() + line.len() as u64 > limit) {
        std::fs::rename(path, path.with_extension("old.jsonl"))?;
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // One write a line, at the end of the file: lines of several processes do not mix.
    std::fs::OpenOptions::new().create(true).append(true).open(path)?.write_all(line)
}

/// The time now, as `2026-11-22T22:25:40Z`.
pub fn now() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    utc(seconds)
}

/// Seconds since 1970 as `2026-11-22T22:25:40Z`.
fn utc(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Years that begin in March, so that a leap day is the last one; 719,468 days from such a year 0 to 1970.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    let year = era * 400 + year;
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest % 3600 / 60, rest % 60)
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
        (1..=3).for_each(|job| journal.note(&line(job)));
        drop(journal);
        assert_eq!(jobs(&path), [1, 2, 3]);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(r#""event":"failed","seconds":1.235,"message":"it broke","spec":{"load_model":"/m"}"#));
    }

    #[test]
    fn a_full_file_becomes_the_old_one_and_the_old_one_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs.jsonl");
        let limit = 3 * text(1).len() as u64;
        (1..=7).for_each(|job| append(&path, &text(job), limit).unwrap());
        assert_eq!(jobs(&path), [7]);
        assert_eq!(jobs(&folder.path().join("jobs.old.jsonl")), [4, 5, 6]);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn nothing_fails_where_it_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::new(folder.path().to_owned());
        journal.note(&line(1));
        drop(journal);
        assert!(append(folder.path(), &text(1), LIMIT).is_err());
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        assert_eq!(utc(0), "1970-01-01T00:00:00Z");
        assert_eq!(utc(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(utc(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(utc(1_735_689_599), "2024-12-31T23:59:59Z");
        assert_eq!(utc(4_107_542_400), "2100-03-01T00:00:00Z");
    }
}
