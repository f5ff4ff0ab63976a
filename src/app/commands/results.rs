//! Commands about explanations: starting one, choosing the one that is shown, and asking before a long one.

use egui::Context;

use crate::app::forms::{Run, RunForm, Settings};
use crate::app::panels::result_title;
use crate::app::state::{ASK_ABOVE, Cost, Slot};
use crate::app::window::WhenceApp;
use whence_jobs::{Evidence, JobId, JobSpec};

impl WhenceApp {
    /// Explains the image on screen with these settings; asks before a long job.
    pub(in crate::app) fn explain_with(&mut self, settings: Settings) {
        let job =
            self.state.can_explain().map_err(str::to_owned).and_then(|()| self.forms.job_with(&settings, &self.state));
        let spec = match job {
            Ok(job) => JobSpec::Attribute(Box::new(job)),
            Err(text) => {
                let query = self.state.current;
                return self.state.notify(Slot::Explain, query, false, text, None);
            }
        };
        match self.state.costs.of(spec.clone()) {
            Some(cost) if is_long(cost) => self.forms.run = Some(RunForm::explanation(settings, self.state.current)),
            // Models may take hours: their cost is found out first, and takes a moment.
            None if self.estimates && settings.counterfactual_kind().is_some() => {
                self.forms.run =
                    Some(RunForm { awaits_cost: true, ..RunForm::explanation(settings, self.state.current) });
            }
            _ => self.start(spec, true),
        }
    }

    /// Computes evidence, unless the same is being computed; asks before a long job.
    pub(in crate::app) fn compute_evidence(&mut self, what: Evidence, group: Option<usize>) {
        if self.state.running_evidence(what, group).is_some() {
            return;
        }
        match self.forms.build_evidence_job(&self.state, what, group) {
            Ok(job) => {
                let spec = JobSpec::Evidence(Box::new(job));
                if self.state.costs.of(spec.clone()).is_some_and(is_long) {
                    self.forms.run = Some(RunForm::evidence(what, group, self.state.current));
                } else {
                    self.start(spec, false);
                }
            }
            Err(text) => self.state.notify(Slot::Evidence, self.state.current, false, text, None),
        }
    }

    /// The job that the dialog is about; none where it cannot be done.
    pub(in crate::app) fn run_spec(&self, run: &Run) -> Option<JobSpec> {
        match run {
            Run::Explanation(settings) => {
                self.forms.job_with(settings, &self.state).ok().map(|job| JobSpec::Attribute(Box::new(job)))
            }
            Run::Evidence(what, group) => {
                let job = self.forms.build_evidence_job(&self.state, *what, *group);
                job.ok().map(|job| JobSpec::Evidence(Box::new(job)))
            }
        }
    }

    /// Starts what the dialog is about.
    pub(super) fn start_run(&mut self) {
        let Some(form) = self.forms.run.take() else { return };
        if let Some(spec) = self.run_spec(&form.run) {
            let show = matches!(spec, JobSpec::Attribute(_));
            self.start(spec, show);
        }
    }

    /// The cost that the dialog waited for is known: a short job starts, a long one is asked about.
    pub(in crate::app) fn follow_run(&mut self) {
        // What was asked about another image, or another project's, is not asked any more.
        self.forms.run = self.forms.run.take().filter(|form| form.query == self.state.current);
        let Some(form) = self.forms.run.as_ref().filter(|form| form.awaits_cost) else { return };
        let spec = self.run_spec(&form.run);
        match spec.and_then(|spec| self.state.costs.of(spec)) {
            Some(cost) if cost.is_ok() && !is_long(cost) && self.state.can_explain().is_ok() => self.start_run(),
            Some(_) => {
                if let Some(form) = &mut self.forms.run {
                    form.awaits_cost = false;
                }
            }
            None => {}
        }
    }

    /// Says that a result is ready behind the one on screen, where that is news.
    pub(in crate::app) fn announce_result(&mut self, ctx: &Context, before: Option<JobId>) {
        let Some(query) = self.state.query().filter(|query| query.ready.is_some() && query.ready != before) else {
            return;
        };
        let Some(result) = query.explanations.iter().find(|a| Some(a.job) == query.ready) else { return };
        let (job, text) = (result.job, format!("{} is ready", result_title(result, query)));
        self.shell.log.toast_result(text, job, ctx.input(|i| i.time));
    }

    /// Removes an explanation; what it computed stays in the store.
    pub(super) fn remove_explanation(&mut self, job: JobId) {
        if self.state.jobs.iter().any(|running| running.id == job) {
            self.cancel(job);
        }
        let Some(key) = self.state.current else { return };
        let Some(removed) = self.state.query_mut(key).and_then(|query| query.remove_explanation(job)) else { return };
        let root = self.state.project.as_ref().map(|project| project.root.clone());
        if let (Some(root), Some(request)) = (root, removed.request) {
            let state = &mut self.state;
            let query = state.queries.iter().find(|query| query.key == key);
            if let (Some(session), Some(query)) = (&mut state.saved_session, query) {
                session.remove_explanation(query, &root, &request);
            }
        }
    }
}

fn is_long(cost: &Cost) -> bool {
    cost.as_ref().is_ok_and(|estimate| estimate.seconds > ASK_ABOVE)
}
