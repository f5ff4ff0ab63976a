//! What GUDA and LOGO share: the paired scores of all queries under the full model and the model without each group.

use super::board::{Board, Want};
use super::method::{Attribution, Context, GroupScore};
use crate::elbo::Plan;
use crate::error::{Error, Result};

/// Scores all groups for all queries under the name of `method`.
pub(super) fn attribute(method: &str, context: Context<'_>) -> Result<Vec<Attribution>> {
    let Context { model, queries, settings, groups, counterfactuals, kept, report, .. } = context;
    model.check_class(settings.class)?;
    let names: Vec<String> = groups.iter().map(|&g| counterfactuals.name(g)).collect();
    // One group has no rivals to be separated from.
    if let Some(stop) = settings.stop.filter(|s| s.top < groups.len()) {
        let mut board = Board::new(model, queries, settings, groups, names, counterfactuals, kept)?;
        return super::early::attribute(method, &mut board, stop, report);
    }
    let plans: Vec<Plan> = queries
        .iter()
        .map(|q| settings.timesteps.plan(model.schedule(), settings.draws, settings.seed, &q.pixels))
        .collect::<Result<_>>()?;
    let mut board = Board::new(model, queries, settings, groups, names, counterfactuals, kept)?;
    let wants: Vec<Want> = plans
        .iter()
        .enumerate()
        .map(|(query, plan)| Want {
            query,
            places: plan.points.iter().map(|p| (p.t, p.draw)).collect(),
            groups: (0..groups.len()).collect(),
        })
        .collect();
    report.planned(board.cost(&wants))?;
    board.evaluate(&wants, report, &mut |board, group, report| {
        let scores: Vec<GroupScore> =
            plans.iter().enumerate().filter_map(|(query, plan)| board.score(query, group, plan)).collect();
        groups.get(group).map_or(Ok(()), |&number| report.group_done(number, &scores))
    })?;
    let missing = || Error::input("a score is missing", "scoring", "report this");
    queries
        .iter()
        .zip(&plans)
        .enumerate()
        .map(|(number, (query, plan))| {
            let scores = (0..groups.len()).map(|g| board.score(number, g, plan)).collect::<Option<_>>();
            Ok(Attribution::new(&query.name, method, scores.ok_or_else(missing)?))
        })
        .collect()
}
