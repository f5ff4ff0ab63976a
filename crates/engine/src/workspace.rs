//! What stays in memory between jobs: the device, the open model, the dataset, models without a group.

use std::path::{Path, PathBuf};

use crate::counterfactuals::Resident;
use crate::device::{self, Chosen};
use whence_base::{Error, Result};
use whence_data::{Dataset, ImageShape, LoadOptions};
use whence_diffusion::Model;
use whence_methods::GaussianLeaveOut;
use whence_models::UNet2DConfig;

/// The compute thread's memory.
pub struct Workspace {
    wanted: String,
    device: Option<(UNet2DConfig, Chosen)>,
    model: Option<(PathBuf, Stamp, Model)>,
    /// Folder and size of the model that was opened last. Another one may be in memory: that of a job which made way.
    opened: Option<(PathBuf, ImageShape)>,
    dataset: Option<(PathBuf, ImageShape, Dataset)>,
    group_column: Option<String>,
    gaussian: Option<(String, GaussianLeaveOut)>,
    /// Where results of the project that is open are kept.
    pub(super) keep_in: Option<PathBuf>,
    /// Models without a group.
    pub(super) resident: Resident,
}

/// Size and time of a model's weights: whether the folder still holds what was read.
pub(super) type Stamp = Vec<(u64, Option<std::time::SystemTime>)>;

impl Workspace {
    pub(super) fn new(wanted: String) -> Self {
        Self {
            wanted,
            device: None,
            model: None,
            opened: None,
            dataset: None,
            group_column: None,
            gaussian: None,
            keep_in: None,
            resident: Resident::default(),
        }
    }

    /// Forgets all tensors; the next job opens everything again.
    pub(super) fn forget(&mut self) {
        self.device = None;
        self.model = None;
        self.resident.clear();
    }

    /// The compute device, checked with this network at first use.
    ///
    /// # Errors
    /// A device that does not exist or failed its check.
    pub fn device(&mut self, network: &UNet2DConfig) -> Result<Chosen> {
        if let Some((known, chosen)) = &self.device
            && known == network
        {
            return Ok(chosen.clone());
        }
        let chosen = device::choose(&self.wanted, Some(network))?;
        self.device = Some((network.clone(), chosen.clone()));
        Ok(chosen)
    }

    /// The model of a folder.
    ///
    /// # Errors
    /// Those of [`Model::load`].
    pub fn model(&mut self, folder: &Path) -> Result<Model> {
        let stamp = stamp(folder);
        if let Some((path, known, model)) = &self.model
            && path == folder
            && *known == stamp
        {
            return Ok(model.clone());
        }
        let device = self.device(&Model::config_of(folder)?)?;
        self.model = None;
        self.resident.clear();
        let model = Model::load(folder, &device.device)?;
        self.model = Some((folder.to_owned(), stamp, model.clone()));
        Ok(model)
    }

    /// Opens a model for the jobs that name none.
    ///
    /// # Errors
    /// As [`model`](Self::model).
    pub fn open(&mut self, folder: &Path) -> Result<Model> {
        let model = self.model(folder)?;
        self.opened = Some((folder.to_owned(), model.shape()));
        Ok(model)
    }

    /// Size of the images of the model that is open.
    pub fn open_shape(&self) -> Option<ImageShape> {
        self.opened.as_ref().map(|(_, shape)| *shape)
    }

    /// The model that is open.
    ///
    /// # Errors
    /// Where none is, and those of [`model`](Self::model) where it must be read again.
    pub fn open_model(&mut self) -> Result<Model> {
        let (folder, _) = self.opened.clone().ok_or_else(no_model)?;
        match &self.model {
            Some((path, _, model)) if *path == folder => Ok(model.clone()),
            _ => self.model(&folder),
        }
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

    /// Which column of a parquet dataset names the group.
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

    /// The closed form of a dataset, fitted once.
    ///
    /// # Errors
    /// Those of [`GaussianLeaveOut::fit`].
    pub fn gaussian(
        &mut self,
        dataset: &Dataset,
        progress: &mut dyn FnMut(usize, usize) -> Result<()>,
    ) -> Result<&GaussianLeaveOut> {
        if self.gaussian.as_ref().is_none_or(|(hash, _)| hash != dataset.hash()) {
            let fitted = GaussianLeaveOut::fit(dataset, progress)?;
            self.gaussian = Some((dataset.hash().to_owned(), fitted));
        }
        self.gaussian
            .as_ref()
            .map(|(_, g)| g)
            .ok_or_else(|| Error::internal("the Gaussian closed form is missing after its fit"))
    }
}

/// A job needs an open model, and there is none.
pub(super) fn no_model() -> Error {
    Error::input("no model is open", "model", "open a model folder first: images are read at its size")
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
