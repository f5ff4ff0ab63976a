//! Sums of shifted rows, for eight channels (four where registers are few) and up to three vectors of places at a time.
//!
//! The sums stay in registers while all inputs' taps pass by; each weight is spread over a vector once for three products.
#![expect(
    clippy::indexing_slicing,
    reason = "lengths are checked at the entry; what is read there bounds what is read inside"
)]

use pulp::{Arch, Simd, WithSimd};

/// Output channels whose weights lie together.
pub const BLOCK: usize = 8;
/// No processor's vectors hold more numbers.
pub const LANES: usize = 16;

/// Rows of this length have room for whole vectors.
pub fn padded(length: usize) -> usize {
    length.next_multiple_of(LANES)
}

/// Weights in the order in which [`correlate`] reads them: for each block of outputs `[inputs, taps, BLOCK]`.
pub fn pack(outputs: usize, inputs: usize, taps: usize, weight: impl Fn(usize, usize, usize) -> f32) -> Vec<f32> {
    let mut packed = vec![0.0; outputs.div_ceil(BLOCK) * inputs * taps * BLOCK];
    for (block, to) in packed.chunks_exact_mut(inputs * taps * BLOCK).enumerate() {
        for (i, to) in to.chunks_exact_mut(taps * BLOCK).enumerate() {
            for (tap, to) in to.chunks_exact_mut(BLOCK).enumerate() {
                let outputs = block * BLOCK..outputs.min((block + 1) * BLOCK);
                to.iter_mut().zip(outputs).for_each(|(to, o)| *to = weight(o, i, tap));
            }
        }
    }
    packed
}

/// One block of outputs of one image.
pub struct Block<'a> {
    /// Planes, one a channel, each `channel` numbers long; [`LANES`] more behind the last.
    pub planes: &'a [f32],
    pub channel: usize,
    pub taps: &'a [usize],
    /// `[inputs, taps, BLOCK]`.
    pub weights: &'a [f32],
    /// Where the sums begin: at most [`BLOCK`] numbers.
    pub bias: &'a [f32],
    /// Places of an output row.
    pub length: usize,
    /// `[BLOCK, padded(length)]`.
    pub rows: &'a mut [f32],
}

/// Computes the rows of a block; those beyond the bias' length are not of use.
pub fn correlate(block: Block<'_>) {
    let inputs = block.weights.len() / (block.taps.len() * BLOCK);
    let last = block.taps.iter().max().map_or(0, |tap| tap + padded(block.length));
    let enough = inputs == 0 || block.planes.len() >= (inputs - 1) * block.channel + last;
    assert!(enough && block.rows.len() == BLOCK * padded(block.length), "planes and rows fit the taps");
    Arch::new().dispatch(block);
}

impl WithSimd for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        if S::REGISTER_COUNT >= 32 && self.bias.len() > BLOCK / 2 {
            self.channels::<S, BLOCK>(simd, 0);
        } else {
            for first in (0..self.bias.len()).step_by(BLOCK / 2) {
                self.channels::<S, { BLOCK / 2 }>(simd, first);
            }
        }
    }
}

impl Block<'_> {
    #[inline(always)]
    fn channels<S: Simd, const M: usize>(&mut self, simd: S, first: usize) {
        let mut at = 0;
        while at < self.length {
            at += S::F32_LANES
                * match (self.length - at).div_ceil(S::F32_LANES) {
                    1 => self.tile::<S, M, 1>(simd, first, at),
                    2 => self.tile::<S, M, 2>(simd, first, at),
                    _ => self.tile::<S, M, 3>(simd, first, at),
                };
        }
    }

    /// M channels from `first`, N vectors from place `at`; returns N.
    #[inline(always)]
    fn tile<S: Simd, const M: usize, const N: usize>(&mut self, simd: S, first: usize, at: usize) -> usize {
        let bias = |m: usize| self.bias.get(first + m).copied().unwrap_or(0.0);
        let mut sums: [[S::f32s; N]; M] = std::array::from_fn(|m| [simd.splat_f32s(bias(m)); N]);
        let width = N * S::F32_LANES;
        let mut weights = self.weights.chunks_exact(BLOCK);
        let mut plane = at;
        while weights.len() > 0 {
            for (tap, weights) in self.taps.iter().zip(&mut weights) {
                let (x, _) = S::as_simd_f32s(&self.planes[plane + tap..plane + tap + width]);
                let weights = &weights[first..first + M];
                for (sums, weight) in sums.iter_mut().zip(weights) {
                    let weight = simd.splat_f32s(*weight);
                    for (sum, x) in sums.iter_mut().zip(x) {
                        *sum = simd.mul_add_e_f32s(weight, *x, *sum);
                    }
                }
            }
            plane += self.channel;
        }
        let length = padded(self.length);
        for (m, sums) in sums.iter().enumerate() {
            let start = (first + m) * length + at;
            let (to, _) = S::as_mut_simd_f32s(&mut self.rows[start..start + width]);
            to.copy_from_slice(sums);
        }
        N
    }
}
