//! Training: resuming gives the weights of an uninterrupted run; the optimizer is PyTorch's.

use std::path::Path;

use whence_base::Error;
use whence_data::{Dataset, LoadOptions};
use whence_diffusion::Pipeline;
use whence_nn::ParameterSelection;
use whence_nn::weights::named_values;
use whence_training::{LeftOut, Training, TrainingConfig};

use super::fixture;

fn train(config: &TrainingConfig, out: &Path, stop_at: Option<usize>) -> Result<Pipeline, Error> {
    let dataset = Dataset::load(&fixture("digits/images"), &LoadOptions::default(), &mut |_, _| Ok(())).unwrap();
    let device = burn::tensor::Device::flex();
    let training =
        Training { dataset: &dataset, config, left_out: &LeftOut::default(), conditions: None, out, device: &device };
    training.run(&mut |s| if Some(s.step) == stop_at { Err(Error::Cancelled) } else { Ok(()) })
}

#[test]
fn a_resumed_run_ends_with_the_same_weights() {
    let folder = tempfile::tempdir().unwrap();
    let config = TrainingConfig { steps: 12, batch: 8, checkpoint_every: 5, ..TrainingConfig::default() };
    let whole = train(&config, &folder.path().join("whole"), None).unwrap();
    let parts = folder.path().join("parts");
    assert!(train(&config, &parts, Some(7)).unwrap_err().is_cancelled());
    let resumed = train(&config, &parts, None).unwrap();
    assert_eq!(named_values(&whole.network).unwrap(), named_values(&resumed.network).unwrap());
    assert!(!parts.join("checkpoint").exists(), "a finished run leaves no checkpoint");
    // What was written is what was trained.
    let loaded = Pipeline::load(&parts, &burn::tensor::Device::flex()).unwrap();
    assert_eq!(loaded.hash(), whole.hash());
}

#[test]
fn a_checkpoint_of_other_settings_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let config = TrainingConfig { steps: 12, batch: 8, checkpoint_every: 5, ..TrainingConfig::default() };
    assert!(train(&config, folder.path(), Some(6)).is_err());
    let other = TrainingConfig { seed: 9, ..config };
    let error = train(&other, folder.path(), None).unwrap_err().to_string();
    assert!(error.contains("other settings"), "{error}");
}

#[test]
fn training_lowers_the_loss() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = Dataset::load(&fixture("digits/images"), &LoadOptions::default(), &mut |_, _| Ok(())).unwrap();
    let config =
        TrainingConfig { steps: 61, batch: 32, learning_rate: 2e-3, warmup_steps: 10, ..TrainingConfig::default() };
    let device = burn::tensor::Device::flex();
    let mut losses = Vec::new();
    let training = Training {
        dataset: &dataset,
        config: &config,
        left_out: &LeftOut::groups([3]),
        conditions: None,
        out: folder.path(),
        device: &device,
    };
    training
        .run(&mut |s| {
            losses.extend(s.loss);
            Ok(())
        })
        .unwrap();
    assert!(losses[0] > 0.8 && losses[losses.len() - 1] < 0.6, "{losses:?}");
}

/// Six steps of a real UNet in PyTorch (`tests/python/make_training_fixtures.py`): loss, clipped gradients, AdamW.
#[test]
fn six_steps_of_a_unet_end_where_pytorch_ends() {
    use whence_models::Conditions;
    use whence_nn::gradients::{Pass, sharded_gradients};
    use whence_nn::optimizer::AdamW;
    use whence_nn::optimizer::AdamWConfig;
    use whence_nn::sample::to_tensor;

    let bytes = std::fs::read(fixture("pytorch/training.safetensors")).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let floats = |name: &str| -> Vec<f32> {
        file.tensor(name).unwrap().data().chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
    };
    let device = burn::tensor::Device::flex();
    let start = Pipeline::load(&fixture("pytorch/training/start"), &device).unwrap();
    let end = Pipeline::load(&fixture("pytorch/training/end"), &device).unwrap();
    let (x0, noise) = (floats("unet.x0"), floats("unet.noise"));
    let t: Vec<usize> = file
        .tensor("unet.t")
        .unwrap()
        .data()
        .chunks(8)
        .map(|b| i64::from_le_bytes(b.try_into().unwrap()) as usize)
        .collect();
    let (losses, norms) = (floats("unet.losses"), floats("unet.grad_norms"));
    let steps = losses.len();
    let (batch, size) = (t.len() / steps, start.sample_shape().numel());
    let config = AdamWConfig { weight_decay: 1e-4, clip_norm: Some(1.0), ..AdamWConfig::default() };
    let mut network = start.network.clone();
    let mut optimizer = AdamW::new(config, &network, &ParameterSelection::All);
    let tracked = device.autodiff();
    for step in 0..steps {
        let images = step * batch * size..(step + 1) * batch * size;
        let times = &t[step * batch..(step + 1) * batch];
        let (x0, noise) = (&x0[images.clone()], &noise[images]);
        let noisy: Vec<f32> = x0
            .chunks(size)
            .zip(noise.chunks(size))
            .zip(times)
            .flat_map(|((x, e), t)| start.schedule().add_noise(x, e, *t))
            .collect();
        let (gradients, metrics) = sharded_gradients(&network, &ParameterSelection::All, &[()], |network, _, ()| {
            let output =
                network.forward(to_tensor(&noisy, start.sample_shape(), &tracked), times, &Conditions::None, None);
            let loss = (output - to_tensor(noise, start.sample_shape(), &tracked)).powi_scalar(2).mean();
            Pass { metrics: loss.clone().inner(), loss }
        });
        let value: f32 = metrics[0].clone().into_scalar();
        assert!((value / losses[step] - 1.0).abs() < 1e-4, "step {step}: loss {value} for {}", losses[step]);
        let norm;
        (network, norm) = optimizer.step(network, gradients, 1e-3);
        let norm: f32 = norm.into_scalar();
        assert!((norm / norms[step] - 1.0).abs() < 1e-3, "step {step}: norm {norm} for {}", norms[step]);
    }
    let trained = start.with_network(network);
    let (mut sum, mut count) = (0.0, 0);
    for ((name, _, found), (other, _, expected)) in
        named_values(&trained.network).unwrap().iter().zip(named_values(&end.network).unwrap())
    {
        assert_eq!(*name, other);
        // The gradient of this bias is zero but for rounding, which AdamW blows up to full steps.
        if name.ends_with("to_k.bias") {
            continue;
        }
        for (a, b) in found.iter().zip(expected) {
            assert!((a - b).abs() < 3e-4, "{name}: {a} {b}");
            sum += f64::from((a - b).abs());
            count += 1;
        }
    }
    assert!(sum / f64::from(count) < 2e-6, "mean difference {}", sum / f64::from(count));
}

/// Rates of `training.json`: a cosine as diffusers has it, the warm-up one step ahead of it, so that no step is wasted.
#[test]
fn learning_rates_follow_the_schedule_that_pytorch_was_given() {
    let text = std::fs::read_to_string(fixture("pytorch/training.json")).unwrap();
    let all: serde_json::Value = serde_json::from_str(&text).unwrap();
    let rates = |run: &str| -> Vec<f64> {
        all["optimizer"][run]["rates"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
    };
    let config = TrainingConfig { steps: 30, warmup_steps: 5, learning_rate: 0.01, ..TrainingConfig::default() };
    let diffusers = rates("diffusers");
    for (step, rate) in rates("shifted").into_iter().enumerate() {
        assert!((config.rate_at(step) - rate).abs() < 1e-12, "step {step}");
        if step >= 5 {
            assert!((diffusers[step] - rate).abs() < 1e-12, "step {step}");
        }
    }
}

/// A batch of the demo's network in shards of each size: its gradient, flat.
fn gradient_in_shards(size: usize, threads: usize) -> Vec<f32> {
    use whence_base::random::epsilon;
    use whence_models::Conditions;
    use whence_nn::gradients::{Pass, sharded_gradients};
    use whence_nn::sample::to_tensor;
    use whence_nn::weights::to_vec;

    const BATCH: usize = 20;
    let device = burn::tensor::Device::flex();
    let tracked = device.clone().autodiff();
    let model = Pipeline::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo/model"), &device).unwrap();
    let image = model.sample_shape().numel();
    let (x, y) = (epsilon(1, b"x", 1, 0, BATCH * image), epsilon(1, b"y", 1, 0, BATCH * image));
    let indices: Vec<usize> = (0..BATCH).collect();
    let shards: Vec<&[usize]> = indices.chunks(size).collect();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let (gradients, metrics) = pool.install(|| {
        sharded_gradients(&model.network, &ParameterSelection::All, &shards, |network, index, indices| {
            assert_eq!(indices[0], index * size);
            let values = |all: &[f32]| all[indices[0] * image..(indices[0] + indices.len()) * image].to_vec();
            let timesteps: Vec<usize> = indices.iter().map(|i| 40 * i + 7).collect();
            let out = network.forward(
                to_tensor(&values(&x), model.sample_shape(), &tracked),
                &timesteps,
                &Conditions::None,
                None,
            );
            let loss = (out - to_tensor(&values(&y), model.sample_shape(), &tracked)).powi_scalar(2).mean();
            Pass { metrics: loss.clone().inner(), loss: loss * (indices.len() as f64 / BATCH as f64) }
        })
    });
    assert_eq!(metrics.len(), shards.len());
    gradients.into_iter().flat_map(|g| to_vec(g.expect("every parameter takes part")).unwrap()).collect()
}

#[test]
fn a_gradient_in_shards_is_the_whole_batchs_and_the_same_on_any_number_of_threads() {
    let whole = gradient_in_shards(20, 1);
    let sharded = gradient_in_shards(8, 1);
    let norm = |v: &[f32]| v.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
    let difference: Vec<f32> = whole.iter().zip(&sharded).map(|(a, b)| a - b).collect();
    assert!(norm(&difference) < 1e-5 * norm(&whole), "{} of {}", norm(&difference), norm(&whole));
    assert!(sharded == gradient_in_shards(8, 2), "to the last bit");
    assert!(sharded == gradient_in_shards(8, 3), "to the last bit");
}
