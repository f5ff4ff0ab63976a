//! Models that stay in memory between groups and jobs, up to a number of bytes.

use burn::module::Module as _;

use whence_diffusion::Pipeline;

/// Models by key, the one used longest ago first.
#[derive(Default)]
pub struct Resident {
    models: Vec<(String, Pipeline)>,
}

impl Resident {
    /// Weights kept in memory, in bytes.
    pub const BUDGET: usize = 1 << 30;

    /// The model of this key.
    pub fn get(&mut self, key: &str) -> Option<Pipeline> {
        let at = self.models.iter().position(|(k, _)| k == key)?;
        let entry = self.models.remove(at);
        let model = entry.1.clone();
        self.models.push(entry);
        Some(model)
    }

    /// Whether the model of this key is here.
    pub fn contains(&self, key: &str) -> bool {
        self.models.iter().any(|(k, _)| k == key)
    }

    /// Keeps a model; drops those used longest ago where there are too many.
    pub fn insert(&mut self, key: String, model: Pipeline) {
        self.models.retain(|(k, _)| *k != key);
        self.models.push((key, model));
        let bytes = |(_, model): &(String, Pipeline)| 4 * model.network.num_params();
        let mut all: usize = self.models.iter().map(bytes).sum();
        while all > Self::BUDGET && self.models.len() > 1 {
            all -= bytes(&self.models.remove(0));
        }
    }

    /// Drops all.
    pub fn clear(&mut self) {
        self.models.clear();
    }
}
