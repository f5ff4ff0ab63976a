//! Artefacts of methods in the store, and closed forms in memory.

use std::sync::Arc;

use serde_json::{Value, json};

use whence_base::Result;
use whence_diffusion::elbo::TermTable;
use whence_diffusion::{Denoiser as _, Pipeline};
use whence_methods::{ArtefactCache, Cached, GaussianLeaveOut, Query};
use whence_store::{Kind, Store};

/// The closed form of the dataset that was fitted last, by the dataset's hash.
pub type FitInMemory = Option<(String, Arc<GaussianLeaveOut>)>;

/// Cache of results for queries under a full model and others, keyed by their inputs.
pub struct StoreCache<'a> {
    /// Where it is stored.
    pub store: &'a Store,
    /// The full model.
    pub model: &'a Pipeline,
    /// Seed of the noise.
    pub seed: u64,
    /// Name of the device: the last bits are its own.
    pub device: &'a str,
    /// The closed form in memory.
    pub fit: &'a mut FitInMemory,
}

impl StoreCache<'_> {
    fn term_inputs(&self, query: &Query, other: &str) -> Value {
        json!({
            "model": self.model.hash(),
            "other": other,
            "query": query.pixels_hash(),
            "seed": self.seed,
            "class": query.condition.class(),
            "device": ArtefactCache::device(self),
            "pictures_a_pass": self.model.passes().images,
        })
    }
}

/// Identity of a device in cache keys: its name, and on a processor the instruction set that the kernels use, because
/// the last bits of results depend on both.
pub fn device_id(model: &Pipeline, device: &str) -> String {
    if model.is_on_cpu() { format!("CPU, {}", whence_kernels::instruction_set()) } else { device.to_owned() }
}

fn kind_of(cached: Cached) -> Kind {
    match cached {
        Cached::Features => Kind::Features,
        Cached::Scores => Kind::Scores,
    }
}

impl ArtefactCache for StoreCache<'_> {
    fn terms(&mut self, query: &Query, other: &str) -> TermTable {
        let content = self.store.get(Kind::Terms, &self.term_inputs(query, other));
        content.and_then(|bytes| TermTable::from_bytes(&bytes)).unwrap_or_default()
    }

    fn save_terms(&mut self, query: &Query, other: &str, table: &TermTable) -> Result<()> {
        self.store.put_if_writable(Kind::Terms, &self.term_inputs(query, other), &table.to_bytes())
    }

    fn device(&self) -> String {
        device_id(self.model, self.device)
    }

    fn contains(&self, kind: Cached, inputs: &Value) -> bool {
        let kind = kind_of(kind);
        self.store.contains(kind, &whence_store::key_of(kind, inputs))
    }

    fn get(&mut self, kind: Cached, inputs: &Value) -> Option<Vec<u8>> {
        self.store.get(kind_of(kind), inputs)
    }

    fn put(&mut self, kind: Cached, inputs: &Value, content: &[u8]) -> Result<()> {
        self.store.put_if_writable(kind_of(kind), inputs, content)
    }

    fn gaussian(&mut self, dataset: &str) -> Option<Arc<GaussianLeaveOut>> {
        self.fit.as_ref().filter(|(hash, _)| hash == dataset).map(|(_, fit)| fit.clone())
    }

    fn save_gaussian(&mut self, dataset: &str, fit: &Arc<GaussianLeaveOut>) {
        *self.fit = Some((dataset.to_owned(), fit.clone()));
    }
}
