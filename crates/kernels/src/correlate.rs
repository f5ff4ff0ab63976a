//! Sums of shifted rows, for eight channels (four where registers are few) and up to three vectors of positions at a time.
//!
//! The sums stay in registers over all input channels and kernel offsets; each weight is broadcast to a vector once for
//! three products.
#![expect(
    clippy::indexing_slicing,
    reason = "lengths are checked at the entry; what is read there bounds what is read inside"
)]

use pulp::{Arch, Simd, WithSimd};

/// Output channels whose weights are adjacent in memory.
pub const BLOCK: usize = 8;
/// Most 32-bit values in a vector of any processor.
pub const LANES: usize = 16;

/// Length of a row padded to whole vectors.
pub fn padded(length: usize) -> usize {
    length.next_multiple_of(LANES)
}

/// Weights in the order in which [`correlate`] reads them: for each block of outputs `[inputs, offsets, BLOCK]`.
pub fn pack(outputs: usize, inputs: usize, offsets: usize, weight: impl Fn(usize, usize, usize) -> f32) -> Vec<f32> {
    let mut packed = vec![0.0; outputs.div_ceil(BLOCK) * inputs * offsets * BLOCK];
    for (block, to) in packed.chunks_exact_mut(inputs * offsets * BLOCK).enumerate() {
        for (i, to) in to.chunks_exact_mut(offsets * BLOCK).enumerate() {
            for (offset, to) in to.chunks_exact_mut(BLOCK).enumerate() {
                let outputs = block * BLOCK..outputs.min((block + 1) * BLOCK);
                to.iter_mut().zip(outputs).for_each(|(to, o)| *to = weight(o, i, offset));
            }
        }
    }
    packed
}

/// One block of outputs of one image.
pub struct Block<'a> {
    /// One plane per channel, each `channel` values long; [`LANES`] more behind the last.
    pub planes: &'a [f32],
    pub channel: usize,
    pub offsets: &'a [usize],
    /// `[inputs, offsets, BLOCK]`.
    pub weights: &'a [f32],
    /// Initial values of the sums: at most [`BLOCK`] values.
    pub bias: &'a [f32],
    /// Positions of an output row.
    pub length: usize,
    /// `[BLOCK, padded(length)]`.
    pub rows: &'a mut [f32],
}

/// Computes the rows of a block; rows beyond the length of the bias are meaningless.
pub fn correlate(block: Block<'_>) {
    let inputs = block.weights.len() / (block.offsets.len() * BLOCK);
    let last = block.offsets.iter().max().map_or(0, |offset| offset + padded(block.length));
    let enough = inputs == 0 || block.planes.len() >= (inputs - 1) * block.channel + last;
    assert!(enough && block.rows.len() == BLOCK * padded(block.length), "planes and rows fit the offsets");
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

    /// M channels from `first`, N vectors from position `at`; returns N.
    #[inline(always)]
    fn tile<S: Simd, const M: usize, const N: usize>(&mut self, simd: S, first: usize, at: usize) -> usize {
        // The last block may have fewer outputs than rows.
        let bias = |m: usize| self.bias.get(first + m).copied().unwrap_or(0.0);
        let mut sums: [[S::f32s; N]; M] = std::array::from_fn(|m| [simd.splat_f32s(bias(m)); N]);
        let width = N * S::F32_LANES;
        let mut weights = self.weights.chunks_exact(BLOCK);
        let mut plane = at;
        while weights.len() > 0 {
            for (offset, weights) in self.offsets.iter().zip(&mut weights) {
                let (x, _) = S::as_simd_f32s(&self.planes[plane + offset..plane + offset + width]);
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
