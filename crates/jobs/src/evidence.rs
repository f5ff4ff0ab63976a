//! Why a person may believe a score.

use serde::{Deserialize, Serialize};

use super::AttributeJob;

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The query regenerated without each group; gives `Regenerated` events.
    #[serde(alias = "redraw")]
    Regenerate,
    /// Where in the image and at which timesteps the score arises; gives `Mapped` events.
    Map,
    /// Which of the group's own images became less likely; gives `Moved` events.
    Moved,
    /// The unlearning once more, with the query drawn again on the way; gives `Unlearning` and `Watched` events.
    Watch,
    /// All of the above, as far as it was computed before and is kept.
    Known,
}

/// One look at a query that groups are, or can be, scored for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvidenceJob {
    /// Model, dataset, the query (the first), groups and how models without them are made.
    pub of: AttributeJob,
    /// Seed that the query was drawn from. Other images are drawn again from noise added to them.
    pub seed: Option<u64>,
    /// What is looked at.
    pub what: Evidence,
}

/// A query drawn again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regenerated {
    /// Steps done.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// Planar bytes of the model's shape.
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
pub struct Moved {
    /// Its index in the dataset.
    pub index: usize,
    /// ELBO under the full model minus ELBO under the model without the group, nats.
    pub score: f64,
}
