//! Group normalisation (Wu and He 2018) with SiLU behind it, and its gradient.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::math::{fold, fold_two, get_range, sigmoid};

/// Settings of a group normalisation.
#[derive(Clone, Copy, Debug)]
pub struct GroupNormSettings {
    /// Groups that the channels are split into.
    pub groups: usize,
    /// Added to the variance.
    pub eps: f32,
    /// Whether SiLU follows.
    pub activate: bool,
}

/// Mean of a group, and the reciprocal of its standard deviation.
type Moments = [f32; 2];

/// A normalisation of `[batch, channels, positions]`.
#[derive(Clone, Copy, Debug)]
pub struct GroupNorm {
    pub settings: GroupNormSettings,
    pub channels: usize,
    pub positions: usize,
}

impl GroupNorm {
    fn group_channels(&self) -> usize {
        self.channels / self.settings.groups
    }

    /// Values of a group in one image.
    fn group(&self) -> usize {
        self.group_channels() * self.positions
    }

    /// The entries of `per_channel` for the group with this index over all images.
    fn of_group<'a>(&self, per_channel: &'a [f32], index: usize) -> &'a [f32] {
        let first = index % self.settings.groups * self.group_channels();
        get_range(per_channel, first..first + self.group_channels())
    }

    /// The result, and the moments of each group of each image.
    pub fn forward(&self, x: &[f32], weight: &[f32], bias: &[f32]) -> (Vec<f32>, Vec<Moments>) {
        let mut y = vec![0.0; x.len()];
        let groups = y.par_chunks_mut(self.group()).zip(x.par_chunks(self.group())).enumerate();
        let moments = groups.with_min_len(self.min_groups_per_task()).map(|(index, (y, x))| {
            let (weight, bias) = (self.of_group(weight, index), self.of_group(bias, index));
            Arch::new().dispatch(Forward { x, y, weight, bias, norm: self })
        });
        let moments = moments.collect();
        (y, moments)
    }

    /// Gradients of input, weight and bias.
    pub fn backward(
        &self,
        x: &[f32],
        weight: &[f32],
        bias: &[f32],
        moments: &[Moments],
        gradient: &[f32],
    ) -> [Vec<f32>; 3] {
        let mut dx = vec![0.0; x.len()];
        let parts = x.par_chunks(self.group()).zip(gradient.par_chunks(self.group())).zip(moments);
        let groups = dx.par_chunks_mut(self.group()).zip(parts).enumerate().with_min_len(self.min_groups_per_task());
        let sums: Vec<Vec<[f32; 2]>> = groups
            .map(|(index, (dx, ((x, gradient), moments)))| {
                let (weight, bias) = (self.of_group(weight, index), self.of_group(bias, index));
                Arch::new().dispatch(Backward { x, gradient, weight, bias, moments: *moments, dx, norm: self })
            })
            .collect();
        let (mut dweight, mut dbias) = (vec![0.0; self.channels], vec![0.0; self.channels]);
        for image in sums.chunks(self.settings.groups) {
            let channels = dweight.iter_mut().zip(&mut dbias).zip(image.iter().flatten());
            for ((dweight, dbias), [of_bias, of_weight]) in channels {
                *dweight += of_weight;
                *dbias += of_bias;
            }
        }
        [dx, dweight, dbias]
    }

    /// Fewest groups for which another thread pays.
    fn min_groups_per_task(&self) -> usize {
        (1 << 15) / self.group().max(1) + 1
    }
}

struct Forward<'a> {
    x: &'a [f32],
    y: &'a mut [f32],
    weight: &'a [f32],
    bias: &'a [f32],
    norm: &'a GroupNorm,
}

impl WithSimd for Forward<'_> {
    type Output = Moments;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Moments {
        let count = self.x.len() as f32;
        let mean = fold(self.x, |x| x) / count;
        let variance = fold(self.x, |x| (x - mean) * (x - mean)) / count;
        let scale = 1.0 / (variance + self.norm.settings.eps).sqrt();
        let positions = self.norm.positions;
        let channels = self.y.chunks_exact_mut(positions).zip(self.x.chunks_exact(positions));
        for ((y, x), (weight, bias)) in channels.zip(self.weight.iter().zip(self.bias)) {
            let slope = weight * scale;
            let values = y.iter_mut().zip(x);
            if self.norm.settings.activate {
                for (y, x) in values {
                    let z = (x - mean) * slope + bias;
                    *y = z * sigmoid(z);
                }
            } else {
                values.for_each(|(y, x)| *y = (x - mean) * slope + bias);
            }
        }
        [mean, scale]
    }
}

struct Backward<'a> {
    x: &'a [f32],
    gradient: &'a [f32],
    weight: &'a [f32],
    bias: &'a [f32],
    moments: Moments,
    dx: &'a mut [f32],
    norm: &'a GroupNorm,
}

impl WithSimd for Backward<'_> {
    /// For each channel the gradients of its bias and of its weight.
    type Output = Vec<[f32; 2]>;

    /// With n = (x - mean) scale and z = weight n + bias: dz = dy silu'(z), and dx = scale (weight dz - mean over the group of
    /// weight dz - n mean over the group of weight dz n).
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Vec<[f32; 2]> {
        let ([mean, scale], positions) = (self.moments, self.norm.positions);
        let activate = self.norm.settings.activate;
        let mut sums = Vec::with_capacity(self.weight.len());
        let channels = self
            .dx
            .chunks_exact_mut(positions)
            .zip(self.x.chunks_exact(positions).zip(self.gradient.chunks_exact(positions)));
        for ((dz, (x, gradient)), (weight, bias)) in channels.zip(self.weight.iter().zip(self.bias)) {
            if activate {
                for (dz, (x, dy)) in dz.iter_mut().zip(x.iter().zip(gradient)) {
                    let z = (x - mean) * scale * weight + bias;
                    let s = sigmoid(z);
                    *dz = dy * (s * (1.0 + z * (1.0 - s)));
                }
            } else {
                dz.copy_from_slice(gradient);
            }
            sums.push([fold(dz, |dz| dz), fold_two(dz, x, |dz, x| dz * (x - mean) * scale)]);
        }
        let count = self.x.len() as f32;
        let over = |i: fn(&[f32; 2]) -> f32| sums.iter().zip(self.weight).map(|(s, w)| i(s) * w).sum::<f32>() / count;
        let (plain, along) = (over(|s| s[0]), over(|s| s[1]));
        for ((dx, x), weight) in
            self.dx.chunks_exact_mut(positions).zip(self.x.chunks_exact(positions)).zip(self.weight)
        {
            for (dx, x) in dx.iter_mut().zip(x) {
                *dx = scale * (*dx * weight - plain - (x - mean) * scale * along);
            }
        }
        sums
    }
}
