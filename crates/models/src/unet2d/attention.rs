//! Multi-head self-attention over the pixels of a feature map.

use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::module::attention;

use whence_base::Result;
use whence_kernels as kernels;
use whence_nn::layers::{GroupNorm, GroupNormSpec, Linear};
use whence_nn::weights::Builder;

/// Multi-head self-attention (Vaswani et al. 2017) over pixels, with a residual connection: diffusers' `Attention` as
/// UNet2DModel uses it.
#[derive(Module, Debug)]
pub struct Attention {
    group_norm: Option<GroupNorm>,
    to_q: Linear,
    to_k: Linear,
    to_v: Linear,
    to_out: Linear,
    #[module(skip)]
    heads: usize,
    #[module(skip)]
    rescale_output_factor: f64,
}

/// Settings of an [`Attention`] layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct AttentionSpec {
    pub channels: usize,
    /// Channels of a head; one head where `None`.
    pub head_dim: Option<usize>,
    /// Groups of the normalisation; no normalisation where `None`.
    pub groups: Option<usize>,
    pub eps: f64,
    pub rescale_output_factor: f64,
}

impl Attention {
    pub(super) fn build(b: &mut Builder<'_>, spec: AttentionSpec) -> Result<Self> {
        let c = spec.channels;
        let group_norm = match spec.groups {
            Some(groups) => {
                let spec = GroupNormSpec { channels: c, groups, eps: spec.eps };
                Some(b.within("group_norm", |b| GroupNorm::build(b, spec))?)
            }
            None => None,
        };
        Ok(Self {
            group_norm,
            to_q: b.within("to_q", |b| Linear::build(b, c, c))?,
            to_k: b.within("to_k", |b| Linear::build(b, c, c))?,
            to_v: b.within("to_v", |b| Linear::build(b, c, c))?,
            to_out: b.within("to_out.0", |b| Linear::build(b, c, c))?,
            heads: c / spec.head_dim.unwrap_or(c).max(1),
            rescale_output_factor: spec.rescale_output_factor,
        })
    }

    /// `[batch, channels, height, width]` to the same shape.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let normal = match &self.group_norm {
            Some(norm) => norm.forward(x.clone()),
            None => x.clone(),
        };
        let mut out = if kernels::supports(&x) {
            let [q, k, v] = [&self.to_q, &self.to_k, &self.to_v].map(|layer| layer.forward_channels(normal.clone()));
            self.to_out.forward_channels(kernels::attention(q, k, v, self.heads))
        } else {
            self.attend(normal)
        };
        out = out + x;
        if self.rescale_output_factor == 1.0 { out } else { out / self.rescale_output_factor }
    }

    /// The same by burn's operations.
    fn attend(&self, x: Tensor<4>) -> Tensor<4> {
        let [n, c, h, w] = x.dims();
        let pixels = x.reshape([n, c, h * w]).swap_dims(1, 2);
        let heads = |t: Tensor<3>| t.reshape([n, h * w, self.heads, c / self.heads]).swap_dims(1, 2);
        let q = heads(self.to_q.forward(pixels.clone()));
        let k = heads(self.to_k.forward(pixels.clone()));
        let v = heads(self.to_v.forward(pixels));
        let out = attention(q, k, v, None, None, Default::default()).swap_dims(1, 2).reshape([n, h * w, c]);
        self.to_out.forward(out).swap_dims(1, 2).reshape([n, c, h, w])
    }
}
