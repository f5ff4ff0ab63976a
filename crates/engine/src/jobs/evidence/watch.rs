//! A group's unlearning once more, with the query drawn again on the way.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Look;
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

/// Images drawn in the course of an unlearning.
const IMAGES: usize = 10;

/// Sampling steps of each, at most: a glance, not the finished image.
const STEPS: usize = 16;

/// Timesteps of the query's score on the way.
const TIMESTEPS: usize = 8;

/// What is kept of a course.
#[derive(Default, Serialize, Deserialize)]
struct Course {
    points: Vec<UnlearningPoint>,
    /// Training steps done; planar bytes.
    images: Vec<(usize, Vec<u8>)>,
}

pub(super) fn run(look: &Look<'_>, resident: &mut Resident, reporter: &mut Reporter<'_>) -> Result<String> {
    let settings = &look.job.of.settings;
    let model = look.model;
    let mut models = Unlearned::new(model, look.dataset, look.conditions, look.recipe, look.store, resident);
    let draw = SampleSettings { steps: look.draw().steps.min(STEPS), ..look.draw() };
    let plan = Timesteps::Count(TIMESTEPS).plan(model.schedule(), 1, settings.seed, &look.query.pixels)?;
    let queries = [ScorerQuery::of_image(model.codec(), look.query.pixels.clone(), look.query.condition, plan)];
    let mut pass = None;
    reporter.plan(look.groups.len() as f64);
    for &group in look.groups {
        let more =
            json!({ "watch": { "draw": draw, "seed": look.job.seed, "noise": settings.seed, "pictures": IMAGES } });
        // The course is of the run, not of the weights at its end.
        let inputs = look.inputs_with(&models.key(group), more);
        let kept = look.store.get(Kind::Trajectory, &inputs);
        if let Some(course) = kept.and_then(|bytes| serde_json::from_slice::<Course>(&bytes).ok()) {
            let size = model.sample_shape().numel();
            course.points.into_iter().for_each(|point| reporter.state(EventKind::Unlearning(point)));
            for (step, pixels) in course.images.into_iter().filter(|(_, p)| p.len() == size) {
                reporter.state(EventKind::Watched { group, step, pixels });
            }
            reporter.skip(1.0);
            continue;
        }
        if look.only_known() {
            continue;
        }
        if pass.is_none() {
            let check = &mut |_: usize, _: usize| reporter.check();
            pass = Some(FullPass::run(model, model.schedule(), &queries, settings.seed, settings.batch, check)?);
        }
        let Some(pass) = &pass else { continue };
        let mut watcher = Watcher { look, pass, draw, reporter, course: Course::default() };
        watcher.glance(group, 0, model)?;
        models.again(group, &mut watcher)?;
        let course = watcher.course;
        let bytes = serde_json::to_vec(&course)
            .map_err(|e| Error::internal(format!("the unlearning's progress cannot be encoded: {e}")))?;
        look.store.put_if_writable(Kind::Trajectory, &inputs, &bytes)?;
        reporter.advance(1.0);
    }
    Ok("the unlearning was watched".into())
}

struct Watcher<'a, 'b> {
    look: &'a Look<'a>,
    pass: &'a FullPass<'a>,
    draw: SampleSettings,
    reporter: &'a mut Reporter<'b>,
    course: Course,
}

impl Watcher<'_, '_> {
    /// Draws the query by the network as it is now.
    fn glance(&mut self, group: usize, step: usize, now: &Pipeline) -> Result<()> {
        let image = regenerate(now, &self.draw, self.look.start(), &mut |_, _, _| self.reporter.check())?;
        let pixels = now.codec().decode(&image);
        self.course.images.push((step, pixels.clone()));
        self.reporter.state(EventKind::Watched { group, step, pixels });
        Ok(())
    }
}

impl Report for Watcher<'_, '_> {
    fn progress(&mut self, what: &str, done: usize, total: usize) -> Result<()> {
        self.reporter.within(what, done, total, 0.0)
    }

    fn unlearning(&mut self, group: usize, step: &UnlearningStep<'_>) -> Result<()> {
        let name = self.look.dataset.group_name(group);
        let phase = format!("watching {name} being unlearned, step {} of {}", step.step, step.steps);
        self.reporter.within(&phase, step.step, step.steps, 1.0)?;
        let every = step.steps.div_ceil(IMAGES).max(1);
        let due = step.step.is_multiple_of(every) || step.step == step.steps;
        let now = due.then(|| self.look.model.with_network(step.network.clone()));
        let query_score = match &now {
            Some(now) => self.pass.first_score(now, &mut |_, _| self.reporter.check())?,
            None => None,
        };
        let point = UnlearningPoint::of(group, step, query_score);
        self.course.points.push(point);
        self.reporter.state(EventKind::Unlearning(point));
        now.map_or(Ok(()), |now| self.glance(group, step.step, &now))
    }
}
