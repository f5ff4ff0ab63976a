//! Terms in the store.

use serde_json::{Value, json};

use whence_base::Result;
use whence_diffusion::elbo::TermTable;
use whence_diffusion::{Denoiser as _, Model};
use whence_methods::{Query, TermCache};
use whence_store::{Kind, Store};

/// Terms of queries under a full model and others, kept by what they were computed from.
pub struct StoreTermCache<'a> {
    pub store: &'a Store,
    pub model: &'a Model,
    /// Seed of the noise.
    pub seed: u64,
    /// Class label for class-conditional models.
    pub class: Option<usize>,
    /// Name of the device: the last bits are its own.
    pub device: &'a str,
}

impl StoreTermCache<'_> {
    fn inputs(&self, query: &Query, other: &str) -> Value {
        json!({
            "model": self.model.hash(),
            "other": other,
            "query": blake3::hash(&query.pixels).to_hex().as_str(),
            "seed": self.seed,
            "class": self.class,
            "device": if self.model.is_on_cpu() { "CPU" } else { self.device },
            "pictures_a_pass": self.model.passes().images,
        })
    }
}

impl TermCache for StoreTermCache<'_> {
    fn load(&mut self, query: &Query, other: &str) -> TermTable {
        let content = self.store.get(Kind::Terms, &self.inputs(query, other));
        content.and_then(|bytes| TermTable::from_bytes(&bytes)).unwrap_or_default()
    }

    fn save(&mut self, query: &Query, other: &str, table: &TermTable) -> Result<()> {
        self.store.put(Kind::Terms, &self.inputs(query, other), &table.to_bytes()).map(|_| ())
    }
}
