//! Which job goes first, and which may be left and taken up again.

use serde::{Deserialize, Serialize};

use super::{Evidence, JobSpec};

/// How soon a job is wanted, least first. Among equals, first come is first served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Hours of work that nobody looks at: training, oracles, benchmarks.
    Background,
    /// Work that somebody waits for.
    Normal,
    /// What is about the query on screen.
    Front,
    /// Over in seconds, and the window is empty without it: opening, reading, drawing one image.
    ///
    /// These are neither paused nor moved, because later ones build on earlier ones: a dataset is read at the size of the
    /// model that was opened before it.
    Prompt,
}

impl JobSpec {
    /// How soon the job is wanted where nobody says otherwise.
    pub fn priority(&self) -> Priority {
        match self {
            Self::OpenProject(_)
            | Self::LoadModel(_)
            | Self::LoadDataset(_)
            | Self::LoadQuery(_)
            | Self::GenerateQuery(_) => Priority::Prompt,
            Self::Evidence(job) if job.what == Evidence::Known => Priority::Prompt,
            Self::Attribute(_) | Self::Evidence(_) | Self::Unlearn(_) | Self::Sample(_) => Priority::Normal,
            Self::Train(_) | Self::Retrain(_) | Self::Removal(_) | Self::Benchmark(_) => Priority::Background,
        }
    }

    /// Whether a job that was left goes on where it was when it starts again, so that leaving it costs little.
    pub fn is_resumable(&self) -> bool {
        match self {
            // A group that is watched is unlearned in one go.
            Self::Evidence(job) => !matches!(job.what, Evidence::Watch | Evidence::Known),
            Self::Attribute(_)
            | Self::Unlearn(_)
            | Self::Train(_)
            | Self::Retrain(_)
            | Self::Removal(_)
            | Self::Benchmark(_) => true,
            Self::OpenProject(_)
            | Self::LoadModel(_)
            | Self::LoadDataset(_)
            | Self::LoadQuery(_)
            | Self::GenerateQuery(_)
            | Self::Sample(_) => false,
        }
    }
}
