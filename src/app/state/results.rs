//! The explanations of a query as a list of results, of which one is selected and shown by every panel.

use super::{Explanation, Query, counterfactual_kind, evidence_source};
use whence_jobs::{AttributeJob, JobId};

impl Query {
    /// The selected explanation, which all panels show.
    pub fn explanation(&self) -> Option<&Explanation> {
        self.explanations.iter().find(|a| Some(a.job) == self.selected)
    }

    /// The explanations that have scores, the oldest first.
    pub fn scored(&self) -> impl Iterator<Item = &Explanation> {
        self.explanations.iter().filter(|a| !a.ranking.rows.is_empty())
    }

    /// The explanation that others are compared with: the one the user chose, else the first.
    pub fn reference(&self) -> Option<&Explanation> {
        self.scored().find(|a| Some(a.job) == self.reference).or_else(|| self.scored().next())
    }

    /// Adds an explanation that is about to be computed. It is selected where nothing finished is on screen: a result never
    /// takes the place of another by itself. Where `show`, it does once it is there.
    pub fn add_explanation(&mut self, explanation: Explanation, show: bool) {
        let finished = self.explanation().map(|now| now.complete.is_some());
        let computed = !explanation.is_recalled();
        let job = explanation.job;
        if computed {
            // What was stopped before its first score is not kept beside a new attempt.
            self.explanations.retain(|a| a.is_recalled() || a.complete.is_some() || !a.ranking.rows.is_empty());
        }
        self.explanations.push(explanation);
        match finished {
            None => self.select_explanation(job),
            Some(false) if show || computed => self.select_explanation(job),
            Some(true) if show => self.awaited = Some(job),
            Some(_) => {}
        }
    }

    /// Selects an explanation. Evidence of other models is dropped: it is stored, and recalled with them.
    pub fn select_explanation(&mut self, job: JobId) {
        let Some(explanation) = self.explanations.iter().find(|a| a.job == job) else { return };
        let request = explanation.request.as_deref().filter(|request| counterfactual_kind(request).is_some());
        if let Some(source) = request.map(evidence_source)
            && self.evidence.of.as_deref() != Some(&source)
        {
            self.evidence.about(source);
            self.recalled = false;
        }
        self.selected = Some(job);
        if self.ready == Some(job) {
            self.ready = None;
        }
    }

    /// Selects the explanation whose request fits. False where there is none.
    pub fn show_explanation(&mut self, fits: impl Fn(&AttributeJob) -> bool) -> bool {
        let found = self.explanations.iter().rfind(|a| a.request.as_deref().is_some_and(&fits)).map(|a| a.job);
        found.inspect(|job| self.select_explanation(*job)).is_some()
    }

    /// Removes an explanation; where it was selected, the latest complete one is.
    pub fn remove_explanation(&mut self, job: JobId) -> Option<Explanation> {
        let index = self.explanations.iter().position(|a| a.job == job)?;
        let removed = self.explanations.remove(index);
        self.mend_selection();
        Some(removed)
    }

    /// An explanation is complete: it takes the place of earlier ones of the same request, and is announced where another
    /// one is on screen.
    pub(super) fn completed(&mut self, job: JobId) {
        let Some(request) = self.explanations.iter().find(|a| a.job == job).and_then(Explanation::scoring_request)
        else {
            return;
        };
        let repeated = |a: &Explanation| a.job != job && a.answers(&request);
        let is_in = |id: Option<JobId>, all: &[Explanation]| all.iter().any(|a| Some(a.job) == id && repeated(a));
        let (selected, reference) =
            (is_in(self.selected, &self.explanations), is_in(self.reference, &self.explanations));
        self.explanations.retain(|a| !repeated(a));
        if reference {
            self.reference = Some(job);
        }
        let recalled = self.explanations.iter().any(|a| a.job == job && a.is_recalled());
        if selected || self.awaited == Some(job) {
            self.awaited = None;
            self.select_explanation(job);
        } else if self.selected != Some(job) && !recalled {
            self.ready = Some(job);
        }
        self.mend_selection();
    }

    /// The job of an explanation ended. What has no scores leaves the list, and what was stopped is not kept beside the
    /// complete result of the same request.
    pub(super) fn ended(&mut self, job: JobId) {
        let Some(ended) = self.explanations.iter().find(|a| a.job == job && a.complete.is_none()) else { return };
        let known = |request: AttributeJob| {
            self.explanations.iter().any(|a| a.job != job && a.complete.is_some() && a.answers(&request))
        };
        let others = self.explanations.iter().any(|a| a.job != job);
        let empty = ended.ranking.rows.is_empty() && (others || ended.ranking.waiting.is_empty());
        if empty || ended.scoring_request().is_some_and(known) {
            self.remove_explanation(job);
        }
    }

    /// Where what was selected is gone, the latest complete explanation is selected.
    fn mend_selection(&mut self) {
        let is_here = |id: Option<JobId>| self.explanations.iter().any(|a| Some(a.job) == id);
        if !is_here(self.reference) {
            self.reference = None;
        }
        if !is_here(self.ready) {
            self.ready = None;
        }
        if !is_here(self.awaited) {
            self.awaited = None;
        }
        if is_here(self.selected) {
            return;
        }
        self.selected = None;
        let complete = self.explanations.iter().rfind(|a| a.complete.is_some());
        if let Some(job) = complete.or(self.explanations.last()).map(|a| a.job) {
            self.select_explanation(job);
        }
    }
}

impl Explanation {
    /// Its request, without what does not affect its scores.
    pub fn scoring_request(&self) -> Option<AttributeJob> {
        self.request.as_deref().map(super::scoring_request)
    }
}
