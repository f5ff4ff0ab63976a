//! Forward and gradients against PyTorch and diffusers (`tests/fixtures/make_fixtures.py`).

use std::path::Path;

use burn::module::Module as _;
use burn::tensor::Device;
use whence_models::{UNet2DConfig, UNet2DModel};
use whence_nn::gradients::collect_gradients;
use whence_nn::sample::to_tensor;
use whence_nn::weights::{SafetensorsSource, to_vec};

use super::fixture;

fn load(name: &str, device: &Device) -> UNet2DModel {
    let folder = fixture(name);
    let config = std::fs::read_to_string(folder.join("config.json")).unwrap();
    let config = UNet2DConfig::from_json(&config, "config.json").unwrap();
    let mut source = SafetensorsSource::open(&folder.join("diffusion_pytorch_model.safetensors")).unwrap();
    let network = UNet2DModel::build(&config, &mut source, device).unwrap();
    source.finish().unwrap();
    network
}

/// Integers that the reference holds, which our reader of weights refuses on purpose.
fn integers(path: &Path, name: &str) -> Option<Vec<usize>> {
    let bytes = std::fs::read(path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let view = file.tensor(name).ok()?;
    Some(view.data().chunks(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()) as usize).collect())
}

fn floats(path: &Path) -> std::collections::BTreeMap<String, Vec<f32>> {
    let bytes = std::fs::read(path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    file.tensors()
        .into_iter()
        .filter(|(_, v)| v.dtype() == safetensors::Dtype::F32)
        .map(|(n, v)| (n, v.data().chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()))
        .collect()
}

/// |a - b| / |b| in the Euclidean norm.
fn relative(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    let difference: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    let norm: f64 = b.iter().map(|b| f64::from(*b).powi(2)).sum();
    (difference / norm.max(1e-20)).sqrt()
}

fn names(network: &UNet2DModel) -> Vec<String> {
    whence_nn::weights::named_tensors(network).into_iter().map(|t| t.name).collect()
}

fn check(weights: &str, reference: &str) {
    let device = Device::flex();
    let network = load(weights, &device);
    let shape = network.config().sample_shape().unwrap();
    let path = fixture(reference).join("reference.safetensors");
    let reference = floats(&path);
    let timesteps = integers(&path, "t").unwrap();
    let classes = integers(&path, "class_labels");

    let out = network.forward(to_tensor(&reference["x"], shape, &device), &timesteps, classes.as_deref(), None);
    let out = to_vec(out).unwrap();
    let worst = out.iter().zip(&reference["out"]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 1e-4, "{weights}: forward differs by {worst}");

    let device = device.autodiff();
    let network = network.train();
    let x = to_tensor(&reference["x"], shape, &device);
    let target = to_tensor(&reference["target"], shape, &device);
    let out = network.forward(x, &timesteps, classes.as_deref(), None);
    let loss = (out - target).powi_scalar(2).mean();
    let value: f32 = loss.clone().inner().into_scalar();
    assert!((value - reference["loss"][0]).abs() < 1e-4 * reference["loss"][0]);
    let mut gradients = loss.backward();
    let found = collect_gradients(&network, &mut gradients);
    let names = names(&network);
    assert_eq!(names.len(), found.len());
    assert_eq!(names.len(), reference.keys().filter(|k| k.starts_with("grad.")).count(), "every parameter is there");
    for (name, gradient) in names.iter().zip(found) {
        let error = relative(&to_vec(gradient.expect(name)).unwrap(), &reference[&format!("grad.{name}")]);
        // The key's bias moves all logits alike, so its true gradient is zero and the rest is rounding.
        let zero = name.ends_with("to_k.bias");
        assert!(error < 1e-3 || zero, "{weights}: gradient of {name} differs by {error}");
    }
}

#[test]
fn guda_network_agrees_with_pytorch() {
    check("unet-guda-tiny", "unet-guda-tiny");
}

#[test]
fn published_cifar_ddpm_network_agrees_with_pytorch() {
    check("unet-ddpm-cifar-tiny", "unet-ddpm-cifar-tiny");
}

#[test]
fn old_attention_names_load_as_the_same_network() {
    check("unet-ddpm-cifar-tiny-oldnames", "unet-ddpm-cifar-tiny");
}

#[test]
fn class_conditional_scale_shift_network_agrees_with_pytorch() {
    check("unet-adm-tiny", "unet-adm-tiny");
}
