//! What GUDA and LOGO share: the paired scores of all queries under the full model and the model without each group.

use super::method::{Attribution, Context, GroupScore};
use crate::elbo::{Estimate, FullPass, ScorerQuery};
use crate::error::Result;

/// Queries are scored in portions whose cached predictions stay below this many numbers (1 GiB).
const CACHED_NUMBERS: usize = 1 << 28;

/// Scores all groups for all queries under the name of `method`.
pub(super) fn attribute(method: &str, context: Context<'_>) -> Result<Vec<Attribution>> {
    let Context { model, queries, settings, groups, dataset, counterfactuals, report } = context;
    model.check_class(settings.class)?;
    let names: Vec<String> = groups.iter().map(|&g| dataset.groups().get(g).cloned().unwrap_or_default()).collect();
    let prepared: Vec<ScorerQuery> = queries
        .iter()
        .map(|q| {
            let plan = settings.timesteps.plan(model.schedule(), settings.draws, settings.seed, &q.pixels)?;
            Ok(ScorerQuery { pixels: q.pixels.clone(), plan, class: settings.class })
        })
        .collect::<Result<_>>()?;
    let per_query = prepared.iter().map(|q| q.plan.points.len()).max().unwrap_or(1) * model.shape().numel();
    let portion = (CACHED_NUMBERS / per_query.max(1)).max(1);

    // The full model runs once over each portion; models without a group are asked for once a portion.
    let whole = prepared.iter().map(|q| q.plan.points.len()).sum::<usize>();
    let mut scores: Vec<Vec<GroupScore>> = vec![Vec::with_capacity(groups.len()); prepared.len()];
    let mut before = 0;
    for (number, queries) in prepared.chunks(portion).enumerate() {
        let pass = FullPass::run(model, model.schedule(), queries, settings.seed, settings.batch, &mut |d, _| {
            report.progress("full model", before + d, whole)
        })?;
        for (&group, name) in groups.iter().zip(&names) {
            let counterfactual = counterfactuals.without(group, report)?;
            let what = format!("scoring without {name}");
            let all_terms = pass.terms(&counterfactual, &mut |d, _| report.progress(&what, before + d, whole))?;
            let group_scores: Vec<GroupScore> = all_terms
                .into_iter()
                .zip(queries)
                .map(|(terms, q)| GroupScore {
                    group: name.clone(),
                    estimate: Estimate::from_terms(&terms, q.plan.draws),
                    evaluations: terms.len(),
                    terms,
                    draws: q.plan.draws,
                })
                .collect();
            // The first query is in the first portion.
            if number == 0 {
                report.group_done(group, &group_scores)?;
            }
            for (all, one) in scores.iter_mut().skip(number * portion).zip(group_scores) {
                all.push(one);
            }
        }
        before += queries.iter().map(|q| q.plan.points.len()).sum::<usize>();
    }
    Ok(queries
        .iter()
        .zip(scores)
        .map(|(q, scores)| Attribution { query: q.name.clone(), method: method.into(), scores })
        .collect())
}
