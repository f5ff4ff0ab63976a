//! An unlearning run half done, so that it can be taken up again.

use whence_base::{Error, Result};
use whence_models::Network;
use whence_nn::ParameterSelection;
use whence_nn::optimizer::AdamW;
use whence_nn::optimizer::AdamWConfig;
use whence_nn::parameters::read_all;
use whence_nn::weights::{
    NamedValues, Precision, Prefixed, SafetensorsSource, Values, named_tensors, prefixed, safetensors_bytes,
};

/// Everything that an unlearning run needs to go on as if it had never stopped. A run is known by its model, dataset,
/// [`Forget`](super::Forget) and recipe, which whoever keeps the state must keep apart.
#[derive(Clone, Debug, PartialEq)]
pub struct UnlearningState {
    /// Steps done.
    pub step: usize,
    /// The weights (`model.`), the optimizer's moments (`exp_avg.`, `exp_avg_sq.`), and, where they differ from the
    /// full model's, the last weights that the safety probe found fine (`kept.`).
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

    /// Reads what [`to_bytes`](Self::to_bytes) gave.
    ///
    /// # Errors
    /// Bytes that are not such a file, or cut short.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let source = SafetensorsSource::from_bytes(bytes, "unlearning state")?;
        let step = source.note("step").and_then(|s| s.parse().ok()).ok_or_else(|| damaged("no step"))?;
        Ok(Self { step, tensors: source.into_values()? })
    }
}

fn damaged(what: &str) -> Error {
    Error::input(format!("the state of this run is damaged: {what}"), "unlearning state", "start the run afresh")
}

/// A run as it goes.
pub struct Progress {
    /// Steps done.
    pub step: usize,
    pub network: Network,
    pub optimizer: AdamW,
    /// The last weights that the safety probe found fine; the full model's own where absent.
    pub kept: Option<Network>,
}

impl Progress {
    /// Before the first step.
    pub fn start(full: &Network, config: AdamWConfig) -> Self {
        Self {
            step: 0,
            network: full.clone(),
            optimizer: AdamW::new(config, full, &ParameterSelection::All),
            kept: None,
        }
    }

    /// Goes on from `state`.
    ///
    /// # Errors
    /// A state of another network.
    pub fn resume(mut self, state: UnlearningState, device: &burn::tensor::Device) -> Result<Self> {
        let has_kept = state.tensors.iter().any(|(name, _, _)| name.starts_with("kept."));
        let config = self.network.config().clone();
        let mut values = Values::new(state.tensors);
        let mut network = |prefix| {
            let source = &mut Prefixed { source: &mut values, prefix };
            Network::build(&config, source, device).map_err(|_| damaged("weights are missing"))
        };
        self.network = network("model")?;
        self.kept = has_kept.then(|| network("kept")).transpose()?;
        self.optimizer.restore(state.step as u64, &mut values).map_err(|_| damaged("moments are missing"))?;
        self.step = state.step;
        Ok(self)
    }

    /// Read back from the device.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn state(&self) -> Result<UnlearningState> {
        let (_, mut tensors) = self.optimizer.state();
        tensors.extend(prefixed("model", named_tensors(&self.network)));
        tensors.extend(self.kept.iter().flat_map(|kept| prefixed("kept", named_tensors(kept))));
        Ok(UnlearningState { step: self.step, tensors: read_all(tensors)? })
    }
}
