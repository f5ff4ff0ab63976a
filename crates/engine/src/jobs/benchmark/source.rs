//! Source of a row's counterfactual models.

use std::path::{Path, PathBuf};

use super::rows::Bench;
use crate::counterfactuals::training_of;
use crate::jobs::short_hash;
use whence_base::Result;
use whence_evaluation::benchmark::OraclePlan;
use whence_training::TrainingConfig;
use whence_training::unlearning::Recipe;

/// Source of counterfactual models.
#[derive(Clone)]
pub(super) enum Source {
    /// Imported from this folder.
    Given(PathBuf),
    /// Retrained, stored in this folder.
    Retrained(PathBuf, Box<TrainingConfig>),
    /// Unlearned, stored in this folder.
    Unlearned(PathBuf, Box<Recipe>),
    /// None required.
    None,
}

impl Source {
    pub(super) fn of_oracle(bench: &Bench<'_>, oracle: &OraclePlan) -> Result<Self> {
        if let Some(folder) = &oracle.folder {
            return Ok(Self::Given(folder.clone()));
        }
        let config = training_of(&bench.model, &bench.folder, &bench.dataset, oracle.training.as_ref())?;
        let config = TrainingConfig { seed: oracle.seed.unwrap_or(config.seed), ..config };
        config.check()?;
        let folder = bench.job.out.join(format!("oracle-{}", short_hash(&(bench.dataset.hash(), &config))));
        Ok(Self::Retrained(folder, Box::new(config)))
    }

    pub(super) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Given(folder) | Self::Retrained(folder, _) | Self::Unlearned(folder, _) => Some(folder),
            Self::None => None,
        }
    }

    /// Identity of the models, for the key of a row.
    pub(super) fn identity(&self) -> serde_json::Value {
        match self {
            Self::Given(folder) => {
                let stamp: Vec<_> = files(folder)
                    .into_iter()
                    .filter_map(|p| Some((p.strip_prefix(folder).ok()?.to_string_lossy().into_owned(), hash_of(&p)?)))
                    .collect();
                serde_json::json!({ "given": stamp })
            }
            Self::Retrained(_, config) => serde_json::json!({ "retrained": config }),
            Self::Unlearned(_, recipe) => serde_json::json!({ "unlearned": recipe }),
            Self::None => serde_json::Value::Null,
        }
    }

    /// Number of images in forward and backward passes per model.
    pub(super) fn trained_images(&self) -> usize {
        match self {
            Self::Retrained(_, config) => config.steps * config.batch,
            Self::Unlearned(_, recipe) => recipe.steps * recipe.batch * 2,
            Self::Given(_) | Self::None => 0,
        }
    }
}

fn hash_of(path: &Path) -> Option<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(std::fs::File::open(path).ok()?).ok()?;
    Some(hasher.finalize().to_hex().to_string())
}

/// All files of a folder and those below it.
pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}
