//! Attribution methods: their description, their request and their result.

use serde::{Deserialize, Serialize};

use super::aggregate::Aggregation;
use super::artefacts::{Artefact, Artefacts};
use super::null::Trust;
use whence_base::{Error, Result, Setting};
use whence_data::Dataset;
use whence_diffusion::elbo::anytime::{Decision, Settings as StopSettings};
use whence_diffusion::elbo::{Estimate, Term, Timesteps};
use whence_diffusion::{Condition, GroupConditions, Pipeline};
use whence_training::unlearning::Judgement;

/// The query: the image to explain, with its condition.
#[derive(Clone, Debug)]
pub struct Query {
    /// Name: of its file, or of its seed.
    pub name: String,
    /// Planar bytes `[channels, height, width]` of the model's image shape.
    pub pixels: Vec<u8>,
    /// What the image is conditioned on.
    pub condition: Condition,
}

impl Query {
    /// blake3 of the pixels, hexadecimal, which stands for the image in cache keys.
    pub fn pixels_hash(&self) -> String {
        blake3::hash(&self.pixels).to_hex().to_string()
    }
}

/// How queries are scored.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScoreSettings {
    /// Timesteps at which the ELBO is evaluated.
    pub timesteps: Timesteps,
    /// Noise draws per timestep.
    pub draws: usize,
    /// Seed of the noise.
    pub seed: u64,
    /// Maximum number of images per network pass; scores do not depend on it.
    pub batch: usize,
    /// Class label of the queries, for class-conditional models; becomes each query's condition when it is read.
    pub class: Option<usize>,
    /// Stop as soon as the top is separated, instead of evaluating all of `timesteps`.
    pub stop: Option<StopSettings>,
    /// Aggregation of image scores to group scores; the method's default if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregate: Option<Aggregation>,
    /// Correct similarities for hubs, images that are near to everything (CSLS, Conneau et al. 2018).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub csls: bool,
}

impl Default for ScoreSettings {
    fn default() -> Self {
        Self {
            timesteps: Timesteps::OFFICIAL,
            draws: 1,
            seed: 0,
            batch: 256,
            class: None,
            stop: None,
            aggregate: None,
            csls: false,
        }
    }
}

/// Unit of a score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Natural logarithm of a likelihood ratio.
    #[default]
    Nats,
    /// Cosine of an angle, from -1 to 1, or twice that with a correction for hubs.
    Cosine,
    /// A Euclidean distance with a minus sign: at most 0, nearer is higher.
    NegativeDistance,
    /// A predicted change of the query's loss.
    Influence,
}

impl Unit {
    /// Name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nats => "nats",
            Self::Cosine => "cosine",
            Self::NegativeDistance => "negative_distance",
            Self::Influence => "influence",
        }
    }

    /// Name on screen, behind a value or as the heading of a column.
    pub fn label(self) -> &'static str {
        match self {
            Self::Nats => "nats",
            Self::Cosine => "cosine similarity",
            Self::NegativeDistance => "negative distance",
            Self::Influence => "influence",
        }
    }
}

/// What a method scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Whole groups.
    Groups,
    /// Individual training images; groups by aggregation.
    Images,
}

/// Whether a score is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exactness {
    /// Exact, up to estimation noise.
    Exact,
    /// An approximation.
    Approximate,
}

/// Description of a method; the window, the tables and the report take labels and units from here.
#[derive(Debug)]
pub struct MethodInfo {
    /// Name in files and on the command line.
    pub name: &'static str,
    /// Name on screen.
    pub title: &'static str,
    /// One-line description, without a full stop.
    pub description: &'static str,
    /// What its bars show, for the caption of a chart.
    pub caption: &'static str,
    /// Unit of its scores.
    pub unit: Unit,
    /// What it scores: groups or images.
    pub scope: Scope,
    /// Whether its scores are exact.
    pub exactness: Exactness,
    /// Required artefacts.
    pub artefacts: &'static [Artefact],
    /// Incremented whenever the same inputs give other scores, which invalidates cached ones.
    pub revision: u32,
}

/// One group's score for one query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupScore {
    /// Name of the group.
    pub group: String,
    /// The score, in the method's unit; positive values support the group.
    pub estimate: Estimate,
    /// Number of network evaluations, excluding those of the full model.
    pub evaluations: usize,
    /// Whether it is among the top groups, if the ranking stopped early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Decision>,
    /// The unlearning check of the model without the group, if measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Judgement>,
    /// Weighted terms, in the order of the plan; empty for methods without terms.
    #[serde(skip)]
    pub terms: Vec<Term>,
    /// Noise draws per timestep: this many consecutive `terms` belong to one timestep.
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
    /// Unit of the scores.
    #[serde(default)]
    pub unit: Unit,
    /// One score per group, in the dataset's order.
    pub scores: Vec<GroupScore>,
    /// One score per training image of the dataset, for methods that score images; empty otherwise.
    #[serde(skip)]
    pub images: Vec<f64>,
    /// Checks of the leading group, if requested.
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
    /// Scores of one query by one method, in nats, without trust checks.
    pub fn new(query: &str, method: &str, scores: Vec<GroupScore>) -> Self {
        Self {
            query: query.to_owned(),
            method: method.to_owned(),
            unit: Unit::Nats,
            scores,
            images: Vec::new(),
            trust: None,
        }
    }
}

/// What a method scores.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The full model.
    pub model: &'a Pipeline,
    /// Its training images.
    pub dataset: &'a Dataset,
    /// The condition of each group's images.
    pub conditions: &'a GroupConditions,
    /// Indices of the groups to score.
    pub groups: &'a [usize],
    /// The queries.
    pub queries: &'a [Query],
    /// How they are scored.
    pub settings: &'a ScoreSettings,
}

/// A way to score groups: a pure function of the request and of the artefacts that its [`MethodInfo`] lists.
pub trait Method: Send + Sync {
    /// Description of the method.
    fn info(&self) -> &'static MethodInfo;

    /// Scores all groups for all queries.
    ///
    /// # Errors
    /// Settings that the method does not support, and an internal fault if an artefact is missing.
    fn score(&self, request: &Request<'_>, artefacts: &Artefacts) -> Result<Vec<Attribution>>;

    /// Name in files and on the command line.
    fn name(&self) -> &'static str {
        self.info().name
    }

    /// How the required models without a group are created; `None` if it needs none.
    fn counterfactuals(&self) -> Option<CounterfactualKind> {
        self.info().artefacts.iter().find_map(|artefact| match artefact {
            Artefact::Terms(kind) => Some(*kind),
            Artefact::GaussianFit | Artefact::Bottleneck { .. } => None,
        })
    }
}

/// How a model without a group is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CounterfactualKind {
    /// By unlearning: approximate, minutes.
    Unlearned,
    /// By retraining without the group: exact, takes as long as the original training.
    Retrained,
}

/// Every method this program knows.
pub fn methods() -> &'static [&'static dyn Method] {
    &[
        &super::guda::Guda,
        &super::logo::Logo,
        &super::gaussian::GaussianMethod,
        &super::similarity::PixelSimilarity,
        &super::similarity::FeatureSimilarity,
    ]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_every_method_describes_itself() {
        let mut names = std::collections::HashSet::new();
        for known in methods() {
            let info = known.info();
            assert!(names.insert(info.name), "{} twice", info.name);
            assert!(info.revision > 0 && !info.title.is_empty() && !info.caption.is_empty());
            assert!(!info.description.ends_with('.'), "{}", info.name);
            assert!(method(info.name).is_ok());
        }
        assert!(method("nonsense").is_err());
    }
}
