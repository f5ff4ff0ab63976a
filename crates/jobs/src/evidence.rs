//! Evidence for a score that a person can inspect.

use serde::{Deserialize, Serialize};

use super::AttributeJob;

/// Kind of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The query, regenerated without each group; emits `Regenerated` events, and `RegeneratedByRetrained` ones where an
    /// unlearned model's group has a retrained model too.
    #[serde(alias = "redraw")]
    Regenerate,
    /// Where in the image and at which timesteps the score arises; emits `Mapped` events.
    Map,
    /// Which of the group's own images became less likely; emits `MostAffected` events.
    #[serde(rename = "moved")]
    MostAffected,
    /// The unlearning repeated, with the query regenerated at intermediate steps; emits `Unlearning` and `Watched`
    /// events.
    Watch,
    /// All of the above, as far as cached results exist; nothing is computed.
    Known,
}

/// A request for one kind of evidence about one query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvidenceJob {
    /// Model, dataset, query (the first one), groups, and how the models without them are created.
    pub of: AttributeJob,
    /// Seed that the query was generated from. Without a seed, the query is regenerated from noise added to it.
    pub seed: Option<u64>,
    /// Kind of evidence.
    pub what: Evidence,
}

/// A regenerated query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regenerated {
    /// Number of completed steps.
    pub step: usize,
    /// Total number of steps.
    pub steps: usize,
    /// Planar bytes `[channels, height, width]` of the model's image shape.
    pub pixels: Vec<u8>,
}

impl Regenerated {
    /// Whether it is finished.
    pub fn is_done(&self) -> bool {
        self.step >= self.steps
    }
}

/// A training image whose likelihood was measured with and without its group.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AffectedImage {
    /// Its index in the dataset.
    pub index: usize,
    /// ELBO under the full model minus ELBO under the model without the group, nats.
    pub score: f64,
}
