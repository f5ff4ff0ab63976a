//! From scores of training images to scores of groups.

use serde::{Deserialize, Serialize};

/// How the scores of a group's images become the group's score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregation {
    /// Their sum, which influence theory prescribes; proportional to the group's size.
    Sum,
    /// Their mean.
    Mean,
    /// The maximum.
    Max,
    /// The median; the lower of the two middle values if their number is even, as in PyTorch.
    Median,
    /// Mean of the ten largest values, or of all if there are fewer.
    Top10,
}

impl Aggregation {
    /// All variants, in menu order.
    pub const ALL: [Self; 5] = [Self::Sum, Self::Mean, Self::Max, Self::Median, Self::Top10];

    /// Name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Mean => "mean",
            Self::Max => "max",
            Self::Median => "median",
            Self::Top10 => "top10",
        }
    }

    /// The group's score; minus infinity for a group without images.
    pub fn of(self, scores: impl IntoIterator<Item = f64>) -> f64 {
        let mut scores: Vec<f64> = scores.into_iter().collect();
        // Largest first.
        scores.sort_by(|a, b| b.total_cmp(a));
        let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
        match (self, scores.first()) {
            (_, None) => f64::NEG_INFINITY,
            (Self::Sum, _) => scores.iter().sum(),
            (Self::Mean, _) => mean(&scores),
            (Self::Max, Some(largest)) => *largest,
            (Self::Median, Some(largest)) => scores.get(scores.len() / 2).copied().unwrap_or(*largest),
            (Self::Top10, _) => mean(scores.get(..10).unwrap_or(&scores)),
        }
    }
}

impl std::str::FromStr for Aggregation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|a| a.name() == text)
            .ok_or_else(|| format!("{text} is no aggregation: use {}", Self::ALL.map(Self::name).join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_aggregation_is_what_its_name_says() {
        let scores = [3.0, -1.0, 2.0, 0.5];
        let of = |a: Aggregation| a.of(scores);
        assert_eq!(of(Aggregation::Sum), 4.5);
        assert_eq!(of(Aggregation::Mean), 1.125);
        assert_eq!(of(Aggregation::Max), 3.0);
        assert_eq!(of(Aggregation::Median), 0.5, "the lower of the two middle ones");
        assert_eq!(of(Aggregation::Top10), 1.125, "of all, as there are fewer than ten");
        assert_eq!(Aggregation::Median.of([5.0, 1.0, 3.0]), 3.0);
        assert_eq!(Aggregation::Top10.of((0..100).map(f64::from)), 94.5);
        assert_eq!(Aggregation::Mean.of([]), f64::NEG_INFINITY);
        for aggregation in Aggregation::ALL {
            assert_eq!(aggregation.name().parse(), Ok(aggregation));
        }
        assert!("largest".parse::<Aggregation>().is_err());
    }
}
