//! Scaled dot-product attention (Vaswani et al. 2017) over the pixels of an image, in the images' own layout
//! `[batch, channels, height, width]`.
//!
//! For each head, with queries q, keys k and values v `[width, pixels]`: a = softmax over keys of kᵀ q / sqrt(width),
//! one column per query; the result is v a. Each product is a sum of rows ([`correlate`]) or of positions ([`outer`]), for
//! a tile of queries at a time, so that a stays small.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::correlate::{BLOCK, Block, LANES, correlate, pack, padded};
use super::math::{exp, get_or_zero};
use super::outer::{Outer, outer};

/// About the largest number of attention scores in memory at a time, per thread.
const MAX_SCORES_PER_TILE: usize = 1 << 18;

/// Sizes of an attention layer.
#[derive(Clone, Copy, Debug)]
pub struct Attention {
    /// Channels of a head.
    pub width: usize,
    pub pixels: usize,
}

/// Rows with one value per query, for some of a head's queries.
struct Rows {
    values: Vec<f32>,
    /// From one row to the next: whole vectors.
    pitch: usize,
    /// Queries.
    length: usize,
}

impl Attention {
    /// Values of one head of one image.
    fn head(&self) -> usize {
        self.width * self.pixels
    }

    fn scale(&self) -> f32 {
        1.0 / (self.width as f32).sqrt()
    }

    /// First query and number of queries of each tile.
    fn tiles(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (pixels, size) = (self.pixels, (MAX_SCORES_PER_TILE / self.pixels.max(1) / LANES * LANES).max(LANES));
        (0..pixels).step_by(size).map(move |first| (first, size.min(pixels - first)))
    }

    /// q, k and v `[batch, heads * width, pixels]` to the same shape.
    pub fn forward(&self, q: &[f32], k: &[f32], v: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; q.len()];
        let heads = q.par_chunks(self.head()).zip(k.par_chunks(self.head()).zip(v.par_chunks(self.head())));
        out.par_chunks_mut(self.head()).zip(heads).for_each(|(out, (q, (k, v)))| {
            let (keys, values) = (self.pack_transposed(k, self.scale()), self.pack(v, 1.0));
            for tile in self.tiles() {
                let a = self.weights(&self.queries(q, tile), &keys);
                let product = packed_matmul(&a, self.width, self.pixels, &values);
                self.store(&product, tile, out);
            }
        });
        out
    }

    /// Gradients of q, k and v from that of the result.
    pub fn backward(&self, q: &[f32], k: &[f32], v: &[f32], gradient: &[f32]) -> [Vec<f32>; 3] {
        let [mut dq, mut dk, mut dv] = [(); 3].map(|()| vec![0.0; q.len()]);
        let inputs = q.par_chunks(self.head()).zip(k.par_chunks(self.head()).zip(v.par_chunks(self.head())));
        let outputs =
            dq.par_chunks_mut(self.head()).zip(dk.par_chunks_mut(self.head()).zip(dv.par_chunks_mut(self.head())));
        outputs.zip(inputs.zip(gradient.par_chunks(self.head()))).for_each(
            |((dq, (dk, dv)), ((q, (k, v)), gradient))| {
                let (keys, values) = (self.pack_transposed(k, self.scale()), self.pack_transposed(v, 1.0));
                let back = self.pack(k, self.scale());
                for tile in self.tiles() {
                    let (q, gradient) = (self.queries(q, tile), self.queries(gradient, tile));
                    let a = self.weights(&q, &keys);
                    self.add_outer(&a, &gradient, 1.0, dv);
                    let mut da = packed_matmul(&gradient, self.pixels, self.width, &values);
                    Arch::new().dispatch(SoftmaxGradient { a: &a, da: &mut da, rows: self.pixels });
                    let tile_dq = packed_matmul(&da, self.width, self.pixels, &back);
                    self.store(&tile_dq, tile, dq);
                    self.add_outer(&da, &q, self.scale(), dk);
                }
            },
        );
        [dq, dk, dv]
    }

    /// A head's values as packed weights: outputs are channels, inputs are pixels.
    fn pack(&self, head: &[f32], scale: f32) -> Vec<f32> {
        pack(self.width, self.pixels, 1, |d, s, _| get_or_zero(head, d * self.pixels + s) * scale)
    }

    /// A head's values as packed weights: outputs are pixels, inputs are channels.
    fn pack_transposed(&self, head: &[f32], scale: f32) -> Vec<f32> {
        pack(self.pixels, self.width, 1, |s, d, _| get_or_zero(head, d * self.pixels + s) * scale)
    }

    /// The softmax over keys of each of these queries: `[keys, queries]`.
    fn weights(&self, q: &Rows, keys: &[f32]) -> Rows {
        let mut a = packed_matmul(q, self.pixels, self.width, keys);
        Arch::new().dispatch(Softmax { a: &mut a, rows: self.pixels });
        a
    }

    /// A tile of a head's queries.
    fn queries(&self, head: &[f32], (first, length): (usize, usize)) -> Rows {
        let pitch = padded(length);
        let mut values = vec![0.0; self.width * pitch];
        for (to, from) in values.chunks_exact_mut(pitch).zip(head.chunks_exact(self.pixels)) {
            to.iter_mut().zip(from.iter().skip(first).take(length)).for_each(|(to, from)| *to = *from);
        }
        Rows { values, pitch, length }
    }

    /// Copies rows to a tile of a head.
    fn store(&self, rows: &Rows, (first, length): (usize, usize), head: &mut [f32]) {
        for (to, from) in head.chunks_exact_mut(self.pixels).zip(rows.values.chunks_exact(rows.pitch)) {
            to.iter_mut().skip(first).take(length).zip(from).for_each(|(to, from)| *to = *from);
        }
    }

    /// Adds to `to` `[width, pixels]` at (d, s) the sum over queries of `left` (s) times `right` (d), times `scale`.
    fn add_outer(&self, left: &Rows, right: &Rows, scale: f32, to: &mut [f32]) {
        let width = padded(self.width);
        let mut transposed = vec![0.0; right.length * width];
        for (d, row) in right.values.chunks_exact(right.pitch).enumerate() {
            transposed.iter_mut().skip(d).step_by(width).zip(row).for_each(|(to, from)| *to = *from);
        }
        let columns: Vec<usize> = (0..self.pixels).map(|s| s * left.pitch).collect();
        let mut sums = vec![0.0; columns.len() * width];
        outer(Outer {
            planes: &left.values,
            image: left.values.len(),
            columns: &columns,
            gradient: &transposed,
            length: right.length,
            width,
            sums: &mut sums,
        });
        for (d, row) in to.chunks_exact_mut(self.pixels).enumerate() {
            row.iter_mut().zip(sums.chunks_exact(width)).for_each(|(to, sums)| *to += get_or_zero(sums, d) * scale);
        }
    }
}

/// Matrix product of packed weights `[outputs, inputs]` with rows `[inputs, queries]`.
fn packed_matmul(rows: &Rows, outputs: usize, inputs: usize, weights: &[f32]) -> Rows {
    let &Rows { ref values, pitch, length } = rows;
    let mut product = vec![0.0; outputs.next_multiple_of(BLOCK) * pitch];
    let zeros = vec![0.0; outputs];
    let blocks = product.chunks_exact_mut(BLOCK * pitch).zip(weights.chunks_exact(inputs * BLOCK));
    for ((rows, weights), bias) in blocks.zip(zeros.chunks(BLOCK)) {
        correlate(Block { planes: values, channel: pitch, offsets: &[0], weights, bias, length, rows });
    }
    Rows { values: product, pitch, length }
}

/// Softmax of each column, in place.
struct Softmax<'a> {
    a: &'a mut Rows,
    rows: usize,
}

impl WithSimd for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Rows { values, pitch, .. } = self.a;
        for first in (0..*pitch).step_by(LANES) {
            let (mut most, mut sum) = ([f32::NEG_INFINITY; LANES], [0.0f32; LANES]);
            for x in values.chunks_exact(*pitch).take(self.rows).filter_map(|row| row.get(first..)?.first_chunk()) {
                let x: &[f32; LANES] = x;
                most.iter_mut().zip(x).for_each(|(most, x)| *most = if *x > *most { *x } else { *most });
            }
            let rows = values.chunks_exact_mut(*pitch).take(self.rows);
            for x in rows.filter_map(|row| row.get_mut(first..)?.first_chunk_mut()) {
                let x: &mut [f32; LANES] = x;
                x.iter_mut().zip(&most).for_each(|(x, most)| *x = exp(*x - most));
                sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += *x);
            }
            let share = sum.map(|sum| 1.0 / sum);
            let rows = values.chunks_exact_mut(*pitch).take(self.rows);
            for x in rows.filter_map(|row| row.get_mut(first..)?.first_chunk_mut()) {
                let x: &mut [f32; LANES] = x;
                x.iter_mut().zip(&share).for_each(|(x, share)| *x *= share);
            }
        }
    }
}

/// Gradient of the softmax's input from that of its result, in place: a (da - sum over the column of a da).
struct SoftmaxGradient<'a> {
    a: &'a Rows,
    da: &'a mut Rows,
    rows: usize,
}

impl WithSimd for SoftmaxGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let pitch = self.a.pitch;
        for first in (0..pitch).step_by(LANES) {
            let mut sum = [0.0f32; LANES];
            let rows = self.a.values.chunks_exact(pitch).zip(self.da.values.chunks_exact(pitch)).take(self.rows);
            for (a, da) in rows.filter_map(|(a, da)| Some((a.get(first..)?.first_chunk()?, da.get(first..)?))) {
                let a: &[f32; LANES] = a;
                sum.iter_mut().zip(a.iter().zip(da)).for_each(|(sum, (a, da))| *sum += a * da);
            }
            let rows = self.a.values.chunks_exact(pitch).zip(self.da.values.chunks_exact_mut(pitch)).take(self.rows);
            for (a, da) in rows.filter_map(|(a, da)| Some((a.get(first..)?.first_chunk()?, da.get_mut(first..)?))) {
                let a: &[f32; LANES] = a;
                da.iter_mut().zip(a.iter().zip(&sum)).for_each(|(da, (a, sum))| *da = a * (*da - sum));
            }
        }
    }
}
