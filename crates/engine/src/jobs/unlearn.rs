//! Creates counterfactual models, one per group.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{groups_by_name, open};
use crate::counterfactuals::Unlearned;
use crate::progress_bridge::{Counting, ProgressBridge};
use crate::reporter::Reporter;
use crate::workspace::Workspace;
use whence_base::Result;
use whence_diffusion::Pipeline;
use whence_jobs::UnlearnJob;
use whence_methods::Counterfactuals as _;
use whence_nn::weights::Precision;
use whence_store::Store;
use whence_store::folder_name;
use whence_training::unlearning::Recipe;

pub(super) fn run(workspace: &mut Workspace, job: &UnlearnJob, reporter: &mut Reporter<'_>) -> Result<String> {
    job.recipe.check()?;
    super::estimate::unlearning(workspace, job, reporter)?;
    let (model, dataset) = open(workspace, &job.model, &job.data, job.group_column.as_deref(), reporter)?;
    let conditions = super::conditions(&model, &dataset, job.class_map.as_ref())?;
    let groups = groups_by_name(&dataset, &job.groups)?;
    let recipe = job.recipe.resolved(&model, Some(&job.model))?;
    let store = Store::open(&job.out.join("store"))?;
    let resident = &mut workspace.resident;
    let mut unlearned = Unlearned::new(&model, &dataset, &conditions, &recipe, &store, resident);
    let todo: Vec<usize> = groups.iter().copied().filter(|g| !unlearned.is_ready(*g)).collect();
    reporter.plan(todo.len().max(1) as f64);
    // Stored models are opened too, so that a damaged one is recreated.
    for &group in &groups {
        let name = dataset.group_name(group).to_owned();
        let folder = job.out.join(folder_name(&name));
        let without = unlearned.without(group, &mut ProgressBridge::new(reporter, &dataset, Counting::Phase(1.0)))?;
        export(
            &folder,
            &without,
            &CounterfactualRecord {
                schema_version: 1,
                group: name,
                key: unlearned.key(group),
                recipe: recipe.clone(),
                model: model.hash().to_owned(),
                dataset: dataset.hash().to_owned(),
            },
        )?;
        if todo.contains(&group) {
            reporter.advance(1.0);
        }
    }
    Ok(format!("{} models in {} ({} made now)", groups.len(), job.out.display(), todo.len()))
}

/// `counterfactual.json` beside an exported model's weights: its provenance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct CounterfactualRecord {
    /// Version of this file's layout.
    schema_version: u32,
    /// The group that was unlearned.
    group: String,
    /// Its name in the store.
    key: String,
    /// The resolved recipe.
    recipe: Recipe,
    /// blake3 of the full model.
    model: String,
    /// blake3 of the dataset.
    dataset: String,
}

/// Writes a model as a diffusers folder, unless the folder already holds this model.
fn export(folder: &Path, model: &Pipeline, record: &CounterfactualRecord) -> Result<()> {
    let path = folder.join("counterfactual.json");
    let known = whence_store::read_json::<CounterfactualRecord>(&path).is_ok_and(|r| r == *record);
    if known && Pipeline::load(folder, model.device()).is_ok_and(|m| m.hash() == model.hash()) {
        return Ok(());
    }
    // Removed first and written last: a folder with a record is complete.
    let _ = std::fs::remove_file(&path);
    model.save(folder, Precision::Float32)?;
    whence_store::write_json(&path, record)
}
