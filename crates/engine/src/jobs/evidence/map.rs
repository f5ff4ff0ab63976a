//! Where in the image and when in the denoising a score arises.

use serde_json::json;

use super::Look;
use crate::reporter::Reporter;
use whence_base::Result;
use whence_diffusion::elbo::{FullPass, Plan, ScoreMap, ScorerQuery, Timesteps};
use whence_jobs::EventKind;
use whence_methods::{Counterfactuals, Report as _};
use whence_store::Kind;

/// Places of a map, at most: a map keeps a number a cell and place.
const PLACES: usize = 128;

/// Places where the score itself has too many.
const COARSE: usize = 64;

pub(super) fn run(look: &Look<'_>, models: &mut dyn Counterfactuals, reporter: &mut Reporter<'_>) -> Result<String> {
    let settings = &look.job.of.settings;
    let pixels = &look.query.pixels;
    let plan = |timesteps: Timesteps, draws| timesteps.plan(look.model.schedule(), draws, settings.seed, pixels);
    // The places of the score, so that a map adds up to the bar beside it.
    let mut plan: Plan = match settings.timesteps {
        Timesteps::Count(n) if n > PLACES => plan(Timesteps::Count(COARSE), 1)?,
        timesteps => plan(timesteps, settings.draws)?,
    };
    if plan.points.len() > PLACES {
        plan = Timesteps::Count(COARSE).plan(look.model.schedule(), 1, settings.seed, pixels)?;
    }
    let places: Vec<(usize, usize, u64)> = plan.points.iter().map(|p| (p.t, p.draw, p.weight.to_bits())).collect();
    let mut missing = Vec::new();
    for &group in look.groups {
        let Some(identity) = look.identity(models, group, reporter)? else { continue };
        let more = json!({ "map": { "seed": settings.seed, "places": places } });
        let inputs = look.inputs_with(&identity, more);
        match look.store.get(Kind::Map, &inputs).and_then(|bytes| ScoreMap::from_bytes(&bytes)) {
            Some(map) => reporter.state(EventKind::Mapped { group, map: Box::new(map) }),
            None => missing.push((group, inputs)),
        }
    }
    if missing.is_empty() || look.only_known() {
        return Ok("the map is known".into());
    }
    reporter.plan(missing.len() as f64 + 1.0);
    let queries = [ScorerQuery::of_image(look.model.codec(), pixels.clone(), look.query.condition, plan)];
    let model = look.model;
    let mut told = look.bridge(reporter, 1.0);
    let pass = FullPass::run(model, model.schedule(), &queries, settings.seed, settings.batch, &mut |d, t| {
        told.progress("full model", d, t)
    })?;
    told.reporter.advance(1.0);
    for (group, inputs) in missing {
        let other = models.without(group, &mut told)?;
        let what = format!("mapping {}", look.dataset.group_name(group));
        let maps = ScoreMap::compute(&pass, &other, &mut |d, t| told.progress(&what, d, t))?;
        told.reporter.advance(1.0);
        for map in maps {
            look.store.put_if_writable(Kind::Map, &inputs, &map.to_bytes())?;
            told.reporter.state(EventKind::Mapped { group, map: Box::new(map) });
        }
    }
    Ok("the image is mapped".into())
}
