//! Samples: what a network works on, in 32-bit floats. A codec makes samples of images.

use burn::tensor::{Device, Tensor, TensorData};

/// Shape of one sample: pixels in [-1, 1], or latents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SampleShape {
    /// Number of channels.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl SampleShape {
    /// Number of values.
    pub fn numel(self) -> usize {
        self.channels * self.height * self.width
    }

    /// Dimensions of a batch of `count` samples, `[count, channels, height, width]`.
    pub fn batch(self, count: usize) -> [usize; 4] {
        [count, self.channels, self.height, self.width]
    }
}

/// Samples, row-major and one after another, as a tensor `[count, channels, height, width]`.
pub fn to_tensor(values: &[f32], shape: SampleShape, device: &Device) -> Tensor<4> {
    let count = values.len() / shape.numel().max(1);
    Tensor::from_data(TensorData::new(values.to_vec(), shape.batch(count)), device)
}
