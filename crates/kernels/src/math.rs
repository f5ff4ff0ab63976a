//! Sums and exponentials that are computed in vectors where they are inlined into a function for them.

use pulp::{Arch, Simd, WithSimd};

/// Partial sums that are added side by side, so that a sum is computed in vectors and in a fixed order.
const LANES: usize = 32;

/// The value at an index that lies within the slice. Without a branch to a panic, which keeps loops in vectors.
#[inline(always)]
pub fn get_or_zero(values: &[f32], index: usize) -> f32 {
    debug_assert!(index < values.len(), "index {index} of {} values", values.len());
    values.get(index).copied().unwrap_or(0.0)
}

/// The values of a range that lies within the slice.
#[inline(always)]
pub fn get_range(values: &[f32], range: std::ops::Range<usize>) -> &[f32] {
    debug_assert!(range.end <= values.len(), "range {range:?} of {} values", values.len());
    values.get(range).unwrap_or_default()
}

/// Sum of all values.
pub fn sum(x: &[f32]) -> f32 {
    struct Sum<'a>(&'a [f32]);
    impl WithSimd for Sum<'_> {
        type Output = f32;
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> f32 {
            fold(self.0, |x| x)
        }
    }
    Arch::new().dispatch(Sum(x))
}

/// Sum of a term of each value.
#[inline(always)]
pub fn fold(x: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    fold_two(x, x, |x, _| term(x))
}

/// Sum of a term of each pair.
#[inline(always)]
pub fn fold_two(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let (a, b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = a.remainder().iter().zip(b.remainder());
    for (a, b) in a.zip(b) {
        for (lane, (a, b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += term(*a, *b);
        }
    }
    lanes.iter_mut().zip(rest).for_each(|(lane, (a, b))| *lane += term(*a, *b));
    lanes.iter().map(|lane| f64::from(*lane)).sum::<f64>() as f32
}

/// Logistic function, 1 / (1 + e^-z).
#[inline(always)]
pub fn sigmoid(z: f32) -> f32 {
    1.0 / (1.0 + exp(-z))
}

/// Exponential function with a relative error of about 1e-7 (the polynomial of Cephes' `expf`), without branches, so that it
/// is computed in vectors: 2 to the integer nearest to x / ln 2, times a polynomial of the remainder. Arguments are clamped
/// to ±87; NaN propagates.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // Adding 1.5 * 2^23 leaves the nearest integer in the lowest bits.
    const SHIFT: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 87.0);
    let shifted = x * std::f32::consts::LOG2_E + SHIFT;
    let integer = shifted - SHIFT;
    // ln 2 in two parts, the first with few digits.
    let f = (x - integer * 0.693_359_4) + integer * 2.121_944_4e-4;
    let p = 1.987_569_1e-4;
    let p = p * f + 1.398_199_9e-3;
    let p = p * f + 8.333_452e-3;
    let p = p * f + 4.166_579_6e-2;
    let p = p * f + 0.166_666_65;
    let p = p * f + 0.5;
    let p = p * f * f + f + 1.0;
    // The last term is zero, or NaN where x is NaN.
    f32::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 23)) + x * 0.0
}
