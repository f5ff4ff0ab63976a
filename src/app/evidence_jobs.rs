//! Jobs that compute or recall evidence for the query on screen.

use super::forms::Forms;
use super::state::{State, counterfactual_kind};
use super::window::WhenceApp;
use whence_jobs::{AttributeJob, Evidence, EvidenceJob, JobSpec};

impl Forms {
    /// The job that computes evidence of one group, or of all.
    ///
    /// # Errors
    /// What is missing, and what is typed wrong.
    pub fn build_evidence_job(
        &self,
        state: &State,
        what: Evidence,
        group: Option<usize>,
    ) -> Result<EvidenceJob, String> {
        state.can_compute_evidence()?;
        // Of the models of the selected explanation, or of the last one that made any.
        let has_models = |job: &&AttributeJob| counterfactual_kind(job).is_some();
        let requests = || state.query().into_iter().flat_map(|q| &q.explanations).filter_map(|a| a.request.as_deref());
        let selected = state.explanation().and_then(|a| a.request.as_deref());
        let request = selected.filter(has_models).or_else(|| requests().rfind(has_models));
        let mut of = match request {
            Some(request) => AttributeJob { live: false, known_only: false, ..request.clone() },
            None => self.current_job(state)?,
        };
        of.groups = group.map(|g| state.group_name(g).to_owned()).into_iter().collect();
        if counterfactual_kind(&of).is_none() {
            of.method = "guda".into();
        }
        let seed = state.query().and_then(|q| q.image.generated).map(|d| d.seed);
        Ok(EvidenceJob { of, seed, what })
    }
}

impl WhenceApp {
    /// Restores what is missing on screen: images of the project, then the explanations and the evidence of the query that
    /// is shown. Other queries wait until they are selected, so that opening a project stays quick.
    pub(super) fn restore(&mut self) {
        self.state.recall_on_screen();
        for job in self.state.next_restore_jobs() {
            self.start_for(job.spec, job.query, job.show);
        }
        // Evidence is of the models that the explanations name.
        if !self.state.restore_queue.iter().any(|job| job.query.is_some() && job.query == self.state.current) {
            self.recall_evidence();
        }
    }

    /// Recalls the stored evidence of the query on screen, once.
    fn recall_evidence(&mut self) {
        let wanted = self.state.query().is_some_and(|q| !q.recalled) && self.state.can_compute_evidence().is_ok();
        // The store of a new project does not exist yet: there is nothing to recall, and it must not be created.
        if !wanted || !self.recalls || !self.state.store().join("store.json").is_file() {
            return;
        }
        if let Ok(job) = self.forms.build_evidence_job(&self.state, Evidence::Known, None) {
            let current = self.state.current;
            if let Some(query) = current.and_then(|key| self.state.query_mut(key)) {
                query.recalled = true;
            }
            self.start(JobSpec::Evidence(Box::new(job)), false);
        }
    }
}
