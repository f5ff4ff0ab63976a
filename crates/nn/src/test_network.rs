//! A small network for this crate's tests.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::layers::{Linear, silu};
use crate::weights::{Builder, RandomStart, Source};
use whence_base::Result;

/// Two linear layers with SiLU between them.
#[derive(Module, Debug)]
pub struct TwoLayers {
    pub first: Linear,
    pub second: Linear,
}

impl TwoLayers {
    pub fn build(source: &mut dyn Source) -> Result<Self> {
        let device = Device::flex();
        let b = &mut Builder::new(source, &device);
        Ok(Self {
            first: b.within("first", |b| Linear::build(b, 3, 5))?,
            second: b.within("second", |b| Linear::build(b, 5, 2))?,
        })
    }

    pub fn random(seed: u64) -> Self {
        Self::build(&mut RandomStart { seed }).unwrap()
    }

    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.second.forward(silu(self.first.forward(x)))
    }
}
