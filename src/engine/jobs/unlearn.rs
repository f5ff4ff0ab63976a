//! Making counterfactual models, one a group.

use super::{groups_by_name, open};
use crate::attribution::{Counterfactuals as _, Report};
use crate::engine::api::UnlearnJob;
use crate::engine::counterfactuals::Unlearned;
use crate::engine::reporter::Reporter;
use crate::engine::workspace::Workspace;
use crate::error::Result;
use crate::unlearning::UnlearningStep;

pub(super) fn run(workspace: &mut Workspace, job: &UnlearnJob, reporter: &mut Reporter<'_>) -> Result<String> {
    job.recipe.check()?;
    let (model, dataset) = open(workspace, &job.model, &job.data, job.group_column.as_deref(), reporter)?;
    let groups = groups_by_name(&dataset, &job.groups)?;
    let recipe = job.recipe.resolved(&model, Some(&job.model))?;
    let mut unlearned = Unlearned {
        model: &model,
        dataset: &dataset,
        recipe: &recipe,
        folder: job.out.clone(),
        resident: Some(&mut workspace.counterfactuals),
    };
    let todo: Vec<usize> = groups.iter().copied().filter(|g| !unlearned.is_ready(*g)).collect();
    reporter.plan(todo.len().max(1) as f64);
    // Kept models are opened too, so that a damaged one is made again.
    for &group in &groups {
        let name = dataset.groups().get(group).cloned().unwrap_or_default();
        unlearned.without(group, &mut Steps { reporter, name })?;
        if todo.contains(&group) {
            reporter.advance(1.0);
        }
    }
    Ok(format!("{} models in {} ({} made now)", groups.len(), job.out.display(), todo.len()))
}

struct Steps<'a, 'b> {
    reporter: &'a mut Reporter<'b>,
    name: String,
}

impl Report for Steps<'_, '_> {
    fn progress(&mut self, what: &str, done: usize, total: usize) -> Result<()> {
        self.reporter.within(what, done, total, 1.0)
    }

    fn unlearning(&mut self, _group: usize, step: &UnlearningStep<'_>) -> Result<()> {
        let phase = format!(
            "unlearning {}, step {} of {}: forget {:.4}, rest {:.4}",
            self.name, step.step, step.steps, step.forget_loss, step.retain_loss
        );
        self.reporter.within(&phase, step.step, step.steps, 1.0)
    }
}
