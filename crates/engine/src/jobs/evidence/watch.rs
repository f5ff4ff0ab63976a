//! Evidence: a group's unlearning repeated, with the query regenerated at intermediate steps.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::EvidenceContext;
use crate::counterfactuals::{Resident, Unlearned};
use crate::reporter::Reporter;
use whence_base::{Error, Result};
use whence_diffusion::Pipeline;
use whence_diffusion::elbo::{FullPass, ScorerQuery, Timesteps};
use whence_diffusion::generate::regenerate;
use whence_jobs::{EventKind, SampleSettings, UnlearningPoint};
use whence_methods::Report;
use whence_store::Kind;
use whence_training::unlearning::UnlearningStep;

/// Number of images generated during an unlearning.
pub(super) const IMAGES: usize = 10;

/// Maximum number of sampling steps per image: a preview suffices.
pub(super) const STEPS: usize = 16;

/// Number of timesteps of the query's score at intermediate steps.
pub(super) const TIMESTEPS: usize = 8;

/// The stored trajectory of an unlearning.
#[derive(Default, Serialize, Deserialize)]
struct Trajectory {
    points: Vec<UnlearningPoint>,
    /// Completed training steps, and the image as planar bytes `[channels, height, width]`.
    images: Vec<(usize, Vec<u8>)>,
}

pub(super) fn run(
    context: &EvidenceContext<'_>,
    resident: &mut Resident,
    reporter: &mut Reporter<'_>,
) -> Result<String> {
    let settings = &context.job.of.settings;
    let model = context.model;
    let mut models =
        Unlearned::new(model, context.dataset, context.conditions, context.recipe, context.store, resident);
    let sampling = SampleSettings { steps: context.sampling().steps.min(STEPS), ..context.sampling() };
    let plan = Timesteps::Count(TIMESTEPS).plan(model.schedule(), 1, settings.seed, &context.query.pixels)?;
    let queries = [ScorerQuery::of_image(model.codec(), context.query.pixels.clone(), context.query.condition, plan)];
    let mut pass = None;
    reporter.plan(context.groups.len() as f64);
    for &group in context.groups {
        let more = json!({
            "watch": { "draw": sampling, "seed": context.job.seed, "noise": settings.seed, "pictures": IMAGES },
        });
        // The trajectory belongs to the run, not to its final weights, so it is keyed by the run.
        let inputs = context.inputs_with(&models.key(group), more);
        let cached = context.store.get(Kind::Trajectory, &inputs);
        if let Some(trajectory) = cached.and_then(|bytes| serde_json::from_slice::<Trajectory>(&bytes).ok()) {
            let size = model.sample_shape().numel();
            trajectory.points.into_iter().for_each(|point| reporter.state(EventKind::Unlearning(point)));
            for (step, pixels) in trajectory.images.into_iter().filter(|(_, p)| p.len() == size) {
                reporter.state(EventKind::Watched { group, step, pixels });
            }
            reporter.skip(1.0);
            continue;
        }
        if context.only_known() {
            continue;
        }
        if pass.is_none() {
            let check = &mut |_: usize, _: usize| reporter.check();
            pass = Some(FullPass::run(model, model.schedule(), &queries, settings.seed, settings.batch, check)?);
        }
        let Some(pass) = &pass else { continue };
        let mut watcher = Watcher { context, pass, sampling, reporter, trajectory: Trajectory::default() };
        watcher.preview(group, 0, model)?;
        models.again(group, &mut watcher)?;
        let trajectory = watcher.trajectory;
        let bytes = serde_json::to_vec(&trajectory)
            .map_err(|e| Error::internal(format!("the unlearning's progress cannot be encoded: {e}")))?;
        context.store.put_if_writable(Kind::Trajectory, &inputs, &bytes)?;
        reporter.advance(1.0);
    }
    Ok("the unlearning was watched".into())
}

struct Watcher<'a, 'b> {
    context: &'a EvidenceContext<'a>,
    pass: &'a FullPass<'a>,
    sampling: SampleSettings,
    reporter: &'a mut Reporter<'b>,
    trajectory: Trajectory,
}

impl Watcher<'_, '_> {
    /// Regenerates the query with the current network.
    fn preview(&mut self, group: usize, step: usize, now: &Pipeline) -> Result<()> {
        let image = regenerate(now, &self.sampling, self.context.start(), &mut |_, _, _| self.reporter.check())?;
        let pixels = now.codec().decode(&image);
        self.trajectory.images.push((step, pixels.clone()));
        self.reporter.state(EventKind::Watched { group, step, pixels });
        Ok(())
    }
}

impl Report for Watcher<'_, '_> {
    fn progress(&mut self, what: &str, done: usize, total: usize) -> Result<()> {
        self.reporter.within(what, done, total, 0.0)
    }

    fn unlearning(&mut self, group: usize, step: &UnlearningStep<'_>) -> Result<()> {
        let name = self.context.dataset.group_name(group);
        let phase = format!("watching {name} being unlearned, step {} of {}", step.step, step.steps);
        self.reporter.within(&phase, step.step, step.steps, 1.0)?;
        let every = step.steps.div_ceil(IMAGES).max(1);
        let due = step.step.is_multiple_of(every) || step.step == step.steps;
        let now = due.then(|| self.context.model.with_network(step.network.clone()));
        let query_score = match &now {
            Some(now) => self.pass.first_score(now, &mut |_, _| self.reporter.check())?,
            None => None,
        };
        let point = UnlearningPoint::of(group, step, query_score);
        self.trajectory.points.push(point);
        self.reporter.state(EventKind::Unlearning(point));
        now.map_or(Ok(()), |now| self.preview(group, step.step, &now))
    }
}
