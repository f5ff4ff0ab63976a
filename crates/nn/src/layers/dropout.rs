//! Dropout.

use burn::tensor::{Tensor, TensorData};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// The source of dropout masks while a network is trained, none otherwise. Masks are generated on the CPU, so that a run
/// repeats exactly on every device.
pub type DropoutRng<'a> = Option<&'a mut ChaCha8Rng>;

/// Dropout (Srivastava et al. 2014): while training, sets each value to zero with probability `p` and multiplies the others
/// by 1 / (1 - p).
pub fn dropout<const D: usize>(x: Tensor<D>, p: f64, rng: &mut DropoutRng<'_>) -> Tensor<D> {
    let Some(rng) = rng.as_deref_mut().filter(|_| p > 0.0) else { return x };
    let shape = x.dims();
    let scale = (1.0 / (1.0 - p)) as f32;
    let mask = (0..shape.iter().product()).map(|_| if rng.random::<f32>() < p as f32 { 0.0 } else { scale });
    let mask = Tensor::<D>::from_data(TensorData::new(mask.collect::<Vec<f32>>(), shape), &x.device());
    x * mask
}
