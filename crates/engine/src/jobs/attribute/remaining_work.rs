//! What the job will take, told before it starts.

use super::progress_bridge::ProgressBridge;
use crate::counterfactuals::SharedNeighbours;
use crate::device::memory;
use crate::estimate::{self, Costs};
use whence_base::Result;
use whence_jobs::EventKind;
use whence_methods::{ScoreSettings, Work};
use whence_store::Store;
use whence_training::unlearning::{Forget, Recipe, Unlearning};

/// What is still to be done.
pub(super) struct RemainingWork<'a> {
    /// Models to be made.
    pub(super) models: usize,
    /// Models that are scored under, at most; they stay in memory.
    pub(super) held: usize,
    /// A group to measure unlearning on, where models are to be made that way.
    pub(super) unlearns: Option<Forget>,
    pub(super) work: Work,
    pub(super) recipe: &'a Recipe,
    pub(super) store: &'a Store,
    pub(super) neighbours: &'a SharedNeighbours,
}

impl RemainingWork<'_> {
    /// Tells what it takes, from a little of it; nothing is measured where nothing is to be done. Lowers `settings.batch`
    /// where so many images at once would not fit into the free memory.
    ///
    /// # Errors
    /// Those of the device, of neighbours, and of whoever is told.
    pub(super) fn tell(self, settings: &mut ScoreSettings, told: &mut ProgressBridge<'_, '_, '_>) -> Result<()> {
        if self.models == 0 && self.work == Work::default() {
            told.reporter.state(EventKind::Estimate(estimate::nothing(told.model)));
            return Ok(());
        }
        told.reporter.within("measuring this machine", 0, 1, 0.0)?;
        let (model, dataset, recipe) = (told.model, told.dataset, self.recipe);
        let unlearning = match &self.unlearns {
            Some(forget) => {
                let neighbours = self.neighbours.get(self.store, dataset, recipe, told)?;
                Some(Unlearning { model, dataset, forget, recipe, neighbours })
            }
            None => None,
        };
        let costs = Costs::measure(model, settings, unlearning.as_ref(), &mut || told.reporter.check())?;
        let estimate = costs.estimate(self.models, self.held, self.work);
        told.reporter.state(EventKind::Estimate(estimate));
        if let (Some(peak), Some(free), Some(used)) = (estimate.peak_bytes, memory::available(), memory::now())
            && peak.saturating_sub(used) > free
        {
            let mebibytes = |bytes: u64| bytes >> 20;
            told.reporter.state(EventKind::Warning(format!(
                "this takes about {} MiB of memory and {} MiB are free: give fewer queries at a time, or close other programs",
                mebibytes(peak),
                mebibytes(free)
            )));
        }
        Ok(())
    }
}
