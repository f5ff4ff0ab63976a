//! Sums of outer products over positions: a convolution's weight gradients (output gradient times shifted input), and the
//! gradients of attention's keys and values.
//!
//! The gradient is laid out with its channels side by side, so that a vector holds the channels of one position, and each
//! value of the input is broadcast to a vector.
#![expect(
    clippy::indexing_slicing,
    reason = "lengths are checked at the entry; what is read there bounds what is read inside"
)]

use pulp::{Arch, Simd, WithSimd};

use super::correlate::LANES;

/// Most columns per task; divisible by the tile sizes, so that a full task splits into full tiles.
pub const COLUMNS: usize = 48;

/// The sums for some columns, over all images.
pub struct Outer<'a> {
    /// Planes of all images, each image `image` values long.
    pub planes: &'a [f32],
    pub image: usize,
    /// Index in an image at which each column (an input channel shifted by a kernel offset) begins.
    pub columns: &'a [usize],
    /// `[images, length, width]`, zero at positions between rows.
    pub gradient: &'a [f32],
    pub length: usize,
    /// Output channels, padded to whole vectors.
    pub width: usize,
    /// `[columns, width]`.
    pub sums: &'a mut [f32],
}

/// Computes the sums.
pub fn outer(job: Outer<'_>) {
    let images = job.gradient.len() / (job.length * job.width).max(1);
    let last = job.columns.iter().max().map_or(0, |column| column + job.length);
    assert!(images == 0 || job.planes.len() >= (images - 1) * job.image + last, "planes fit the columns");
    assert!(job.width.is_multiple_of(LANES) && job.sums.len() == job.columns.len() * job.width, "sums fit the columns");
    Arch::new().dispatch(job);
}

impl WithSimd for Outer<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let wide = S::REGISTER_COUNT >= 32;
        let mut at = 0;
        while at < self.width {
            at += S::F32_LANES
                * match ((self.width - at) / S::F32_LANES, wide) {
                    (1, true) => self.channels::<S, 16, 1>(simd, at),
                    (1, false) => self.channels::<S, 8, 1>(simd, at),
                    (2, _) => self.channels::<S, 6, 2>(simd, at),
                    (_, true) => self.channels::<S, 8, 3>(simd, at),
                    (_, false) => self.channels::<S, 4, 3>(simd, at),
                };
        }
    }
}

impl Outer<'_> {
    /// N vectors of channels from `at`; returns N.
    #[inline(always)]
    fn channels<S: Simd, const M: usize, const N: usize>(&mut self, simd: S, at: usize) -> usize {
        let count = self.columns.len();
        let mut first = 0;
        while first + M <= count {
            self.tile::<S, M, N>(simd, first, at);
            first += M;
        }
        while first + 3 <= count {
            self.tile::<S, 3, N>(simd, first, at);
            first += 3;
        }
        while first < count {
            self.tile::<S, 1, N>(simd, first, at);
            first += 1;
        }
        N
    }

    #[inline(always)]
    fn tile<S: Simd, const M: usize, const N: usize>(&mut self, simd: S, first: usize, at: usize) {
        let mut sums = [[simd.splat_f32s(0.0); N]; M];
        for (image, gradient) in self.gradient.chunks_exact(self.length * self.width).enumerate() {
            let columns: [&[f32]; M] = std::array::from_fn(|m| {
                let start = image * self.image + self.columns[first + m];
                &self.planes[start..start + self.length]
            });
            for (position, channels) in gradient.chunks_exact(self.width).enumerate() {
                let (d, _) = S::as_simd_f32s(&channels[at..at + N * S::F32_LANES]);
                for (sums, column) in sums.iter_mut().zip(columns) {
                    let x = simd.splat_f32s(column[position]);
                    for (sum, d) in sums.iter_mut().zip(d) {
                        *sum = simd.mul_add_e_f32s(x, *d, *sum);
                    }
                }
            }
        }
        for (m, sums) in sums.iter().enumerate() {
            let start = (first + m) * self.width + at;
            let (to, _) = S::as_mut_simd_f32s(&mut self.sums[start..start + N * S::F32_LANES]);
            to.copy_from_slice(sums);
        }
    }
}
