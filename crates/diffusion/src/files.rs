//! Locations of the parts of a model on disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use whence_base::{Error, Result};

/// Name of the denoiser's weights.
pub(super) const WEIGHTS: &str = "diffusion_pytorch_model.safetensors";

/// Required content of a model folder, for error messages.
const NEEDS: &str = "choose a diffusers folder: config.json, diffusion_pytorch_model.safetensors and \
                     scheduler_config.json, or a pipeline folder with unet/ and scheduler/";

/// The files of a model.
pub(super) struct Files {
    /// Settings of the denoiser.
    pub(super) config: PathBuf,
    /// Its weights.
    pub(super) weights: PathBuf,
    /// Where the process is described, if it is.
    scheduler: Option<PathBuf>,
    /// The path that was searched first.
    scheduler_folder: PathBuf,
    /// Index of the pipeline, if there is one.
    index: Option<PathBuf>,
}

impl Files {
    /// Finds the parts in a network folder, a pipeline folder, or a network folder inside a pipeline or its
    /// checkpoints.
    pub(super) fn find(folder: &Path) -> Result<Self> {
        if is_pickle(folder) {
            return Err(pickle(folder));
        }
        if !folder.is_dir() {
            let what =
                if folder.exists() { "a model is a folder, and this is a file" } else { "there is nothing here" };
            return Err(Error::file(what, folder, NEEDS));
        }
        if let Some(class) = text_to_image(folder) {
            let what = format!("this is a text-to-image model ({class}), which Whence does not open yet");
            return Err(Error::file(
                what,
                folder,
                "choose a model with a UNet2DModel: unconditional or class-conditional",
            ));
        }
        // Some published pipelines have all files at the top, beside model_index.json.
        let is_pipeline = folder.join("model_index.json").is_file();
        let part = |name: &str| {
            let inner = folder.join(name);
            if is_pipeline && inner.is_dir() { inner } else { folder.to_owned() }
        };
        let network = part("unet");
        let config = network.join("config.json");
        if !config.is_file() {
            return Err(missing(&config));
        }
        let weights = network.join(WEIGHTS);
        if !weights.is_file() {
            return Err(weights_missing(&network));
        }
        // A network folder inside a pipeline, or inside a training's checkpoint-500/ in it: the pipeline's scheduler.
        let scheduler_folder = part("scheduler");
        let above = |levels: usize| {
            let mut path = folder.to_owned();
            path.extend(std::iter::repeat_n("..", levels));
            path
        };
        let roots: Vec<PathBuf> =
            [1, 2].map(above).into_iter().filter(|r| r.join("model_index.json").is_file()).collect();
        let mut candidates = vec![scheduler_folder.clone(), above(1).join("scheduler")];
        candidates.extend(roots.iter().map(|root| root.join("scheduler")));
        let scheduler = candidates.iter().map(|c| c.join("scheduler_config.json")).find(|path| path.is_file());
        let own = is_pipeline.then(|| folder.to_owned());
        let index = own.into_iter().chain(roots).map(|root| root.join("model_index.json")).next();
        Ok(Self { config, weights, scheduler, scheduler_folder, index })
    }

    /// Whether the process is described.
    pub(super) fn has_scheduler(&self) -> bool {
        self.scheduler.is_some()
    }

    /// Where the process is described.
    pub(super) fn scheduler(&self) -> Result<&Path> {
        self.scheduler.as_deref().ok_or_else(|| missing(&self.scheduler_folder.join("scheduler_config.json")))
    }

    /// Class names from the model's files, by class index: `classes` of the record of its training, or `id2label`
    /// of the pipeline's index.
    pub(super) fn class_names(&self) -> Result<Option<Vec<String>>> {
        let record = self.config.with_file_name("training.json");
        let record: Option<serde_json::Value> =
            std::fs::read_to_string(record).ok().and_then(|text| serde_json::from_str(&text).ok());
        if let Some(names) = record.and_then(|r| serde_json::from_value(r.get("classes")?.clone()).ok()) {
            return Ok(Some(names));
        }
        let Some(path) = &self.index else { return Ok(None) };
        let index: serde_json::Value = serde_json::from_str(&read_text(path)?)
            .map_err(|e| Error::file(format!("this is not JSON: {e}"), path, "copy or save the model again"))?;
        let Some(labels) = index.get("id2label") else { return Ok(None) };
        let labels: BTreeMap<usize, String> = serde_json::from_value(labels.clone()).map_err(|e| {
            Error::file(format!("id2label does not map class numbers to names: {e}"), path, "correct the file")
        })?;
        let complete = labels.keys().copied().eq(0..labels.len());
        Ok(complete.then(|| labels.into_values().collect()))
    }
}

fn missing(path: &Path) -> Error {
    Error::file("this file of the model is missing", path, NEEDS)
}

/// Describes what the folder contains instead of the weights.
fn weights_missing(folder: &Path) -> Error {
    let mut names: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if is_pickle(&entry.path()) {
            return pickle(&entry.path());
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.contains(".safetensors") {
            names.push(name);
        }
    }
    names.sort_unstable();
    if names.iter().any(|n| n.ends_with(".index.json")) {
        let what = format!("the weights are split over several files ({})", names.join(", "));
        return Error::file(
            what,
            folder,
            "save the model again in one file: save_pretrained(FOLDER, max_shard_size=\"100GB\")",
        );
    }
    if let Some(name) = names.first() {
        let what = format!("{WEIGHTS} is missing; there is {name}");
        return Error::file(what, folder, format!("copy it to the name {WEIGHTS}, if it holds this network's weights"));
    }
    Error::file(format!("{WEIGHTS} is missing"), folder, NEEDS)
}

/// The class of a pipeline that generates from text: its index names a text encoder.
fn text_to_image(folder: &Path) -> Option<String> {
    let text = read_text(&folder.join("model_index.json")).ok()?;
    let index: serde_json::Value = serde_json::from_str(&text).ok()?;
    index.get("text_encoder").or_else(|| index.get("tokenizer"))?;
    Some(index.get("_class_name")?.as_str()?.to_owned())
}

fn is_pickle(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    path.is_file() && ["bin", "pt", "pth", "ckpt", "pkl", "pickle"].contains(&extension.as_str())
}

fn pickle(path: &Path) -> Error {
    Error::file(
        "this is a Python pickle, which can run code when it is opened, so Whence does not open it",
        path,
        "convert it to safetensors where you trust it: in Python, UNet2DModel.from_pretrained(OLD).save_pretrained(NEW, \
         safe_serialization=True)",
    )
}

pub(super) fn read_text(path: &Path) -> Result<String> {
    whence_base::files::read_text(path, whence_base::files::MAX_SETTINGS_BYTES)
}
