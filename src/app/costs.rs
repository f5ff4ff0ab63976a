//! Asks the engine what the jobs would cost whose buttons are on screen.

use std::collections::BTreeSet;

use super::forms::{Run, RunForm, Settings};
use super::panels::PanelId;
use super::window::WhenceApp;
use whence_jobs::{Evidence, JobId, JobSpec};
use whence_methods::methods;

/// What the shown costs depend on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shown {
    query: Option<u64>,
    selected: Option<JobId>,
    group: Option<usize>,
    panels: Vec<PanelId>,
    settings: Settings,
    run: Option<RunForm>,
    excluded: BTreeSet<String>,
    /// Jobs that ended, and what is open: their costs are forgotten.
    ended: Option<JobId>,
    open: (u64, Option<String>),
    known: usize,
}

impl Shown {
    fn of(app: &WhenceApp) -> Self {
        let state = &app.state;
        Self {
            query: state.current,
            selected: state.query().and_then(|query| query.selected),
            group: state.group,
            panels: app.dock.shown(),
            settings: app.forms.settings.clone(),
            run: app.forms.run.clone(),
            excluded: state.excluded_groups.clone(),
            ended: state.history.first().map(|job| job.id),
            open: (state.dataset_id, state.model.as_ref().map(|model| model.hash.clone())),
            known: state.costs.len(),
        }
    }
}

fn explanation(settings: Settings) -> Run {
    Run::Explanation(Box::new(settings))
}

impl WhenceApp {
    /// Asks for the costs that are shown and not known. While a job runs nothing is asked, except for an open dialog.
    pub(super) fn follow_costs(&mut self) {
        self.follow_run();
        let busy = !self.state.jobs.is_empty() && self.forms.run.is_none();
        let estimating = self.state.jobs.iter().any(|job| job.is_estimate());
        if !self.estimates || busy || estimating || !self.state.restore_queue.is_empty() {
            return;
        }
        // Nothing is looked up where nothing has changed.
        let shown = Shown::of(self);
        if self.costs_shown.as_ref() == Some(&shown) {
            return;
        }
        let jobs = self.shown_jobs().into_iter();
        let unknown: Vec<JobSpec> = jobs.filter(|job| self.state.costs.of(job.clone()).is_none()).collect();
        self.costs_shown = Some(shown);
        if !unknown.is_empty() {
            self.start_for(JobSpec::Estimate(unknown), None, false);
        }
    }

    /// The jobs whose buttons are on screen.
    fn shown_jobs(&self) -> Vec<JobSpec> {
        let (forms, state) = (&self.forms, &self.state);
        let mut runs = Vec::new();
        let Some(query) = state.query() else { return Vec::new() };
        match &forms.run {
            Some(form) if form.choices.is_empty() => runs.push(form.run.clone()),
            Some(form) => runs.extend(form.choices.iter().cloned().map(explanation)),
            None => runs.push(explanation(forms.settings.clone())),
        }
        let evidence = &query.evidence;
        let groups = state.groups().len();
        for panel in self.dock.shown() {
            match (panel, state.group) {
                (PanelId::Compare, _) => {
                    runs.extend(methods().iter().map(|method| explanation(forms.settings_by(method.name()))));
                }
                (PanelId::Wall, _) if evidence.regenerated.len() < groups => {
                    runs.push(Run::Evidence(Evidence::Regenerate, None));
                }
                (PanelId::ScoreMap, _) if evidence.maps.len() < groups => {
                    runs.push(Run::Evidence(Evidence::Map, None));
                }
                (PanelId::Unlearning, Some(group)) => runs.push(Run::Evidence(Evidence::Watch, Some(group))),
                (PanelId::Ranking, Some(group)) => {
                    if !evidence.regenerated.contains_key(&group) {
                        runs.push(Run::Evidence(Evidence::Regenerate, Some(group)));
                    }
                    if !evidence.affected.contains_key(&group) {
                        runs.push(Run::Evidence(Evidence::MostAffected, Some(group)));
                    }
                }
                _ => {}
            }
        }
        // Evidence is of the models of an explanation; without one its cost is that of the explanation.
        let explained = state.explanation().is_some_and(|a| a.complete.is_some());
        let mut jobs = Vec::new();
        for run in runs {
            let ready = match run {
                Run::Explanation(_) => state.can_explain().is_ok(),
                Run::Evidence(..) => explained && state.can_compute_evidence().is_ok(),
            };
            if let Some(job) = self.run_spec(&run).filter(|job| ready && !jobs.contains(job)) {
                jobs.push(job);
            }
        }
        jobs
    }
}
