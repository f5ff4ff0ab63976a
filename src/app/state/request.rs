//! What was asked, apart from what makes no difference: whether two answers, or an answer and a piece of evidence, are about
//! the same thing.

use whence_jobs::{AttributeJob, JobSpec};
use whence_methods::{CounterfactualKind, method};

/// The question of a job: what its scores depend on, the image left out.
pub fn scoring_request(job: &AttributeJob) -> AttributeJob {
    let mut question = job.clone();
    question.queries.clear();
    question.settings.batch = 0;
    question.neighbours = 0;
    (question.live, question.known_only, question.dry_run, question.out) = (false, false, false, None);
    question
}

/// The models that a job looks through, and at which noise: what its evidence depends on, the image left out.
pub fn evidence_source(job: &AttributeJob) -> AttributeJob {
    let mut models = scoring_request(job);
    models.groups.clear();
    (models.null, models.confirm, models.settings.stop) = (0, false, None);
    if counterfactual_kind(job).is_none() {
        models.method = "guda".into();
    }
    models
}

/// The models that a job looks at an image through.
pub fn job_evidence_source(job: &JobSpec) -> Option<AttributeJob> {
    match job {
        JobSpec::Attribute(job) => Some(evidence_source(job)),
        JobSpec::Evidence(job) => Some(evidence_source(&job.of)),
        _ => None,
    }
}

/// How a job's models without a group are made; none where it needs none.
pub fn counterfactual_kind(job: &AttributeJob) -> Option<CounterfactualKind> {
    method(&job.method).ok().and_then(|m| m.counterfactuals())
}
