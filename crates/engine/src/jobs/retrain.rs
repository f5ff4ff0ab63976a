//! The LOGO oracle: the model retrained without each group.

use super::{groups_by_name, open};
use crate::counterfactuals::{Retrained, training_of};
use crate::progress_bridge::{Counting, ProgressBridge};
use crate::reporter::Reporter;
use crate::workspace::Workspace;
use whence_base::Result;
use whence_jobs::RetrainJob;
use whence_methods::Counterfactuals as _;
use whence_store::FolderLock;
use whence_training::TrainingConfig;

pub(super) fn run(workspace: &mut Workspace, job: &RetrainJob, reporter: &mut Reporter<'_>) -> Result<String> {
    let (model, dataset) = open(workspace, &job.model, &job.data, job.group_column.as_deref(), reporter)?;
    let conditions = &super::conditions(&model, &dataset, job.class_map.as_ref())?;
    let groups = groups_by_name(&dataset, &job.groups)?;
    let config = training_of(&model, &job.model, &dataset, job.config.as_ref())?;
    let config = TrainingConfig { seed: job.seed.unwrap_or(config.seed), ..config };
    config.check()?;
    super::estimate::retraining(workspace, job, reporter)?;
    let _lock = FolderLock::acquire(&job.out)?;
    let (folder, resident) = (job.out.clone(), &mut workspace.resident);
    let mut retrained = Retrained { model: &model, dataset: &dataset, conditions, config: &config, folder, resident };
    let todo: Vec<usize> = groups.iter().copied().filter(|g| !retrained.is_ready(*g)).collect();
    reporter.plan(todo.len().max(1) as f64);
    for &group in &todo {
        retrained.without(group, &mut ProgressBridge::new(reporter, &dataset, Counting::Phase(1.0)))?;
        reporter.advance(1.0);
    }
    Ok(format!("{} models in {} ({} trained now)", groups.len(), job.out.display(), todo.len()))
}
