//! Each layer and its gradients against their definitions, written as plain loops in 64 bits.

use super::attention::Attention;
use super::conv::Conv;
use super::geometry::{Geometry, Padding};
use super::norm::{GroupNorm, GroupNormSettings};
use whence_base::random::epsilon;

fn normal(count: usize, seed: u64) -> Vec<f32> {
    epsilon(seed, b"layers", 1, 0, count)
}

/// A convolution by its definition.
struct Direct {
    inputs: usize,
    outputs: usize,
    kernel: usize,
    stride: usize,
    padding: Padding,
    /// Zeros above and at the left.
    before: usize,
    size: [usize; 2],
}

impl Direct {
    fn conv(&self) -> Conv {
        let geometry = Geometry::new(self.kernel, self.stride, self.padding, self.size);
        Conv { geometry, inputs: self.inputs, outputs: self.outputs }
    }

    /// Calls `with` for every product: indices in output, weights and input.
    fn products(&self, images: usize, mut with: impl FnMut(usize, usize, usize)) {
        let (k, [rows, columns], [height, width]) = (self.kernel, self.size, self.conv().geometry.output());
        for image in 0..images {
            for (o, i) in (0..self.outputs * self.inputs).map(|c| (c / self.inputs, c % self.inputs)) {
                for (y, x) in (0..height * width).map(|p| (p / width, p % width)) {
                    for (ky, kx) in (0..k * k).map(|t| (t / k, t % k)) {
                        let inside = |at: usize, size: usize| at.checked_sub(self.before).filter(|&p| p < size);
                        let from = (inside(y * self.stride + ky, rows), inside(x * self.stride + kx, columns));
                        if let (Some(from_y), Some(from_x)) = from {
                            with(
                                ((image * self.outputs + o) * height + y) * width + x,
                                ((o * self.inputs + i) * k + ky) * k + kx,
                                ((image * self.inputs + i) * rows + from_y) * columns + from_x,
                            );
                        }
                    }
                }
            }
        }
    }
}

fn assert_near(what: &str, found: &[f32], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(1.0f64, |m, v| m.max(v.abs()));
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((f64::from(*a) - b).abs() < 2e-6 * largest, "{what} at {i}: {a} and {b}, of at most {largest}");
    }
}

#[test]
fn convolutions_and_their_gradients_are_sums_of_products() {
    let even = Padding::Even;
    let cases = [
        // inputs, outputs, kernel, stride, padding, zeros before, height and width
        (3, 16, 3, 1, even(1), 1, [8, 8]),
        (16, 3, 3, 1, even(1), 1, [7, 7]),
        (5, 13, 3, 1, even(1), 1, [6, 11]),
        (8, 40, 3, 1, even(1), 1, [4, 4]),
        (4, 50, 3, 1, even(1), 1, [1, 1]),
        (9, 8, 1, 1, even(0), 0, [8, 8]),
        (2, 17, 1, 1, even(0), 0, [6, 5]),
        (6, 24, 3, 2, even(1), 1, [8, 8]),
        (6, 9, 3, 2, even(1), 1, [7, 7]),
        (7, 12, 3, 2, Padding::RightBottom, 0, [8, 8]),
        (3, 5, 3, 2, Padding::RightBottom, 0, [6, 9]),
        (2, 33, 5, 1, even(2), 2, [6, 6]),
        (2, 3, 5, 3, even(2), 2, [9, 9]),
        (2, 3, 3, 1, even(0), 0, [6, 8]),
        (2, 3, 1, 2, even(0), 0, [5, 6]),
    ];
    for (case, (inputs, outputs, kernel, stride, padding, before, size)) in cases.into_iter().enumerate() {
        let direct = Direct { inputs, outputs, kernel, stride, padding, before, size };
        let (conv, n) = (direct.conv(), 3);
        let x = normal(n * inputs * size[0] * size[1], 1);
        let (weight, bias) = (normal(outputs * inputs * kernel * kernel, 2), normal(outputs, 3));
        let pixels = conv.geometry.output_pixels();
        let gradient = normal(n * outputs * pixels, 4);
        let mut y: Vec<f64> = (0..gradient.len()).map(|i| f64::from(bias[i / pixels % outputs])).collect();
        let (mut dx, mut dweight) = (vec![0.0; x.len()], vec![0.0; weight.len()]);
        direct.products(n, |to, w, from| {
            let (g, w64, x64) = (f64::from(gradient[to]), f64::from(weight[w]), f64::from(x[from]));
            y[to] += w64 * x64;
            dx[from] += w64 * g;
            dweight[w] += x64 * g;
        });
        let dbias: Vec<f64> = (0..outputs)
            .map(|o| (0..gradient.len()).filter(|i| i / pixels % outputs == o).map(|i| f64::from(gradient[i])).sum())
            .collect();
        assert_near(&format!("case {case}, output"), &conv.forward(&x, &weight, &bias), &y);
        assert_near(&format!("case {case}, input's gradient"), &conv.input_gradient(&weight, &gradient), &dx);
        assert_near(&format!("case {case}, weights' gradient"), &conv.weight_gradient(&x, &gradient), &dweight);
        assert_near(&format!("case {case}, bias' gradient"), &conv.bias_gradient(&gradient), &dbias);
    }
}

#[test]
fn results_do_not_depend_on_the_position_in_the_batch_or_the_number_of_threads() {
    let conv = Conv { geometry: Geometry::new(3, 1, Padding::Even(1), [16, 16]), inputs: 32, outputs: 40 };
    let (weight, bias) = (normal(40 * 32 * 9, 2), normal(40, 3));
    let x = normal(5 * 32 * 256, 1);
    let all = conv.forward(&x, &weight, &bias);
    let gradient = conv.weight_gradient(&x, &all);
    for (x, y) in x.chunks(32 * 256).zip(all.chunks(40 * 256)) {
        assert_eq!(conv.forward(x, &weight, &bias), y);
    }
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(one.install(|| conv.forward(&x, &weight, &bias)), all);
    assert_eq!(one.install(|| conv.weight_gradient(&x, &all)), gradient);
}

/// The result, and the gradients of input, weight and bias, by their definitions.
fn normalise_by_definition(
    norm: &GroupNorm,
    x: &[f32],
    weight: &[f32],
    bias: &[f32],
    gradient: &[f32],
) -> ([Vec<f64>; 2], [Vec<f64>; 2]) {
    let each = norm.channels / norm.settings.groups * norm.positions;
    let (mut y, mut dx) = (Vec::new(), Vec::new());
    let (mut dweight, mut dbias) = (vec![0.0; norm.channels], vec![0.0; norm.channels]);
    for (group, x) in x.chunks(each).enumerate() {
        let x: Vec<f64> = x.iter().map(|v| f64::from(*v)).collect();
        let mean = x.iter().sum::<f64>() / each as f64;
        let variance = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / each as f64;
        let deviation = (variance + f64::from(norm.settings.eps)).sqrt();
        let channel = |i: usize| (group * each + i) / norm.positions % norm.channels;
        let mut dn = Vec::new();
        for (i, v) in x.iter().enumerate() {
            let (n, w) = ((v - mean) / deviation, f64::from(weight[channel(i)]));
            let z = w * n + f64::from(bias[channel(i)]);
            let s = 1.0 / (1.0 + (-z).exp());
            let (value, slope) = if norm.settings.activate { (z * s, s + z * s * (1.0 - s)) } else { (z, 1.0) };
            let dz = f64::from(gradient[group * each + i]) * slope;
            y.push(value);
            dweight[channel(i)] += dz * n;
            dbias[channel(i)] += dz;
            dn.push(dz * w);
        }
        // The whole Jacobian: dn_j / dx_i = (delta_ij - 1/N - n_i n_j / N) / deviation.
        for i in 0..each {
            let n = (x[i] - mean) / deviation;
            let sum: f64 = (0..each)
                .map(|j| dn[j] * (f64::from(i == j) - (1.0 + n * (x[j] - mean) / deviation) / each as f64) / deviation)
                .sum();
            dx.push(sum);
        }
    }
    ([y, dx], [dweight, dbias])
}

#[test]
fn normalisations_and_their_gradients_are_as_defined() {
    for (channels, groups, positions, activate) in [
        (16, 8, 64, true),
        (12, 4, 35, false),
        (32, 32, 9, true),
        (6, 1, 16, true),
        (8, 4, 1, false),
        (4, 2, 100, true),
    ] {
        let norm = GroupNorm { settings: GroupNormSettings { groups, eps: 1e-5, activate }, channels, positions };
        let x: Vec<f32> = normal(3 * channels * positions, 1).iter().map(|v| 3.0 * v + 2.0).collect();
        let (weight, bias, gradient) = (normal(channels, 2), normal(channels, 3), normal(x.len(), 4));
        let ([y, dx], [dweight, dbias]) = normalise_by_definition(&norm, &x, &weight, &bias, &gradient);
        let (found, moments) = norm.forward(&x, &weight, &bias);
        assert_near("result", &found, &y);
        let [of_x, of_weight, of_bias] = norm.backward(&x, &weight, &bias, &moments, &gradient);
        assert_near("input's gradient", &of_x, &dx);
        assert_near("weight's gradient", &of_weight, &dweight);
        assert_near("bias' gradient", &of_bias, &dbias);
    }
}

#[test]
fn extreme_values_stay_finite_and_nan_propagates() {
    let norm =
        GroupNorm { settings: GroupNormSettings { groups: 1, eps: 1e-5, activate: true }, channels: 1, positions: 4 };
    let (y, _) = norm.forward(&[-1e4, 1e4, -1e4, 1e4], &[200.0], &[0.0]);
    assert_eq!((y[0], y[1]), (y[2], y[3]));
    assert!(y[0].abs() < 1e-30 && (y[1] - 200.0).abs() < 1e-3, "{y:?}");
    let (y, _) = norm.forward(&[0.0, f32::NAN, 1.0, 2.0], &[1.0], &[0.0]);
    assert!(y.iter().all(|v| v.is_nan()), "{y:?}");
}

#[test]
fn attention_and_its_gradients_are_as_defined() {
    // The last is computed in several tiles.
    for (heads, width, pixels) in [(2, 8, 16), (1, 3, 25), (3, 16, 36), (1, 1, 1), (1, 4, 600)] {
        let attention = Attention { width, pixels };
        let each = width * pixels;
        let [q, k, v, gradient] = [1, 2, 3, 4].map(|seed| normal(2 * heads * each, seed));
        let (mut out, [mut dq, mut dk, mut dv]) = (vec![0.0; q.len()], [(); 3].map(|()| vec![0.0; q.len()]));
        for head in 0..2 * heads {
            let at = |values: &[f32], d: usize, p: usize| f64::from(values[head * each + d * pixels + p]);
            let index = |d: usize, p: usize| head * each + d * pixels + p;
            let scale = 1.0 / (width as f64).sqrt();
            for p in 0..pixels {
                let score = |s: usize| scale * (0..width).map(|d| at(&q, d, p) * at(&k, d, s)).sum::<f64>();
                let scores: Vec<f64> = (0..pixels).map(|s| score(s).exp()).collect();
                let total: f64 = scores.iter().sum();
                let a: Vec<f64> = scores.iter().map(|s| s / total).collect();
                let da: Vec<f64> =
                    (0..pixels).map(|s| (0..width).map(|d| at(&gradient, d, p) * at(&v, d, s)).sum()).collect();
                let mean: f64 = a.iter().zip(&da).map(|(a, da)| a * da).sum();
                for (d, s) in (0..width).flat_map(|d| (0..pixels).map(move |s| (d, s))) {
                    let slope = a[s] * (da[s] - mean) * scale;
                    out[index(d, p)] += a[s] * at(&v, d, s);
                    dv[index(d, s)] += a[s] * at(&gradient, d, p);
                    dq[index(d, p)] += slope * at(&k, d, s);
                    dk[index(d, s)] += slope * at(&q, d, p);
                }
            }
        }
        let what = |of: &str| format!("{heads} heads of {width} over {pixels}: {of}");
        assert_near(&what("result"), &attention.forward(&q, &k, &v), &out);
        let found = attention.backward(&q, &k, &v, &gradient);
        for ((name, found), expected) in ["queries", "keys", "values"].iter().zip(&found).zip([&dq, &dk, &dv]) {
            assert_near(&what(name), found, expected);
        }
    }
}

#[test]
fn exponentials_have_a_relative_error_below_2e_7() {
    for x in (-8600..8600).map(|i| i as f32 / 100.0) {
        let expected = f64::from(x).exp();
        assert!((f64::from(super::math::exp(x)) - expected).abs() < 2e-7 * expected, "{x}");
    }
    assert!(super::math::exp(f32::NAN).is_nan());
    assert!(super::math::exp(f32::NEG_INFINITY) < 1e-37 && super::math::exp(f32::INFINITY) > 1e37);
}

#[test]
fn nan_propagates_through_attention() {
    let attention = Attention { width: 2, pixels: 4 };
    let fine = normal(8, 1);
    let broken: Vec<f32> = fine.iter().enumerate().map(|(i, x)| if i == 0 { f32::NAN } else { *x }).collect();
    for (q, k, v) in [(&broken, &fine, &fine), (&fine, &broken, &fine), (&fine, &fine, &broken)] {
        assert!(attention.forward(q, k, v).iter().any(|x| x.is_nan()));
    }
}
