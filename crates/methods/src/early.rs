//! Early stopping: scores with as few evaluations as the ranking needs. The rankings of all queries advance in
//! parallel, one interim analysis at a time.

use rand::RngExt as _;

use super::artefacts::Work;
use super::method::GroupScore;
use super::report::Report;
use super::term_evaluator::{TermEvaluator, TermRequest};
use whence_base::Result;
use whence_base::random::stream;
use whence_diffusion::elbo::anytime::sampler::{TimestepSampler, prior_std_dev};
use whence_diffusion::elbo::anytime::{Anytime, Settings};
use whence_diffusion::elbo::{Estimate, RawTerm, Timesteps};

/// Ranks the groups of all queries until the top is separated or the budget is spent.
///
/// The estimates are of the weighted sum over the official grid, `10../10`.
pub(super) fn evaluate(
    evaluator: &mut TermEvaluator<'_>,
    stop: Settings,
    report: &mut dyn Report,
) -> Result<Vec<Vec<GroupScore>>> {
    let mut rankings = rankings(evaluator, stop)?;
    report.planned(work(evaluator, stop)?.evaluations)?;
    loop {
        let requests = next_requests(&rankings);
        if requests.is_empty() {
            break;
        }
        evaluator.evaluate(&requests, report, &mut |_, _, _| Ok(()))?;
        record(evaluator, &requests, &mut rankings)?;
        // The first query is the one on screen.
        if let Some(first) = rankings.first().filter(|_| requests.first().is_some_and(|w| w.query == 0)) {
            for (score, &group) in scores(first, evaluator.names()).iter().zip(evaluator.groups()) {
                report.group_done(group, std::slice::from_ref(score))?;
            }
        }
    }
    Ok(rankings.iter().map(|ranking| scores(ranking, evaluator.names())).collect())
}

/// Upper bound on the work of the rankings: none if the cached terms separate all of them.
pub(super) fn work(evaluator: &TermEvaluator<'_>, stop: Settings) -> Result<Work> {
    let mut rankings = rankings(evaluator, stop)?;
    loop {
        let requests = next_requests(&rankings);
        if requests.is_empty() {
            return Ok(Work::default());
        }
        if evaluator.cost(&requests).evaluations > 0 {
            let evaluations = stop.budget * rankings.len();
            return Ok(Work { evaluations, points: evaluations / (evaluator.groups().len() + 1), ..Work::default() });
        }
        record(evaluator, &requests, &mut rankings)?;
    }
}

/// The evaluations that the rankings request for their next interim analysis.
fn next_requests(rankings: &[Anytime]) -> Vec<TermRequest> {
    rankings
        .iter()
        .enumerate()
        .filter_map(|(query, ranking)| {
            let request = ranking.next()?;
            let points = request.points.iter().map(|p| (p.t, p.draw)).collect();
            Some(TermRequest { query, points, groups: request.groups })
        })
        .collect()
}

/// Records the requested terms in the rankings.
fn record(evaluator: &TermEvaluator<'_>, requests: &[TermRequest], rankings: &mut [Anytime]) -> Result<()> {
    for requested in requests {
        let term = |group: usize, (t, draw): (usize, usize)| {
            evaluator
                .table(requested.query, group)
                .and_then(|table| table.get(t, draw))
                .map_or(f64::NAN, |raw: RawTerm| raw.value)
        };
        let terms: Vec<Vec<f64>> =
            requested.groups.iter().map(|&g| requested.points.iter().map(|&point| term(g, point)).collect()).collect();
        if let Some(ranking) = rankings.get_mut(requested.query) {
            ranking.record(&terms)?;
        }
    }
    Ok(())
}

fn rankings(evaluator: &TermEvaluator<'_>, stop: Settings) -> Result<Vec<Anytime>> {
    (0..evaluator.request().queries.len()).map(|query| ranking(evaluator, query, stop)).collect()
}

fn ranking(evaluator: &TermEvaluator<'_>, query: usize, stop: Settings) -> Result<Anytime> {
    let schedule = evaluator.request().model.schedule();
    let pixels = evaluator.request().queries.get(query).map(|q| q.pixels.as_slice()).unwrap_or_default();
    let grid: Vec<(usize, f64)> =
        Timesteps::official_grid(schedule).into_iter().map(|t| (t, schedule.elbo_weight(t))).collect();
    let std_dev: Vec<f64> = grid.iter().map(|(t, _)| prior_std_dev(schedule.alpha_bar(Some(*t)))).collect();
    let offset = stream("whence 2026 anytime", evaluator.request().settings.seed, pixels, 0).random();
    Anytime::new(evaluator.groups().len(), TimestepSampler::new(&grid, &std_dev, offset)?, stop)
}

fn scores(ranking: &Anytime, names: &[String]) -> Vec<GroupScore> {
    let standing = ranking.standing();
    standing
        .groups
        .iter()
        .zip(names)
        .map(|(group, name)| GroupScore {
            group: name.clone(),
            estimate: Estimate::with_interval(group.estimate, group.std_err, group.interval),
            evaluations: group.evaluations,
            terms: Vec::new(),
            draws: 1,
            side: Some(group.decision),
            gate: None,
        })
        .collect()
}
