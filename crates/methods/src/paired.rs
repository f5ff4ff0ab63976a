//! What GUDA and LOGO share: the paired scores of all queries under the full model and the model without each group.

use super::artefacts::{Artefacts, Resolver, Work};
use super::early;
use super::method::{Attribution, GroupScore, Request};
use super::report::Report;
use super::term_evaluator::{TermEvaluator, TermRequest};
use whence_base::{Error, Result};
use whence_diffusion::elbo::Plan;
use whence_diffusion::elbo::anytime::Settings as StopSettings;

/// How the timesteps of the queries are chosen.
enum Schedule {
    /// In steps, until the top is separated.
    Early(StopSettings),
    /// All points of one plan per query.
    Whole(Vec<Plan>),
}

/// The evaluator with the cached terms, how further ones are chosen, and who receives progress.
fn start<'a>(resolver: &'a mut Resolver<'_>) -> Result<(TermEvaluator<'a>, Schedule, &'a mut dyn Report)> {
    let Request { model, queries, settings, groups, .. } = resolver.request;
    // One group has no rivals to be separated from.
    let schedule = match settings.stop.filter(|s| s.top < groups.len()) {
        Some(stop) => Schedule::Early(stop),
        None => {
            let plan = |pixels: &[u8]| settings.timesteps.plan(model.schedule(), settings.draws, settings.seed, pixels);
            Schedule::Whole(queries.iter().map(|q| plan(&q.pixels)).collect::<Result<_>>()?)
        }
    };
    let evaluator = TermEvaluator::new(resolver.request, resolver.counterfactuals, resolver.cache)?;
    Ok((evaluator, schedule, resolver.report))
}

/// All groups at all points of the plans.
fn requests(plans: &[Plan], groups: usize) -> Vec<TermRequest> {
    let points = |plan: &Plan| plan.points.iter().map(|p| (p.t, p.draw)).collect();
    let request =
        |(query, plan): (usize, &Plan)| TermRequest { query, points: points(plan), groups: (0..groups).collect() };
    plans.iter().enumerate().map(request).collect()
}

/// Upper bound on the evaluations of scoring.
pub(super) fn work(resolver: &mut Resolver<'_>) -> Result<Work> {
    let (evaluator, schedule, _) = start(resolver)?;
    match schedule {
        Schedule::Early(stop) => early::work(&evaluator, stop),
        Schedule::Whole(plans) => Ok(evaluator.cost(&requests(&plans, evaluator.groups().len()))),
    }
}

/// Evaluates the missing terms; returns the score of every group per query.
pub(super) fn evaluate(resolver: &mut Resolver<'_>) -> Result<Vec<Vec<GroupScore>>> {
    let (mut evaluator, schedule, report) = start(resolver)?;
    let plans = match schedule {
        Schedule::Early(stop) => return early::evaluate(&mut evaluator, stop, report),
        Schedule::Whole(plans) => plans,
    };
    let groups = evaluator.groups();
    let requests = requests(&plans, groups.len());
    report.planned(evaluator.cost(&requests).evaluations)?;
    evaluator.evaluate(&requests, report, &mut |evaluator, group, report| {
        let scores: Vec<GroupScore> =
            plans.iter().enumerate().filter_map(|(query, plan)| evaluator.score(query, group, plan)).collect();
        groups.get(group).map_or(Ok(()), |&index| report.group_done(index, &scores))
    })?;
    let missing = || Error::internal("a score is missing");
    let scores = |(query, plan): (usize, &Plan)| {
        let scores: Option<Vec<GroupScore>> = (0..groups.len()).map(|g| evaluator.score(query, g, plan)).collect();
        scores.ok_or_else(missing)
    };
    plans.iter().enumerate().map(scores).collect()
}

/// The scores that follow from the terms, under the name of `method`.
pub(super) fn score(method: &str, request: &Request<'_>, artefacts: &Artefacts) -> Result<Vec<Attribution>> {
    let queries = request.queries.iter().zip(artefacts.terms()?);
    Ok(queries.map(|(query, scores)| Attribution::new(&query.name, method, scores.clone())).collect())
}
