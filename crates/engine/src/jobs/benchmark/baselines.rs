//! Baselines without counterfactual models that any method must beat.

use super::rows::Bench;
use crate::reporter::Reporter;
use whence_base::Result;
use whence_data::nearest;
use whence_evaluation::benchmark::{Cost, Kind, NEAREST_IMAGES, Row, USUAL_ORDER};

/// Number of nearest images per group over which distances are averaged.
const NEIGHBOURS: usize = 20;

/// Minus the mean distance of the nearest images of each group: resemblance, not causation.
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
        name: NEAREST_IMAGES.into(),
        kind: Kind::Baseline,
        family: NEAREST_IMAGES.into(),
        key: String::new(),
        scores,
        errors: None,
        cost: Cost { score_seconds: begun.elapsed().as_secs_f64(), ..Cost::default() },
    })
}

/// The oracle's mean score of each group over the other half of the queries: a prediction that uses neither the
/// image nor its own score.
pub(super) fn usual_order(reference: &Row) -> Row {
    let groups = reference.scores.first().map_or(0, Vec::len);
    let means = |half: usize| -> Vec<f64> {
        let rows: Vec<&Vec<f64>> = reference.scores.iter().skip(half).step_by(2).collect();
        (0..groups).map(|g| rows.iter().filter_map(|s| s.get(g)).sum::<f64>() / rows.len().max(1) as f64).collect()
    };
    let (even, odd) = (means(0), means(1));
    let scores = (0..reference.scores.len()).map(|q| if q % 2 == 0 { odd.clone() } else { even.clone() }).collect();
    Row {
        name: USUAL_ORDER.into(),
        kind: Kind::Baseline,
        family: USUAL_ORDER.into(),
        key: String::new(),
        scores,
        errors: None,
        cost: Cost::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_order_of_a_query_is_that_of_the_other_half() {
        let row = |scores: Vec<Vec<f64>>| Row {
            name: String::new(),
            kind: Kind::Oracle,
            family: String::new(),
            key: String::new(),
            scores,
            errors: None,
            cost: Cost::default(),
        };
        let reference = row(vec![vec![1.0, 0.0], vec![5.0, 7.0], vec![3.0, 0.0], vec![5.0, 9.0]]);
        let usual = usual_order(&reference).scores;
        assert_eq!(usual, [[5.0, 8.0], [2.0, 0.0], [5.0, 8.0], [2.0, 0.0]]);
    }
}
