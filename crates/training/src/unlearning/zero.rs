//! The target of the released GUDA code, for comparison: its neighbour weights underflow to zero, so the model is
//! trained to predict zero on the group's images.

use burn::tensor::Tensor;

use super::objective::{ForgetBatch, Objective};

/// Mean squared prediction.
pub struct ReleasedZero;

impl Objective for ReleasedZero {
    fn name(&self) -> &'static str {
        "released-zero"
    }

    fn about(&self) -> &'static str {
        "what the released code does: teach the group's noisy images to be predicted as zero; for comparison only"
    }

    fn default_weight(&self) -> f64 {
        0.1
    }

    fn loss(&self, batch: ForgetBatch) -> Tensor<1> {
        batch.prediction.powi_scalar(2).mean()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unlearning::objective::test::check_gradient;

    #[test]
    fn gradient_is_that_of_finite_differences() {
        let (loss, _) = check_gradient(&ReleasedZero, 2);
        assert!(loss > 0.0);
    }
}
