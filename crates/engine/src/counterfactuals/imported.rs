//! Imported models: retrained or unlearned elsewhere.

use std::path::{Path, PathBuf};

use super::{Resident, check_alike};
use crate::workspace::stamp;
use whence_base::{Error, Result, Setting};
use whence_data::Dataset;
use whence_diffusion::Pipeline;
use whence_methods::{Counterfactuals, Report};
use whence_store::folder_name;

/// A folder of diffusers folders, one per group, named after the group.
pub struct Imported<'a> {
    pub model: &'a Pipeline,
    pub dataset: &'a Dataset,
    pub folder: &'a Path,
    pub resident: &'a mut Resident,
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

    /// Fails before any work if a group has no model.
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
        Err(Error::setting(
            format!("there is no model without {}", missing.join(", ")),
            [Setting::Counterfactuals, Setting::Groups],
            "give one diffusers folder per group, named as the group, or choose fewer groups",
        )
        .in_file(self.folder))
    }
}

impl Counterfactuals for Imported<'_> {
    fn without(&mut self, group: usize, report: &mut dyn Report) -> Result<Pipeline> {
        report.progress("reading models", 0, 1)?;
        self.load(group)
    }

    fn identity(&mut self, group: usize) -> Result<Option<String>> {
        Ok(Some(format!("weights {}", self.load(group)?.hashes().denoiser)))
    }

    fn name(&self, group: usize) -> String {
        self.dataset.group_name(group).to_owned()
    }

    fn is_ready(&self, _group: usize) -> bool {
        true
    }
}

impl Imported<'_> {
    /// The model without this group.
    ///
    /// # Errors
    /// If it is missing or cannot be compared with the full model.
    pub fn load(&mut self, group: usize) -> Result<Pipeline> {
        self.check(&[group])?;
        let folder = self.folder_of(group).unwrap_or_default();
        // Files may change between jobs, so models in memory are keyed by modification times too.
        let key = format!("imported {} {:?}", folder.display(), stamp(&folder));
        if let Some(model) = self.resident.get(&key) {
            return Ok(model);
        }
        let (other, shares_schedule) = self.model.load_beside(&folder)?;
        if shares_schedule {
            tracing::info!(
                "{} has no scheduler_config.json: the full model's noise schedule is used",
                folder.display()
            );
        }
        check_alike(&other, self.model, &folder)?;
        self.resident.insert(key, other.clone());
        Ok(other)
    }
}
