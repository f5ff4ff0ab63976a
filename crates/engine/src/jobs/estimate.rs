//! Estimates of other jobs, before anybody starts them.

use std::path::Path;

use super::attribute::remaining_work::{Created, RemainingWork};
use super::{attribute, evidence, groups_by_name, open};
use crate::counterfactuals::{Retrained, SharedNeighbours, SourceParts, Unlearned, training_of};
use crate::estimate::{self, Creation};
use crate::progress_bridge::{Counting, ProgressBridge};
use crate::reporter::Reporter;
use crate::workspace::Workspace;
use whence_base::{Error, Result};
use whence_jobs::{AttributeJob, EventKind, EvidenceJob, JobSpec, RetrainJob, UnlearnJob};
use whence_methods::{Counterfactuals as _, ScoreSettings, Work};
use whence_store::Store;
use whence_training::unlearning::Forget;
use whence_training::{LeftOut, Training, TrainingConfig};

pub(super) fn run(workspace: &mut Workspace, jobs: &[JobSpec], reporter: &mut Reporter<'_>) -> Result<String> {
    for (index, spec) in jobs.iter().enumerate() {
        reporter.check()?;
        let cost = match reporter.estimate_of(|reporter| one(workspace, spec, reporter)) {
            Err(error @ (Error::Cancelled | Error::Interrupted)) => return Err(error),
            Err(error) => Err(error.to_string()),
            Ok(None) => Err("The cost of this job is not known before it starts".to_owned()),
            Ok(Some(estimate)) => Ok(estimate),
        };
        reporter.state(EventKind::Cost { index, cost });
    }
    Ok(String::new())
}

/// Reports the estimate of one job.
fn one(workspace: &mut Workspace, spec: &JobSpec, reporter: &mut Reporter<'_>) -> Result<String> {
    let dry = |job: &AttributeJob| AttributeJob {
        dry_run: true,
        live: false,
        known_only: false,
        neighbours: 0,
        out: None,
        ..job.clone()
    };
    match spec {
        JobSpec::Attribute(job) => attribute::run(workspace, &dry(job), reporter),
        JobSpec::Evidence(job) => {
            evidence::run(workspace, &EvidenceJob { of: dry(&job.of), ..(**job).clone() }, reporter)
        }
        JobSpec::Unlearn(job) => unlearning(workspace, job, reporter),
        JobSpec::Retrain(job) => retraining(workspace, job, reporter),
        // The others take seconds, or say their steps themselves.
        _ => Ok(String::new()),
    }
}

pub(super) fn unlearning(workspace: &mut Workspace, job: &UnlearnJob, reporter: &mut Reporter<'_>) -> Result<String> {
    let (model, dataset) = open(workspace, &job.model, &job.data, job.group_column.as_deref(), reporter)?;
    let conditions = super::conditions(&model, &dataset, job.class_map.as_ref())?;
    let groups = groups_by_name(&dataset, &job.groups)?;
    let recipe = job.recipe.resolved(&model, Some(&job.model))?;
    let store = Store::open_for_lookup(&job.out.join("store"))?;
    let resident = &mut workspace.resident;
    let unlearned = Unlearned::new(&model, &dataset, &conditions, &recipe, &store, resident);
    let models = groups.iter().filter(|group| !unlearned.is_ready(**group)).count();
    let created =
        groups.first().filter(|_| models > 0).map(|group| Created::Unlearned(Forget::group(&dataset, *group)));
    let neighbours = SharedNeighbours::default();
    let (model, dataset, conditions) = (&model, &dataset, &conditions);
    let parts = SourceParts { model, dataset, conditions, recipe: &recipe, store: &store, neighbours: &neighbours };
    let work = RemainingWork { models, held: 1, created, work: Work::default(), passes: 0, parts };
    let mut bridge = ProgressBridge::new(reporter, dataset, Counting::Phase(1.0));
    work.report(&mut ScoreSettings::default(), &mut workspace.measured, &mut bridge)?;
    Ok(String::new())
}

pub(super) fn retraining(workspace: &mut Workspace, job: &RetrainJob, reporter: &mut Reporter<'_>) -> Result<String> {
    let (model, dataset) = open(workspace, &job.model, &job.data, job.group_column.as_deref(), reporter)?;
    let conditions = super::conditions(&model, &dataset, job.class_map.as_ref())?;
    let groups = groups_by_name(&dataset, &job.groups)?;
    let config = training_of(&model, &job.model, &dataset, job.config.as_ref())?;
    let config = TrainingConfig { seed: job.seed.unwrap_or(config.seed), ..config };
    let (folder, resident) = (job.out.clone(), &mut workspace.resident);
    let retrained =
        Retrained { model: &model, dataset: &dataset, conditions: &conditions, config: &config, folder, resident };
    let models = groups.iter().filter(|group| !retrained.is_ready(**group)).count();
    if models == 0 {
        reporter.state(EventKind::Estimate(estimate::nothing(&model)));
        return Ok(String::new());
    }
    let creation = Creation::Training(Training {
        dataset: &dataset,
        config: &config,
        left_out: &LeftOut::groups([0]),
        conditions: Some(&conditions),
        // Nothing is written while a step is measured.
        out: Path::new(""),
        device: model.device(),
    });
    let (settings, check) = (&mut ScoreSettings::default(), &mut || reporter.check());
    let costs = workspace.measured.of(&model, settings, Some(&creation), check)?;
    reporter.state(EventKind::Estimate(costs.estimate(models, 1, Work::default(), &dataset)));
    Ok(String::new())
}
