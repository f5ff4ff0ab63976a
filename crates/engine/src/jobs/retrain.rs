//! The LOGO oracle: the model trained again without each group.

use super::{groups_by_name, open};
use crate::counterfactuals::{Retrained, training_of};
use crate::reporter::Reporter;
use crate::workspace::Workspace;
use whence_base::Result;
use whence_jobs::RetrainJob;
use whence_methods::{Counterfactuals as _, Report};
use whence_training::{TrainingConfig, TrainingStep};

pub(super) fn run(workspace: &mut Workspace, job: &RetrainJob, reporter: &mut Reporter<'_>) -> Result<String> {
    let (model, dataset) = open(workspace, &job.model, &job.data, job.group_column.as_deref(), reporter)?;
    let groups = groups_by_name(&dataset, &job.groups)?;
    let config = training_of(&model, &job.model, &dataset, job.config.as_ref())?;
    let config = TrainingConfig { seed: job.seed.unwrap_or(config.seed), ..config };
    config.check()?;
    whence_store::check_writable(&job.out)?;
    let (folder, resident) = (job.out.clone(), &mut workspace.resident);
    let mut retrained = Retrained { model: &model, dataset: &dataset, config: &config, folder, resident };
    let todo: Vec<usize> = groups.iter().copied().filter(|g| !retrained.is_ready(*g)).collect();
    reporter.plan(todo.len().max(1) as f64);
    for &group in &todo {
        let name = dataset.group_name(group).to_owned();
        retrained.without(group, &mut Steps { reporter, name, loss: String::new() })?;
        reporter.advance(1.0);
    }
    Ok(format!("{} models in {} ({} trained now)", groups.len(), job.out.display(), todo.len()))
}

struct Steps<'a, 'b> {
    reporter: &'a mut Reporter<'b>,
    name: String,
    loss: String,
}

impl Report for Steps<'_, '_> {
    fn progress(&mut self, what: &str, done: usize, total: usize) -> Result<()> {
        self.reporter.within(what, done, total, 1.0)
    }

    fn retraining(&mut self, _group: usize, step: &TrainingStep) -> Result<()> {
        if let Some(loss) = step.loss {
            self.loss = format!(", loss {loss:.4}");
        }
        let phase = format!("without {}, step {} of {}{}", self.name, step.step, step.steps, self.loss);
        self.reporter.within(&phase, step.step, step.steps, 1.0)
    }
}
