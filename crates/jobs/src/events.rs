//! What the engine tells.

use serde::{Deserialize, Serialize};

use super::{GroupNeighbours, JobEstimate, JobId, ModelInfo, Moved, QueryImage, Regenerated};
use whence_data::Dataset;
use whence_diffusion::elbo::ScoreMap;
use whence_methods::{Attribution, GroupScore};
use whence_training::unlearning::UnlearningStep;

/// What the engine tells. Every event carries its job.
#[derive(Clone, Debug)]
pub struct Event {
    /// The job it belongs to.
    pub job: JobId,
    /// What happened.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum EventKind {
    /// The job left the queue, for the first time or again.
    Started,
    /// The job waits again: it was resumed, or made way for one that is wanted sooner.
    Waiting,
    /// The job is put aside until it is resumed.
    Paused,
    /// Progress of the whole job. May be dropped when nobody listens quickly enough.
    Progress(Progress),
    /// A project was opened; model, dataset and queries are not read yet.
    ProjectOpened(Box<whence_store::Project>),
    /// A model is open.
    ModelLoaded(Box<ModelInfo>),
    /// A dataset is in memory.
    DatasetLoaded(Dataset),
    /// A query is in memory.
    QueryReady(Box<QueryImage>),
    /// An image while it is being drawn: planar bytes of the model's shape.
    Preview {
        /// Steps done.
        step: usize,
        /// Steps in all.
        steps: usize,
        /// Planar bytes.
        pixels: Vec<u8>,
    },
    /// Nearest training images of every group to the first query.
    Neighbours(Vec<GroupNeighbours>),
    /// The closed form's ranking of the first query, long before the unlearned models'.
    PreviewRanking(Box<Attribution>),
    /// A group's unlearning advanced.
    Unlearning(UnlearningPoint),
    /// A group's score of the first query is known.
    GroupScored {
        /// Number of the group in the dataset.
        group: usize,
        /// Its score.
        score: Box<GroupScore>,
    },
    /// The query, drawn again by the model without a group, or by the full model.
    Regenerated {
        /// Number of the group; the full model where absent.
        group: Option<usize>,
        /// The image, finished or under way.
        image: Regenerated,
    },
    /// A group's score of the first query by region and timestep.
    Mapped {
        /// Number of the group.
        group: usize,
        /// Its terms.
        map: Box<ScoreMap>,
    },
    /// The group's images that unlearning it made less likely, most first.
    Moved {
        /// Number of the group.
        group: usize,
        /// Images with their scores.
        images: Vec<Moved>,
    },
    /// The query drawn again in the course of a group's unlearning.
    Watched {
        /// Number of the group.
        group: usize,
        /// Training steps done.
        step: usize,
        /// Planar bytes.
        pixels: Vec<u8>,
    },
    /// All scores of all queries are known.
    Attributed(Vec<Attribution>),
    /// What the job will take, before it begins.
    Estimate(JobEstimate),
    /// Something is worth knowing, and the job goes on.
    Warning(String),
    /// The job is done; one line about it.
    Finished(String),
    /// The job was cancelled; what was finished is kept.
    Cancelled,
    /// The job failed: what happened, where, and what to do. Each front door words the settings in it.
    Failed(whence_base::Failure),
}

/// Progress of a whole job.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// What is being done, in words.
    pub phase: String,
    /// Share done, 0 to 1.
    pub fraction: f64,
    /// Seconds left, once that can be told.
    pub seconds_left: Option<f64>,
    /// The same for this job and all that wait, where each of those ran before and could tell; paused ones do not count.
    pub queue_seconds_left: Option<f64>,
}

/// One step of a group's unlearning.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnlearningPoint {
    /// Number of the group in the dataset.
    pub group: usize,
    /// Steps done.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// Mean squared error on the group's images.
    pub forget_loss: f32,
    /// Mean squared error on the other groups' images.
    pub retain_loss: f32,
    /// The first query's score on a coarse grid, nats, at some of the steps.
    pub query_score: Option<f64>,
}

impl UnlearningPoint {
    /// A step of this group's unlearning, with the first query's score where that was measured.
    pub fn of(group: usize, step: &UnlearningStep<'_>, query_score: Option<f64>) -> Self {
        let UnlearningStep { step: done, steps, forget_loss, retain_loss, .. } = *step;
        Self { group, step: done, steps, forget_loss, retain_loss, query_score }
    }
}
