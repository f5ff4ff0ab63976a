//! Models retrained without a group, from the same initial weights and on the same stream of images, timesteps and
//! noise.

use std::path::{Path, PathBuf};

use super::{Resident, check_alike};
use whence_base::{Error, Result, Setting};
use whence_data::Dataset;
use whence_diffusion::{GroupConditions, Pipeline};
use whence_methods::{Counterfactuals, Report};
use whence_store::folder_name;
use whence_training::{LeftOut, Training, TrainingConfig, TrainingRecord};

/// Models retrained on demand and stored; a stopped training resumes where it was.
pub struct Retrained<'a> {
    pub model: &'a Pipeline,
    pub dataset: &'a Dataset,
    /// The condition of each group's images.
    pub conditions: &'a GroupConditions,
    /// The full model's training settings.
    pub config: &'a TrainingConfig,
    /// Folder of the stored models.
    pub folder: PathBuf,
    pub resident: &'a mut Resident,
}

/// The settings with which a model is retrained: `given`, or those in its own `training.json`. The network and the
/// schedule are the model's.
///
/// # Errors
/// Neither is there, the model saw other images than these or not all of them, or it has another network.
pub fn training_of(
    model: &Pipeline,
    folder: &Path,
    dataset: &Dataset,
    given: Option<&TrainingConfig>,
) -> Result<TrainingConfig> {
    // Settings that are given replace the record, so that a damaged one is no obstacle then.
    let record = if given.is_some() { None } else { TrainingRecord::read(folder)? };
    if let Some(record) = &record {
        let what = if record.dataset != dataset.hash() {
            Some("was trained on other images, or at another size")
        } else if record.excluded_group.is_some() || record.left_out.is_some() {
            Some("was itself trained without some images")
        } else {
            None
        };
        if let Some(what) = what {
            return Err(Error::setting(
                format!("this model {what}"),
                [Setting::Training],
                "give the model and the dataset that it was trained on, or training settings of your own",
            )
            .in_file(folder));
        }
    }
    let config = given.cloned().or(record.map(|r| r.config)).ok_or_else(|| {
        Error::setting(
            "this model does not say how it was trained (it has no training.json)",
            [Setting::Training, Setting::Counterfactuals],
            "retrain it with training settings of your own first, then give the folder of retrained models",
        )
        .in_file(folder)
    })?;
    let network = model.network.config();
    if config.network.as_ref().is_some_and(|n| *n != network) {
        return Err(Error::file(
            "the training settings describe another network than the model's",
            folder,
            "correct [network] in the settings, or leave it out",
        ));
    }
    Ok(TrainingConfig { network: Some(network), scheduler: model.scheduler().clone(), ..config })
}

impl Retrained<'_> {
    /// Identity of a finished model in a folder.
    fn identity_of_record(&self, out: &Path) -> Option<String> {
        Some(format!("retrained {}", TrainingRecord::of_model(out)?.weights?))
    }

    /// Reads a finished model.
    fn without_report(&self, group: usize) -> Result<Pipeline> {
        let (out, left_out) = (self.folder_of(group), LeftOut::groups([group]));
        let model = self.training(&left_out, &out).finished()?;
        model.ok_or_else(|| Error::file("this trained model is gone", &out, "train it again"))
    }

    fn folder_of(&self, group: usize) -> PathBuf {
        self.folder.join(folder_name(self.dataset.group_name(group)))
    }

    fn training<'b>(&'b self, left_out: &'b LeftOut, out: &'b Path) -> Training<'b> {
        Training {
            dataset: self.dataset,
            config: self.config,
            left_out,
            conditions: Some(self.conditions),
            out,
            device: self.model.device(),
        }
    }
}

impl Counterfactuals for Retrained<'_> {
    fn without(&mut self, group: usize, report: &mut dyn Report) -> Result<Pipeline> {
        let out = self.folder_of(group);
        let left_out = LeftOut::groups([group]);
        if let Some(key) = self.identity_of_record(&out)
            && let Some(model) = self.resident.get(&key)
        {
            return Ok(model);
        }
        let training = self.training(&left_out, &out);
        let model = match training.finished()? {
            Some(model) => model,
            None => training.run(&mut |step| report.retraining(group, &step))?,
        };
        check_alike(&model, self.model, &out)?;
        if let Some(key) = self.identity_of_record(&out) {
            self.resident.insert(key, model.clone());
        }
        Ok(model)
    }

    fn identity(&mut self, group: usize) -> Result<Option<String>> {
        let out = self.folder_of(group);
        let left_out = LeftOut::groups([group]);
        let training = self.training(&left_out, &out);
        if !training.is_finished() {
            return Ok(None);
        }
        let weights = TrainingRecord::of_model(&out).and_then(|r| r.weights);
        Ok(Some(match weights {
            Some(weights) => format!("retrained {weights}"),
            // Records of earlier versions do not name the weights.
            None => format!("weights {}", self.without_report(group)?.hashes().denoiser),
        }))
    }

    fn name(&self, group: usize) -> String {
        self.dataset.group_name(group).to_owned()
    }

    fn is_ready(&self, group: usize) -> bool {
        self.training(&LeftOut::groups([group]), &self.folder_of(group)).is_finished()
    }
}
