//! Jobs as the window sees them.

use whence_jobs::Priority;
use whence_jobs::{Evidence, JobEstimate, JobId, JobSpec, Progress, UnlearningPoint};

/// What a job is about, and where its failures are shown.
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
            JobSpec::Sample(_)
            | JobSpec::Train(_)
            | JobSpec::Unlearn(_)
            | JobSpec::Retrain(_)
            | JobSpec::Removal(_)
            | JobSpec::Benchmark(_) => Self::Other,
        }
    }

    /// Whether a newer job of this slot makes an older one pointless.
    pub fn is_single(self) -> bool {
        matches!(self, Self::Project | Self::Model | Self::Dataset)
    }
}

/// How far a job is.
#[derive(Clone, Debug, PartialEq)]
pub enum JobStatus {
    /// In the queue.
    Waiting,
    /// On the compute thread.
    Running,
    /// Put aside by the user.
    Paused,
    /// Done; one line about it.
    Finished(String),
    /// Stopped by the user.
    Cancelled,
    /// Failed; what happened and what to do.
    Failed(String),
}

/// The course of one group's unlearning.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Number of the group.
    pub group: usize,
    /// Its points.
    pub points: Vec<UnlearningPoint>,
}

/// A job.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// Its description.
    pub spec: JobSpec,
    /// What it is about.
    pub slot: Slot,
    /// Its name on screen.
    pub title: String,
    /// The query it scores.
    pub query: Option<u64>,
    /// Whether the image that comes out shall be shown at once.
    pub show: bool,
    /// How far it is.
    pub status: JobStatus,
    /// The latest progress.
    pub progress: Option<Progress>,
    /// What it will take, once that was measured.
    pub estimate: Option<JobEstimate>,
    /// The course of the unlearning, group by group.
    pub curves: Vec<Curve>,
    /// Whether a newer job made it pointless: what it tells is ignored.
    pub superseded: bool,
    /// Whether the user asked it to stop.
    pub cancelling: bool,
    /// Whether the user asked to put it aside, and it has not left yet.
    pub pausing: bool,
    /// How soon it is wanted.
    pub priority: Priority,
    /// Whether the user moved it to the front, where it stays.
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

    /// Whether it only brings back what is kept.
    pub fn recalls(&self) -> bool {
        match &self.spec {
            JobSpec::Evidence(job) => job.what == Evidence::Known,
            JobSpec::Attribute(job) => job.known_only,
            _ => false,
        }
    }

    /// The group that is being unlearned, with its course.
    pub fn unlearning(&self) -> Option<&Curve> {
        self.curves.last()
    }

    /// The engine says where it is.
    pub fn set_status(&mut self, status: JobStatus) {
        (self.status, self.pausing) = (status, false);
    }

    /// Whether it can be put aside: one that runs must keep what it finished.
    pub fn can_pause(&self) -> bool {
        let able = match self.status {
            JobStatus::Running => self.spec.is_resumable(),
            JobStatus::Waiting => self.priority != Priority::Prompt,
            _ => false,
        };
        able && !self.cancelling && !self.pausing
    }

    /// Adds a point to the course of its group. A group that is begun again replaces its course.
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
