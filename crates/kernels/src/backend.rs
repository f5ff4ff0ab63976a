//! The layers as operations of burn's CPU backend, and of its differentiation.

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
use super::norm::{GroupNorm, Settings};

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
        settings: Settings,
    ) -> FloatTensor<Self>;

    /// See [`super::attention()`].
    fn cpu_attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        heads: usize,
    ) -> FloatTensor<Self>;
}

/// The tensor's numbers, one after another.
struct Numbers(FlexTensor);

impl Numbers {
    fn of(tensor: &FlexTensor) -> Self {
        Self(tensor.to_contiguous())
    }
}

impl std::ops::Deref for Numbers {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        self.0.as_slice().unwrap_or_default()
    }
}

fn tensor(numbers: Vec<f32>, shape: impl Into<Vec<usize>>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(numbers, shape.into()))
}

fn dims(tensor: &FlexTensor) -> Vec<usize> {
    tensor.shape().to_vec()
}

fn conv(weight: &FlexTensor, geometry: Geometry) -> Conv {
    let shape = dims(weight);
    let size = |axis: usize| shape.get(axis).copied().unwrap_or(1);
    Conv { geometry, outputs: size(0), inputs: size(1) }
}

fn norm(x: &FlexTensor, settings: Settings) -> GroupNorm {
    let shape = dims(x);
    let channels = shape.get(1).copied().unwrap_or(1);
    GroupNorm { settings, channels, rest: shape.iter().skip(2).product() }
}

fn attention(q: &FlexTensor, heads: usize) -> Attention {
    let shape = dims(q);
    let channels = shape.get(1).copied().unwrap_or(1);
    Attention { width: channels / heads.max(1), pixels: shape.iter().skip(2).product() }
}

impl CpuLayers for Flex {
    fn cpu_conv2d(x: FlexTensor, weight: FlexTensor, bias: FlexTensor, geometry: Geometry) -> FlexTensor {
        let conv = conv(&weight, geometry);
        let shape = dims(&x);
        assert_eq!(shape.get(1), Some(&conv.inputs), "the convolution's weights are for as many channels");
        let batch = shape.first().copied().unwrap_or(1);
        let [height, width] = geometry.output();
        let y = conv.forward(&Numbers::of(&x), &Numbers::of(&weight), &Numbers::of(&bias));
        tensor(y, [batch, conv.outputs, height, width])
    }

    fn cpu_group_norm(x: FlexTensor, weight: FlexTensor, bias: FlexTensor, settings: Settings) -> FlexTensor {
        let norm = norm(&x, settings);
        let (y, _) = norm.forward(&Numbers::of(&x), &Numbers::of(&weight), &Numbers::of(&bias));
        tensor(y, dims(&x))
    }

    fn cpu_attention(q: FlexTensor, k: FlexTensor, v: FlexTensor, heads: usize) -> FlexTensor {
        let out = attention(&q, heads).forward(&Numbers::of(&q), &Numbers::of(&k), &Numbers::of(&v));
        tensor(out, dims(&q))
    }
}

/// The result `y` of a layer, with what its gradient is made of where one is wanted.
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
        settings: Settings,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node(), bias.node()];
        let (x, weight, bias) = (x.into_primitive(), weight.into_primitive(), bias.into_primitive());
        let norm = norm(&x, settings);
        let (y, moments) = norm.forward(&Numbers::of(&x), &Numbers::of(&weight), &Numbers::of(&bias));
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
        let gradient = Numbers::of(&grads.consume::<Flex>(&ops.node));
        let conv = conv(&weight, geometry);
        if let Some(node) = node_x {
            let dx = conv.input_gradient(&Numbers::of(&weight), &gradient);
            grads.register::<Flex>(node.id, tensor(dx, dims(&x)));
        }
        if let Some(node) = node_weight {
            let dweight = conv.weight_gradient(&Numbers::of(&x), &gradient);
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
        let gradient = Numbers::of(&grads.consume::<Flex>(&ops.node));
        let [dx, dweight, dbias] =
            norm.backward(&Numbers::of(&x), &Numbers::of(&weight), &Numbers::of(&bias), &moments, &gradient);
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
        let gradient = Numbers::of(&grads.consume::<Flex>(&ops.node));
        let found = attention(&q, heads).backward(&Numbers::of(&q), &Numbers::of(&k), &Numbers::of(&v), &gradient);
        for (node, gradient) in ops.parents.into_iter().zip(found) {
            if let Some(node) = node {
                grads.register::<Flex>(node.id, tensor(gradient, dims(&q)));
            }
        }
    }
}
