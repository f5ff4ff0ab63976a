//! The gradient of a training step, computed in shards.
//!
//! A small network does not keep several cores busy layer by layer. A step therefore cuts its batch into shards of a
//! fixed size, differentiates each on its own copy of the network, and adds the gradients in the order of the shards:
//! the sum is the same to the last bit however many threads there are.

use std::collections::BTreeMap;
use std::ops::Range;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients as Tape, Tensor};
use parking_lot::Mutex;
use rayon::prelude::*;

use super::sample::SampleShape;
use super::selection::ParameterSelection;

/// One gradient per parameter, flattened, in the order of the tree; none for parameters that took no part or are not
/// trained.
pub type Gradients = Vec<Option<Tensor<1>>>;

/// Result of one shard's forward pass.
pub struct Pass {
    /// The shard's share of the loss, `[1]`; all shards' together are the loss of the step.
    pub loss: Tensor<1>,
    /// Values to report, such as unweighted losses; detached from the graph.
    pub metrics: Tensor<1>,
}

/// The indices `0..count` of a batch cut into shards, where each index stands for `each` samples of this shape. One shard
/// on devices other than the CPU, which compute a batch in parallel.
///
/// A shard has 8 samples, or 16 where they are small, however many threads there are: measured on networks of 177 k
/// parameters (8 x 8) and 687 k (32 x 32). Smaller shards lose to the fixed cost of an autodiff graph.
pub fn shards(count: usize, each: usize, shape: SampleShape, device: &Device) -> Vec<Range<usize>> {
    let most = if shape.height * shape.width < 1024 { 16 } else { 8 };
    let shards = if *device == Device::flex() { (count * each).div_ceil(most).min(count) } else { 1 }.max(1);
    (0..shards).map(|i| i * count / shards..(i + 1) * count / shards).collect()
}

/// The gradient of the sum of all shards' losses with respect to the selected parameters, and each shard's metrics.
///
/// `network` is not in training; `pass` gets a copy that records gradients, the shard's index, and the shard.
pub fn sharded_gradients<M: Module + Sync, S: Sync>(
    network: &M,
    selection: &ParameterSelection,
    shards: &[S],
    pass: impl Fn(&M, usize, &S) -> Pass + Sync,
) -> (Gradients, Vec<Tensor<1>>) {
    let sum = Mutex::new(OrderedSum::default());
    let one = |(index, shard): (usize, &S)| {
        // A copy's parameters are new leaves, so that no two shards share a graph, nor its lock.
        let tracked = selection.freeze_others(network.clone().train());
        let Pass { loss, metrics } = pass(&tracked, index, shard);
        let gradients = collect_gradients(&tracked, &mut loss.backward());
        sum.lock().add(index, gradients, metrics);
    };
    if shards.len() > 1 && network.devices().iter().all(|d| *d == Device::flex()) {
        // In order, so that few gradients wait for those before them.
        shards.iter().enumerate().par_bridge().for_each(one);
    } else {
        // On the calling thread: only one thread works with a GPU.
        shards.iter().enumerate().for_each(one);
    }
    let sum = sum.into_inner();
    (sum.total, sum.metrics)
}

/// A sum whose terms arrive in any order and are added in the order of their indices: floating-point addition is not
/// associative.
#[derive(Default)]
struct OrderedSum {
    total: Gradients,
    metrics: Vec<Tensor<1>>,
    /// Arrived before a term of a lower index.
    waiting: BTreeMap<usize, (Gradients, Tensor<1>)>,
}

impl OrderedSum {
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

/// Each parameter's gradient, flattened, in the order of the tree; none where none was recorded.
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
    use crate::optimizer::{AdamW, AdamWConfig};
    use crate::parameters::{named_values, to_vec};
    use crate::test_network::TwoLayers;

    #[test]
    fn shards_are_of_equal_size_and_cover_every_index_once() {
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
    fn the_sum_does_not_depend_on_the_order_of_arrival() {
        let device = Device::flex();
        let vector = |v: f32| Tensor::<1>::from_floats([v, 2.0 * v], &device);
        let values = [1e8f32, 1.0, -1e8, 0.25];
        let sum = |order: [usize; 4]| {
            let mut sum = OrderedSum::default();
            for i in order {
                sum.add(i, vec![Some(vector(values[i])), None], vector(i as f32));
            }
            assert!(sum.waiting.is_empty() && sum.total[1].is_none());
            let metrics: Vec<Vec<f32>> = sum.metrics.into_iter().map(|m| to_vec(m).unwrap()).collect();
            assert_eq!(metrics, [[0.0, 0.0], [1.0, 2.0], [2.0, 4.0], [3.0, 6.0]]);
            to_vec(sum.total[0].clone().unwrap()).unwrap()
        };
        let expected = sum([0, 1, 2, 3]);
        assert_eq!(expected, [0.25, 0.5], "as 32-bit numbers add in this order");
        assert_eq!(sum([3, 1, 2, 0]), expected);
        assert_eq!(sum([2, 0, 3, 1]), expected);
    }

    fn gradients(network: &TwoLayers, selection: &ParameterSelection) -> Gradients {
        let device = Device::flex().autodiff();
        let inputs = [[[0.5f32, -1.0, 2.0], [1.0, 0.25, -0.5]], [[0.1, 0.2, 0.3], [-2.0, 1.0, 0.0]]];
        let (gradients, _) = sharded_gradients(network, selection, &inputs, |network, _, input| {
            let loss = network.forward(Tensor::from_floats(*input, &device)).powi_scalar(2).sum();
            Pass { metrics: loss.clone().inner(), loss }
        });
        gradients
    }

    fn select(patterns: &[&str]) -> ParameterSelection {
        ParameterSelection::Matching(patterns.iter().map(|p| (*p).to_owned()).collect())
    }

    /// Against the full gradient with the other parameters' entries removed, over several optimizer steps.
    #[test]
    fn parameters_that_are_not_selected_get_no_gradient_no_moments_and_no_update() {
        let selection = select(&["second", "first.bias"]);
        let config = AdamWConfig { weight_decay: 0.1, clip_norm: Some(0.5), ..AdamWConfig::default() };
        let (mut network, mut reference) = (TwoLayers::random(3), TwoLayers::random(3));
        let start = named_values(&network).unwrap();
        let mut optimizer = AdamW::new(config, &network, &selection);
        let mut brute_force = AdamW::new(config, &reference, &ParameterSelection::All);
        let selected: Vec<bool> = start.iter().map(|(name, _, _)| name != "first.weight").collect();
        for _ in 0..4 {
            let found = gradients(&network, &selection);
            let mut full = gradients(&reference, &ParameterSelection::All);
            assert!(full.iter().all(Option::is_some));
            for ((found, full), selected) in found.iter().zip(&mut full).zip(&selected) {
                if !selected {
                    *full = None;
                }
                let values = |g: &Option<Tensor<1>>| g.clone().map(|g| to_vec(g).unwrap());
                assert_eq!(values(found), values(full));
            }
            network = optimizer.step(network, found, 0.01).0;
            reference = brute_force.step(reference, full, 0.01).0;
        }
        let end = named_values(&network).unwrap();
        assert_eq!(end, named_values(&reference).unwrap());
        for ((before, after), selected) in start.iter().zip(&end).zip(&selected) {
            assert_eq!(before != after, *selected, "{}", before.0);
        }
        let names: Vec<String> = optimizer.state().1.into_iter().map(|t| t.name).collect();
        assert_eq!(names.len(), 6);
        assert!(!names.iter().any(|n| n.contains("first.weight")), "{names:?}");
    }
}
