//! Imported models: retrained or unlearned elsewhere.

use std::path::{Path, PathBuf};

use super::{Resident, check_alike};
use crate::workspace::stamp;
use whence_base::{Error, Result, Setting};
use whence_data::Dataset;
use whence_diffusion::Pipeline;
use whence_methods::{Counterfactuals, Report};
use whence_store::folder_name;

/// A folder of diffusers folders, one per group, named as the group, or `exclude_K` or `unlearn_class_K` with its number.
/// Each may hold checkpoints, of which the last is read.
pub struct Imported<'a> {
    pub model: &'a Pipeline,
    pub dataset: &'a Dataset,
    pub folder: &'a Path,
    pub resident: &'a mut Resident,
}

impl Imported<'_> {
    fn folder_of(&self, group: usize) -> Option<PathBuf> {
        let name = self.dataset.groups().get(group)?;
        let names = [folder_name(name), name.clone()].into_iter();
        // As published training code names them, by the class's number in the dataset's order or by its name.
        let prefixed = ["exclude_", "unlearn_class_"]
            .iter()
            .flat_map(|prefix| [format!("{prefix}{group}"), format!("{prefix}{}", folder_name(name))]);
        names
            .chain(prefixed)
            // A group's name must not lead out of the folder.
            .filter(|n| Path::new(n).components().count() == 1 && n != "..")
            .map(|n| self.folder.join(n))
            .find(|p| p.is_dir())
            .map(|p| last_checkpoint(&p).unwrap_or(p))
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
            tracing::warn!(
                "{} has no scheduler_config.json: the full model's noise schedule is used",
                folder.display()
            );
        }
        check_alike(&other, self.model, &folder)?;
        self.resident.insert(key, other.clone());
        Ok(other)
    }
}

/// The last checkpoint in the folder of a training: `latest`, or the one with the highest number. None where the folder
/// itself is a model.
fn last_checkpoint(folder: &Path) -> Option<PathBuf> {
    let is_model = |p: &Path| p.join("config.json").is_file() || p.join("unet").is_dir();
    if is_model(folder) {
        return None;
    }
    let latest = folder.join("latest");
    if is_model(&latest) {
        return Some(latest);
    }
    let number = |path: &Path| -> Option<u64> {
        let name = path.file_name()?.to_str()?;
        let digits =
            ["epoch_", "epoch-", "checkpoint-", "step_"].iter().find_map(|prefix| name.strip_prefix(prefix))?;
        digits.parse().ok()
    };
    let entries = std::fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    entries.filter(|p| is_model(p)).filter_map(|p| Some((number(&p)?, p))).max().map(|(_, p)| p)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn of_a_tree_of_checkpoints_the_last_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let model = |name: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(&path).unwrap();
            fs::write(path.join("config.json"), "{}").unwrap();
            path
        };
        model("epoch_9");
        let tenth = model("epoch_10");
        fs::create_dir(folder.path().join("epoch_99")).unwrap();
        assert_eq!(last_checkpoint(folder.path()), Some(tenth.clone()), "99 is empty, and 10 is after 9");
        let latest = model("latest");
        assert_eq!(last_checkpoint(folder.path()), Some(latest));
        assert_eq!(last_checkpoint(&tenth), None, "the folder itself is a model");
    }
}
