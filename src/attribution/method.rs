//! What every attribution method is given and gives.

use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;
use crate::diffusion::Model;
use crate::elbo::{Estimate, Term, Timesteps};
use crate::error::{Error, Result};

/// A picture asked about.
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
    /// Pictures in one pass through the network.
    pub batch: usize,
    /// Class label for class-conditional models.
    pub class: Option<usize>,
}

impl Default for ScoreSettings {
    fn default() -> Self {
        Self { timesteps: Timesteps::OFFICIAL, draws: 1, seed: 0, batch: 32, class: None }
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
}

/// Where counterfactual models come from: unlearned on demand, kept from before, or imported.
pub trait Counterfactuals {
    /// The model without this group.
    ///
    /// # Errors
    /// Where it is missing and cannot be made.
    fn without(&mut self, group: usize, report: &mut dyn Report) -> Result<Model>;

    /// Whether the model without this group need not be made first.
    fn is_ready(&self, group: usize) -> bool;
}

/// How a model without a group is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// By unlearning: approximate, minutes.
    Unlearned,
    /// By training again without the group: exact, as long as the training took.
    Retrained,
}

/// What a method tells while it works; an error stops it.
pub trait Report {
    /// Evaluations done and in all, of the part named by `what`.
    ///
    /// # Errors
    /// [`Error::Cancelled`] stops the work.
    fn progress(&mut self, what: &str, done: usize, total: usize) -> Result<()>;

    /// A group's unlearning advanced by a step. `network` is the network as it is now.
    ///
    /// # Errors
    /// As [`progress`](Self::progress).
    fn unlearning(&mut self, group: usize, step: &crate::unlearning::UnlearningStep<'_>) -> Result<()> {
        let _ = group;
        self.progress("unlearning", step.step, step.steps)
    }

    /// A retraining without a group advanced by a step.
    ///
    /// # Errors
    /// As [`progress`](Self::progress).
    fn retraining(&mut self, group: usize, step: &crate::training::TrainingStep) -> Result<()> {
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
    /// The pictures asked about.
    pub queries: &'a [Query],
    /// How the ELBO is evaluated.
    pub settings: &'a ScoreSettings,
    /// Where models without a group come from.
    pub counterfactuals: &'a mut dyn Counterfactuals,
    /// Who is told.
    pub report: &'a mut dyn Report,
}

/// A way to score groups.
pub trait Method: Send + Sync {
    /// Name in files and on the command line.
    fn name(&self) -> &'static str;

    /// One line for people.
    fn about(&self) -> &'static str;

    /// How the models without a group are made that it needs; none where it needs none.
    fn counterfactuals(&self) -> Option<Made>;

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
        Error::input(format!("there is no method {name}"), "--method", format!("use {}", known.join(", ")))
    })
}
