//! Training batches that fit into a device's memory.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::failure::device_failure;
use crate::gradients::{Gradients, Pass, sharded_gradients, shards};
use crate::parameters::to_vec;
use crate::sample::SampleShape;
use crate::selection::ParameterSelection;
use whence_base::{Error, Result, is_out_of_memory, panic_text};

/// Cuts the batch of each training step into shards: on the CPU for speed, elsewhere only where the device has no memory
/// for the gradient of the whole batch.
///
/// Gradients of more shards differ by rounding only, apart from dropout, which each shard draws for itself.
pub struct BatchSplitter {
    device: Device,
    shape: SampleShape,
    /// Number of shards on devices other than the CPU, as far as is known.
    pieces: usize,
    /// Whether a step of this many shards has succeeded.
    fits: bool,
}

impl BatchSplitter {
    /// For steps on this device, with samples of this shape.
    pub fn new(device: &Device, shape: SampleShape) -> Self {
        Self { device: device.clone(), shape, pieces: 1, fits: false }
    }

    /// As [`sharded_gradients`], over the indices `0..count` of a batch where each index stands for `each` samples. `pass`
    /// gets the range of a shard's indices.
    ///
    /// # Errors
    /// [`Error::Memory`] where the device has no memory for one index.
    pub fn gradients<M: Module + Sync>(
        &mut self,
        network: &M,
        selection: &ParameterSelection,
        (count, each): (usize, usize),
        pass: impl Fn(&M, usize, &Range<usize>) -> Pass + Sync,
    ) -> Result<(Gradients, Vec<Tensor<1>>)> {
        if self.device == Device::flex() {
            let shards = shards(count, each, self.shape, &self.device);
            return Ok(sharded_gradients(network, selection, &shards, pass));
        }
        self.within_memory(count, |shards| sharded_gradients(network, selection, shards, &pass))
    }

    /// Doubles the number of shards until the device has memory for the largest.
    fn within_memory(
        &mut self,
        count: usize,
        gradients: impl Fn(&[Range<usize>]) -> (Gradients, Vec<Tensor<1>>),
    ) -> Result<(Gradients, Vec<Tensor<1>>)> {
        loop {
            let pieces = self.pieces.clamp(1, count.max(1));
            let shards: Vec<_> = (0..pieces).map(|i| i * count / pieces..(i + 1) * count / pieces).collect();
            match self.attempt(|| gradients(&shards)) {
                Err(Error::Memory { what, .. }) if pieces < count => {
                    (self.pieces, self.fits) = ((2 * pieces).min(count), false);
                    tracing::warn!("{what}; continuing with {} parts per training batch", self.pieces);
                }
                other => return other,
            }
        }
    }

    /// One step's gradients. Until one has succeeded, a gradient is read back: a device computes later than it is told
    /// to, and may report exhausted memory only when it is read.
    fn attempt(&mut self, gradients: impl Fn() -> (Gradients, Vec<Tensor<1>>)) -> Result<(Gradients, Vec<Tensor<1>>)> {
        let fits = self.fits;
        let attempt = catch_unwind(AssertUnwindSafe(|| {
            let (gradients, metrics) = gradients();
            // The first parameter's gradient is computed last.
            if let Some(first) = gradients.iter().flatten().next().filter(|_| !fits) {
                to_vec(first.clone())?;
            }
            Ok((gradients, metrics))
        }));
        match attempt {
            Ok(result) => {
                self.fits = result.is_ok();
                result
            }
            Err(panic) if is_out_of_memory(panic_text(&*panic)) => {
                Err(device_failure(&self.device, panic_text(&*panic).to_owned()))
            }
            Err(panic) => resume_unwind(panic),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_network::TwoLayers;
    use parking_lot::Mutex;

    /// Gradients of `TwoLayers` on 12 inputs by a device with memory for `room` of them, and the sizes of the shards.
    fn run(splitter: &mut BatchSplitter, room: usize) -> (Result<Vec<f32>>, Vec<usize>) {
        let network = TwoLayers::random(5);
        let device = Device::flex().autodiff();
        let sizes = Mutex::new(Vec::new());
        let result = splitter.within_memory(12, |shards| {
            sharded_gradients(&network, &ParameterSelection::All, shards, |network, _, range| {
                sizes.lock().push(range.len());
                assert!(range.len() <= room, "wgpu error: Out of Memory");
                let x: Vec<f32> = range.clone().flat_map(|i| [i as f32, 1.0, -0.5 * i as f32]).collect();
                let x = Tensor::<1>::from_floats(x.as_slice(), &device).reshape([range.len(), 3]);
                let loss = network.forward(x).powi_scalar(2).sum();
                Pass { metrics: loss.clone().inner(), loss }
            })
        });
        let values = result.and_then(|(g, _)| to_vec(Tensor::cat(g.into_iter().flatten().collect(), 0)));
        (values, sizes.into_inner())
    }

    fn splitter() -> BatchSplitter {
        BatchSplitter::new(&Device::flex(), SampleShape { channels: 3, height: 8, width: 8 })
    }

    #[test]
    fn a_full_device_gets_smaller_parts_with_the_same_gradient() {
        let (whole, sizes) = run(&mut splitter(), 12);
        assert_eq!(sizes, [12]);
        let mut splitter = splitter();
        let (split, sizes) = run(&mut splitter, 3);
        assert_eq!(sizes.first(), Some(&12));
        assert_eq!(sizes.iter().filter(|s| **s == 3).count(), 4, "{sizes:?}");
        let (whole, split) = (whole.unwrap(), split.unwrap());
        for (a, b) in whole.iter().zip(&split) {
            assert!((a - b).abs() <= 1e-5 * a.abs().max(1.0), "{a} and {b}");
        }
        let (again, sizes) = run(&mut splitter, 3);
        assert_eq!((again.unwrap(), sizes), (split, vec![3, 3, 3, 3]), "the next step starts with parts that fit");
    }

    #[test]
    fn no_memory_for_one_sample_is_an_error() {
        let (result, sizes) = run(&mut splitter(), 0);
        assert!(matches!(result, Err(Error::Memory { .. })), "{result:?}");
        assert!(sizes.contains(&1));
    }

    #[test]
    #[should_panic(expected = "lost")]
    fn another_panic_is_not_caught() {
        let _ = splitter().within_memory(4, |_| panic!("the device was lost"));
    }
}
