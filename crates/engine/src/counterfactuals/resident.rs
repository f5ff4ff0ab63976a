//! Models that stay in memory between groups and jobs, up to a number of bytes.

use burn::module::Module as _;

use whence_diffusion::Pipeline;

/// Models by key, the one used longest ago first.
#[derive(Default)]
pub struct Resident {
    models: Vec<(String, Pipeline)>,
}

impl Resident {
    /// Total size of the weights in memory, in bytes.
    pub const BUDGET: usize = 1 << 30;

    /// The model of this key.
    pub fn get(&mut self, key: &str) -> Option<Pipeline> {
        let at = self.models.iter().position(|(k, _)| k == key)?;
        let entry = self.models.remove(at);
        let model = entry.1.clone();
        self.models.push(entry);
        Some(model)
    }

    /// Inserts a model; if there are too many, those used most recently before it are dropped. Queries go through the
    /// groups in the same order again and again, and dropping those used longest ago would drop each model just before
    /// its next use.
    pub fn insert(&mut self, key: String, model: Pipeline) {
        self.models.retain(|(k, _)| *k != key);
        let bytes = |model: &Pipeline| 4 * model.network.num_params();
        let mut all: usize = bytes(&model) + self.models.iter().map(|(_, m)| bytes(m)).sum::<usize>();
        while all > Self::BUDGET {
            let Some((_, last)) = self.models.pop() else { break };
            all -= bytes(&last);
        }
        self.models.push((key, model));
    }

    /// Drops all.
    pub fn clear(&mut self) {
        self.models.clear();
    }
}
