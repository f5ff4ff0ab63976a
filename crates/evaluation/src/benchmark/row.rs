//! One method's scores of all queries, with what they cost.

use serde::{Deserialize, Serialize};

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Scores by retrained models.
    Oracle,
    /// Says what any method must beat.
    Baseline,
    /// A method.
    Method,
    /// One unlearning seed of several.
    Seed,
    /// The mean of one method's seeds.
    Mean,
    /// The sum of other rows.
    Sum,
}

/// What scores cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Images sent forwards and backwards through a network to make all counterfactual models.
    #[serde(rename = "trained_pictures")]
    pub trained_images: usize,
    /// Forward passes of one image to score one query, all groups and the full model together.
    pub evaluations_per_query: usize,
    /// Seconds to make all counterfactual models.
    pub make_seconds: f64,
    /// Seconds to score all queries.
    pub score_seconds: f64,
    /// Bytes of all counterfactual models on disk.
    pub bytes: u64,
}

impl std::ops::Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            trained_images: self.trained_images + other.trained_images,
            evaluations_per_query: self.evaluations_per_query + other.evaluations_per_query,
            make_seconds: self.make_seconds + other.make_seconds,
            score_seconds: self.score_seconds + other.score_seconds,
            bytes: self.bytes + other.bytes,
        }
    }
}

/// Scores of all queries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Name in the table.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Rows of one family are settings of the same thing.
    pub family: String,
    /// Hash of everything it was computed from; empty for rows made of other rows.
    pub key: String,
    /// One row per query, one column per group.
    pub scores: Vec<Vec<f64>>,
    /// Their standard errors, where they have any.
    pub errors: Option<Vec<Vec<f64>>>,
    /// What it cost.
    pub cost: Cost,
}

fn combined(name: &str, kind: Kind, family: &str, rows: &[&Row], turn: fn(&[f64]) -> Vec<f64>) -> Row {
    let queries = rows.iter().map(|r| r.scores.len()).min().unwrap_or(0);
    let scores = (0..queries)
        .map(|q| {
            let turned: Vec<Vec<f64>> = rows.iter().filter_map(|r| r.scores.get(q)).map(|s| turn(s)).collect();
            let groups = turned.iter().map(Vec::len).min().unwrap_or(0);
            (0..groups)
                .map(|g| turned.iter().filter_map(|s| s.get(g)).sum::<f64>() / turned.len().max(1) as f64)
                .collect()
        })
        .collect();
    let cost = rows.iter().map(|r| r.cost).fold(Cost::default(), |a, b| a + b);
    Row { name: name.into(), kind, family: family.into(), key: String::new(), scores, errors: None, cost }
}

/// The mean of rows' scores.
pub fn average(name: &str, kind: Kind, family: &str, rows: &[&Row]) -> Row {
    combined(name, kind, family, rows, <[f64]>::to_vec)
}

/// The mean of rows' scores, each turned to mean 0 and standard deviation 1 over a query's groups.
pub fn sum_of_z(name: &str, rows: &[&Row]) -> Row {
    combined(name, Kind::Sum, name, rows, z)
}

fn z(scores: &[f64]) -> Vec<f64> {
    let n = scores.len().max(1) as f64;
    let mean = scores.iter().sum::<f64>() / n;
    let std_dev = (scores.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / n).sqrt();
    scores.iter().map(|s| if std_dev > 0.0 { (s - mean) / std_dev } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(scores: &[f64]) -> Row {
        Row {
            name: String::new(),
            kind: Kind::Method,
            family: String::new(),
            key: String::new(),
            scores: vec![scores.to_vec()],
            errors: None,
            cost: Cost { evaluations_per_query: 10, make_seconds: 2.0, ..Cost::default() },
        }
    }

    #[test]
    fn sums_do_not_depend_on_the_scale_of_their_parts_and_means_do() {
        let (a, b) = (row(&[1.0, 0.0, -1.0]), row(&[-100.0, 300.0, -200.0]));
        let large = row(&[1000.0, 0.0, -1000.0]);
        let (small, big) = (sum_of_z("s", &[&a, &b]), sum_of_z("s", &[&large, &b]));
        assert!(small.scores[0].iter().zip(&big.scores[0]).all(|(a, b)| (a - b).abs() < 1e-12));
        assert_eq!(average("m", Kind::Mean, "f", &[&a, &b]).scores, [[-49.5, 150.0, -100.5]]);
        // By hand: z of (1, 0, -1) is (1.2247, 0, -1.2247); of b about (-0.4629, 1.3887, -0.9258).
        let sum = sum_of_z("s", &[&a, &b]);
        for (found, expected) in sum.scores[0].iter().zip([0.3809, 0.6944, -1.0753]) {
            assert!((found - expected).abs() < 1e-4, "{found} {expected}");
        }
        assert_eq!(sum.cost.evaluations_per_query, 20);
        assert!(sum_of_z("s", &[&row(&[2.0, 2.0])]).scores[0].iter().all(|v| *v == 0.0));
    }
}
