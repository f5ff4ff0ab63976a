//! What stays in memory between jobs: the device, the open model, the dataset, counterfactual models.

use std::path::{Path, PathBuf};

use crate::cache::FitInMemory;
use crate::counterfactuals::Resident;
use crate::device::{self, Chosen};
use crate::estimate::MeasuredCosts;
use whence_base::{Error, Result};
use whence_data::{Dataset, ImageShape, LoadOptions};
use whence_diffusion::Pipeline;
use whence_models::NetworkConfig;

/// The compute thread's memory.
pub struct Workspace {
    /// The device by the name that the user gave.
    device_name: String,
    device: Option<(NetworkConfig, Chosen)>,
    model: Option<(PathBuf, Stamp, Pipeline)>,
    /// Folder and image size of the model that was opened last. Another one may be in memory: that of a job that was
    /// preempted.
    opened: Option<(PathBuf, ImageShape)>,
    dataset: Option<(PathBuf, ImageShape, Dataset)>,
    group_column: Option<String>,
    pub(super) fit: FitInMemory,
    /// Store of the open project.
    pub(super) keep_in: Option<PathBuf>,
    /// The open project's dataset, and its column that names the group, where the project says so.
    pub(super) project_column: Option<(PathBuf, String)>,
    /// Counterfactual models.
    pub(super) resident: Resident,
    /// What work costs on this machine.
    pub(super) measured: MeasuredCosts,
}

/// Size and modification time of a model's files: they show whether the files have changed since they were read.
pub(super) type Stamp = Vec<(u64, Option<std::time::SystemTime>)>;

impl Workspace {
    pub(super) fn new(device_name: String) -> Self {
        Self {
            device_name,
            device: None,
            model: None,
            opened: None,
            dataset: None,
            group_column: None,
            fit: None,
            keep_in: None,
            project_column: None,
            resident: Resident::default(),
            measured: MeasuredCosts::default(),
        }
    }

    /// Drops all tensors; the next job opens everything again.
    pub(super) fn drop_tensors(&mut self) {
        self.device = None;
        self.model = None;
        self.resident.clear();
    }

    /// The compute device, checked with this network at first use.
    ///
    /// # Errors
    /// A device that does not exist or failed its check.
    pub fn device(&mut self, network: &NetworkConfig) -> Result<Chosen> {
        if let Some((known, chosen)) = &self.device
            && known == network
        {
            return Ok(chosen.clone());
        }
        let chosen = device::choose(&self.device_name, Some(network))?;
        self.device = Some((network.clone(), chosen.clone()));
        Ok(chosen)
    }

    /// The model of a folder.
    ///
    /// # Errors
    /// Those of [`Pipeline::load`].
    pub fn model(&mut self, folder: &Path) -> Result<Pipeline> {
        let stamp = stamp(folder);
        if let Some((path, known, model)) = &self.model
            && path == folder
            && *known == stamp
        {
            return Ok(model.clone());
        }
        let device = self.device(&Pipeline::config_of(folder)?)?;
        self.model = None;
        self.resident.clear();
        let model = Pipeline::load(folder, &device.device)?;
        self.model = Some((folder.to_owned(), stamp, model.clone()));
        Ok(model)
    }

    /// Opens a model for the jobs that name none.
    ///
    /// # Errors
    /// As [`model`](Self::model).
    pub fn open(&mut self, folder: &Path) -> Result<Pipeline> {
        let model = self.model(folder)?;
        self.opened = Some((folder.to_owned(), model.image_shape()));
        Ok(model)
    }

    /// Size of the images of the open model.
    pub fn open_shape(&self) -> Option<ImageShape> {
        self.opened.as_ref().map(|(_, shape)| *shape)
    }

    /// The open model.
    ///
    /// # Errors
    /// If none is open, and those of [`model`](Self::model) if it must be read again.
    pub fn open_model(&mut self) -> Result<Pipeline> {
        // Its files may have changed since, for example by a training into the same folder, so it is validated like any
        // other.
        let (folder, _) = self.opened.clone().ok_or_else(no_model)?;
        self.model(&folder)
    }

    /// A dataset at a size.
    ///
    /// # Errors
    /// Those of [`Dataset::load`] and of `progress`.
    pub fn dataset(
        &mut self,
        path: &Path,
        shape: Option<ImageShape>,
        progress: &mut dyn FnMut(usize, usize) -> Result<()>,
    ) -> Result<Dataset> {
        if let Some((known, known_shape, dataset)) = &self.dataset
            && known == path
            && shape.is_none_or(|s| s == *known_shape)
        {
            return Ok(dataset.clone());
        }
        let options = LoadOptions { shape, group_column: self.group_column.clone(), ..LoadOptions::default() };
        let dataset = Dataset::load(path, &options, progress)?;
        self.dataset = Some((path.to_owned(), dataset.shape(), dataset.clone()));
        Ok(dataset)
    }

    /// Sets the column of a parquet dataset that names the group.
    pub fn choose_column(&mut self, column: Option<&str>) {
        if self.group_column.as_deref() != column {
            self.group_column = column.map(str::to_owned);
            self.dataset = None;
        }
    }

    /// Reads the dataset again at its next use: its files may have changed.
    pub fn forget_dataset(&mut self) {
        self.dataset = None;
    }
}

/// A job needs an open model, and there is none.
pub(super) fn no_model() -> Error {
    Error::input("no model is open", "model", "open a model folder first: images are read at its image size")
}

pub(super) fn stamp(folder: &Path) -> Stamp {
    ["", "unet", "scheduler"]
        .iter()
        .flat_map(|sub| {
            ["config.json", "diffusion_pytorch_model.safetensors", "scheduler_config.json"]
                .iter()
                .map(move |file| folder.join(sub).join(file))
        })
        .filter_map(|path| std::fs::metadata(path).ok())
        .map(|m| (m.len(), m.modified().ok()))
        .collect()
}

#[cfg(test)]
mod tests {
    use whence_diffusion::SchedulerConfig;
    use whence_nn::weights::Precision;

    use super::*;

    fn save(folder: &Path, seed: u64) -> String {
        let network = whence_models::default_network(whence_diffusion::sample_shape(ImageShape {
            channels: 1,
            height: 8,
            width: 8,
        }));
        let device = burn::tensor::Device::flex();
        let model = Pipeline::with_random_weights(&network, &SchedulerConfig::default(), seed, &device).unwrap();
        model.save(folder, Precision::Float32).unwrap();
        model.hash().to_owned()
    }

    #[test]
    fn an_open_model_is_read_again_when_its_files_have_changed() {
        let folder = tempfile::tempdir().unwrap();
        let mut workspace = Workspace::new("cpu".into());
        let first = save(folder.path(), 1);
        assert_eq!(workspace.open(folder.path()).unwrap().hash(), first);
        assert_eq!(workspace.open_model().unwrap().hash(), first);
        let second = save(folder.path(), 2);
        assert_ne!(first, second);
        assert_eq!(workspace.open_model().unwrap().hash(), second, "as after a training into the same folder");
    }

    #[test]
    fn there_is_no_open_model_before_one_was_opened() {
        let error = Workspace::new("cpu".into()).open_model().unwrap_err().to_string();
        assert!(error.contains("no model is open"), "{error}");
    }
}
