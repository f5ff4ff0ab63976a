//! What a method tells, as events and overall progress.

use crate::reporter::Reporter;
use whence_base::Result;
use whence_data::Dataset;
use whence_diffusion::Model;
use whence_diffusion::elbo::{FullPass, ScorerQuery, Timesteps};
use whence_jobs::{EventKind, UnlearningPoint};
use whence_methods::{GroupScore, Query, Report};
use whence_training::TrainingStep;
use whence_training::unlearning::UnlearningStep;

/// The query is scored on this many timesteps while a group is unlearned.
const LIVE_TIMESTEPS: usize = 8;

/// And at every so many steps.
const LIVE_EVERY: usize = 6;

/// The first query with the timesteps of its live score.
pub(super) fn live_queries(
    queries: &[Query],
    model: &Model,
    seed: u64,
    class: Option<usize>,
) -> Result<Vec<ScorerQuery>> {
    queries
        .iter()
        .take(1)
        .map(|q| {
            let plan = Timesteps::Count(LIVE_TIMESTEPS).plan(model.schedule(), 1, seed, &q.pixels)?;
            Ok(ScorerQuery { pixels: q.pixels.clone(), plan, class })
        })
        .collect()
}

/// Turns what the method tells into events and overall progress.
pub(super) struct ProgressBridge<'a, 'b, 'c> {
    pub(super) reporter: &'a mut Reporter<'b>,
    pub(super) dataset: &'a Dataset,
    pub(super) model: &'a Model,
    pub(super) live: Option<&'a FullPass<'c>>,
    /// Units of making one model, and how many models are to be made.
    pub(super) making_units: f64,
    pub(super) to_make: usize,
    /// Scores are not those that were asked for: they are not shown.
    pub(super) quiet: bool,
    planned: bool,
}

impl<'a, 'b> ProgressBridge<'a, 'b, '_> {
    pub(super) fn new(reporter: &'a mut Reporter<'b>, dataset: &'a Dataset, model: &'a Model) -> Self {
        Self { reporter, dataset, model, live: None, making_units: 0.0, to_make: 0, quiet: false, planned: false }
    }

    fn made(&mut self, done: bool) -> Result<()> {
        if done {
            self.reporter.advance(self.making_units);
        }
        self.reporter.check()
    }

    fn live_score(&self, step: &UnlearningStep<'_>) -> Result<Option<f64>> {
        let due = step.step == 1 || step.step.is_multiple_of(LIVE_EVERY) || step.step == step.steps;
        let Some(pass) = self.live.filter(|_| due) else { return Ok(None) };
        let now = self.model.with_network(step.network.clone())?;
        pass.first_score(&now, &mut |_, _| self.reporter.check())
    }
}

impl Report for ProgressBridge<'_, '_, '_> {
    fn planned(&mut self, evaluations: usize) -> Result<()> {
        let units = evaluations as f64 + std::mem::take(&mut self.to_make) as f64 * self.making_units;
        if std::mem::replace(&mut self.planned, true) {
            self.reporter.extend(units);
        } else {
            self.reporter.plan(units);
        }
        self.reporter.check()
    }

    fn progress(&mut self, what: &str, done: usize, total: usize) -> Result<()> {
        self.reporter.within(what, done, total, total as f64)?;
        if done == total {
            self.reporter.advance(total as f64);
        }
        Ok(())
    }

    fn unlearning(&mut self, group: usize, step: &UnlearningStep<'_>) -> Result<()> {
        let name = if group < self.dataset.groups().len() { self.dataset.group_name(group) } else { "random images" };
        let phase = format!("unlearning {name}, step {} of {}", step.step, step.steps);
        self.reporter.within(&phase, step.step, step.steps, self.making_units)?;
        if self.quiet {
            return self.made(step.step == step.steps);
        }
        let query_score = self.live_score(step)?;
        self.reporter.passing(EventKind::Unlearning(UnlearningPoint::of(group, step, query_score)));
        self.made(step.step == step.steps)
    }

    fn retraining(&mut self, group: usize, step: &TrainingStep) -> Result<()> {
        let name = self.dataset.group_name(group);
        let phase = format!("training without {name}, step {} of {}", step.step, step.steps);
        self.reporter.within(&phase, step.step, step.steps, self.making_units)?;
        self.made(step.step == step.steps)
    }

    fn within(&mut self, what: &str, done: usize, total: usize) -> Result<()> {
        self.reporter.within(what, done, total, 0.0)
    }

    fn warn(&mut self, text: String) {
        self.reporter.state(EventKind::Warning(text));
    }

    fn group_done(&mut self, group: usize, scores: &[GroupScore]) -> Result<()> {
        if let Some(first) = scores.first().filter(|_| !self.quiet) {
            self.reporter.state(EventKind::GroupScored { group, score: Box::new(first.clone()) });
        }
        self.reporter.check()
    }
}
