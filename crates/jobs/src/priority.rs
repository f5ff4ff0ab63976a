//! Job priorities, and which jobs may be preempted and resumed.

use serde::{Deserialize, Serialize};

use super::{EmbedChoice, Evidence, JobSpec};

/// Priority of a job, lowest first. Jobs of equal priority run in order of submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Unattended work of hours: training, oracles, benchmarks.
    Background,
    /// Work whose result the user is waiting for.
    Normal,
    /// Work about the query on screen.
    Front,
    /// Work of a few seconds without which the window is empty: opening, reading, generating one image.
    ///
    /// These are neither paused nor moved, because later ones build on earlier ones: a dataset is read at the size of
    /// the model that was opened before it.
    Prompt,
}

impl JobSpec {
    /// Default priority of a job.
    pub fn priority(&self) -> Priority {
        match self {
            Self::OpenProject(_)
            | Self::LoadModel(_)
            | Self::LoadDataset(_)
            | Self::LoadQuery(_)
            | Self::GenerateQuery(_) => Priority::Prompt,
            Self::Evidence(job) if job.what == Evidence::Known => Priority::Prompt,
            // Looking up a stored map, and the components of pixels, take a moment.
            Self::Embed(job) if job.known_only || job.choice == EmbedChoice::default() => Priority::Prompt,
            Self::Attribute(_)
            | Self::Evidence(_)
            | Self::Embed(_)
            | Self::Unlearn(_)
            | Self::Sample(_)
            | Self::Estimate(_) => Priority::Normal,
            Self::Train(_) | Self::Retrain(_) | Self::Removal(_) | Self::Benchmark(_) => Priority::Background,
        }
    }

    /// Whether a preempted job resumes where it stopped, so that preempting it costs little.
    pub fn is_resumable(&self) -> bool {
        match self {
            // A group that is watched is unlearned in one go.
            Self::Evidence(job) => !matches!(job.what, Evidence::Watch | Evidence::Known),
            // Features are stored; the layout starts again, which takes minutes at most.
            Self::Embed(job) => !job.known_only,
            // What was measured stays in memory.
            Self::Estimate(_)
            | Self::Attribute(_)
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
