//! The estimated cost of a job, reported before it starts.

use crate::counterfactuals::SourceParts;
use crate::device::memory;
use crate::estimate::{self, Costs};
use crate::progress_bridge::ProgressBridge;
use whence_base::Result;
use whence_jobs::EventKind;
use whence_methods::{ScoreSettings, Work};
use whence_training::unlearning::{Forget, Unlearning};

/// Work still to be done.
pub(super) struct RemainingWork<'a> {
    /// Number of models to create.
    pub(super) models: usize,
    /// Maximum number of models used for scoring; they stay in memory.
    pub(super) held: usize,
    /// A group on which unlearning is measured, if models are created by unlearning.
    pub(super) unlearns: Option<Forget>,
    pub(super) work: Work,
    /// What models are made from.
    pub(super) parts: SourceParts<'a>,
}

impl RemainingWork<'_> {
    /// Reports the estimated cost, extrapolated from a sample of the work; measures nothing if there is no work. Lowers
    /// `settings.batch` if this many images at once would not fit into the free memory.
    ///
    /// # Errors
    /// Those of the device, of the neighbour search, and of the bridge.
    pub(super) fn report(self, settings: &mut ScoreSettings, bridge: &mut ProgressBridge<'_, '_, '_>) -> Result<()> {
        let Work { evaluations, .. } = self.work;
        if self.models == 0 && evaluations == 0 {
            bridge.reporter.state(EventKind::Estimate(estimate::nothing(self.parts.model)));
            return Ok(());
        }
        bridge.reporter.within("measuring this machine", 0, 1, 0.0)?;
        let SourceParts { model, dataset, conditions, recipe, store, neighbours } = self.parts;
        let unlearning = match &self.unlearns {
            Some(forget) => {
                let neighbours = neighbours.get(store, dataset, recipe, bridge)?;
                Some(Unlearning { model, dataset, conditions, forget, recipe, neighbours })
            }
            None => None,
        };
        let costs = Costs::measure(model, settings, unlearning.as_ref(), &mut || bridge.reporter.check())?;
        let estimate = costs.estimate(self.models, self.held, self.work);
        bridge.reporter.state(EventKind::Estimate(estimate));
        if let (Some(peak), Some(free), Some(used)) = (estimate.peak_bytes, memory::available(), memory::now())
            && peak.saturating_sub(used) > free
        {
            let mebibytes = |bytes: u64| bytes >> 20;
            bridge.reporter.state(EventKind::Warning(format!(
                "this takes about {} MiB of memory and {} MiB are free: give fewer queries at a time, or close other programs",
                mebibytes(peak),
                mebibytes(free)
            )));
        }
        Ok(())
    }
}
