//! Time embedding.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};

use whence_base::Result;
use whence_nn::layers::{Linear, silu};
use whence_nn::weights::Builder;

/// Sinusoidal encoding of the timesteps, `[timesteps, width]` (Vaswani et al. 2017, as diffusers' `get_timestep_embedding`):
/// frequencies 10000^(-i / (width/2 - shift)), sines before cosines unless flipped.
///
/// Computed in 32 bits on the CPU in PyTorch's order of operations, because the rounding of frequency times timestep is
/// visible in the network's output.
pub fn timestep_embedding(
    timesteps: &[usize],
    width: usize,
    flip_sin_to_cos: bool,
    freq_shift: i64,
    device: &Device,
) -> Tensor<2> {
    let half = width / 2;
    let scale = -(10000f64.ln()) as f32;
    let denominator = (half as i64 - freq_shift) as f32;
    let frequencies: Vec<f32> = (0..half).map(|i| (scale * i as f32 / denominator).exp()).collect();
    let mut values = Vec::with_capacity(timesteps.len() * width);
    for &t in timesteps {
        let angles = frequencies.iter().map(|f| t as f32 * f);
        let (sines, cosines) = (angles.clone().map(f32::sin), angles.map(f32::cos));
        if flip_sin_to_cos {
            values.extend(cosines.chain(sines));
        } else {
            values.extend(sines.chain(cosines));
        }
        // An odd width ends in a zero.
        values.extend(std::iter::repeat_n(0.0, width % 2));
    }
    Tensor::from_data(TensorData::new(values, [timesteps.len(), width]), device)
}

/// Two linear layers with SiLU between them, over the sinusoidal encoding.
#[derive(Module, Debug)]
pub struct TimestepEmbedding {
    linear_1: Linear,
    linear_2: Linear,
}

impl TimestepEmbedding {
    pub(super) fn build(b: &mut Builder<'_>, inputs: usize, width: usize) -> Result<Self> {
        Ok(Self {
            linear_1: b.within("linear_1", |b| Linear::build(b, inputs, width))?,
            linear_2: b.within("linear_2", |b| Linear::build(b, width, width))?,
        })
    }

    /// `[batch, inputs]` to `[batch, width]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.linear_2.forward(silu(self.linear_1.forward(x)))
    }
}
