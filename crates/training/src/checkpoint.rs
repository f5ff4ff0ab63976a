//! State of an unfinished training on disk.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::run::{TrainingRecord, hash_of_file};
use whence_base::{Error, Result};
use whence_models::Network;
use whence_nn::ema::Ema;
use whence_nn::optimizer::AdamW;
use whence_nn::weights::{Precision, Prefixed, SafetensorsSource, named_tensors, prefixed, to_vec, write_tensors};

/// State of an unfinished run.
pub(crate) struct Checkpoint {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct CheckpointState {
    step: usize,
    /// Distinguishes the two generations of tensors, so that a crash between two writes cannot mix them.
    tensors: String,
    /// blake3 of that file; earlier versions did not write it.
    #[serde(default)]
    blake3: Option<String>,
    record: TrainingRecord,
}

impl Checkpoint {
    /// Of the training into this folder.
    pub(crate) fn within(out: &Path) -> Self {
        Self { folder: out.join("checkpoint") }
    }

    pub(crate) fn write(
        &self,
        record: &TrainingRecord,
        step: usize,
        network: &Network,
        optimizer: &AdamW,
        ema: Option<&Ema>,
    ) -> Result<()> {
        let (_, mut tensors) = optimizer.state();
        tensors.extend(prefixed("model", named_tensors(network)));
        tensors.extend(ema.map(Ema::state).unwrap_or_default());
        // A checkpoint replaces the one before it: one of a diverged run must not replace the last good one.
        for tensor in &tensors {
            if !to_vec(tensor.values.clone())?.iter().all(|v| v.is_finite()) {
                return Err(Error::input(
                    format!("{} is no longer finite at step {step}: the training has diverged", tensor.name),
                    self.folder.display().to_string(),
                    "lower learning_rate; the last checkpoint before is kept, delete its folder to begin anew",
                ));
            }
        }
        let file = format!("step-{step}.safetensors");
        let path = self.folder.join(&file);
        write_tensors(&path, &tensors, Precision::Float32, &[])?;
        let blake3 = Some(hash_of_file(&path)?);
        let state = CheckpointState { step, tensors: file.clone(), blake3, record: record.clone() };
        whence_store::write_json(&self.folder.join("state.json"), &state)?;
        // Only now is the previous generation no longer needed.
        for entry in std::fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name != "state.json" && name.to_str() != Some(&file) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
        Ok(())
    }

    /// Resumes from the last checkpoint; returns the number of completed steps.
    pub(crate) fn resume(
        &self,
        record: &TrainingRecord,
        network: &mut Network,
        optimizer: &mut AdamW,
        ema: Option<&mut Ema>,
        device: &burn::tensor::Device,
    ) -> Result<usize> {
        let path = self.folder.join("state.json");
        if !path.is_file() {
            return Ok(0);
        }
        let state: CheckpointState = whence_store::read_json(&path)?;
        if !state.record.same_run(record) {
            return Err(Error::file(
                "this folder holds an unfinished training with other settings or another dataset",
                &self.folder,
                "choose another output folder, or delete this one",
            ));
        }
        let tensors = self.folder.join(&state.tensors);
        let is_inside = Path::new(&state.tensors).components().count() == 1 && state.tensors != "..";
        if !is_inside || state.blake3.is_some_and(|expected| hash_of_file(&tensors).ok() != Some(expected)) {
            return Err(Error::file(
                "this checkpoint is damaged: its tensors are not those that were written",
                &tensors,
                "delete the checkpoint folder to train from the beginning, or restore it from a copy",
            ));
        }
        let mut source = SafetensorsSource::open(&tensors)?;
        optimizer.restore(state.step as u64, &mut source)?;
        if let Some(ema) = ema {
            ema.restore(&mut source)?;
        }
        let mut weights = Prefixed { source: &mut source, prefix: "model" };
        *network = Network::build(&network.config(), &mut weights, device)?;
        source.finish()?;
        Ok(state.step)
    }

    pub(crate) fn remove(&self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
