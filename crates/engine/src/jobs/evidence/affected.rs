//! Evidence: which of a group's own images became less likely when it was removed.

use serde_json::json;

use super::EvidenceContext;
use crate::reporter::Reporter;
use whence_base::{Error, Result};
use whence_diffusion::elbo::{FullPass, ScorerQuery, Timesteps};
use whence_jobs::{AffectedImage, EventKind};
use whence_methods::{Counterfactuals, Report as _};
use whence_store::Kind;

/// Maximum number of a group's images that are scored, evenly spaced over the group.
const IMAGES: usize = 256;

/// Timesteps per image.
pub(super) const TIMESTEPS: usize = 8;

/// Maximum number of values of the full model's predictions in memory (256 MiB).
const MAX_VALUES: usize = 1 << 26;

impl EvidenceContext<'_> {
    /// The group's images that are scored.
    pub(super) fn scored_images(&self, group: usize) -> Vec<usize> {
        let all = self.dataset.indices_of(group);
        all.iter().copied().step_by(all.len().div_ceil(IMAGES).max(1)).collect()
    }

    /// Cache inputs of the group's affected images under this model.
    pub(super) fn affected_inputs(&self, group: usize, identity: &str) -> Result<serde_json::Value> {
        // The condition is the class of the image's group, not that of the query.
        let condition = self.conditions.of_group(Some(group))?;
        Ok(json!({
            "model": self.model.hash(),
            "other": identity,
            "dataset": self.dataset.hash(),
            "group": group,
            "moved": { "seed": self.job.of.settings.seed, "pictures": IMAGES, "timesteps": TIMESTEPS },
            "class": condition.class(),
            "device": self.device,
        }))
    }
}

pub(super) fn run(
    context: &EvidenceContext<'_>,
    models: &mut dyn Counterfactuals,
    reporter: &mut Reporter<'_>,
) -> Result<String> {
    let settings = &context.job.of.settings;
    let model = context.model;
    reporter.plan(context.groups.len() as f64);
    for &group in context.groups {
        let Some(identity) = context.identity(models, group, reporter)? else { continue };
        let mut bridge = context.bridge(reporter, 1.0);
        let images = context.scored_images(group);
        let condition = context.conditions.of_group(Some(group))?;
        let inputs = context.affected_inputs(group, &identity)?;
        let cached = context.store.get(Kind::AffectedImages, &inputs);
        let known = cached.and_then(|bytes| serde_json::from_slice::<Vec<AffectedImage>>(&bytes).ok());
        if let Some(images) = known.filter(|m| m.iter().all(|m| context.dataset.group_of(m.index) == Some(group))) {
            bridge.reporter.skip(1.0);
            bridge.reporter.state(EventKind::MostAffected { group, images });
            continue;
        }
        if context.only_known() {
            continue;
        }
        let other = models.without(group, &mut bridge)?;
        let what = format!("images of {}", context.dataset.group_name(group));
        let mut affected = Vec::with_capacity(images.len());
        for part in images.chunks((MAX_VALUES / (TIMESTEPS * model.sample_shape().numel()).max(1)).max(1)) {
            let query = |&index: &usize| {
                let pixels = context.dataset.pixels(index).to_vec();
                let plan = Timesteps::Count(TIMESTEPS).plan(model.schedule(), 1, settings.seed, &pixels)?;
                Ok(ScorerQuery::of_image(model.codec(), pixels, condition, plan))
            };
            let queries: Vec<ScorerQuery> = part.iter().map(query).collect::<Result<_>>()?;
            let done = affected.len();
            // The full model's half of the work, then the other's.
            let halves = 2 * images.len() * TIMESTEPS;
            let pass = FullPass::run(model, model.schedule(), &queries, settings.seed, settings.batch, &mut |d, _| {
                bridge.progress(&what, 2 * done * TIMESTEPS + d, halves)
            })?;
            let terms = pass.terms(&other, &mut |d, t| bridge.progress(&what, 2 * done * TIMESTEPS + t + d, halves))?;
            let score = |(&index, terms): (&usize, Vec<whence_diffusion::elbo::Term>)| AffectedImage {
                index,
                score: terms.iter().map(|t| t.value).sum(),
            };
            affected.extend(part.iter().zip(terms).map(score));
        }
        bridge.reporter.advance(1.0);
        affected.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.index.cmp(&b.index)));
        let bytes = serde_json::to_vec(&affected)
            .map_err(|e| Error::internal(format!("the affected images cannot be encoded: {e}")))?;
        context.store.put_if_writable(Kind::AffectedImages, &inputs, &bytes)?;
        bridge.reporter.state(EventKind::MostAffected { group, images: affected });
    }
    Ok("the most affected images are known".into())
}
