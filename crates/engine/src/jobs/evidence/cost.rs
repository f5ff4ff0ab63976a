//! What evidence costs, counted on what is stored.

use super::{EvidenceContext, affected, watch};
use crate::counterfactuals::{Resident, SharedNeighbours, Source, SourceParts};
use crate::estimate::MeasuredCosts;
use crate::jobs::attribute::remaining_work::{Created, RemainingWork};
use crate::progress_bridge::{Counting, ProgressBridge};
use crate::reporter::Reporter;
use whence_base::Result;
use whence_diffusion::Denoiser as _;
use whence_jobs::Evidence;
use whence_methods::{CounterfactualKind, Counterfactuals as _, Work};
use whence_store::Kind;
use whence_training::TrainingConfig;
use whence_training::unlearning::Forget;

/// How the job's models are created.
#[derive(Clone, Copy)]
pub(super) struct Making<'a> {
    /// Whether they are unlearned.
    pub unlearns: bool,
    /// The settings with which they are trained, if they are.
    pub training: Option<&'a TrainingConfig>,
}

/// Reports the estimated cost of a job.
pub(super) fn report(
    context: &EvidenceContext<'_>,
    making: Making<'_>,
    resident: &mut Resident,
    measured: &mut MeasuredCosts,
    reporter: &mut Reporter<'_>,
) -> Result<String> {
    let EvidenceContext { job, model, dataset, conditions, groups, recipe, store, .. } = *context;
    let neighbours = SharedNeighbours::default();
    let parts = SourceParts { model, dataset, conditions, recipe, store, neighbours: &neighbours };
    let kind = if making.training.is_some() { CounterfactualKind::Retrained } else { CounterfactualKind::Unlearned };
    let retrained = making.training.map(|config| (config, job.of.retrained_folder()));
    let mut source = Source::new(parts, Some(kind), job.of.counterfactuals.as_deref(), retrained, resident);
    // Watching unlearns each group again.
    let models = match job.what {
        Evidence::Watch => groups.len(),
        _ => groups.iter().filter(|group| !source.is_ready(**group)).count(),
    };
    let mut missing = Vec::new();
    for &group in groups {
        let known = match source.identity(group)? {
            Some(identity) => context.is_known(group, &identity)?,
            None => false,
        };
        if !known {
            missing.push(group);
        }
    }
    let (work, passes) = context.work(&missing)?;
    let first = groups.first().filter(|_| making.unlearns);
    let created = match (first, making.training) {
        (Some(group), _) => Some(Created::Unlearned(Forget::group(dataset, *group))),
        (None, Some(config)) => Some(Created::Trained(config)),
        (None, None) => None,
    };
    let created = created.filter(|_| models > 0);
    let mut bridge = ProgressBridge::new(reporter, dataset, Counting::Phase(1.0));
    let work = RemainingWork { models, held: groups.len(), created, work, passes, parts };
    let mut settings = job.of.settings;
    work.report(&mut settings, measured, &mut bridge)?;
    Ok(String::new())
}

impl EvidenceContext<'_> {
    /// Whether this evidence about a group is stored.
    fn is_known(&self, group: usize, identity: &str) -> Result<bool> {
        let (kind, inputs) = match self.job.what {
            Evidence::Regenerate => (Kind::Regeneration, self.regeneration_inputs(identity)),
            Evidence::Map => (Kind::Map, self.map_inputs(identity, &self.map_plan()?)),
            Evidence::MostAffected => (Kind::AffectedImages, self.affected_inputs(group, identity)?),
            Evidence::Watch => return Ok(false),
            Evidence::Known => return Ok(true),
        };
        Ok(self.store.get(kind, &inputs).is_some())
    }

    /// The network evaluations of the groups whose evidence is missing, and the passes of single images.
    fn work(&self, missing: &[usize]) -> Result<(Work, usize)> {
        let steps = self.sampling().steps;
        let of = |evaluations: usize, points: usize| Work { evaluations, points, ..Work::default() };
        Ok(match self.job.what {
            _ if missing.is_empty() => (Work::default(), 0),
            Evidence::Regenerate => {
                // Without a seed half of the steps are done, and those of the full model too.
                let (images, steps) = match self.job.seed {
                    Some(_) => (missing.len(), steps),
                    None => (missing.len() + 1, steps.div_ceil(2)),
                };
                (Work::default(), images.div_ceil(self.model.passes().at_once.max(1)) * steps)
            }
            Evidence::Map => {
                let points = self.map_plan()?.points.len();
                (of(points * (missing.len() + 1), points), 0)
            }
            Evidence::MostAffected => {
                let images = missing.iter().map(|group| self.scored_images(*group).len());
                let points: usize = images.map(|images| images * affected::TIMESTEPS).sum();
                (of(2 * points, points), 0)
            }
            Evidence::Watch => {
                let previews = self.job.of.recipe.steps.min(watch::IMAGES) + 1;
                let passes = previews * steps.min(watch::STEPS) * missing.len();
                (of(previews * watch::TIMESTEPS * missing.len(), watch::TIMESTEPS), passes)
            }
            Evidence::Known => (Work::default(), 0),
        })
    }
}
