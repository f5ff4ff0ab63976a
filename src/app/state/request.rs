//! Requests without what does not affect their results: whether two explanations, or an explanation and its evidence, belong
//! together.

use whence_jobs::{AttributeJob, JobSpec};
use whence_methods::{CounterfactualKind, method};

/// The settings that a job's scores depend on, without the image.
pub fn scoring_request(job: &AttributeJob) -> AttributeJob {
    let mut request = job.clone();
    request.queries.clear();
    request.settings.batch = 0;
    request.neighbours = 0;
    (request.live, request.known_only, request.dry_run, request.out) = (false, false, false, None);
    request
}

/// The models and the noise that a job's evidence depends on, without the image.
pub fn evidence_source(job: &AttributeJob) -> AttributeJob {
    let mut source = scoring_request(job);
    source.groups.clear();
    (source.null, source.confirm, source.settings.stop) = (0, false, None);
    if counterfactual_kind(job).is_none() {
        source.method = "guda".into();
    }
    source
}

/// The same of a job that computes scores or evidence.
pub fn job_evidence_source(job: &JobSpec) -> Option<AttributeJob> {
    match job {
        JobSpec::Attribute(job) => Some(evidence_source(job)),
        JobSpec::Evidence(job) => Some(evidence_source(&job.of)),
        _ => None,
    }
}

/// How a job's counterfactual models are made; none where its method needs none.
pub fn counterfactual_kind(job: &AttributeJob) -> Option<CounterfactualKind> {
    method(&job.method).ok().and_then(|m| m.counterfactuals())
}
