//! The network's heaviest layers on the CPU, written for it: convolutions, group normalisation, attention.
//!
//! burn's CPU backend turns a convolution into a matrix product by copying every pixel nine times, and composes a
//! normalisation of a dozen passes over memory. Here a convolution is a sum of shifted rows in registers
//! ([`correlate`], [`outer`]), group normalisation and its activation are one pass per group ([`norm`]), and [`attention`]
//! reads images in their own layout, without transposing them. Everything is safe code over [`pulp`]'s vectors: AVX-512,
//! AVX2, NEON or scalar, whatever the processor has.
//!
//! Results do not depend on the number of threads, nor on an image's position in its batch: every output is one sum in a
//! fixed order. Other devices use burn's own layers; the tests compare the two implementations.

mod attention;
mod backend;
mod conv;
mod correlate;
mod geometry;
mod math;
mod norm;
mod outer;

#[cfg(test)]
mod tests;

use std::cell::Cell;

use burn::backend::Dispatch;
use burn::tensor::{DType, Device, Tensor};

use self::backend::CpuLayers;
pub use self::geometry::{Geometry, Padding};
pub use self::norm::GroupNormSettings;

thread_local! {
    /// Whether this thread uses burn's own layers, as other devices do.
    static DISABLED: Cell<bool> = const { Cell::new(false) };
}

/// Whether these kernels work on this tensor: 32-bit floats in the CPU's memory.
pub fn supports<const D: usize>(x: &Tensor<D>) -> bool {
    !DISABLED.get() && x.dtype() == DType::F32 && x.device() == Device::flex()
}

/// Runs `f` with burn's own layers on this thread, to compare the two implementations.
pub fn with_burn_layers<T>(f: impl FnOnce() -> T) -> T {
    DISABLED.set(true);
    let result = f();
    DISABLED.set(false);
    result
}

/// Two-dimensional convolution (a cross-correlation) of `x` `[batch, inputs, height, width]` with `weight`
/// `[outputs, inputs, kernel, kernel]`, plus `bias` `[outputs]`: `[batch, outputs, height', width']`. Only for tensors that
/// this crate [`supports`].
pub fn conv2d(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, geometry: Geometry) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as CpuLayers>::cpu_conv2d(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        geometry,
    ))
}

/// Group normalisation (Wu and He 2018) of `x` `[batch, channels, ...]`, scaled and shifted by `weight` and `bias`
/// `[channels]`, followed by SiLU where `activate`. Only for tensors that this crate [`supports`].
pub fn group_norm<const D: usize>(
    x: Tensor<D>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    settings: GroupNormSettings,
) -> Tensor<D> {
    Tensor::from_dispatch(<Dispatch as CpuLayers>::cpu_group_norm(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        settings,
    ))
}

/// Multi-head scaled dot-product attention (Vaswani et al. 2017) over the pixels of `q`, `k` and `v`
/// `[batch, channels, height, width]`, the channels split into `heads`: the same shape. Only for tensors that this crate
/// [`supports`].
pub fn attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, heads: usize) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as CpuLayers>::cpu_attention(
        q.into_dispatch(),
        k.into_dispatch(),
        v.into_dispatch(),
        heads,
    ))
}

/// Name of the vector instructions that the kernels use on this processor: results differ between them in the last bits.
pub fn instruction_set() -> &'static str {
    match pulp::Arch::new() {
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        pulp::Arch::V4(_) => "AVX-512",
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        pulp::Arch::V3(_) => "AVX2",
        #[cfg(target_arch = "aarch64")]
        pulp::Arch::Neon(_) => "NEON",
        _ => "plain",
    }
}
