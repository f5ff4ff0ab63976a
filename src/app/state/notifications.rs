//! What could not be done and what is worth knowing, one entry per cause.

use super::{Job, Slot, State};
use crate::app::format;
use whence_base::Failure;
use whence_jobs::{JobId, JobSpec};

/// A warning or a failure, shown until it is dismissed.
#[derive(Clone, Debug)]
pub struct Notification {
    /// Unique while the program runs; a cause that occurs again gets a new one.
    pub key: u64,
    /// What it is about.
    pub slot: Slot,
    /// The query it is about, where it is about one.
    pub query: Option<u64>,
    /// Whether something failed.
    pub failed: bool,
    /// What could not be done.
    pub title: String,
    /// Why, and what to do.
    pub text: String,
    /// Paths and the system's own words; empty where there are none.
    pub details: String,
    /// The job to start again.
    pub retry: Option<JobSpec>,
    /// How often it has occurred.
    pub count: usize,
    /// Whether it is hidden, because a new attempt is under way.
    retrying: bool,
}

impl Notification {
    /// Everything it says, for the clipboard.
    pub fn plain(&self) -> String {
        let parts = [self.title.as_str(), &self.text, &self.details];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
    }

    /// Title and text in one line, for the log.
    pub fn line(&self) -> String {
        if self.failed { format!("{}: {}", self.title, self.text) } else { self.text.clone() }
    }

    fn is_same_cause(&self, other: &Self) -> bool {
        (self.failed, &self.title, &self.text, &self.details)
            == (other.failed, &other.title, &other.text, &other.details)
    }
}

impl State {
    /// The notifications on screen, oldest first.
    pub fn shown_notifications(&self) -> impl Iterator<Item = &Notification> {
        self.notifications.iter().filter(|n| !n.retrying)
    }

    /// Notifications of a slot, and of the query on screen where they are about a query.
    #[cfg(test)]
    pub fn notifications_of(&self, slot: Slot) -> impl Iterator<Item = &Notification> {
        self.shown_notifications().filter(move |n| n.slot == slot && (n.query.is_none() || n.query == self.current))
    }

    /// Adds a notification. The lines of the text after the first are details. A cause that is known already is counted.
    pub fn notify(&mut self, slot: Slot, query: Option<u64>, failed: bool, text: String, retry: Option<JobSpec>) {
        let (text, details) = text.split_once('\n').unwrap_or((&text, ""));
        self.add_notification(slot, query, failed, text, details, retry);
    }

    /// Adds a notification about something that failed.
    pub fn notify_failure(&mut self, slot: Slot, query: Option<u64>, failure: &Failure, retry: Option<JobSpec>) {
        self.add_notification(slot, query, true, &failure.summary(), failure.details(), retry);
    }

    /// Adds a notification about something that failed and is no job.
    pub fn notify_titled(&mut self, slot: Slot, title: &str, text: &str) {
        self.notify(slot, None, true, text.to_owned(), None);
        if let Some(new) = self.notifications.last_mut() {
            new.title = title.to_owned();
        }
    }

    fn add_notification(
        &mut self,
        slot: Slot,
        query: Option<u64>,
        failed: bool,
        text: &str,
        details: &str,
        retry: Option<JobSpec>,
    ) {
        self.opening &= !failed;
        let mut new = Notification {
            key: self.new_key(),
            slot,
            query,
            failed,
            title: if failed { title(slot, retry.as_ref()) } else { String::new() },
            text: sentence(text),
            details: details.to_owned(),
            retry,
            count: 1,
            retrying: false,
        };
        if let Some(index) = self.notifications.iter().position(|n| n.is_same_cause(&new)) {
            let old = self.notifications.remove(index);
            // A job reports the same warning several times; only a failure is worth counting.
            new.count = if failed { old.count + 1 } else { old.count };
            if !failed {
                new.key = old.key;
            }
        }
        self.notifications.push(new);
    }

    /// Dismisses a notification.
    pub fn dismiss(&mut self, key: u64) {
        self.notifications.retain(|n| n.key != key);
    }

    /// Hides what a new attempt may put right, until it has ended.
    pub(super) fn hide_for_attempt(&mut self, job: &Job) {
        for n in &mut self.notifications {
            n.retrying |= n.slot == job.slot && (n.query.is_none() || n.query == job.query);
        }
    }

    /// Removes what an attempt has put right.
    pub(super) fn clear_after_attempt(&mut self, slot: Slot, ended: JobId) {
        if !self.jobs.iter().any(|j| j.slot == slot && j.id != ended) {
            self.notifications.retain(|n| !n.retrying || n.slot != slot);
        }
    }
}

/// A clause as a sentence: with a capital, unless it begins with a name in code, and with a full stop.
fn sentence(text: &str) -> String {
    let mut chars = text.trim().chars();
    let Some(first) = chars.next() else { return String::new() };
    let word = text.split_whitespace().next().unwrap_or_default();
    let is_code = word.contains(['_', '.', '/', '\\']);
    let start = if is_code { first.to_string() } else { first.to_uppercase().collect() };
    let rest = chars.as_str();
    let end = if rest.ends_with(['.', '!', '?', ')', '…', ':']) { "" } else { "." };
    format!("{start}{rest}{end}")
}

/// What could not be done, by the failed job or else by what it is about.
fn title(slot: Slot, job: Option<&JobSpec>) -> String {
    let named = |what: &str, path: &std::path::Path| {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        format!("Could not {what} \u{201c}{}\u{201d}", format::cut(&name, 32))
    };
    match (job, slot) {
        (Some(JobSpec::OpenProject(path)), _) => named("open project", path),
        (Some(JobSpec::LoadModel(path)), _) => named("load model", path),
        (Some(JobSpec::LoadDataset(path)), _) => named("read dataset", path),
        (Some(JobSpec::LoadQuery(path)), _) => named("open image", path),
        (_, Slot::Project) => "Could not open the project".into(),
        (_, Slot::Model) => "Could not load the model".into(),
        (_, Slot::Dataset) => "Could not read the dataset".into(),
        (_, Slot::Query) => "Could not open the image".into(),
        (_, Slot::Generate) => "Could not generate the image".into(),
        (_, Slot::Explain) => "Could not explain the image".into(),
        (_, Slot::Evidence) => "Could not compute the evidence".into(),
        (_, Slot::Embedding) => "Could not make the embedding map".into(),
        (_, Slot::Other) => "Could not do this".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cause_is_one_entry_with_a_count() {
        let mut state = State::default();
        let spec = JobSpec::LoadModel("/models/sd".into());
        let failure = whence_base::Error::input("it is cut short", "/models/sd/config.json", "copy it again").failure();
        for _ in 0..3 {
            state.notify_failure(Slot::Model, None, &failure, Some(spec.clone()));
        }
        let [only] = state.notifications.as_slice() else { panic!("{:?}", state.notifications) };
        assert_eq!(only.title, "Could not load model \u{201c}sd\u{201d}");
        assert_eq!((only.text.as_str(), only.count), ("It is cut short. Copy it again.", 3));
        assert_eq!(only.details, "/models/sd/config.json");
        state.notify(Slot::Dataset, None, false, "Skipped 1 file of the dataset.\na.txt: no image".into(), None);
        state.notify(Slot::Dataset, None, false, "Skipped 1 file of the dataset.\na.txt: no image".into(), None);
        assert_eq!((state.notifications.len(), state.notifications[1].count), (2, 1), "a note is said once");
        assert_eq!(state.notifications[1].details, "a.txt: no image");
    }

    #[test]
    fn a_new_attempt_hides_the_failure_and_success_removes_it() {
        let mut state = State::default();
        let spec = JobSpec::LoadModel("/m".into());
        let failure = Failure::from("the file is damaged");
        for (attempt, id) in [(1, 1u64), (2, 2)] {
            _ = state.started(Job::new(id, spec.clone(), "job".into(), None, true));
            assert_eq!(state.shown_notifications().count(), 0);
            let failed = whence_jobs::EventKind::Failed(failure.clone());
            state.reduce(whence_jobs::Event { job: id, kind: failed });
            let counts: Vec<_> = state.shown_notifications().map(|n| n.count).collect();
            assert_eq!(counts, [attempt]);
        }
        _ = state.started(Job::new(3, spec, "job".into(), None, true));
        state.reduce(whence_jobs::Event { job: 3, kind: whence_jobs::EventKind::Finished(String::new()) });
        assert!(state.notifications.is_empty());
    }

    #[test]
    fn clauses_become_sentences() {
        assert_eq!(sentence("there is nothing here. Choose a folder"), "There is nothing here. Choose a folder.");
        assert_eq!(
            sentence("diffusion_pytorch_model.safetensors is missing"),
            "diffusion_pytorch_model.safetensors is missing."
        );
        assert_eq!(sentence("too many (batch size)"), "Too many (batch size)");
    }
}
