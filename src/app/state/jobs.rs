//! Jobs as the window sees them.

use whence_jobs::Priority;
use whence_jobs::{Evidence, JobEstimate, JobId, JobSpec, Progress, UnlearningPoint};

/// What a job concerns, and where its failures are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The project.
    Project,
    /// The model.
    Model,
    /// The training images.
    Dataset,
    /// An image from a file.
    Query,
    /// An image from a seed.
    Generate,
    /// Scores.
    Explain,
    /// Evidence for scores.
    Evidence,
    /// The embedding map.
    Embedding,
    /// Anything else.
    Other,
}

impl Slot {
    /// The slot of a job.
    pub fn of(spec: &JobSpec) -> Self {
        match spec {
            JobSpec::OpenProject(_) => Self::Project,
            JobSpec::LoadModel(_) => Self::Model,
            JobSpec::LoadDataset(_) => Self::Dataset,
            JobSpec::LoadQuery(_) => Self::Query,
            JobSpec::GenerateQuery(_) => Self::Generate,
            JobSpec::Attribute(_) => Self::Explain,
            JobSpec::Evidence(_) => Self::Evidence,
            JobSpec::Embed(_) => Self::Embedding,
            JobSpec::Sample(_)
            | JobSpec::Train(_)
            | JobSpec::Unlearn(_)
            | JobSpec::Retrain(_)
            | JobSpec::Estimate(_)
            | JobSpec::Removal(_)
            | JobSpec::Benchmark(_) => Self::Other,
        }
    }

    /// Whether a newer job of this slot supersedes an older one.
    pub fn is_single(self) -> bool {
        matches!(self, Self::Project | Self::Model | Self::Dataset)
    }
}

/// The status of a job.
#[derive(Clone, Debug, PartialEq)]
pub enum JobStatus {
    /// In the queue.
    Waiting,
    /// On the compute thread.
    Running,
    /// Paused by the user.
    Paused,
    /// Done; one line about it.
    Finished(String),
    /// Cancelled by the user.
    Cancelled,
    /// Failed; what happened and what to do.
    Failed(String),
}

/// The unlearning curve of one group.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Index of the group.
    pub group: usize,
    /// Its points.
    pub points: Vec<UnlearningPoint>,
}

/// A job.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Its description.
    pub spec: JobSpec,
    /// What it concerns.
    pub slot: Slot,
    /// Its name on screen.
    pub title: String,
    /// The query it scores.
    pub query: Option<u64>,
    /// Whether the image that comes out shall be shown at once.
    pub show: bool,
    /// Its status.
    pub status: JobStatus,
    /// The latest progress.
    pub progress: Option<Progress>,
    /// Its estimated time and memory, once measured.
    pub estimate: Option<JobEstimate>,
    /// Unlearning curves, one per group.
    pub curves: Vec<Curve>,
    /// Whether a newer job replaced it: its events are ignored.
    pub superseded: bool,
    /// Whether the user cancelled it, and it has not stopped yet.
    pub cancelling: bool,
    /// Whether the user paused it, and it has not stopped yet.
    pub pausing: bool,
    /// Its priority.
    pub priority: Priority,
    /// Whether the user moved it to the front.
    pub raised: bool,
}

impl Job {
    /// A job that waits.
    pub fn new(id: JobId, spec: JobSpec, title: String, query: Option<u64>, show: bool) -> Self {
        let (slot, priority) = (Slot::of(&spec), spec.priority());
        Self {
            id,
            spec,
            slot,
            title,
            query,
            show,
            status: JobStatus::Waiting,
            progress: None,
            estimate: None,
            curves: Vec::new(),
            superseded: false,
            cancelling: false,
            pausing: false,
            priority,
            raised: false,
        }
    }

    /// Whether it only recalls stored results, or estimates costs.
    pub fn recalls(&self) -> bool {
        match &self.spec {
            JobSpec::Evidence(job) => job.what == Evidence::Known,
            JobSpec::Attribute(job) => job.known_only,
            JobSpec::Estimate(_) => true,
            JobSpec::Embed(job) => job.known_only,
            _ => false,
        }
    }

    /// Whether it estimates the costs of other jobs.
    pub fn is_estimate(&self) -> bool {
        matches!(self.spec, JobSpec::Estimate(_))
    }

    /// How it ended, in one line; its name while it has not.
    pub fn outcome(&self) -> String {
        match &self.status {
            JobStatus::Finished(summary) if summary.is_empty() => format!("{}: done", self.title),
            // What was opened says so itself.
            JobStatus::Finished(summary)
                if matches!(self.slot, Slot::Project | Slot::Model | Slot::Dataset | Slot::Query) =>
            {
                summary.clone()
            }
            JobStatus::Finished(summary) => format!("{}: {summary}", self.title),
            JobStatus::Cancelled => format!("{}: cancelled; finished results are kept", self.title),
            JobStatus::Failed(_) => format!("{}: failed", self.title),
            JobStatus::Waiting | JobStatus::Running | JobStatus::Paused => self.title.clone(),
        }
    }

    /// The curve of the group that is being unlearned.
    pub fn unlearning(&self) -> Option<&Curve> {
        self.curves.last()
    }

    /// The engine reports its status.
    pub fn set_status(&mut self, status: JobStatus) {
        (self.status, self.pausing) = (status, false);
    }

    /// Whether it can be paused: a running job must be resumable.
    pub fn can_pause(&self) -> bool {
        let able = match self.status {
            JobStatus::Running => self.spec.is_resumable(),
            JobStatus::Waiting => self.priority != Priority::Prompt,
            _ => false,
        };
        able && !self.cancelling && !self.pausing
    }

    /// Adds a point to the curve of its group. A group that is unlearned again replaces its curve.
    pub fn add_point(&mut self, point: UnlearningPoint) {
        match self.curves.last_mut() {
            Some(curve) if curve.group == point.group => {
                curve.points.retain(|p| p.step < point.step);
                curve.points.push(point);
            }
            _ => self.curves.push(Curve { group: point.group, points: vec![point] }),
        }
    }
}
