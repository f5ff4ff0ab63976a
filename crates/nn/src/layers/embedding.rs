//! Learned class embedding.

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor, TensorData};

use crate::weights::{Builder, Init};
use whence_base::Result;

/// Learned class embedding: a table with one row per class.
#[derive(Module, Debug)]
pub struct Embedding {
    /// `[classes, width]`.
    weight: Param<Tensor<2>>,
}

impl Embedding {
    /// A table of `classes` rows of `width` values.
    ///
    /// # Errors
    /// Those of the source of parameters.
    pub fn build(b: &mut Builder<'_>, classes: usize, width: usize) -> Result<Self> {
        Ok(Self { weight: b.param("weight", [classes, width], Init::Normal)? })
    }

    /// The labels' rows of the table: `[labels, width]`. Labels must be below the number of classes.
    pub fn forward(&self, labels: &[usize]) -> Tensor<2> {
        let weight = self.weight.val();
        let [classes, _] = weight.dims();
        debug_assert!(labels.iter().all(|label| *label < classes), "a label beyond the {classes} classes: {labels:?}");
        let labels: Vec<i64> = labels.iter().map(|&l| l as i64).collect();
        let count = labels.len();
        let indices = Tensor::<1, Int>::from_data(TensorData::new(labels, [count]), &weight.device());
        weight.select(0, indices)
    }
}
