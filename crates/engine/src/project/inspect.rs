//! What a model and a dataset are, found out before a project is made of them. Needs no compute device and no weights.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use whence_base::{Error, Result, Setting};
use whence_data::{Dataset, ImageShape, LoadOptions, Skipped};
use whence_diffusion::{Conditioner, GroupConditions, PipelineFacts};

/// What is to be inspected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Model folder.
    pub model: Option<PathBuf>,
    /// Dataset.
    pub data: Option<PathBuf>,
    /// Column of a parquet dataset that names the group.
    pub group_column: Option<String>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inspection {
    /// Of the model, or what is wrong with it; none where none was given.
    pub model: Option<Result<ModelFacts, String>>,
    /// Of the dataset, likewise.
    pub data: Option<Result<DataFacts, String>>,
    /// Whether the dataset leaves open which of its columns names the group.
    pub needs_column: bool,
}

/// What a model's files say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFacts {
    /// diffusers' name of its architecture.
    pub architecture: String,
    /// Shape of its images.
    pub shape: ImageShape,
    /// Number of parameters.
    pub parameters: usize,
    /// Number of timesteps.
    pub timesteps: usize,
    /// Number of classes of a class-conditional model.
    pub classes: Option<usize>,
    /// Their names, where its files give them.
    pub class_names: Option<Vec<String>>,
}

/// What a dataset holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFacts {
    /// Its name.
    pub name: String,
    /// Names of the groups with their numbers of images.
    pub groups: Vec<(String, usize)>,
    /// Images in all.
    pub images: usize,
    /// Images that were cropped and resized to fit the model.
    pub resized: usize,
    /// What cannot be used, with the reason.
    pub skipped: Vec<Skipped>,
    /// What was chosen where the files allow several readings.
    pub notes: Vec<String>,
}

impl ModelFacts {
    fn read(folder: &Path) -> Result<Self> {
        let facts = PipelineFacts::read(folder)?;
        let class_names = match &facts.conditioner {
            Conditioner::None => None,
            Conditioner::Classes { names, .. } => names.clone(),
        };
        Ok(Self {
            architecture: facts.architecture.to_owned(),
            shape: facts.shape,
            parameters: facts.parameters,
            timesteps: facts.timesteps,
            classes: facts.conditioner.classes(),
            class_names,
        })
    }

    /// Class of each of these groups; empty for unconditional models.
    ///
    /// # Errors
    /// Groups whose class neither the map nor the model's files say, and maps that do not fit.
    pub fn classes_of(&self, groups: &[String], map: Option<&BTreeMap<String, usize>>) -> Result<Vec<usize>> {
        let conditioner = Conditioner::new(self.classes, self.class_names.clone());
        Ok(GroupConditions::resolve(&conditioner, groups, map)?.id())
    }

    /// The class that the model's own files give to a group, where they do.
    pub fn known_class(&self, group: &str) -> Option<usize> {
        let group = [group.to_owned()];
        self.classes_of(&group, None).ok().and_then(|classes| classes.first().copied())
    }
}

impl DataFacts {
    fn of(dataset: &Dataset) -> Self {
        let groups = dataset.groups().iter().enumerate();
        Self {
            name: dataset.name().to_owned(),
            groups: groups.map(|(i, name)| (name.clone(), dataset.indices_of(i).len())).collect(),
            images: dataset.len(),
            resized: dataset.resized(),
            skipped: dataset.skipped().to_vec(),
            notes: dataset.notes().to_vec(),
        }
    }

    /// Names of the groups.
    pub fn group_names(&self) -> Vec<String> {
        self.groups.iter().map(|(name, _)| name.clone()).collect()
    }
}

/// Finds out what these parts are. The dataset is read at the model's image size, where the model can be used; without
/// one, at its own. `progress` gets the number of images seen so far, and how many there are.
///
/// # Errors
/// Only those of `progress`, such as [`Error::Cancelled`]: what is wrong with a part is part of the answer.
pub fn inspect(parts: &Parts, progress: &mut dyn FnMut(usize, usize) -> Result<()>) -> Result<Inspection> {
    progress(0, 0)?;
    let exists = |path: &Path| path.metadata().map(|_| ()).map_err(Error::io("read", path));
    let model = parts.model.as_deref().map(|path| exists(path).and_then(|()| ModelFacts::read(path)));
    let shape = model.as_ref().and_then(|found| found.as_ref().ok()).map(|facts| facts.shape);
    let options = LoadOptions { shape, group_column: parts.group_column.clone(), ..LoadOptions::default() };
    let data = match &parts.data {
        None => None,
        Some(path) => match Dataset::load(path, &options, progress) {
            Err(Error::Cancelled) => return Err(Error::Cancelled),
            Ok(dataset) if dataset.groups().len() < 2 => Some(Err(Error::file(
                format!("this dataset has only one group, \u{201c}{}\u{201d}", dataset.group_name(0)),
                path,
                "attribution compares groups: give at least two, for example one folder of images each",
            ))),
            found => Some(found.map(|dataset| DataFacts::of(&dataset))),
        },
    };
    let text = |error: Error| match error {
        // Without the system's own words: the path was typed a moment ago.
        Error::Io { path, source, .. } if source.kind() == ErrorKind::NotFound => {
            format!("{} does not exist. Check the path.", path.display())
        }
        other => other.to_string(),
    };
    let asks = |e: &Error| matches!(e, Error::Setting { settings, .. } if settings.contains(&Setting::GroupColumn));
    Ok(Inspection {
        needs_column: data.as_ref().is_some_and(|found| found.as_ref().is_err_and(asks)),
        model: model.map(|found| found.map_err(text)),
        data: data.map(|found| found.map_err(text)),
    })
}
