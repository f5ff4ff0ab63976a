//! Which of a group's own images became less likely when it was removed.

use serde_json::json;

use super::Look;
use crate::reporter::Reporter;
use whence_base::{Error, Result};
use whence_diffusion::elbo::{FullPass, ScorerQuery, Timesteps};
use whence_jobs::{EventKind, Moved};
use whence_methods::{Counterfactuals, Report as _};
use whence_store::Kind;

/// Images of a group that are looked at, spread evenly over it.
const IMAGES: usize = 256;

/// Timesteps an image.
const TIMESTEPS: usize = 8;

/// Numbers of the full model's predictions kept at a time (256 MiB).
const NUMBERS: usize = 1 << 26;

pub(super) fn run(look: &Look<'_>, models: &mut dyn Counterfactuals, reporter: &mut Reporter<'_>) -> Result<String> {
    let settings = &look.job.of.settings;
    let model = look.model;
    reporter.plan(look.groups.len() as f64);
    for &group in look.groups {
        let Some(identity) = look.identity(models, group, reporter)? else { continue };
        let mut told = look.bridge(reporter, 1.0);
        // An image is of its group's class, whatever the query's is.
        let condition = look.conditions.of_group(Some(group))?;
        let all = look.dataset.indices_of(group);
        let images: Vec<usize> = all.iter().copied().step_by(all.len().div_ceil(IMAGES).max(1)).collect();
        let inputs = json!({
            "model": model.hash(),
            "other": identity,
            "dataset": look.dataset.hash(),
            "group": group,
            "moved": { "seed": settings.seed, "pictures": IMAGES, "timesteps": TIMESTEPS },
            "class": condition.class(),
            "device": look.device,
        });
        let kept = look.store.get(Kind::AffectedImages, &inputs);
        let known = kept.and_then(|bytes| serde_json::from_slice::<Vec<Moved>>(&bytes).ok());
        if let Some(images) = known.filter(|m| m.iter().all(|m| look.dataset.group_of(m.index) == Some(group))) {
            told.reporter.skip(1.0);
            told.reporter.state(EventKind::Moved { group, images });
            continue;
        }
        if look.only_known() {
            continue;
        }
        let other = models.without(group, &mut told)?;
        let what = format!("images of {}", look.dataset.group_name(group));
        let mut moved = Vec::with_capacity(images.len());
        for part in images.chunks((NUMBERS / (TIMESTEPS * model.sample_shape().numel()).max(1)).max(1)) {
            let query = |&index: &usize| {
                let pixels = look.dataset.pixels(index).to_vec();
                let plan = Timesteps::Count(TIMESTEPS).plan(model.schedule(), 1, settings.seed, &pixels)?;
                Ok(ScorerQuery::of_image(model.codec(), pixels, condition, plan))
            };
            let queries: Vec<ScorerQuery> = part.iter().map(query).collect::<Result<_>>()?;
            let done = moved.len();
            // The full model's half of the work, then the other's.
            let halves = 2 * images.len() * TIMESTEPS;
            let pass = FullPass::run(model, model.schedule(), &queries, settings.seed, settings.batch, &mut |d, _| {
                told.progress(&what, 2 * done * TIMESTEPS + d, halves)
            })?;
            let terms = pass.terms(&other, &mut |d, t| told.progress(&what, 2 * done * TIMESTEPS + t + d, halves))?;
            let score = |(&index, terms): (&usize, Vec<whence_diffusion::elbo::Term>)| Moved {
                index,
                score: terms.iter().map(|t| t.value).sum(),
            };
            moved.extend(part.iter().zip(terms).map(score));
        }
        told.reporter.advance(1.0);
        moved.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.index.cmp(&b.index)));
        let bytes = serde_json::to_vec(&moved)
            .map_err(|e| Error::internal(format!("the affected images cannot be encoded: {e}")))?;
        look.store.put_if_writable(Kind::AffectedImages, &inputs, &bytes)?;
        told.reporter.state(EventKind::Moved { group, images: moved });
    }
    Ok("the images that moved most are known".into())
}
