//! Forwards the reports of methods and models as events and as progress of the whole job.

use crate::reporter::Reporter;
use whence_base::Result;
use whence_data::Dataset;
use whence_diffusion::Pipeline;
use whence_diffusion::elbo::{FullPass, ScorerQuery, Timesteps};
use whence_jobs::{EventKind, UnlearningPoint};
use whence_methods::{GroupScore, Query, Report};
use whence_training::TrainingStep;
use whence_training::unlearning::UnlearningStep;

/// Number of timesteps on which the query is scored while a group is unlearned.
const LIVE_TIMESTEPS: usize = 8;

/// Number of unlearning steps between two such scores.
const LIVE_EVERY: usize = 6;

/// How network evaluations count in the progress of the job.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Counting {
    /// One unit each; the size of the job is set when their number is reported.
    Evaluations,
    /// One unit each, of a job whose size was set for `units` of them; evaluations that are not needed are subtracted.
    Expected {
        /// Units that were expected.
        units: f64,
    },
    /// Together a phase of this many units, whatever their number.
    Phase(f64),
}

/// The live score of the first query while models are created.
struct Live<'a, 'c> {
    model: &'a Pipeline,
    pass: &'a FullPass<'c>,
}

/// Forwards the reports of methods and models.
pub struct ProgressBridge<'a, 'b, 'c> {
    /// The job's own reporter.
    pub reporter: &'a mut Reporter<'b>,
    dataset: &'a Dataset,
    counting: Counting,
    /// Units of progress per created model.
    pub making_units: f64,
    /// Number of models to create.
    pub to_make: usize,
    /// Prefix of every phase name.
    prefix: String,
    /// Whether scores and the course of unlearning are events of this job.
    events: bool,
    live: Option<Live<'a, 'c>>,
    planned: Option<usize>,
    last_loss: String,
}

impl<'a, 'b, 'c> ProgressBridge<'a, 'b, 'c> {
    /// A bridge for work that counts like this.
    pub fn new(reporter: &'a mut Reporter<'b>, dataset: &'a Dataset, counting: Counting) -> Self {
        Self {
            reporter,
            dataset,
            counting,
            making_units: if let Counting::Phase(units) = counting { units } else { 0.0 },
            to_make: 0,
            prefix: String::new(),
            events: false,
            live: None,
            planned: None,
            last_loss: String::new(),
        }
    }

    /// The same, with a name before every phase.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { prefix: format!("{name}: "), ..self }
    }

    /// The same, with this many units of progress per created model.
    #[must_use]
    pub fn making(self, units: f64) -> Self {
        Self { making_units: units, ..self }
    }

    /// Shows or hides scores and the course of unlearning.
    pub fn show_events(&mut self, show: bool) {
        self.events = show;
    }

    /// Scores the first query at intervals while a group is unlearned.
    pub fn follow(&mut self, model: &'a Pipeline, pass: &'a FullPass<'c>) {
        self.live = Some(Live { model, pass });
    }

    /// Ends [`follow`](Self::follow).
    pub fn stop_following(&mut self) {
        self.live = None;
    }

    /// Number of evaluations that the work reported in advance.
    pub fn planned(&self) -> usize {
        self.planned.unwrap_or(0)
    }

    fn group_name(&self, group: usize) -> &str {
        if group < self.dataset.groups().len() { self.dataset.group_name(group) } else { "random images" }
    }

    fn step(&mut self, phase: &str, step: usize, steps: usize) -> Result<()> {
        let phase = format!("{}{phase}", self.prefix);
        self.reporter.within(&phase, step, steps, self.making_units)
    }

    /// A model is finished: only attribution counts it here, other jobs count their models themselves.
    fn finish_model(&mut self, done: bool) -> Result<()> {
        if done && self.counting == Counting::Evaluations {
            self.reporter.advance(self.making_units);
        }
        self.reporter.check()
    }

    fn live_score(&self, step: &UnlearningStep<'_>) -> Result<Option<f64>> {
        let due = step.step == 1 || step.step.is_multiple_of(LIVE_EVERY) || step.step == step.steps;
        let Some(live) = self.live.as_ref().filter(|_| due) else { return Ok(None) };
        let now = live.model.with_network(step.network.clone());
        live.pass.first_score(&now, &mut |_, _| self.reporter.check())
    }
}

/// The first query with the timesteps of its live score.
///
/// # Errors
/// Those of the plan.
pub fn live_query(queries: &[Query], model: &Pipeline, seed: u64) -> Result<Vec<ScorerQuery>> {
    let Some(query) = queries.first() else { return Ok(Vec::new()) };
    let plan = Timesteps::Count(LIVE_TIMESTEPS).plan(model.schedule(), 1, seed, &query.pixels)?;
    Ok(vec![ScorerQuery::of_image(model.codec(), query.pixels.clone(), query.condition, plan)])
}

impl Report for ProgressBridge<'_, '_, '_> {
    fn planned(&mut self, evaluations: usize) -> Result<()> {
        match self.counting {
            Counting::Evaluations => {
                let units = evaluations as f64 + std::mem::take(&mut self.to_make) as f64 * self.making_units;
                if self.planned.is_some() {
                    self.reporter.extend(units);
                } else {
                    self.reporter.plan(units);
                }
            }
            Counting::Expected { units } => self.reporter.skip(units - evaluations as f64),
            Counting::Phase(_) => {}
        }
        self.planned = Some(evaluations);
        self.reporter.check()
    }

    fn progress(&mut self, what: &str, done: usize, total: usize) -> Result<()> {
        let phase = format!("{}{what}", self.prefix);
        if let Counting::Phase(units) = self.counting {
            return self.reporter.within(&phase, done, total, units);
        }
        self.reporter.within(&phase, done, total, total as f64)?;
        if done == total {
            self.reporter.advance(total as f64);
        }
        Ok(())
    }

    fn unlearning(&mut self, group: usize, step: &UnlearningStep<'_>) -> Result<()> {
        let name = self.group_name(group).to_owned();
        let losses = format!("forget loss {:.4}, retain loss {:.4}", step.forget_loss, step.retain_loss);
        self.step(
            &format!("unlearning {name}, step {} of {}: {losses}", step.step, step.steps),
            step.step,
            step.steps,
        )?;
        if self.events {
            let query_score = self.live_score(step)?;
            self.reporter.passing(EventKind::Unlearning(UnlearningPoint::of(group, step, query_score)));
        }
        self.finish_model(step.step == step.steps)
    }

    fn retraining(&mut self, group: usize, step: &TrainingStep) -> Result<()> {
        if let Some(loss) = step.loss {
            self.last_loss = format!(", loss {loss:.4}");
        }
        let name = self.group_name(group).to_owned();
        let phase = format!("training without {name}, step {} of {}{}", step.step, step.steps, self.last_loss);
        self.step(&phase, step.step, step.steps)?;
        self.finish_model(step.step == step.steps)
    }

    fn within(&mut self, what: &str, done: usize, total: usize) -> Result<()> {
        self.reporter.within(&format!("{}{what}", self.prefix), done, total, 0.0)
    }

    fn warn(&mut self, text: String) {
        self.reporter.state(EventKind::Warning(text));
    }

    fn group_done(&mut self, group: usize, scores: &[GroupScore]) -> Result<()> {
        if let Some(first) = scores.first().filter(|_| self.events) {
            self.reporter.state(EventKind::GroupScored { group, score: Box::new(first.clone()) });
        }
        self.reporter.check()
    }
}
