//! A network's parameters as a list of vectors: what optimizer, averages and checkpoints work on.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;

use crate::weights::visit_parameters;

/// Each parameter, flattened and outside the graph, with its name, in the order of the tree.
pub fn flat_parameters(network: &impl Module) -> Vec<(String, Tensor<1>)> {
    let mut found = Vec::new();
    visit_parameters(network, |name, _, value| found.push((name, value)));
    found
}

/// A plain network with these values in place of its parameters', in the order of the tree.
pub fn with_parameters<M: Module>(network: M, values: Vec<Tensor<1>>) -> M {
    struct Put(std::vec::IntoIter<Tensor<1>>);
    impl ModuleMapper for Put {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            match self.0.next() {
                Some(value) => param.map(|old| value.reshape(old.dims())),
                None => param,
            }
        }
    }
    network.map(&mut Put(values.into_iter()))
}
