//! Evidence: where in the image and at which timesteps a score arises.

use serde_json::json;

use super::EvidenceContext;
use crate::reporter::Reporter;
use whence_base::Result;
use whence_diffusion::elbo::{FullPass, Plan, ScoreMap, ScorerQuery, Timesteps};
use whence_jobs::EventKind;
use whence_methods::{Counterfactuals, Report as _};
use whence_store::Kind;

/// Maximum number of evaluation points of a map: a map stores one value per cell and point.
const MAX_POINTS: usize = 128;

/// Number of evaluation points if the score itself has more than [`MAX_POINTS`].
const COARSE_POINTS: usize = 64;

impl EvidenceContext<'_> {
    /// The evaluation points of a map: those of the score, so that the map sums to the bar beside it, or fewer.
    pub(super) fn map_plan(&self) -> Result<Plan> {
        let settings = &self.job.of.settings;
        let plan = |timesteps: Timesteps, draws| {
            timesteps.plan(self.model.schedule(), draws, settings.seed, &self.query.pixels)
        };
        let plan_of_score = match settings.timesteps {
            Timesteps::Count(n) if n > MAX_POINTS => return plan(Timesteps::Count(COARSE_POINTS), 1),
            timesteps => plan(timesteps, settings.draws)?,
        };
        if plan_of_score.points.len() > MAX_POINTS {
            plan(Timesteps::Count(COARSE_POINTS), 1)
        } else {
            Ok(plan_of_score)
        }
    }

    /// Cache inputs of a map of these points under this model.
    pub(super) fn map_inputs(&self, identity: &str, plan: &Plan) -> serde_json::Value {
        let points: Vec<(usize, usize, u64)> = plan.points.iter().map(|p| (p.t, p.draw, p.weight.to_bits())).collect();
        self.inputs_with(identity, json!({ "map": { "seed": self.job.of.settings.seed, "places": points } }))
    }
}

pub(super) fn run(
    context: &EvidenceContext<'_>,
    models: &mut dyn Counterfactuals,
    reporter: &mut Reporter<'_>,
) -> Result<String> {
    let settings = &context.job.of.settings;
    let pixels = &context.query.pixels;
    let plan = context.map_plan()?;
    let mut missing = Vec::new();
    for &group in context.groups {
        let Some(identity) = context.identity(models, group, reporter)? else { continue };
        let inputs = context.map_inputs(&identity, &plan);
        match context.store.get(Kind::Map, &inputs).and_then(|bytes| ScoreMap::from_bytes(&bytes)) {
            Some(map) => reporter.state(EventKind::Mapped { group, map: Box::new(map) }),
            None => missing.push((group, inputs)),
        }
    }
    if missing.is_empty() || context.only_known() {
        return Ok("the map is known".into());
    }
    reporter.plan(missing.len() as f64 + 1.0);
    let queries = [ScorerQuery::of_image(context.model.codec(), pixels.clone(), context.query.condition, plan)];
    let model = context.model;
    let mut bridge = context.bridge(reporter, 1.0);
    let pass = FullPass::run(model, model.schedule(), &queries, settings.seed, settings.batch, &mut |d, t| {
        bridge.progress("full model", d, t)
    })?;
    bridge.reporter.advance(1.0);
    for (group, inputs) in missing {
        let other = models.without(group, &mut bridge)?;
        let what = format!("mapping {}", context.dataset.group_name(group));
        let maps = ScoreMap::compute(&pass, &other, &mut |d, t| bridge.progress(&what, d, t))?;
        bridge.reporter.advance(1.0);
        for map in maps {
            context.store.put_if_writable(Kind::Map, &inputs, &map.to_bytes())?;
            bridge.reporter.state(EventKind::Mapped { group, map: Box::new(map) });
        }
    }
    Ok("the image is mapped".into())
}
