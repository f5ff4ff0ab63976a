//! Source of the models without a group, chosen here for all jobs.

use std::path::{Path, PathBuf};

use super::{Imported, Resident, Retrained, SharedNeighbours, Unlearned};
use whence_base::Result;
use whence_data::Dataset;
use whence_diffusion::{GroupConditions, Pipeline};
use whence_methods::{CounterfactualKind, Counterfactuals, Report};
use whence_store::Store;
use whence_training::TrainingConfig;
use whence_training::unlearning::Recipe;

/// Inputs that all sources share.
#[derive(Clone, Copy)]
pub struct SourceParts<'a> {
    /// The full model.
    pub model: &'a Pipeline,
    /// Its training images.
    pub dataset: &'a Dataset,
    /// The condition of each group's images.
    pub conditions: &'a GroupConditions,
    /// A resolved recipe.
    pub recipe: &'a Recipe,
    /// Store of unlearned models.
    pub store: &'a Store,
    /// Neighbours that sources share.
    pub neighbours: &'a SharedNeighbours,
}

/// A source of models without a group.
pub enum Source<'a> {
    /// Imported from a folder.
    Imported(Imported<'a>),
    /// Unlearned on demand.
    Unlearned(Unlearned<'a>),
    /// Retrained on demand.
    Retrained(Retrained<'a>),
}

impl<'a> Source<'a> {
    /// Imported models if a folder is given; otherwise models created as the method requires. `training` are the
    /// settings for methods that retrain.
    pub fn new(
        parts: SourceParts<'a>,
        kind: Option<CounterfactualKind>,
        ready: Option<&'a Path>,
        training: Option<(&'a TrainingConfig, PathBuf)>,
        resident: &'a mut Resident,
    ) -> Self {
        let SourceParts { model, dataset, conditions, recipe, store, neighbours } = parts;
        match (ready, kind, training) {
            (Some(folder), ..) => Self::Imported(Imported { model, dataset, folder, resident }),
            (None, Some(CounterfactualKind::Retrained), Some((config, folder))) => {
                Self::Retrained(Retrained { model, dataset, conditions, config, folder, resident })
            }
            _ => {
                Self::Unlearned(Unlearned::new(model, dataset, conditions, recipe, store, resident).sharing(neighbours))
            }
        }
    }

    /// Fails before any work if a group has no model and none can be created.
    ///
    /// # Errors
    /// Names the groups.
    pub fn check(&self, groups: &[usize]) -> Result<()> {
        match self {
            Self::Imported(imported) => imported.check(groups),
            Self::Unlearned(_) | Self::Retrained(_) => Ok(()),
        }
    }

    fn inner(&self) -> &dyn Counterfactuals {
        match self {
            Self::Imported(source) => source,
            Self::Unlearned(source) => source,
            Self::Retrained(source) => source,
        }
    }

    fn inner_mut(&mut self) -> &mut dyn Counterfactuals {
        match self {
            Self::Imported(source) => source,
            Self::Unlearned(source) => source,
            Self::Retrained(source) => source,
        }
    }
}

impl Counterfactuals for Source<'_> {
    fn without(&mut self, group: usize, report: &mut dyn Report) -> Result<Pipeline> {
        self.inner_mut().without(group, report)
    }

    fn identity(&mut self, group: usize) -> Result<Option<String>> {
        self.inner_mut().identity(group)
    }

    fn name(&self, group: usize) -> String {
        self.inner().name(group)
    }

    fn is_ready(&self, group: usize) -> bool {
        self.inner().is_ready(group)
    }
}
