//! Convolutions and their gradients, image by image.

use rayon::prelude::*;

use super::correlate::{BLOCK, Block, LANES, correlate, pack, padded};
use super::geometry::{Correlation, Geometry};
use super::math::{get_or_zero, get_range, sum};
use super::outer::{COLUMNS, Outer, outer};

/// Least work for which another thread pays, in multiplications.
const MIN_MULS_PER_TASK: usize = 500_000;

/// Sizes of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct Conv {
    pub geometry: Geometry,
    pub inputs: usize,
    pub outputs: usize,
}

impl Conv {
    /// `x` `[batch, inputs, height, width]`, `weight` `[outputs, inputs, kernel, kernel]`, `bias` `[outputs]`: `[batch, outputs,
    /// height', width']`.
    pub fn forward(&self, x: &[f32], weight: &[f32], bias: &[f32]) -> Vec<f32> {
        let (area, pixels) = (self.geometry.kernel_area(), self.geometry.output_pixels());
        let image = self.inputs * self.geometry.input_pixels();
        let correlation = self.geometry.forward();
        let weights =
            pack(self.outputs, self.inputs, area, |o, i, k| get_or_zero(weight, (o * self.inputs + i) * area + k));
        let mut y = vec![0.0; x.len() / image * self.outputs * pixels];
        let store = |rows: &[f32], to: &mut [f32]| copy_rows(&correlation, rows, to);
        y.par_chunks_mut(self.outputs * pixels).zip(x.par_chunks(image)).for_each(|(y, x)| {
            correlate_image(&correlation, x, self.inputs, &weights, bias, pixels, y, store);
        });
        y
    }

    /// Gradient of the input, `[batch, inputs, height, width]`, from that of the output.
    pub fn input_gradient(&self, weight: &[f32], gradient: &[f32]) -> Vec<f32> {
        let (area, pixels) = (self.geometry.kernel_area(), self.geometry.input_pixels());
        let image = self.outputs * self.geometry.output_pixels();
        let phases: Vec<_> = self
            .geometry
            .backward()
            .into_iter()
            .map(|phase| {
                let weights = pack(self.inputs, self.outputs, phase.kernel.len(), |i, o, offset| {
                    let Some(k) = phase.kernel.get(offset) else { unreachable!("one kernel index per offset") };
                    get_or_zero(weight, (o * self.inputs + i) * area + k)
                });
                (phase, weights)
            })
            .collect();
        let zeros = vec![0.0; self.inputs];
        let mut x = vec![0.0; gradient.len() / image * self.inputs * pixels];
        x.par_chunks_mut(self.inputs * pixels).zip(gradient.par_chunks(image)).for_each(|(x, gradient)| {
            for (phase, weights) in &phases {
                let store = |rows: &[f32], to: &mut [f32]| self.geometry.scatter(phase, rows, to);
                correlate_image(&phase.correlation, gradient, self.outputs, weights, &zeros, pixels, x, store);
            }
        });
        x
    }

    /// Gradient of the weights, `[outputs, inputs, kernel, kernel]`, from the input and the gradient of the output.
    pub fn weight_gradient(&self, x: &[f32], gradient: &[f32]) -> Vec<f32> {
        let correlation = self.geometry.forward();
        let (planes, length) = (&correlation.planes, correlation.length());
        let (image, width) = (self.inputs * planes.channel(), padded(self.outputs));
        let (from, back) = (self.inputs * self.geometry.input_pixels(), self.outputs * self.geometry.output_pixels());
        let images = x.len() / from;
        let mut laid_out = vec![0.0; images * image];
        laid_out.par_chunks_mut(image).zip(x.par_chunks(from)).for_each(|(to, x)| planes.gather(x, to));
        let mut transposed = vec![0.0; images * length * width];
        transposed.par_chunks_mut(length * width).zip(gradient.par_chunks(back)).for_each(|(to, gradient)| {
            transpose_channels(gradient, self.geometry.output(), planes.pitch, width, to);
        });
        let columns: Vec<usize> = (0..self.inputs)
            .flat_map(|channel| correlation.offsets.iter().map(move |offset| (channel, offset)))
            .map(|(channel, offset)| channel * planes.channel() + offset)
            .collect();
        let mut sums = vec![0.0; columns.len() * width];
        sums.par_chunks_mut(COLUMNS * width).zip(columns.par_chunks(COLUMNS)).for_each(|(sums, columns)| {
            outer(Outer { planes: &laid_out, image, columns, gradient: &transposed, length, width, sums });
        });
        let mut weight = vec![0.0; self.outputs * columns.len()];
        for (o, row) in weight.chunks_exact_mut(columns.len()).enumerate() {
            row.iter_mut().zip(sums.chunks_exact(width)).for_each(|(to, sums)| *to = get_or_zero(sums, o));
        }
        weight
    }

    /// Gradient of the bias, `[outputs]`, from that of the output.
    pub fn bias_gradient(&self, gradient: &[f32]) -> Vec<f32> {
        let mut bias = vec![0.0; self.outputs];
        for image in gradient.chunks_exact(self.outputs * self.geometry.output_pixels()) {
            for (bias, plane) in bias.iter_mut().zip(image.chunks_exact(self.geometry.output_pixels())) {
                *bias += sum(plane);
            }
        }
        bias
    }
}

/// One image `x` `[inputs, ...]` to `y` `[outputs, pixels]`; `store` copies an output's rows to its plane.
#[expect(clippy::too_many_arguments, reason = "one private function for two callers")]
fn correlate_image(
    correlation: &Correlation,
    x: &[f32],
    inputs: usize,
    weights: &[f32],
    bias: &[f32],
    pixels: usize,
    y: &mut [f32],
    store: impl Fn(&[f32], &mut [f32]) + Sync,
) {
    let (channel, length) = (correlation.planes.channel(), correlation.length());
    let mut planes = vec![0.0; inputs * channel + LANES];
    correlation.planes.gather(x, &mut planes);
    let work = inputs * correlation.offsets.len() * BLOCK * length;
    y.par_chunks_mut(BLOCK * pixels)
        .zip(weights.par_chunks(inputs * correlation.offsets.len() * BLOCK).zip(bias.par_chunks(BLOCK)))
        .with_min_len(MIN_MULS_PER_TASK.div_ceil(work.max(1)))
        .for_each(|(y, (weights, bias))| {
            let mut rows = vec![0.0; BLOCK * padded(length)];
            let offsets = &correlation.offsets;
            correlate(Block { planes: &planes, channel, offsets, weights, bias, length, rows: &mut rows });
            for (rows, plane) in rows.chunks_exact(padded(length)).zip(y.chunks_exact_mut(pixels)) {
                store(rows, plane);
            }
        });
}

/// Copies rows to a plane without the positions between rows.
fn copy_rows(correlation: &Correlation, rows: &[f32], plane: &mut [f32]) {
    let [_, width] = correlation.output;
    for (to, from) in plane.chunks_exact_mut(width).zip(rows.chunks(correlation.planes.pitch)) {
        to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    }
}

/// Output gradient `[outputs, height, columns]` to `[positions, width]`: channels side by side, zeros between rows and for
/// channels that pad a vector.
fn transpose_channels(gradient: &[f32], [height, columns]: [usize; 2], pitch: usize, width: usize, to: &mut [f32]) {
    let zeros = vec![0.0; columns];
    for (group, planes) in gradient.chunks(LANES * height * columns).enumerate() {
        for (y, rows) in to.chunks_mut(pitch * width).enumerate() {
            let mut lines = [zeros.as_slice(); LANES];
            for (line, plane) in lines.iter_mut().zip(planes.chunks_exact(height * columns)) {
                *line = get_range(plane, y * columns..(y + 1) * columns);
            }
            for (x, channels) in rows.chunks_exact_mut(width).take(columns).enumerate() {
                for (to, line) in channels.iter_mut().skip(group * LANES).zip(&lines) {
                    *to = get_or_zero(line, x);
                }
            }
        }
    }
}
