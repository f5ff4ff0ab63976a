//! The estimated cost of a job, reported before it starts.

use std::path::Path;

use crate::counterfactuals::SourceParts;
use crate::device::memory;
use crate::estimate::{self, Creation, MeasuredCosts};
use crate::progress_bridge::ProgressBridge;
use whence_base::Result;
use whence_jobs::EventKind;
use whence_methods::{ScoreSettings, Work};
use whence_training::unlearning::{Forget, Unlearning};
use whence_training::{LeftOut, Training, TrainingConfig};

/// How the models of a job are created.
pub enum Created<'a> {
    /// By unlearning; this group stands for all, because unlearning takes equally long for every group.
    Unlearned(Forget),
    /// By training with these settings.
    Trained(&'a TrainingConfig),
}

/// Work still to be done.
pub struct RemainingWork<'a> {
    /// Number of models to create.
    pub models: usize,
    /// Maximum number of models used for scoring; they stay in memory.
    pub held: usize,
    /// How models are created, if any are.
    pub created: Option<Created<'a>>,
    pub work: Work,
    /// Network evaluations of single images, one after the other, as in sampling.
    pub passes: usize,
    /// What models are made from.
    pub parts: SourceParts<'a>,
}

impl RemainingWork<'_> {
    /// Reports the estimated cost, extrapolated from a sample of the work; measures nothing if there is no work. Lowers
    /// `settings.batch` if this many images at once would not fit into the free memory.
    ///
    /// # Errors
    /// Those of the device, of the neighbour search, and of the bridge.
    pub fn report(
        self,
        settings: &mut ScoreSettings,
        measured: &mut MeasuredCosts,
        bridge: &mut ProgressBridge<'_, '_, '_>,
    ) -> Result<()> {
        if self.models == 0 && self.work == Work::default() && self.passes == 0 {
            bridge.reporter.state(EventKind::Estimate(estimate::nothing(self.parts.model)));
            return Ok(());
        }
        bridge.reporter.within("measuring this machine", 0, 1, 0.0)?;
        let SourceParts { model, dataset, conditions, recipe, store, neighbours } = self.parts;
        let left_out = LeftOut::groups([0]);
        let creation = match &self.created {
            Some(Created::Unlearned(forget)) => {
                let neighbours = neighbours.get(store, dataset, recipe, bridge)?;
                Some(Creation::Unlearning(Unlearning { model, dataset, conditions, forget, recipe, neighbours }))
            }
            Some(Created::Trained(config)) => Some(Creation::Training(Training {
                dataset,
                config,
                left_out: &left_out,
                conditions: Some(conditions),
                // Nothing is written while a step is measured.
                out: Path::new(""),
                device: model.device(),
            })),
            None => None,
        };
        let costs = measured.of(model, settings, creation.as_ref(), &mut || bridge.reporter.check())?;
        let estimate = costs.with_passes(self.passes, costs.estimate(self.models, self.held, self.work, dataset));
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
