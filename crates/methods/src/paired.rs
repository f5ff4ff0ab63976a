//! What GUDA and LOGO share: the paired scores of all queries under the full model and the model without each group.

use super::early;
use super::method::{Attribution, Context, GroupScore, Report, Work};
use super::term_evaluator::{TermEvaluator, TermRequest};
use whence_base::{Error, Result};
use whence_diffusion::elbo::Plan;
use whence_diffusion::elbo::anytime::Settings as StopSettings;

/// How the timesteps of the queries are chosen.
enum Course {
    /// Some at a time, until the top is separated.
    Early(StopSettings),
    /// All of a plan a query.
    Whole(Vec<Plan>),
}

/// The term_evaluator of what is known, how what is not will be chosen, and who is told.
fn start(context: Context<'_>) -> Result<(TermEvaluator<'_>, Course, &mut dyn Report)> {
    let Context { model, queries, settings, groups, counterfactuals, kept, report, .. } = context;
    // One group has no rivals to be separated from.
    let course = match settings.stop.filter(|s| s.top < groups.len()) {
        Some(stop) => Course::Early(stop),
        None => Course::Whole(
            queries
                .iter()
                .map(|q| settings.timesteps.plan(model.schedule(), settings.draws, settings.seed, &q.pixels))
                .collect::<Result<_>>()?,
        ),
    };
    let names: Vec<String> = groups.iter().map(|&g| counterfactuals.name(g)).collect();
    Ok((TermEvaluator::new(model, queries, settings, groups, names, counterfactuals, kept)?, course, report))
}

/// All groups at all places of the plans.
fn wants(plans: &[Plan], groups: usize) -> Vec<TermRequest> {
    plans
        .iter()
        .enumerate()
        .map(|(query, plan)| TermRequest {
            query,
            places: plan.points.iter().map(|p| (p.t, p.draw)).collect(),
            groups: (0..groups).collect(),
        })
        .collect()
}

/// What scoring would have to evaluate, at most.
pub(super) fn work(context: Context<'_>) -> Result<Work> {
    let (term_evaluator, course, _) = start(context)?;
    match course {
        Course::Early(stop) => early::work(&term_evaluator, stop),
        Course::Whole(plans) => Ok(term_evaluator.cost(&wants(&plans, term_evaluator.groups.len()))),
    }
}

/// Scores all groups for all queries under the name of `method`.
pub(super) fn attribute(method: &str, context: Context<'_>) -> Result<Vec<Attribution>> {
    context.model.check_class(context.settings.class)?;
    let (mut term_evaluator, course, report) = start(context)?;
    let plans = match course {
        Course::Early(stop) => return early::attribute(method, &mut term_evaluator, stop, report),
        Course::Whole(plans) => plans,
    };
    let (queries, groups) = (term_evaluator.queries, term_evaluator.groups);
    let wants = wants(&plans, groups.len());
    report.planned(term_evaluator.cost(&wants).evaluations)?;
    term_evaluator.evaluate(&wants, report, &mut |term_evaluator, group, report| {
        let scores: Vec<GroupScore> =
            plans.iter().enumerate().filter_map(|(query, plan)| term_evaluator.score(query, group, plan)).collect();
        groups.get(group).map_or(Ok(()), |&number| report.group_done(number, &scores))
    })?;
    let missing = || Error::internal("a score is missing");
    queries
        .iter()
        .zip(&plans)
        .enumerate()
        .map(|(number, (query, plan))| {
            let scores = (0..groups.len()).map(|g| term_evaluator.score(number, g, plan)).collect::<Option<_>>();
            Ok(Attribution::new(&query.name, method, scores.ok_or_else(missing)?))
        })
        .collect()
}
