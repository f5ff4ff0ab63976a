//! Negative gradient with a hinge: raises the loss on the group, each image's to at most 1.3 times its loss under
//! the full model. The bound prevents the destruction of the model. Needs no neighbours.

use burn::tensor::Tensor;

use super::objective::{ForgetBatch, Objective};

/// Maximum loss of an image, as a multiple of its loss under the frozen full model.
const MARGIN: f64 = 1.3;

/// -mean over images of min(loss, 1.3 x the frozen model's loss).
pub struct Hinge;

impl Objective for Hinge {
    fn name(&self) -> &'static str {
        "hinge"
    }

    fn about(&self) -> &'static str {
        "raise the group's loss, each image's to at most 1.3 times the full model's"
    }

    fn default_weight(&self) -> f64 {
        1.0
    }

    fn needs_teacher(&self) -> bool {
        true
    }

    fn loss(&self, batch: ForgetBatch) -> Tensor<1> {
        let loss = ForgetBatch::losses(batch.prediction, batch.target.clone());
        let bounded = match batch.teacher {
            Some(teacher) => loss.min_pair(ForgetBatch::losses(teacher, batch.target) * MARGIN),
            None => loss,
        };
        -bounded.mean()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unlearning::objective::test::check_gradient;

    #[test]
    fn gradient_is_that_of_finite_differences_and_vanishes_above_the_bound() {
        let mut bounded = 0;
        let mut free = 0;
        for seed in 0..6 {
            let (_, gradient) = check_gradient(&Hinge, seed);
            for image in gradient.chunks(12) {
                if image.iter().all(|g| *g == 0.0) { bounded += 1 } else { free += 1 }
            }
        }
        assert!(bounded > 0 && free > 0, "both sides of the hinge were met: {bounded} {free}");
    }
}
