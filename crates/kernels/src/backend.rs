//! The layers as operations of burn's CPU backend and of its automatic differentiation. burn's internal extension
//! interface is used in this file only.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, NodeGuard, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Flex, TensorMetadata as _, backend_extension};
use burn::tensor::TensorData;

use super::attention::Attention;
use super::conv::Conv;
use super::geometry::Geometry;
use super::norm::{GroupNorm, GroupNormSettings};

/// What this module adds to burn's CPU backend.
#[backend_extension(Flex, Autodiff)]
pub trait CpuLayers: Backend {
    /// See [`super::conv2d`].
    fn cpu_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        geometry: Geometry,
    ) -> FloatTensor<Self>;

    /// See [`super::group_norm`].
    fn cpu_group_norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        settings: GroupNormSettings,
    ) -> FloatTensor<Self>;

    /// See [`super::attention()`].
    fn cpu_attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        heads: usize,
    ) -> FloatTensor<Self>;
}

/// A tensor's values, contiguous and row-major.
struct Contiguous(FlexTensor);

impl Contiguous {
    fn of(tensor: &FlexTensor) -> Self {
        Self(tensor.to_contiguous())
    }
}

impl std::ops::Deref for Contiguous {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        let Some(values) = self.0.as_slice() else {
            unreachable!("the CPU kernels work on contiguous 32-bit floats, not {:?}", self.0.dtype())
        };
        values
    }
}

fn tensor(values: Vec<f32>, shape: impl Into<Vec<usize>>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape.into()))
}

fn dims(tensor: &FlexTensor) -> Vec<usize> {
    tensor.shape().to_vec()
}

/// The first two dimensions, and the product of the others.
fn split_dims(tensor: &FlexTensor) -> (usize, usize, usize) {
    match dims(tensor).as_slice() {
        &[first, second, ref others @ ..] => (first, second, others.iter().product()),
        shape => unreachable!("the CPU kernels work on tensors of at least two dimensions, not {shape:?}"),
    }
}

fn conv(weight: &FlexTensor, geometry: Geometry) -> Conv {
    let (outputs, inputs, _) = split_dims(weight);
    Conv { geometry, outputs, inputs }
}

fn norm(x: &FlexTensor, settings: GroupNormSettings) -> GroupNorm {
    let (_, channels, positions) = split_dims(x);
    assert!(settings.groups > 0 && channels.is_multiple_of(settings.groups), "groups of equally many channels");
    GroupNorm { settings, channels, positions }
}

fn attention(q: &FlexTensor, heads: usize) -> Attention {
    let (_, channels, pixels) = split_dims(q);
    assert!(heads > 0 && channels.is_multiple_of(heads), "heads of equally many channels");
    Attention { width: channels / heads, pixels }
}

impl CpuLayers for Flex {
    fn cpu_conv2d(x: FlexTensor, weight: FlexTensor, bias: FlexTensor, geometry: Geometry) -> FlexTensor {
        let conv = conv(&weight, geometry);
        let (batch, channels, _) = split_dims(&x);
        assert_eq!(channels, conv.inputs, "the convolution's weights are for as many channels");
        let [height, width] = geometry.output();
        let y = conv.forward(&Contiguous::of(&x), &Contiguous::of(&weight), &Contiguous::of(&bias));
        tensor(y, [batch, conv.outputs, height, width])
    }

    fn cpu_group_norm(x: FlexTensor, weight: FlexTensor, bias: FlexTensor, settings: GroupNormSettings) -> FlexTensor {
        let norm = norm(&x, settings);
        let (y, _) = norm.forward(&Contiguous::of(&x), &Contiguous::of(&weight), &Contiguous::of(&bias));
        tensor(y, dims(&x))
    }

    fn cpu_attention(q: FlexTensor, k: FlexTensor, v: FlexTensor, heads: usize) -> FlexTensor {
        let out = attention(&q, heads).forward(&Contiguous::of(&q), &Contiguous::of(&k), &Contiguous::of(&v));
        tensor(out, dims(&q))
    }
}

/// The result `y` of a layer; where a gradient is wanted, `state` is recorded for the backward pass.
fn record<C: CheckpointStrategy, B: Backward<Flex, 3>>(
    layer: B,
    nodes: [NodeGuard; 3],
    state: B::State,
    y: FlexTensor,
) -> FloatTensor<Autodiff<Flex, C>> {
    match layer.prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish(state, y),
        OpsKind::UnTracked(prep) => prep.finish(y),
    }
}

impl<C: CheckpointStrategy> CpuLayers for Autodiff<Flex, C> {
    fn cpu_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        geometry: Geometry,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node(), bias.node()];
        let (x, weight, bias) = (x.into_primitive(), weight.into_primitive(), bias.into_primitive());
        let y = Flex::cpu_conv2d(x.clone(), weight.clone(), bias, geometry);
        record::<C, _>(ConvBackward, nodes, (x, weight, geometry), y)
    }

    fn cpu_group_norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        settings: GroupNormSettings,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node(), bias.node()];
        let (x, weight, bias) = (x.into_primitive(), weight.into_primitive(), bias.into_primitive());
        let norm = norm(&x, settings);
        let (y, moments) = norm.forward(&Contiguous::of(&x), &Contiguous::of(&weight), &Contiguous::of(&bias));
        let y = tensor(y, dims(&x));
        record::<C, _>(NormBackward, nodes, (x, weight, bias, norm, moments), y)
    }

    fn cpu_attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        heads: usize,
    ) -> FloatTensor<Self> {
        let nodes = [q.node(), k.node(), v.node()];
        let inputs = [q, k, v].map(|t| t.into_primitive());
        let [q, k, v] = inputs.clone();
        let out = Flex::cpu_attention(q, k, v, heads);
        record::<C, _>(AttentionBackward, nodes, (inputs, heads), out)
    }
}

#[derive(Debug)]
struct ConvBackward;

impl Backward<Flex, 3> for ConvBackward {
    type State = (FlexTensor, FlexTensor, Geometry);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (x, weight, geometry) = ops.state;
        let [node_x, node_weight, node_bias] = ops.parents;
        let gradient = Contiguous::of(&grads.consume::<Flex>(&ops.node));
        let conv = conv(&weight, geometry);
        if let Some(node) = node_x {
            let dx = conv.input_gradient(&Contiguous::of(&weight), &gradient);
            grads.register::<Flex>(node.id, tensor(dx, dims(&x)));
        }
        if let Some(node) = node_weight {
            let dweight = conv.weight_gradient(&Contiguous::of(&x), &gradient);
            grads.register::<Flex>(node.id, tensor(dweight, dims(&weight)));
        }
        if let Some(node) = node_bias {
            grads.register::<Flex>(node.id, tensor(conv.bias_gradient(&gradient), [conv.outputs]));
        }
    }
}

#[derive(Debug)]
struct NormBackward;

impl Backward<Flex, 3> for NormBackward {
    type State = (FlexTensor, FlexTensor, FlexTensor, GroupNorm, Vec<[f32; 2]>);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (x, weight, bias, norm, moments) = ops.state;
        let [node_x, node_weight, node_bias] = ops.parents;
        let gradient = Contiguous::of(&grads.consume::<Flex>(&ops.node));
        let [dx, dweight, dbias] =
            norm.backward(&Contiguous::of(&x), &Contiguous::of(&weight), &Contiguous::of(&bias), &moments, &gradient);
        let found = [
            (node_x, tensor(dx, dims(&x))),
            (node_weight, tensor(dweight, [norm.channels])),
            (node_bias, tensor(dbias, [norm.channels])),
        ];
        for (node, gradient) in found {
            if let Some(node) = node {
                grads.register::<Flex>(node.id, gradient);
            }
        }
    }
}

#[derive(Debug)]
struct AttentionBackward;

impl Backward<Flex, 3> for AttentionBackward {
    type State = ([FlexTensor; 3], usize);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let ([q, k, v], heads) = ops.state;
        let gradient = Contiguous::of(&grads.consume::<Flex>(&ops.node));
        let found =
            attention(&q, heads).backward(&Contiguous::of(&q), &Contiguous::of(&k), &Contiguous::of(&v), &gradient);
        for (node, gradient) in ops.parents.into_iter().zip(found) {
            if let Some(node) = node {
                grads.register::<Flex>(node.id, tensor(gradient, dims(&q)));
            }
        }
    }
}
