//! Models unlearned on demand and kept.

use std::collections::HashMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::folder_name;
use crate::attribution::{Counterfactuals, Report};
use crate::dataset::Dataset;
use crate::diffusion::Model;
use crate::error::Result;
use crate::network::weights::Precision;
use crate::store;
use crate::unlearning::{Recipe, Unlearning};

/// `counterfactual.json` beside an unlearned model's weights: what it was made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CounterfactualRecord {
    /// Version of this file's layout.
    pub schema_version: u32,
    /// The group that was unlearned.
    pub group: String,
    /// Hash of recipe, model, dataset and group.
    pub key: String,
    /// The resolved recipe.
    pub recipe: Recipe,
    /// blake3 of the full model.
    pub model: String,
    /// blake3 of the dataset.
    pub dataset: String,
}

/// Models unlearned on demand and kept.
pub struct Unlearned<'a> {
    pub model: &'a Model,
    pub dataset: &'a Dataset,
    /// A resolved recipe.
    pub recipe: &'a Recipe,
    /// Where they are kept.
    pub folder: PathBuf,
    /// Those that stay in memory, by key; none do where absent.
    pub resident: Option<&'a mut HashMap<String, Model>>,
}

impl Unlearned<'_> {
    fn key(&self, name: &str) -> String {
        self.recipe.key(self.model, self.dataset.hash(), name)
    }

    fn folder_of(&self, name: &str) -> PathBuf {
        self.folder.join(folder_name(name))
    }

    fn record(&self, name: &str) -> Option<CounterfactualRecord> {
        store::read_json(&self.folder_of(name).join("counterfactual.json")).ok()
    }
}

impl Counterfactuals for Unlearned<'_> {
    fn without(&mut self, group: usize, report: &mut dyn Report) -> Result<Model> {
        let name = self.dataset.groups().get(group).cloned().unwrap_or_default();
        let key = self.key(&name);
        if let Some(model) = self.resident.as_ref().and_then(|r| r.get(&key)) {
            return Ok(model.clone());
        }
        let folder = self.folder_of(&name);
        let kept = self.record(&name).filter(|r| r.key == key);
        let model = match kept.map(|_| Model::load(&folder, self.model.device())) {
            Some(Ok(model)) => model,
            other => {
                if let Some(Err(error)) = other {
                    tracing::warn!("the kept model without {name} cannot be read, so it is made again: {error}");
                }
                let unlearning = Unlearning { model: self.model, dataset: self.dataset, group, recipe: self.recipe };
                let model = unlearning.run(&mut |step| report.unlearning(group, &step))?;
                // Taken away first and written last: a folder with a record is whole.
                let _ = std::fs::remove_file(folder.join("counterfactual.json"));
                model.save(&folder, Precision::Float32)?;
                let record = CounterfactualRecord {
                    schema_version: 1,
                    group: name,
                    key: key.clone(),
                    recipe: self.recipe.clone(),
                    model: self.model.hash().to_owned(),
                    dataset: self.dataset.hash().to_owned(),
                };
                store::write_json(&folder.join("counterfactual.json"), &record)?;
                model
            }
        };
        if let Some(resident) = &mut self.resident {
            resident.insert(key, model.clone());
        }
        Ok(model)
    }

    fn is_ready(&self, group: usize) -> bool {
        let Some(name) = self.dataset.groups().get(group) else { return false };
        let key = self.key(name);
        self.resident.as_ref().is_some_and(|r| r.contains_key(&key)) || self.record(name).is_some_and(|r| r.key == key)
    }
}
