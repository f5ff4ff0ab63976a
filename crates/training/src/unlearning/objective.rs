//! Unlearning objectives: the loss on the images to forget.

use burn::tensor::Tensor;

use whence_base::{Error, Result};

/// The forget half of a step, as tensors `[images, channels, height, width]`.
pub struct ForgetBatch {
    /// The network's output, on the gradient tape.
    pub prediction: Tensor<4>,
    /// The training target.
    pub target: Tensor<4>,
    /// The frozen full model's output, where [`Objective::needs_teacher`].
    pub teacher: Option<Tensor<4>>,
    /// The training target if the noisy image had come from the nearest images of other groups,
    /// where [`Objective::neighbours`] is not 0.
    pub neighbour_target: Option<Tensor<4>>,
}

impl ForgetBatch {
    /// Mean squared error of each image, `[images, 1, 1, 1]`.
    pub(super) fn losses(output: Tensor<4>, target: Tensor<4>) -> Tensor<4> {
        (output - target).powi_scalar(2).mean_dim(1).mean_dim(2).mean_dim(3)
    }
}

/// An unlearning objective. The total loss of a step is the mean squared error on the images to retain plus
/// `forget_weight` times this objective's loss.
pub trait Objective: Send + Sync {
    /// Name in recipes and on the command line.
    fn name(&self) -> &'static str;

    /// One-line description.
    fn about(&self) -> &'static str;

    /// The default `forget_weight`, tuned against true retraining.
    fn default_weight(&self) -> f64;

    /// Whether it needs the output of the frozen full model.
    fn needs_teacher(&self) -> bool {
        false
    }

    /// Default number of nearest images of other groups; 0 for none.
    fn default_neighbours(&self) -> usize {
        0
    }

    /// Incremented whenever the same inputs give another model, which invalidates stored ones.
    fn revision(&self) -> u32 {
        1
    }

    /// The loss on the images to forget, `[1]`: a mean over them, because a step adds the losses of its shards by
    /// their share of the images.
    fn loss(&self, batch: ForgetBatch) -> Tensor<1>;
}

/// Every objective this program knows.
pub fn objectives() -> &'static [&'static dyn Objective] {
    &[&super::hinge::Hinge, &super::retrack::ReTrack, &super::zero::ReleasedZero]
}

/// Revision of the objective of that name; 0 for unknown ones, with which no model was unlearned.
pub fn revision_of(name: &str) -> u32 {
    objectives().iter().find(|o| o.name() == name).map_or(0, |o| o.revision())
}

/// The objective of that name.
///
/// # Errors
/// Unknown names; lists the known ones.
pub fn objective(name: &str) -> Result<&'static dyn Objective> {
    objectives().iter().copied().find(|o| o.name() == name).ok_or_else(|| {
        let known: Vec<_> = objectives().iter().map(|o| o.name()).collect();
        Error::input(
            format!("there is no unlearning objective {name}"),
            "objective",
            format!("use {}", known.join(", ")),
        )
    })
}

#[cfg(test)]
pub(super) mod test {
    //! Finite differences for every objective.

    use burn::tensor::{Device, Tensor, TensorData};

    use super::*;
    use whence_base::random::epsilon;
    use whence_nn::weights::to_vec;

    const SHAPE: [usize; 4] = [3, 2, 2, 3];

    fn tensor(values: &[f32], device: &Device) -> Tensor<4> {
        Tensor::from_data(TensorData::new(values.to_vec(), SHAPE), device)
    }

    /// Compares the tape's gradient with central differences of the loss, at every value of the prediction.
    /// Returns the loss and the gradient.
    pub fn check_gradient(objective: &dyn Objective, seed: u64) -> (f32, Vec<f32>) {
        let count: usize = SHAPE.iter().product();
        let values = |tag: &[u8]| epsilon(seed, tag, 1, 0, count);
        let (prediction, target, teacher, near) = (values(b"p"), values(b"t"), values(b"f"), values(b"n"));
        let plain = Device::flex();
        let tape = Device::flex().autodiff();
        let batch = |prediction: Tensor<4>, device: &Device| ForgetBatch {
            prediction,
            target: tensor(&target, device),
            teacher: objective.needs_teacher().then(|| tensor(&teacher, device)),
            neighbour_target: (objective.default_neighbours() > 0).then(|| tensor(&near, device)),
        };
        let leaf = tensor(&prediction, &tape).require_grad();
        let loss = objective.loss(batch(leaf.clone(), &tape));
        let value: f32 = loss.clone().inner().into_scalar();
        let mut gradients = loss.backward();
        let gradient = to_vec(leaf.grad_remove(&mut gradients).expect("a gradient")).unwrap();
        for (i, &found) in gradient.iter().enumerate() {
            let h = 1e-2f32;
            let at = |delta: f32| -> f64 {
                let mut moved = prediction.clone();
                moved[i] += delta;
                let value: f32 = objective.loss(batch(tensor(&moved, &plain), &plain)).into_scalar();
                f64::from(value)
            };
            let expected = (at(h) - at(-h)) / (2.0 * f64::from(h));
            assert!((f64::from(found) - expected).abs() < 2e-3, "{} at {i}: {found} for {expected}", objective.name());
        }
        (value, gradient)
    }

    #[test]
    fn names_are_distinct_and_unknown_ones_are_refused() {
        let names: std::collections::HashSet<_> = objectives().iter().map(|o| o.name()).collect();
        assert_eq!(names.len(), objectives().len());
        let error = objective("nonsense").err().unwrap().to_string();
        assert!(error.contains("hinge") && error.contains("retrack"), "{error}");
    }
}
