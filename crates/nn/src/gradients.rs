//! A step's gradient, computed in shards.
//!
//! A network of this size does not keep several cores busy layer by layer. A step therefore cuts its batch into shards of a
//! fixed size, each differentiated on a copy of the network of its own, and adds their gradients in the order of the
//! shards: the sum is the same to the last bit however many threads there are.

use std::collections::BTreeMap;
use std::ops::Range;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients as Tape, Tensor};
use parking_lot::Mutex;
use rayon::prelude::*;

use super::sample::SampleShape;

/// One gradient a parameter, flat, in the order of the tree; none for parameters that took no part.
pub type Gradients = Vec<Option<Tensor<1>>>;

/// What one shard's pass through the network gives.
pub struct Pass {
    /// The shard's share of the loss, `[1]`; all shards' together are the loss of the step.
    pub loss: Tensor<1>,
    /// Values to report, such as unweighted losses; detached from the graph.
    pub metrics: Tensor<1>,
}

/// The places `0..count` of a batch cut into shards, where each place holds `each` images of this shape. One shard on
/// devices other than the CPU, which compute a batch in parallel.
///
/// A shard is of 8 images, or 16 where they are small, however many threads there are: measured on networks of 177 k
/// parameters (8x8) and 687 k (32x32). Smaller ones lose to the fixed cost of a graph.
pub fn shards(count: usize, each: usize, shape: SampleShape, device: &Device) -> Vec<Range<usize>> {
    let most = if shape.height * shape.width < 1024 { 16 } else { 8 };
    let number = if *device == Device::flex() { (count * each).div_ceil(most).min(count) } else { 1 }.max(1);
    (0..number).map(|i| i * count / number..(i + 1) * count / number).collect()
}

/// The gradient of the sum of all shards' losses, and what was metrics of each shard.
///
/// `network` is plain; `pass` gets a copy that records, and the shard with its number.
pub fn sharded_gradients<M: Module + Sync, S: Sync>(
    network: &M,
    shards: &[S],
    pass: impl Fn(&M, usize, &S) -> Pass + Sync,
) -> (Gradients, Vec<Tensor<1>>) {
    let sum = Mutex::new(InOrder::default());
    let one = |(index, shard): (usize, &S)| {
        // A copy's parameters are new leaves, so that no two shards share a graph, nor its lock.
        let tracked = network.clone().train();
        let Pass { loss, metrics } = pass(&tracked, index, shard);
        let gradients = collect_gradients(&tracked, &mut loss.backward());
        sum.lock().add(index, gradients, metrics);
    };
    match shards {
        // On the calling thread: a GPU is spoken to by one thread only.
        [shard] => one((0, shard)),
        // In order, so that few gradients wait for their turn.
        _ => shards.iter().enumerate().par_bridge().for_each(one),
    }
    let sum = sum.into_inner();
    (sum.total, sum.metrics)
}

/// A sum whose terms come in any order and are added in theirs.
#[derive(Default)]
struct InOrder {
    total: Gradients,
    metrics: Vec<Tensor<1>>,
    waiting: BTreeMap<usize, (Gradients, Tensor<1>)>,
}

impl InOrder {
    fn add(&mut self, index: usize, gradients: Gradients, metrics: Tensor<1>) {
        self.waiting.insert(index, (gradients, metrics));
        while let Some((gradients, metrics)) = self.waiting.remove(&self.metrics.len()) {
            let before = std::mem::take(&mut self.total);
            self.total = if self.metrics.is_empty() {
                gradients
            } else {
                before.into_iter().zip(gradients).map(|(a, b)| sum_of(a, b)).collect()
            };
            self.metrics.push(metrics);
        }
    }
}

fn sum_of(a: Option<Tensor<1>>, b: Option<Tensor<1>>) -> Option<Tensor<1>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a + b),
        (a, b) => a.or(b),
    }
}

/// The square of the gradient's Euclidean norm over all parameters together, `[1]`.
pub fn squared_norm(gradients: &Gradients, device: &Device, parallel: bool) -> Tensor<1> {
    let square = |g: &Tensor<1>| g.clone().powi_scalar(2).sum();
    let squares: Vec<Tensor<1>> = if parallel {
        gradients.par_iter().flatten().map(square).collect()
    } else {
        gradients.iter().flatten().map(square).collect()
    };
    if squares.is_empty() { Tensor::zeros([1], device) } else { Tensor::cat(squares, 0).sum() }
}

/// Each parameter's gradient, flattened, in the order of the tree.
pub fn collect_gradients(network: &impl Module, tape: &mut Tape) -> Gradients {
    struct Collect<'a> {
        tape: &'a mut Tape,
        found: Gradients,
    }
    impl ModuleVisitor for Collect<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let gradient = param.val().grad_remove(self.tape);
            self.found.push(gradient.map(|g| {
                let count: usize = g.dims().iter().product();
                g.reshape([count])
            }));
        }
    }
    let mut collect = Collect { tape, found: Vec::new() };
    network.visit(&mut collect);
    collect.found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_even_and_cover_every_place_once() {
        let large = SampleShape { channels: 3, height: 32, width: 32 };
        let small = SampleShape { channels: 1, height: 8, width: 8 };
        let flex = Device::flex();
        for count in 1..70 {
            for (each, shape, most) in [(1, large, 8), (2, large, 8), (1, small, 16)] {
                let found = shards(count, each, shape, &flex);
                assert_eq!(found.iter().cloned().flatten().collect::<Vec<_>>(), (0..count).collect::<Vec<_>>());
                let sizes: Vec<usize> = found.iter().map(|r| r.len() * each).collect();
                let (least, largest) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
                assert!(*largest <= most && largest - least <= each, "{count} x {each}: {sizes:?}");
            }
        }
    }

    #[test]
    fn a_sum_does_not_depend_on_who_comes_first() {
        let device = Device::flex();
        let vector = |v: f32| Tensor::<1>::from_floats([v, 2.0 * v], &device);
        let values = [1e8f32, 1.0, -1e8, 0.25];
        let sum = |order: [usize; 4]| {
            let mut sum = InOrder::default();
            for i in order {
                sum.add(i, vec![Some(vector(values[i])), None], vector(i as f32));
            }
            assert!(sum.waiting.is_empty() && sum.total[1].is_none());
            let metrics: Vec<Vec<f32>> = sum.metrics.into_iter().map(crate::weights::to_vec).collect();
            assert_eq!(metrics, [[0.0, 0.0], [1.0, 2.0], [2.0, 4.0], [3.0, 6.0]]);
            crate::weights::to_vec(sum.total[0].clone().unwrap())
        };
        let expected = sum([0, 1, 2, 3]);
        assert_eq!(expected, [0.25, 0.5], "as 32-bit numbers add in this order");
        assert_eq!(sum([3, 1, 2, 0]), expected);
        assert_eq!(sum([2, 0, 3, 1]), expected);
    }
}
