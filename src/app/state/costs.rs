//! What jobs would cost, before anybody starts them: estimates of the engine, by job.

use super::State;
use whence_jobs::{AttributeJob, JobEstimate, JobSpec};

/// Most estimates in memory.
const MOST: usize = 128;

/// Longest estimated time of a job that starts without asking, seconds.
pub const ASK_ABOVE: f64 = 300.0;

/// A cost, or why the job cannot be done.
pub type Cost = Result<JobEstimate, String>;

/// Estimates by job.
#[derive(Debug, Default)]
pub struct Costs {
    known: Vec<(JobSpec, Cost)>,
}

impl Costs {
    /// The cost of a job, where it is known.
    pub fn of(&self, job: JobSpec) -> Option<&Cost> {
        let job = cost_request(job);
        self.known.iter().find(|(known, _)| *known == job).map(|(_, cost)| cost)
    }

    /// Adds the cost of a job.
    pub fn insert(&mut self, job: JobSpec, cost: Cost) {
        let job = cost_request(job);
        self.known.retain(|(known, _)| *known != job);
        if self.known.len() >= MOST {
            drop(self.known.remove(0));
        }
        self.known.push((job, cost));
    }

    /// How many are known.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Forgets all: what is stored has changed, or what is open.
    pub fn clear(&mut self) {
        self.known.clear();
    }
}

/// A job without what does not affect its cost.
fn cost_request(mut job: JobSpec) -> JobSpec {
    let plain = |job: &mut AttributeJob| {
        (job.live, job.known_only, job.dry_run, job.neighbours, job.out) = (false, false, false, 0, None);
    };
    match &mut job {
        JobSpec::Attribute(job) => plain(job),
        JobSpec::Evidence(job) => plain(&mut job.of),
        _ => {}
    }
    job
}

impl State {
    /// The estimated cost of a job, where it is known and the job can be done.
    pub fn cost(&self, job: JobSpec) -> Option<JobEstimate> {
        self.costs.of(job).and_then(|cost| cost.as_ref().ok()).copied()
    }
}
