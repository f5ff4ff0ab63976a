//! What any method must beat without a counterfactual model.

use super::rows::Bench;
use crate::dataset::nearest;
use crate::engine::reporter::Reporter;
use crate::error::Result;
use crate::evaluation::benchmark::{Cost, Kind, Row};

/// Name of the row by which queries are called hard.
pub(super) const NEAREST: &str = "nearest images";

/// As many nearest images of a group decide how much a query looks like it.
const NEIGHBOURS: usize = 20;

/// Minus the mean distance of the nearest images of each group: what a picture looks like, no cause.
pub(super) fn nearest_images(bench: &Bench<'_>, reporter: &mut Reporter<'_>) -> Result<Row> {
    let begun = std::time::Instant::now();
    let scores = bench
        .queries
        .iter()
        .map(|query| {
            reporter.check()?;
            Ok(bench
                .groups
                .iter()
                .map(|&group| {
                    let found = nearest(&bench.dataset, &query.pixels, group, NEIGHBOURS);
                    -found.iter().map(|n| n.distance).sum::<f64>() / found.len().max(1) as f64
                })
                .collect())
        })
        .collect::<Result<_>>()?;
    Ok(Row {
        name: NEAREST.into(),
        kind: Kind::Baseline,
        family: NEAREST.into(),
        key: String::new(),
        scores,
        errors: None,
        cost: Cost { score_seconds: begun.elapsed().as_secs_f64(), ..Cost::default() },
    })
}

/// The oracle's mean score of each group over the choosing half, the same for every query: what is known without
/// looking at the picture. Means nothing on the choosing half itself.
pub(super) fn usual_order(reference: &Row) -> Row {
    let groups = reference.scores.first().map_or(0, Vec::len);
    let half: Vec<&Vec<f64>> = reference.scores.iter().step_by(2).collect();
    let mean = |g: usize| half.iter().filter_map(|s| s.get(g)).sum::<f64>() / half.len().max(1) as f64;
    let means: Vec<f64> = (0..groups).map(mean).collect();
    Row {
        name: "the usual order".into(),
        kind: Kind::Baseline,
        family: "the usual order".into(),
        key: String::new(),
        scores: vec![means; reference.scores.len()],
        errors: None,
        cost: Cost::default(),
    }
}
