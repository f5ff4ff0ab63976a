//! How far methods agree over all images: the mean of Spearman's rank correlation, and how often the same group ranks first.

use std::collections::HashMap;

use super::state::{Explanation, Query};
use whence_evaluation::metrics::metrics;

/// How two methods agree.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Agreement {
    /// Mean of Spearman's rank correlation over the images for which it is defined.
    pub spearman: Option<f64>,
    /// Share of the images whose first group is the same.
    pub top1: f64,
    /// Images that both explained.
    pub images: usize,
}

/// Methods, and how each two agree.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    /// Names of the methods that explained at least one image, in the order of the registry of methods.
    pub methods: Vec<&'static str>,
    /// The agreement of the methods of a row and a column; none where no image has both.
    pub cells: Vec<Vec<Option<Agreement>>>,
}

/// The value of a metric over the groups that two complete explanations share; none below two groups.
fn value(metric: &str, a: &Explanation, b: &Explanation) -> Option<f64> {
    if a.complete.is_none() || b.complete.is_none() {
        return None;
    }
    let others: HashMap<&str, f64> = b.ranking.rows.iter().map(|row| (row.name.as_str(), row.estimate.score)).collect();
    let pairs = a.ranking.rows.iter().filter_map(|row| Some((row.estimate.score, *others.get(row.name.as_str())?)));
    let (a, b): (Vec<f64>, Vec<f64>) = pairs.unzip();
    let metric = metrics().iter().find(|m| m.name == metric)?;
    if a.len() < 2 { None } else { (metric.value)(&a, &b) }
}

/// Spearman's rank correlation of two complete explanations over their common groups.
pub fn spearman(a: &Explanation, b: &Explanation) -> Option<f64> {
    value("spearman", a, b)
}

/// Whether two complete explanations rank the same of their common groups first.
pub fn same_top(a: &Explanation, b: &Explanation) -> Option<bool> {
    value("top1", a, b).map(|share| share > 0.5)
}

/// The explanation of an image by a method: the selected one, else the latest that is complete.
fn by_method<'a>(query: &'a Query, method: &str) -> Option<&'a Explanation> {
    let fits = |a: &&Explanation| a.method == method && a.complete.is_some();
    query.explanation().filter(fits).or_else(|| query.explanations.iter().rfind(fits))
}

/// How the methods agree over these images.
pub fn matrix(queries: &[Query]) -> Matrix {
    let names = whence_methods::methods().iter().map(|method| method.name());
    let methods: Vec<&'static str> =
        names.filter(|name| queries.iter().any(|query| by_method(query, name).is_some())).collect();
    let row = |a: &&str| methods.iter().map(|b| agreement(queries, a, b)).collect();
    let cells = methods.iter().map(row).collect();
    Matrix { methods, cells }
}

fn agreement(queries: &[Query], a: &str, b: &str) -> Option<Agreement> {
    let (mut correlations, mut same, mut images) = (Vec::new(), 0_usize, 0_usize);
    for query in queries {
        let Some((a, b)) = by_method(query, a).zip(by_method(query, b)) else { continue };
        let Some(top) = same_top(a, b) else { continue };
        images += 1;
        same += usize::from(top);
        correlations.extend(spearman(a, b));
    }
    let count = correlations.len();
    let mean = (count > 0).then(|| correlations.iter().sum::<f64>() / count as f64);
    (images > 0).then(|| Agreement { spearman: mean, top1: same as f64 / images as f64, images })
}

/// Queries with at least two explanations: their key and their lowest rank correlation, lowest first.
pub fn disagreements(queries: &[Query]) -> Vec<(u64, f64)> {
    let lowest = |query: &Query| {
        let answers: Vec<&Explanation> = query.scored().collect();
        let pairs = answers.iter().enumerate().flat_map(|(i, a)| answers.iter().skip(i + 1).map(move |b| (a, b)));
        pairs.filter_map(|(a, b)| spearman(a, b)).min_by(f64::total_cmp)
    };
    let mut found: Vec<(u64, f64)> = queries.iter().filter_map(|q| Some((q.key, lowest(q)?))).collect();
    found.sort_by(|a, b| a.1.total_cmp(&b.1));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::state::{RankingView, Row};
    use crate::app::tests::bench;
    use whence_diffusion::elbo::Estimate;

    fn answer(job: u64, method: &str, scores: &[(&str, f64)]) -> Explanation {
        let row = |(name, score): &(&str, f64)| Row {
            group: None,
            name: (*name).to_owned(),
            estimate: Estimate::exact(*score),
            rank: 0,
            tied: false,
            evaluations: 0,
            side: None,
            gate: None,
        };
        let ranking = RankingView { rows: scores.iter().map(row).collect(), ..RankingView::default() };
        let complete = Some(whence_methods::Attribution::new("q", method, Vec::new()));
        Explanation { job, method: method.into(), ranking, complete, ..Explanation::default() }
    }

    #[test]
    fn agreement_is_spearmans_rho_over_the_common_groups() {
        let a = answer(1, "guda", &[("ink", 3.0), ("oil", 2.0), ("wash", 1.0), ("lost", 9.0)]);
        let b = answer(2, "gaussian", &[("oil", 20.0), ("ink", 10.0), ("wash", -5.0)]);
        // Ranks 3, 2, 1 against 2, 3, 1: 1 - 6 * 2 / (3 * 8).
        assert!((spearman(&a, &b).unwrap() - 0.5).abs() < 1e-12);
        assert_eq!(same_top(&a, &b), Some(false), "ink and oil; the group that one lacks does not count");
        assert_eq!(spearman(&a, &answer(3, "guda", &[("lost", 1.0)])), None);
        assert_eq!(spearman(&a, &Explanation { complete: None, ..b }), None, "not all groups are scored yet");
    }

    #[test]
    fn the_matrix_is_the_mean_over_the_images_that_both_explained() {
        let state = bench::explained();
        let mut queries: Vec<Query> = state.queries.iter().take(3).cloned().collect();
        let order = |first: &str| match first {
            "ink" => [("ink", 3.0), ("oil", 2.0), ("wash", 1.0)],
            _ => [("ink", 2.0), ("oil", 3.0), ("wash", 1.0)],
        };
        // The first image: the same order, 1.0 and yes. The second: ranks differ by one twice, 0.5 and no. The third has
        // no explanation by the closed form.
        for (i, query) in queries.iter_mut().enumerate() {
            let job = 10 * i as u64;
            query.explanations = vec![answer(job, "guda", &order("ink"))];
            let other = if i == 0 { "ink" } else { "oil" };
            if i < 2 {
                query.explanations.push(answer(job + 1, "gaussian", &order(other)));
            }
            query.selected = Some(job);
        }
        let matrix = matrix(&queries);
        let at = |name: &str| matrix.methods.iter().position(|m| *m == name).unwrap();
        let (guda, gaussian) = (at("guda"), at("gaussian"));
        assert_eq!(matrix.methods.len(), 2);
        let both = matrix.cells[guda][gaussian].unwrap();
        assert_eq!((both.spearman, both.top1, both.images), (Some(0.75), 0.5, 2));
        assert_eq!(matrix.cells[gaussian][guda], Some(both));
        let own = matrix.cells[guda][guda].unwrap();
        assert_eq!((own.spearman, own.top1, own.images), (Some(1.0), 1.0, 3));
        assert_eq!(disagreements(&queries).first().map(|(key, rho)| (*key, *rho)), Some((queries[1].key, 0.5)));
    }
}
