//! Training: resuming gives the weights of an uninterrupted run; the optimizer is PyTorch's.

use std::path::Path;

use whence::Error;
use whence::dataset::{Dataset, LoadOptions};
use whence::diffusion::Model;
use whence::network::weights::named_values;
use whence::training::{LeftOut, Training, TrainingConfig};

use super::fixture;

fn train(config: &TrainingConfig, out: &Path, stop_at: Option<usize>) -> Result<Model, Error> {
    let dataset = Dataset::load(&fixture("digits/images"), &LoadOptions::default(), &mut |_, _| Ok(())).unwrap();
    let device = burn::tensor::Device::flex();
    let training = Training { dataset: &dataset, config, left_out: &LeftOut::default(), out, device: &device };
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
    assert_eq!(named_values(&whole.network), named_values(&resumed.network));
    assert!(!parts.join("checkpoint").exists(), "a finished run leaves no checkpoint");
    // What was written is what was trained.
    let loaded = Model::load(&parts, &burn::tensor::Device::flex()).unwrap();
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
