//! The quality gate's judgement of a model, as plain data and as a sentence.

use serde::{Deserialize, Serialize};

/// A rise is significant above this many standard errors.
const SURE: f64 = 2.0;

/// Minimum rise on the forgotten images, as a fraction of a retrained model's rise.
const ENOUGH: f64 = 0.25;

/// Relative rise of the error on other images above which a model counts as damaged.
const DAMAGE: f64 = 0.05;

/// How a model's error on some images compares with the full model's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Number of images.
    #[serde(rename = "pictures")]
    pub images: usize,
    /// The full model's mean squared error of the predicted noise.
    pub before: f64,
    /// The judged model's mean squared error of the predicted noise.
    pub after: f64,
    /// after / before - 1.
    pub rise: f64,
    /// Standard error of the rise over the images; unknown for a single image.
    pub std_err: Option<f64>,
}

impl Change {
    /// The change from each image's error before and after. A ratio of sums, its standard error by linearisation
    /// (Cochran 1977, section 6.3).
    pub(super) fn new(pairs: &[(f64, f64)]) -> Self {
        let n = pairs.len() as f64;
        let before = pairs.iter().map(|p| p.0).sum::<f64>() / n;
        let after = pairs.iter().map(|p| p.1).sum::<f64>() / n;
        let ratio = after / before;
        let squares: f64 = pairs.iter().map(|(b, a)| (a - ratio * b).powi(2)).sum();
        let std_err = (pairs.len() > 1).then(|| (squares / (n * (n - 1.0))).sqrt() / before);
        Self { images: pairs.len(), before, after, rise: ratio - 1.0, std_err }
    }

    /// Whether the rise is significantly above `level`.
    fn above(&self, level: f64) -> bool {
        self.rise - SURE * self.std_err.unwrap_or_default() > level
    }

    /// "up 41 %".
    fn words(&self) -> String {
        let way = if self.rise < 0.0 { "down" } else { "up" };
        format!("{way} {}", percent(self.rise.abs()))
    }
}

/// A fraction as a percentage, with one decimal below 10%.
fn percent(share: f64) -> String {
    let value = 100.0 * share;
    if value < 9.95 { format!("{value:.1} %") } else { format!("{value:.0} %") }
}

/// Whether a model has forgotten the images to forget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forgetting {
    /// The error on the forgotten images rose significantly, and by at least a quarter of a retrained model's rise.
    ForgotEnough,
    /// The error rose too little.
    ForgotTooLittle,
}

/// Effect of forgetting on the other images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retention {
    /// The error on other images is not significantly more than 5% above the full model's.
    #[serde(rename = "kept")]
    Retained,
    /// The error on other images is significantly more than 5% above the full model's.
    Damaged,
}

/// The quality gate's judgement of a model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// Change on the forgotten images.
    pub forget: Change,
    /// Change on the other images.
    pub others: Change,
    /// A retrained model's rise on the same forgotten images, if known.
    pub retrained_rise: Option<f64>,
    /// Verdict on the forgetting.
    pub forgetting: Forgetting,
    /// Verdict on the other images.
    #[serde(rename = "rest")]
    pub retention: Retention,
}

impl Judgement {
    pub(super) fn new(forget: Change, others: Change, retrained_rise: Option<f64>) -> Self {
        let reached = retrained_rise.is_none_or(|r| forget.rise >= ENOUGH * r);
        Self {
            forget,
            others,
            retrained_rise,
            forgetting: if forget.above(0.0) && reached {
                Forgetting::ForgotEnough
            } else {
                Forgetting::ForgotTooLittle
            },
            retention: if others.above(DAMAGE) { Retention::Damaged } else { Retention::Retained },
        }
    }

    /// Whether a score from this model is reliable.
    pub fn passed(&self) -> bool {
        self.forgetting == Forgetting::ForgotEnough && self.retention == Retention::Retained
    }

    /// One-sentence summary; `name` is the name of the forgotten images.
    pub fn sentence(&self, name: &str) -> String {
        let too_little = if self.forgetting == Forgetting::ForgotEnough { "" } else { " too little" };
        let retrained = self.retrained_rise.map(|r| format!(", retrained: {}", percent(r)));
        let retention = if self.retention == Retention::Retained { "kept" } else { "damaged" };
        format!(
            "forgot {name}{too_little} (error {}{}), {retention} the others ({})",
            self.forget.words(),
            retrained.unwrap_or_default(),
            self.others.words()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_image_has_no_error() {
        let change = Change::new(&[(0.5, 0.6)]);
        assert!(change.std_err.is_none() && (change.rise - 0.2).abs() < 1e-12);
        assert_eq!(Judgement::new(change, change, None).forgetting, Forgetting::ForgotEnough);
    }

    #[test]
    fn the_error_of_a_rise_is_that_of_a_ratio() {
        // Three images; by hand: ratio 1.5 of means 0.2 and 0.3, residuals -0.05, 0, 0.05.
        let change = Change::new(&[(0.1, 0.1), (0.2, 0.3), (0.3, 0.5)]);
        let expected = (2.0f64 * 0.05 * 0.05 / (3.0 * 2.0)).sqrt() / 0.2;
        assert!((change.rise - 0.5).abs() < 1e-12 && (change.std_err.unwrap() - expected).abs() < 1e-12);
    }
}
