//! Scores with as few evaluations as the ranking needs: all queries' rankings advance together, one look at a time.

use rand::RngExt as _;

use super::board::{Board, Want};
use super::method::{Attribution, GroupScore, Report, Work};
use whence_base::Result;
use whence_base::random::stream;
use whence_diffusion::elbo::anytime::sampler::{Sampler, prior_spread};
use whence_diffusion::elbo::anytime::{Anytime, Settings};
use whence_diffusion::elbo::{Estimate, RawTerm, Timesteps};

/// Ranks the groups of all queries until the top is separated or the budget is spent.
///
/// The estimates are of the weighted sum over the official grid, `10../10`.
pub(super) fn attribute(
    method: &str,
    board: &mut Board<'_>,
    stop: Settings,
    report: &mut dyn Report,
) -> Result<Vec<Attribution>> {
    let mut rankings = rankings(board, stop)?;
    report.planned(work(board, stop)?.evaluations)?;
    loop {
        let wants = wants(&rankings);
        if wants.is_empty() {
            break;
        }
        board.evaluate(&wants, report, &mut |_, _, _| Ok(()))?;
        tell(board, &wants, &mut rankings)?;
        // The first query is the one on screen.
        if let Some(first) = rankings.first().filter(|_| wants.first().is_some_and(|w| w.query == 0)) {
            for (score, &group) in scores(first, &board.names).iter().zip(board.groups) {
                report.group_done(group, std::slice::from_ref(score))?;
            }
        }
    }
    Ok(rankings
        .iter()
        .zip(board.queries)
        .map(|(ranking, query)| Attribution::new(&query.name, method, scores(ranking, &board.names)))
        .collect())
}

/// What the rankings would have to evaluate, at most: nothing where what is known separates them all.
pub(super) fn work(board: &Board<'_>, stop: Settings) -> Result<Work> {
    let mut rankings = rankings(board, stop)?;
    loop {
        let wants = wants(&rankings);
        if wants.is_empty() {
            return Ok(Work::default());
        }
        if board.cost(&wants).evaluations > 0 {
            let evaluations = stop.budget * rankings.len();
            return Ok(Work { evaluations, places: evaluations / (board.groups.len() + 1) });
        }
        tell(board, &wants, &mut rankings)?;
    }
}

/// What the rankings look at next.
fn wants(rankings: &[Anytime]) -> Vec<Want> {
    rankings
        .iter()
        .enumerate()
        .filter_map(|(query, ranking)| {
            let request = ranking.next()?;
            let places = request.places.iter().map(|p| (p.t, p.draw)).collect();
            Some(Want { query, places, groups: request.groups })
        })
        .collect()
}

/// Gives the rankings the terms they looked at.
fn tell(board: &Board<'_>, wants: &[Want], rankings: &mut [Anytime]) -> Result<()> {
    for want in wants {
        let term = |group: usize, (t, draw): (usize, usize)| {
            board
                .table(want.query, group)
                .and_then(|table| table.get(t, draw))
                .map_or(f64::NAN, |raw: RawTerm| raw.value)
        };
        let told: Vec<Vec<f64>> =
            want.groups.iter().map(|&g| want.places.iter().map(|&place| term(g, place)).collect()).collect();
        if let Some(ranking) = rankings.get_mut(want.query) {
            ranking.tell(&told)?;
        }
    }
    Ok(())
}

fn rankings(board: &Board<'_>, stop: Settings) -> Result<Vec<Anytime>> {
    (0..board.queries.len()).map(|query| ranking(board, query, stop)).collect()
}

fn ranking(board: &Board<'_>, query: usize, stop: Settings) -> Result<Anytime> {
    let schedule = board.model.schedule();
    let pixels = board.queries.get(query).map(|q| q.pixels.as_slice()).unwrap_or_default();
    let grid: Vec<(usize, f64)> =
        Timesteps::official_grid(schedule).into_iter().map(|t| (t, schedule.elbo_weight(t))).collect();
    let spread: Vec<f64> = grid.iter().map(|(t, _)| prior_spread(schedule.alpha_bar(Some(*t)))).collect();
    let offset = stream("whence 2026 anytime", board.settings.seed, pixels, 0).random();
    Anytime::new(board.groups.len(), Sampler::new(&grid, &spread, offset)?, stop)
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
            side: Some(group.side),
            gate: None,
        })
        .collect()
}
