//! The layers that networks are made of, with PyTorch's parameter names and layouts: one file per layer.
//!
//! On the CPU, convolutions, group normalisation and attention are computed by [`whence_kernels`]; other devices use burn's
//! operations.

mod conv;
mod dropout;
mod embedding;
mod group_norm;
mod linear;

pub use self::conv::{Conv2d, Conv2dSpec};
pub use self::dropout::{DropoutRng, dropout};
pub use self::embedding::Embedding;
pub use self::group_norm::{GroupNorm, GroupNormSpec};
pub use self::linear::Linear;
pub use whence_kernels::Padding;

use burn::tensor::Tensor;

/// Sigmoid linear unit, x sigmoid(x) (Hendrycks and Gimpel 2016; Ramachandran et al. 2017 call it Swish).
pub fn silu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    burn::tensor::activation::silu(x)
}
