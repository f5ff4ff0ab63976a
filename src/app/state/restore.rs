//! Restoring what was on screen when a project was last closed: images first, explanations when they are wanted.
//!
//! The engine's queue is bounded, and the user's own jobs need room in it. Jobs that restore something therefore wait here
//! and are handed over a few at a time.

use super::{Job, Query, Rating, Slot, State};
use crate::app::session::Session;
use whence_jobs::JobSpec;

/// Restoring jobs in the engine's hands at a time.
const AT_A_TIME: usize = 8;

/// With this many jobs in the engine's queue, restoring waits. Leaves the user room to add some.
const CROWDED: usize = 24;

/// A job that restores an image, or an explanation of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct RestoreJob {
    /// The job.
    pub spec: JobSpec,
    /// Key of the query that it explains.
    pub query: Option<u64>,
    /// Whether its explanation is selected.
    pub show: bool,
}

impl Job {
    /// Whether it restores something by itself, without a command of the user.
    pub fn is_restoring(&self) -> bool {
        self.recalls() || (!self.show && matches!(self.slot, Slot::Query | Slot::Generate))
    }
}

impl State {
    /// The next jobs to hand to the engine, as far as its queue has room.
    pub fn next_restore_jobs(&mut self) -> Vec<RestoreJob> {
        let restoring = self.jobs.iter().filter(|j| j.is_restoring()).count();
        let room = AT_A_TIME.saturating_sub(restoring).min(CROWDED.saturating_sub(self.jobs.len()));
        let mut next = Vec::new();
        while next.len() < room {
            let Some(job) = self.restore_queue.pop_front() else { break };
            // The user may have removed the query meanwhile.
            if job.query.is_none_or(|key| self.queries.iter().any(|q| q.key == key)) {
                next.push(job);
            }
        }
        next
    }

    /// Whether images of the project are still to come.
    pub fn is_restoring_images(&self) -> bool {
        self.restore_queue.iter().any(|j| j.query.is_none())
    }

    /// Whether explanations of earlier sessions are on their way to the screen.
    pub fn is_restoring_explanations(&self) -> bool {
        self.restore_queue.iter().any(|j| j.query.is_some())
            || self.jobs.iter().any(|j| j.slot == Slot::Explain && j.recalls() && !j.superseded)
    }

    /// Whether images are being opened that belong to the project, so that its list of queries is not complete. An image
    /// that the user generates meanwhile is not waited for.
    pub fn is_reading(&self) -> bool {
        let own = |j: &&Job| !j.show && !j.recalls() && !j.superseded;
        self.is_restoring_images()
            || self.jobs.iter().filter(own).any(|j| j.spec.priority() == whence_jobs::Priority::Prompt)
    }

    /// Recalls the explanations of the query on screen. While the one that was on screen in the last session is still to be
    /// opened, another one takes its place for a moment only.
    pub fn recall_on_screen(&mut self) {
        let waits = self.is_reading() && self.saved_session.as_ref().is_some_and(Session::awaits_current);
        if let Some(key) = self.current.filter(|_| !waits) {
            self.recall_explanations(key);
        }
    }

    /// Queues the recall of a query's saved explanations, before everything else that is restored. Without a model and a
    /// dataset of its size they stay saved.
    pub fn recall_explanations(&mut self, key: u64) {
        let Some(query) = self.queries.iter().find(|q| q.key == key) else { return };
        if query.saved_explanations.is_empty() || !self.fits(query) {
            return;
        }
        let mut jobs = Vec::new();
        // Sessions of earlier versions do not say which one was selected: it was the latest.
        let selected = query.saved_selection.as_ref().or(query.saved_explanations.last());
        let shown = query.explanation().is_some();
        for saved in &query.saved_explanations {
            if let Some(job) = saved.recall_job(self, query) {
                let show = !shown && Some(saved) == selected;
                jobs.push(RestoreJob { spec: JobSpec::Attribute(Box::new(job)), query: Some(key), show });
            }
        }
        for job in jobs.into_iter().rev() {
            self.restore_queue.push_front(job);
        }
        if let Some(query) = self.query_mut(key) {
            query.saved_explanations.clear();
            query.saved_selection = None;
        }
    }

    /// The same for every query: a report or a table is about all of them.
    pub fn recall_all_explanations(&mut self) {
        let keys: Vec<u64> = self.queries.iter().map(|q| q.key).collect();
        for key in keys {
            self.recall_explanations(key);
        }
    }

    /// Whether a query, the model and the dataset are of one size.
    fn fits(&self, query: &Query) -> bool {
        match (&self.model, &self.dataset) {
            (Some(model), Some(dataset)) => query.image.shape == model.shape && dataset.shape() == model.shape,
            _ => false,
        }
    }

    /// An image of the project is open: restores its rating and note, whether it is on screen, and which explanations it has.
    pub(super) fn restore_query(&mut self, key: u64) {
        let (Some(session), Some(project)) = (&mut self.saved_session, &self.project) else { return };
        let Some(query) = self.queries.iter_mut().find(|q| q.key == key) else { return };
        let group = session.group().map(str::to_owned);
        let Some((saved, shown)) = session.restore_query(query, &project.root) else { return };
        if query.rating == Rating::default() {
            query.rating = saved.rating();
        }
        if query.note.is_empty() {
            query.note = saved.note();
        }
        query.saved_explanations = saved.explanations();
        query.saved_selection = saved.selection();
        if shown {
            self.current = Some(key);
            self.group = group.and_then(|name| self.groups().iter().position(|g| *g == name)).or(self.group);
        }
    }
}
