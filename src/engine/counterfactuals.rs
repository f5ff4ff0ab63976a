//! Models without a group: kept in a folder, one diffusers folder a group, unlearned where missing or made otherwise.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::attribution::{Counterfactuals, Report};
use crate::dataset::Dataset;
use crate::diffusion::Model;
use crate::error::{Error, Result};
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

/// A name that is one folder on every system: other characters than letters, digits, space, `-`, `_` and inner dots
/// become `%` and their number.
pub fn folder_name(group: &str) -> String {
    let mut out = String::new();
    for (i, c) in group.chars().enumerate() {
        if c.is_alphanumeric() || "-_".contains(c) || (i > 0 && " .".contains(c)) {
            out.push(c);
        } else {
            out.push_str(&format!("%{:02X}", u32::from(c)));
        }
    }
    let trimmed = out.trim_end_matches([' ', '.']).len();
    if trimmed < out.len() {
        out.truncate(trimmed);
        out.push_str("%end");
    }
    out
}

/// Models unlearned on demand and kept.
pub struct Unlearned<'a> {
    pub model: &'a Model,
    pub dataset: &'a Dataset,
    /// A resolved recipe.
    pub recipe: &'a Recipe,
    /// Where they are kept.
    pub folder: PathBuf,
    /// Those in memory, by key.
    pub resident: &'a mut HashMap<String, Model>,
}

impl Unlearned<'_> {
    fn key(&self, name: &str) -> String {
        self.recipe.key(self.model, self.dataset.hash(), name)
    }

    fn folder_of(&self, name: &str) -> PathBuf {
        self.folder.join(folder_name(name))
    }

    /// Whether the model without this group need not be made.
    pub fn is_ready(&self, group: usize) -> bool {
        let Some(name) = self.dataset.groups().get(group) else { return false };
        let key = self.key(name);
        self.resident.contains_key(&key) || self.record(name).is_some_and(|r| r.key == key)
    }

    fn record(&self, name: &str) -> Option<CounterfactualRecord> {
        store::read_json(&self.folder_of(name).join("counterfactual.json")).ok()
    }
}

impl Counterfactuals for Unlearned<'_> {
    fn without(&mut self, group: usize, report: &mut dyn Report) -> Result<Model> {
        let name = self.dataset.groups().get(group).cloned().unwrap_or_default();
        let key = self.key(&name);
        if let Some(model) = self.resident.get(&key) {
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
        self.resident.insert(key, model.clone());
        Ok(model)
    }
}

/// Ready models that somebody else made: retrained, or unlearned elsewhere.
pub struct Imported<'a> {
    pub model: &'a Model,
    pub dataset: &'a Dataset,
    pub folder: &'a Path,
}

impl Imported<'_> {
    fn folder_of(&self, group: usize) -> Option<PathBuf> {
        let name = self.dataset.groups().get(group)?;
        [folder_name(name), name.clone()]
            .iter()
            // A group's name must not lead out of the folder.
            .filter(|n| Path::new(n).components().count() == 1 && *n != "..")
            .map(|n| self.folder.join(n))
            .find(|p| p.is_dir())
    }

    /// Fails where a group has no model, before any work is done.
    pub fn check(&self, groups: &[usize]) -> Result<()> {
        let missing: Vec<&str> = groups
            .iter()
            .filter(|g| self.folder_of(**g).is_none())
            .filter_map(|g| self.dataset.groups().get(*g))
            .map(String::as_str)
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Error::file(
            format!("there is no model without {}", missing.join(", ")),
            self.folder,
            "give one diffusers folder a group, named as the group, or choose fewer --groups",
        ))
    }
}

impl Counterfactuals for Imported<'_> {
    fn without(&mut self, group: usize, report: &mut dyn Report) -> Result<Model> {
        self.check(&[group])?;
        report.progress("reading models", 0, 1)?;
        let folder = self.folder_of(group).unwrap_or_default();
        let other = Model::load(&folder, self.model.device())?;
        let (a, b) = (other.shape(), self.model.shape());
        let differs = if a != b {
            Some(format!("works on {a:?}, the full model on {b:?}"))
        } else if other.schedule() != self.model.schedule() {
            Some("has another noise schedule or prediction type than the full model".into())
        } else if other.classes() != self.model.classes() {
            Some("knows other classes than the full model".into())
        } else {
            None
        };
        if let Some(differs) = differs {
            return Err(Error::file(
                format!("this model {differs}"),
                &folder,
                "give a model that was trained like the full one",
            ));
        }
        Ok(other)
    }
}

#[cfg(test)]
mod tests {
    use super::folder_name;

    #[test]
    fn any_group_name_becomes_one_folder() {
        assert_eq!(folder_name("stained-glass"), "stained-glass");
        assert_eq!(folder_name("Émile Zola 2"), "Émile Zola 2");
        for bad in ["../up", "a/b", "..", ".hidden", "a\\b", "x:y", "end.", "end ", "nul\0"] {
            let name = folder_name(bad);
            assert!(
                !name.contains(['/', '\\', ':', '\0']) && !name.starts_with('.') && !name.ends_with(['.', ' ']),
                "{name}"
            );
        }
        assert_ne!(folder_name("a/b"), folder_name("a b"));
    }
}
