//! Toasts, and the log that keeps them.

use super::state::{JobStatus, State};
use whence_jobs::JobId;

/// Seconds a message stays.
const STAYS: f64 = 5.0;
/// Messages on screen at a time.
const AT_ONCE: usize = 4;
/// Lines in the log at most.
const LINES: usize = 500;

/// A message at the corner of the window.
#[derive(Clone, Debug, PartialEq)]
pub struct Toast {
    /// Unique while the program runs.
    pub key: u64,
    /// Its text.
    pub text: String,
    /// When it goes, in the window's time.
    pub until: f64,
    /// The job of a result that its button shows.
    pub result: Option<JobId>,
}

/// How a line came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Something was done.
    Done,
    /// Something is worth knowing.
    Note,
    /// Something failed.
    Failed,
}

impl LogLevel {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Note => "note",
            Self::Failed => "failed",
        }
    }
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Seconds since the window was opened.
    pub at: f64,
    /// How it came about.
    pub kind: LogLevel,
    /// Its text.
    pub text: String,
}

impl Line {
    /// As it is copied.
    pub fn plain(&self) -> String {
        format!("{}  {:<6}  {}", clock(self.at), self.kind.word(), self.text)
    }
}

/// What was noted and done since the window was opened.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// On screen now, oldest first.
    pub toasts: Vec<Toast>,
    /// Everything, oldest first.
    pub lines: Vec<Line>,
    next: u64,
    last_notification: u64,
    last_job: Option<JobId>,
}

impl Log {
    /// Shows a short message that belongs to no panel, and logs it.
    pub fn toast(&mut self, text: impl Into<String>, now: f64) {
        let text = text.into();
        self.add(now, LogLevel::Done, text.clone());
        // The same again only stays longer.
        self.toasts.retain(|t| t.text != text);
        self.next += 1;
        self.toasts.push(Toast { key: self.next, text, until: now + STAYS, result: None });
        let over = self.toasts.len().saturating_sub(AT_ONCE);
        self.toasts.drain(..over);
    }

    /// Shows that a result is ready, with a button that shows it.
    pub fn toast_result(&mut self, text: impl Into<String>, result: JobId, now: f64) {
        self.toast(text, now);
        if let Some(toast) = self.toasts.last_mut() {
            toast.result = Some(result);
        }
    }

    /// Dismisses a toast; its line stays in the log.
    pub fn dismiss(&mut self, key: u64) {
        self.toasts.retain(|t| t.key != key);
    }

    /// Removes the toasts that are due. Returns the seconds until the next one is.
    pub fn expire(&mut self, now: f64) -> Option<f64> {
        self.toasts.retain(|t| t.until > now);
        self.toasts.iter().map(|t| t.until - now).min_by(f64::total_cmp)
    }

    /// Logs new notifications and ended jobs. A job of a query that is not on screen also shows a toast.
    pub fn follow(&mut self, state: &State, now: f64) {
        let seen = self.last_notification;
        for notification in state.notifications.iter().filter(|n| n.key > seen) {
            let kind = if notification.failed { LogLevel::Failed } else { LogLevel::Note };
            self.add(now, kind, notification.line());
            self.last_notification = self.last_notification.max(notification.key);
        }
        let last = self.last_job;
        let ended: Vec<_> = state.history.iter().take_while(|j| Some(j.id) != last).collect();
        for job in ended.iter().rev() {
            // What failed is logged as a message.
            if matches!(job.status, JobStatus::Failed(_)) && !job.superseded {
                continue;
            }
            let (kind, text) = (LogLevel::Done, job.outcome());
            let away = job.query.is_some() && job.query != state.current;
            if away && matches!(job.status, JobStatus::Finished(_)) {
                self.toast(text, now);
            } else {
                self.add(now, kind, text);
            }
        }
        self.last_job = state.history.first().map(|j| j.id).or(last);
    }

    fn add(&mut self, at: f64, kind: LogLevel, text: String) {
        self.lines.push(Line { at, kind, text });
        let over = self.lines.len().saturating_sub(LINES);
        self.lines.drain(..over);
    }

    /// The log as text.
    pub fn plain(&self) -> String {
        self.lines.iter().map(Line::plain).collect::<Vec<_>>().join("\n")
    }
}

/// Minutes and seconds.
pub fn clock(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    match whole / 3600 {
        0 => format!("{}:{:02}", whole / 60, whole % 60),
        hours => format!("{hours}:{:02}:{:02}", whole / 60 % 60, whole % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::{Job, Slot};
    use super::*;
    use whence_jobs::JobSpec;

    #[test]
    fn messages_go_when_they_are_due_and_stay_in_the_log() {
        let mut log = Log::default();
        log.toast("saved", 10.0);
        log.toast("undone", 12.0);
        assert_eq!(log.expire(12.0), Some(3.0));
        assert_eq!(log.expire(15.0), Some(2.0), "the first is due");
        assert_eq!(log.toasts.len(), 1);
        log.toast("undone", 16.0);
        assert_eq!(log.expire(17.5), Some(3.5), "said again, it stays longer");
        assert_eq!(log.expire(21.0), None);
        assert!(log.toasts.is_empty());
        assert_eq!(log.lines.len(), 3);
        assert!(log.plain().starts_with("0:10  done    saved\n"));
    }

    #[test]
    fn neither_messages_nor_lines_pile_up() {
        let mut log = Log::default();
        (0..2000).for_each(|i| log.toast(format!("message {i}"), 0.0));
        assert_eq!((log.toasts.len(), log.lines.len()), (AT_ONCE, LINES));
        assert_eq!(log.toasts.last().map(|t| t.text.as_str()), Some("message 1999"));
    }

    #[test]
    fn notices_and_ended_jobs_are_logged_once_and_told_where_out_of_sight() {
        let (mut log, mut state) = (Log::default(), State::default());
        state.notify(Slot::Other, None, true, "no such device".into(), None);
        let ended = |id: u64, query| Job {
            status: JobStatus::Finished("done".into()),
            ..Job::new(id, JobSpec::LoadModel("/m".into()), format!("job {id}"), query, true)
        };
        state.history.insert(0, ended(1, None));
        log.follow(&state, 1.0);
        log.follow(&state, 2.0);
        let lines: Vec<_> = log.lines.iter().map(|l| (l.kind, l.text.as_str())).collect();
        assert_eq!(lines, [(LogLevel::Failed, "Could not do this: No such device."), (LogLevel::Done, "done")]);
        assert!(log.toasts.is_empty(), "both have their place on screen");
        state.current = Some(7);
        state.history.insert(0, ended(2, Some(7)));
        state.history.insert(0, ended(3, Some(8)));
        log.follow(&state, 3.0);
        assert_eq!(log.lines.len(), 4);
        let texts: Vec<_> = log.toasts.iter().map(|t| t.text.as_str()).collect();
        assert_eq!(texts, ["done"]);
    }

    #[test]
    fn times_are_read_as_on_a_watch() {
        assert_eq!((clock(5.9).as_str(), clock(75.0).as_str(), clock(3725.0).as_str()), ("0:05", "1:15", "1:02:05"));
    }
}
