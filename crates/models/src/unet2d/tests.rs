//! Networks computed by burn's layers and by the CPU kernels.

use std::path::Path;

use burn::module::Module as _;
use burn::tensor::Device;
use whence_base::random::epsilon;
use whence_nn::gradients::collect_gradients;
use whence_nn::sample::to_tensor;
use whence_nn::weights::{SafetensorsSource, to_vec};

use super::{UNet2DConfig, UNet2DModel};

/// A network's prediction and its gradients.
fn prediction_and_gradients(folder: &Path) -> Vec<Vec<f32>> {
    let device = Device::flex().autodiff();
    let config = std::fs::read_to_string(folder.join("config.json")).unwrap();
    let config = UNet2DConfig::from_json(&config, "config.json").unwrap();
    let mut source = SafetensorsSource::open(&folder.join("diffusion_pytorch_model.safetensors")).unwrap();
    let network = UNet2DModel::build(&config, &mut source, &Device::flex()).unwrap().train();
    let shape = config.sample_shape().unwrap();
    let classes = config.num_class_embeds.map(|_| vec![0, 1]);
    let x = to_tensor(&epsilon(5, b"layers", 1, 0, 2 * shape.numel()), shape, &device);
    let out = network.forward(x, &[3, 700], classes.as_deref(), None);
    let found = to_vec(out.clone().inner()).unwrap();
    let mut tape = (out.clone() * out).mean().backward();
    let gradients = collect_gradients(&network, &mut tape);
    std::iter::once(found).chain(gradients.into_iter().flatten().map(|g| to_vec(g).unwrap())).collect()
}

/// Other devices use burn's layers.
#[test]
fn networks_agree_with_burns_layers_and_with_the_cpu_kernels() {
    for name in ["unet-guda-tiny", "unet-adm-tiny", "unet-ddpm-cifar-tiny"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(name);
        let ours = prediction_and_gradients(&folder);
        let burns = whence_kernels::with_burn_layers(|| prediction_and_gradients(&folder));
        assert_ne!(ours, burns, "{name}: the same layers twice");
        assert_eq!(ours.len(), burns.len(), "{name}");
        for (i, (a, b)) in ours.iter().zip(&burns).enumerate() {
            let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
            let error = norm(&mut a.iter().zip(b).map(|(a, b)| f64::from(a - b)));
            let size = norm(&mut b.iter().map(|b| f64::from(*b)));
            assert!(error < 1e-4 * size + 1e-8, "{name}, {i}: an error of {error} in {size}");
        }
    }
}
