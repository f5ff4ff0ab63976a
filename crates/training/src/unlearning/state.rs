//! State of an unfinished unlearning run, from which it can be resumed.

use whence_base::{Error, Result};
use whence_models::Network;
use whence_nn::ParameterSelection;
use whence_nn::optimizer::AdamW;
use whence_nn::optimizer::AdamWConfig;
use whence_nn::parameters::read_all;
use whence_nn::weights::{
    NamedValues, Precision, Prefixed, SafetensorsSource, Values, named_tensors, prefixed, safetensors_bytes,
};

/// The complete state of an unlearning run: a resumed run gives the same weights as an uninterrupted one. A run is
/// identified by its model, dataset, [`Forget`](super::Forget) and recipe; the caller must store their states
/// separately.
#[derive(Clone, Debug, PartialEq)]
pub struct UnlearningState {
    /// Number of completed steps.
    pub step: usize,
    /// The weights (`model.`), the optimizer's moments (`exp_avg.`, `exp_avg_sq.`), and, if they differ from the
    /// full model's, the last weights that passed the safety probe (prefix `kept.`).
    pub tensors: Vec<NamedValues>,
}

impl UnlearningState {
    /// A safetensors file.
    ///
    /// # Errors
    /// Where two tensors have one name.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        safetensors_bytes(&self.tensors, Precision::Float32, &[("step", self.step.to_string())])
    }

    /// Reads the bytes of [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    /// Bytes that are not such a file, or truncated.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let source = SafetensorsSource::from_bytes(bytes, "unlearning state")?;
        let step = source.note("step").and_then(|s| s.parse().ok()).ok_or_else(|| damaged("no step"))?;
        Ok(Self { step, tensors: source.into_values()? })
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
    pub fn resume(mut self, state: UnlearningState, device: &burn::tensor::Device) -> Result<Self> {
        let has_last_passed = state.tensors.iter().any(|(name, _, _)| name.starts_with("kept."));
        let config = self.network.config().clone();
        let mut values = Values::new(state.tensors);
        let mut network = |prefix| {
            let source = &mut Prefixed { source: &mut values, prefix };
            Network::build(&config, source, device).map_err(|_| damaged("weights are missing"))
        };
        self.network = network("model")?;
        self.last_passed = has_last_passed.then(|| network("kept")).transpose()?;
        self.optimizer.restore(state.step as u64, &mut values).map_err(|_| damaged("moments are missing"))?;
        self.step = state.step;
        Ok(self)
    }

    /// The state, read back from the device.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn state(&self) -> Result<UnlearningState> {
        let (_, mut tensors) = self.optimizer.state();
        tensors.extend(prefixed("model", named_tensors(&self.network)));
        tensors.extend(self.last_passed.iter().flat_map(|network| prefixed("kept", named_tensors(network))));
        Ok(UnlearningState { step: self.step, tensors: read_all(tensors)? })
    }
}
