//! State of an unfinished unlearning run, from which it can be resumed.

use std::io::{Read, Seek, Write};
use std::path::Path;

use whence_base::{Error, Result};
use whence_models::Network;
use whence_nn::ParameterSelection;
use whence_nn::optimizer::AdamW;
use whence_nn::optimizer::AdamWConfig;
use whence_nn::weights::{Precision, Prefixed, SafetensorsSource, named_tensors, prefixed, write_tensors_to};

/// The complete state of an unlearning run: a resumed run gives the same weights as an uninterrupted one. A run is
/// identified by its model, dataset, [`Forget`](super::Forget) and recipe; the caller must store their states
/// separately.
///
/// It is a safetensors file, read one tensor at a time: the weights (`model.`), the optimizer's moments (`exp_avg.`,
/// `exp_avg_sq.`), and, if they differ from the full model's, the last weights that passed the safety probe (`kept.`).
pub struct UnlearningState {
    /// Number of completed steps.
    pub step: usize,
    source: SafetensorsSource<Box<dyn ReadSeek>>,
}

/// What a state is read from.
trait ReadSeek: Read + Seek {}

impl<T: Read + Seek> ReadSeek for T {}

impl UnlearningState {
    /// Opens a state of `length` bytes that [`UnlearningStep::write_state`](super::UnlearningStep::write_state) wrote.
    ///
    /// # Errors
    /// Bytes that are not such a file, or truncated.
    pub fn open(reader: impl Read + Seek + 'static, length: u64) -> Result<Self> {
        let reader: Box<dyn ReadSeek> = Box::new(reader);
        let source = SafetensorsSource::from_reader(reader, length, "unlearning state")?;
        let step = source.note("step").and_then(|s| s.parse().ok()).ok_or_else(|| damaged("no step"))?;
        Ok(Self { step, source })
    }
}

fn damaged(what: &str) -> Error {
    Error::input(format!("the state of this run is damaged: {what}"), "unlearning state", "start the run afresh")
}

/// A run in progress.
pub struct Progress {
    /// Number of completed steps.
    pub step: usize,
    pub network: Network,
    pub optimizer: AdamW,
    /// The last weights that passed the safety probe; `None` for the full model's.
    pub last_passed: Option<Network>,
}

impl Progress {
    /// Before the first step.
    pub fn start(full: &Network, config: AdamWConfig) -> Self {
        Self {
            step: 0,
            network: full.clone(),
            optimizer: AdamW::new(config, full, &ParameterSelection::All),
            last_passed: None,
        }
    }

    /// Resumes from `state`.
    ///
    /// # Errors
    /// A state of another network.
    pub fn resume(mut self, mut state: UnlearningState, device: &burn::tensor::Device) -> Result<Self> {
        let has_last_passed = state.source.names().any(|name| name.starts_with("kept."));
        let config = self.network.config().clone();
        let mut network = |prefix| {
            let source = &mut Prefixed { source: &mut state.source, prefix };
            Network::build(&config, source, device).map_err(|_| damaged("weights are missing"))
        };
        self.network = network("model")?;
        self.last_passed = has_last_passed.then(|| network("kept")).transpose()?;
        self.optimizer.restore(state.step as u64, &mut state.source).map_err(|_| damaged("moments are missing"))?;
        self.step = state.step;
        Ok(self)
    }

    /// Writes the state, read back from the device one tensor at a time.
    ///
    /// # Errors
    /// Where the device fails, or `out` cannot be written.
    pub fn write(&self, out: &mut dyn Write) -> Result<()> {
        let (_, mut tensors) = self.optimizer.state();
        tensors.extend(prefixed("model", named_tensors(&self.network)));
        tensors.extend(self.last_passed.iter().flat_map(|network| prefixed("kept", named_tensors(network))));
        let notes = [("step", self.step.to_string())];
        write_tensors_to(out, Path::new("the unlearning state"), &tensors, Precision::Float32, &notes)
    }
}
