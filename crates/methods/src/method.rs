//! What every attribution method is given and gives.

use serde::{Deserialize, Serialize};

use super::null::Trust;
use whence_base::{Error, Result, Setting};
use whence_data::Dataset;
use whence_diffusion::Model;
use whence_diffusion::elbo::anytime::{Decision, Settings as StopSettings};
use whence_diffusion::elbo::{Estimate, Term, TermTable, Timesteps};
use whence_training::unlearning::Judgement;

/// An image asked about.
#[derive(Clone, Debug)]
pub struct Query {
    /// Name: of its file, or of its seed.
    pub name: String,
    /// Planar bytes of the model's shape.
    pub pixels: Vec<u8>,
}

/// How the ELBO is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScoreSettings {
    /// Which timesteps.
    pub timesteps: Timesteps,
    /// Noise draws at each.
    pub draws: usize,
    /// Seed of the noise.
    pub seed: u64,
    /// Images under way at once, at most; scores do not depend on it.
    pub batch: usize,
    /// Class label for class-conditional models.
    pub class: Option<usize>,
    /// Stop as soon as the top is separated, in place of evaluating all of `timesteps`.
    pub stop: Option<StopSettings>,
}

impl Default for ScoreSettings {
    fn default() -> Self {
        Self { timesteps: Timesteps::OFFICIAL, draws: 1, seed: 0, batch: 256, class: None, stop: None }
    }
}

/// One group's score for one query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupScore {
    /// Name of the group.
    pub group: String,
    /// ELBO(query; full) - ELBO(query; without the group), nats.
    pub estimate: Estimate,
    /// Network evaluations spent on it, those of the full model not counted.
    pub evaluations: usize,
    /// Whether it is among the leaders, where the ranking stopped early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Decision>,
    /// What the model without the group forgot and kept, where that was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Judgement>,
    /// Weighted terms, in the order of the plan; empty for closed forms.
    #[serde(skip)]
    pub terms: Vec<Term>,
    /// Draws that belong together in `terms`.
    #[serde(skip)]
    pub draws: usize,
}

/// The scores of groups for one query by one method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attribution {
    /// Name of the query.
    pub query: String,
    /// Name of the method.
    pub method: String,
    /// One score a group, in the dataset's order.
    pub scores: Vec<GroupScore>,
    /// What speaks for the leader, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<Trust>,
}

impl GroupScore {
    /// A score without sampling error.
    pub fn exact(group: &str, score: f64) -> Self {
        Self {
            group: group.to_owned(),
            estimate: Estimate::exact(score),
            evaluations: 0,
            side: None,
            gate: None,
            terms: Vec::new(),
            draws: 1,
        }
    }
}

impl Attribution {
    /// Scores of one query by one method; nothing is known yet that speaks for them.
    pub fn new(query: &str, method: &str, scores: Vec<GroupScore>) -> Self {
        Self { query: query.to_owned(), method: method.to_owned(), scores, trust: None }
    }
}

/// Where counterfactual models come from: unlearned on demand, kept from before, or imported.
pub trait Counterfactuals {
    /// The model without this group.
    ///
    /// # Errors
    /// Where it is missing and cannot be made.
    fn without(&mut self, group: usize, report: &mut dyn Report) -> Result<Model>;

    /// What the model without this group is known by: equal names stand for equal weights.
    ///
    /// # Errors
    /// Where a ready model cannot be read.
    fn identity(&mut self, group: usize) -> Result<String>;

    /// What the group is called.
    fn name(&self, group: usize) -> String;

    /// Whether the model without this group need not be made first.
    fn is_ready(&self, group: usize) -> bool;
}

/// Where terms are kept between runs.
pub trait TermCache {
    /// What is known of a query under the full model and the one of this [identity](Counterfactuals::identity).
    fn load(&mut self, query: &Query, other: &str) -> TermTable;

    /// Keeps what is known.
    ///
    /// # Errors
    /// Where it cannot be written.
    fn save(&mut self, query: &Query, other: &str, table: &TermTable) -> Result<()>;
}

/// How a model without a group is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CounterfactualKind {
    /// By unlearning: approximate, minutes.
    Unlearned,
    /// By training again without the group: exact, as long as the training took.
    Retrained,
}

/// What a method tells while it works; an error stops it.
pub trait Report {
    /// How many network evaluations the work takes, besides making models; told once, before it begins.
    ///
    /// # Errors
    /// [`Error::Cancelled`] stops the work.
    fn planned(&mut self, evaluations: usize) -> Result<()> {
        let _ = evaluations;
        Ok(())
    }

    /// Network evaluations done and in all, of the part named by `what`.
    ///
    /// # Errors
    /// [`Error::Cancelled`] stops the work.
    fn progress(&mut self, what: &str, done: usize, total: usize) -> Result<()>;

    /// Work beside the network evaluations that were planned.
    ///
    /// # Errors
    /// As [`progress`](Self::progress).
    fn within(&mut self, what: &str, done: usize, total: usize) -> Result<()> {
        let _ = (what, done, total);
        Ok(())
    }

    /// Something is worth knowing, and the work goes on.
    fn warn(&mut self, text: String) {
        tracing::warn!("{text}");
    }

    /// A group's unlearning advanced by a step. `network` is the network as it is now.
    ///
    /// # Errors
    /// As [`progress`](Self::progress).
    fn unlearning(&mut self, group: usize, step: &whence_training::unlearning::UnlearningStep<'_>) -> Result<()> {
        let _ = group;
        self.progress("unlearning", step.step, step.steps)
    }

    /// A retraining without a group advanced by a step.
    ///
    /// # Errors
    /// As [`progress`](Self::progress).
    fn retraining(&mut self, group: usize, step: &whence_training::TrainingStep) -> Result<()> {
        let _ = group;
        self.progress("retraining", step.step, step.steps)
    }

    /// All queries' scores for one group are known.
    ///
    /// # Errors
    /// As [`progress`](Self::progress).
    fn group_done(&mut self, group: usize, scores: &[GroupScore]) -> Result<()> {
        let _ = (group, scores);
        Ok(())
    }
}

/// What a method works on.
pub struct Context<'a> {
    /// The full model.
    pub model: &'a Model,
    /// Its training images.
    pub dataset: &'a Dataset,
    /// Numbers of the groups to score.
    pub groups: &'a [usize],
    /// The images asked about.
    pub queries: &'a [Query],
    /// How the ELBO is evaluated.
    pub settings: &'a ScoreSettings,
    /// Where models without a group come from.
    pub counterfactuals: &'a mut dyn Counterfactuals,
    /// Where terms are kept.
    pub kept: &'a mut dyn TermCache,
    /// Who is told.
    pub report: &'a mut dyn Report,
}

/// Network evaluations that are still to be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// All of them.
    pub evaluations: usize,
    /// Those of them that are the full model's.
    pub places: usize,
}

impl std::ops::AddAssign for Work {
    fn add_assign(&mut self, other: Self) {
        self.evaluations += other.evaluations;
        self.places += other.places;
    }
}

/// A way to score groups.
pub trait Method: Send + Sync {
    /// Name in files and on the command line.
    fn name(&self) -> &'static str;

    /// One line for people.
    fn about(&self) -> &'static str;

    /// How the models without a group are made that it needs; none where it needs none.
    fn counterfactuals(&self) -> Option<CounterfactualKind>;

    /// What [`attribute`](Self::attribute) would have to evaluate, at most: nothing where all is known. Makes no model.
    ///
    /// # Errors
    /// Those of the counterfactual models' names, and timesteps that the model does not have.
    fn work(&self, context: Context<'_>) -> Result<Work> {
        let _ = context;
        Ok(Work::default())
    }

    /// Scores all groups for all queries.
    ///
    /// # Errors
    /// Those of models, devices and reports.
    fn attribute(&self, context: Context<'_>) -> Result<Vec<Attribution>>;
}

/// Every method this program knows.
pub fn methods() -> &'static [&'static dyn Method] {
    &[&super::guda::Guda, &super::logo::Logo, &super::gaussian::GaussianMethod]
}

/// The method of that name.
///
/// # Errors
/// Unknown names; lists the known ones.
pub fn method(name: &str) -> Result<&'static dyn Method> {
    methods().iter().copied().find(|m| m.name() == name).ok_or_else(|| {
        let known: Vec<_> = methods().iter().map(|m| m.name()).collect();
        Error::setting(format!("there is no method {name}"), [Setting::Method], format!("use {}", known.join(", ")))
    })
}
