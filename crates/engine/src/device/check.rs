//! Whether a device computes what the CPU computes: forward, every gradient, ten optimizer steps, at the layer shapes
//! of the network that will run. In a child process; the verdict is cached under the driver's version.

use std::path::Path;
use std::time::Duration;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::adapters::{Adapter, AdapterKind, run_child};
use whence_base::random::epsilon;
use whence_base::{Error, Result};
use whence_diffusion::{Pipeline, SchedulerConfig};
use whence_models::{Conditions, NetworkConfig, default_network};
use whence_nn::gradients::{Pass, sharded_gradients};
use whence_nn::optimizer::AdamW;
use whence_nn::optimizer::AdamWConfig;
use whence_nn::sample::to_tensor;
use whence_nn::weights::to_vec;
use whence_nn::{ParameterSelection, SampleShape};

/// Timeout of the check: compiling all kernels of a large network takes minutes on some drivers.
const TIMEOUT: Duration = Duration::from_secs(600);

/// Largest `config.json` that is read, bytes.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// Largest relative difference of the output.
const FORWARD: f64 = 1e-4;

/// Largest relative difference of a parameter's gradient.
const GRADIENT: f64 = 1e-3;

/// Largest relative difference of the loss after ten steps.
const LOSS: f64 = 1e-3;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Name of the adapter.
    pub device: String,
    /// Its driver and version.
    pub driver: String,
    /// Relative difference of the output to the CPU's.
    pub forward: f64,
    /// Largest relative difference of a gradient, over all parameters.
    pub gradient: f64,
    /// Largest relative difference of the loss over ten optimizer steps.
    pub loss: f64,
    /// Why it failed; `None` if it passed.
    pub failure: Option<String>,
}

/// The cached verdict for this adapter and network, or a new one from a child process.
///
/// # Errors
/// Where the child cannot be started.
pub fn verdict_of(program: &Path, adapter: &Adapter, network: Option<&NetworkConfig>, force: bool) -> Result<Verdict> {
    let config = network.cloned().unwrap_or_else(usual_network);
    let text = config.to_json()?;
    let mut key = blake3::Hasher::new_derive_key("whence 2026 device verdict v1");
    for part in [env!("CARGO_PKG_VERSION"), &adapter.name, &adapter.driver, &adapter.api, &text] {
        key.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    let name = key.finalize().to_hex();
    let file_name = format!("{}.json", name.chars().take(24).collect::<String>());
    let path = whence_store::user_data_folder().join("devices").join(file_name);
    if !force && let Ok(verdict) = whence_store::read_json::<Verdict>(&path) {
        return Ok(verdict);
    }
    let file =
        tempfile::Builder::new().suffix(".json").tempfile().map_err(Error::io("write into", &std::env::temp_dir()))?;
    std::fs::write(file.path(), &text).map_err(Error::io("write", file.path()))?;
    let kind = serde_json::to_string(&adapter.kind)
        .map_err(|e| Error::internal(format!("the kind of an adapter cannot be encoded: {e}")))?;
    let arguments = ["check-device", "test", &kind, &file.path().to_string_lossy()];
    let failed = |why: String| Verdict {
        device: String::new(),
        driver: String::new(),
        forward: f64::MAX,
        gradient: f64::MAX,
        loss: f64::MAX,
        failure: Some(why),
    };
    // Only the child's own verdict is cached: an interrupt or a busy device must not rule the device out for good.
    let (mut verdict, cacheable) = match run_child(program, &arguments, TIMEOUT)? {
        Ok(text) => match serde_json::from_str(&text) {
            Ok(verdict) => (verdict, true),
            Err(e) => (failed(format!("its answer cannot be read: {e}")), false),
        },
        Err(why) => (failed(why), false),
    };
    verdict.device = adapter.name.clone();
    verdict.driver = adapter.driver.clone();
    // Without a cached verdict the check runs again next time.
    if cacheable && let Err(error) = whence_store::write_json(&path, &verdict) {
        tracing::warn!("the device's verdict is not cached: {error}");
    }
    Ok(verdict)
}

fn usual_network() -> NetworkConfig {
    default_network(SampleShape { channels: 3, height: 32, width: 32 })
}

/// Compares a device with the CPU. Only for child processes: a driver may crash here.
///
/// # Errors
/// Settings that are not valid for a network. `network` is a `config.json`; diffusers' defaults if absent.
pub fn run_in_this_process(kind: AdapterKind, network: Option<&Path>) -> Result<Verdict> {
    let network = match network {
        Some(path) => {
            let text = whence_store::read_text_file(path, MAX_CONFIG_BYTES)?;
            NetworkConfig::from_json(&text, &path.display().to_string())?
        }
        None => NetworkConfig::default(),
    };
    compare(&kind.device()?, &network)
}

fn compare(device: &Device, network: &NetworkConfig) -> Result<Verdict> {
    let reference = Trace::run(&Device::flex(), network)?;
    let found = Trace::run(device, network)?;
    let forward = relative(&found.output, &reference.output, 0.0);
    let scale = reference.gradients.iter().map(|g| norm(g)).fold(0.0, f64::max);
    let gradient =
        found.gradients.iter().zip(&reference.gradients).map(|(a, b)| relative(a, b, 1e-4 * scale)).fold(0.0, worst);
    let loss = found
        .losses
        .iter()
        .zip(&reference.losses)
        .map(|(a, b)| f64::from((a - b).abs()) / f64::from(b.abs()).max(1e-12))
        .fold(0.0, worst);
    let failure = [("the output", forward, FORWARD), ("a gradient", gradient, GRADIENT), ("the loss", loss, LOSS)]
        .into_iter()
        .find(|(_, value, limit)| !value.is_finite() || value > limit)
        .map(|(what, value, limit)| format!("{what} differs from the CPU's by {value:.1e}, more than {limit:.0e}"));
    let json_safe = |v: f64| if v.is_finite() { v } else { f64::MAX };
    Ok(Verdict {
        device: String::new(),
        driver: String::new(),
        forward: json_safe(forward),
        gradient: json_safe(gradient),
        loss: json_safe(loss),
        failure,
    })
}

/// The larger; NaN propagates.
fn worst(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

fn norm(a: &[f32]) -> f64 {
    a.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt()
}

/// |a - b| over |b| plus a floor.
fn relative(a: &[f32], b: &[f32], floor: f64) -> f64 {
    if a.len() != b.len() {
        return f64::NAN;
    }
    let difference: Vec<f32> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    norm(&difference) / (norm(b) + floor).max(1e-30)
}

/// Output, gradients and losses of a device for fixed weights, images and noise.
struct Trace {
    output: Vec<f32>,
    gradients: Vec<Vec<f32>>,
    losses: Vec<f32>,
}

impl Trace {
    fn run(device: &Device, config: &NetworkConfig) -> Result<Self> {
        const BATCH: usize = 2;
        let model = Pipeline::with_random_weights(config, &SchedulerConfig::default(), 1, device)?;
        let shape = model.sample_shape();
        let size = BATCH * shape.numel();
        let (x, y) = (epsilon(1, b"device check", 1, 0, size), epsilon(1, b"device check", 2, 0, size));
        let timesteps = [7, 420];
        let conditions = model.classes().map_or(Conditions::None, |n| Conditions::Classes(vec![0, n - 1]));
        let output = to_vec(model.network.forward(to_tensor(&x, shape, device), &timesteps, &conditions, None))?;
        let tape = device.clone().autodiff();
        let mut network = model.network.clone();
        let mut optimizer = AdamW::new(AdamWConfig::default(), &network, &ParameterSelection::All);
        let mut first = Vec::new();
        let mut losses = Vec::new();
        for _ in 0..10 {
            let (gradients, step_losses) =
                sharded_gradients(&network, &ParameterSelection::All, &[()], |network, _, ()| {
                    let out = network.forward(to_tensor(&x, shape, &tape), &timesteps, &conditions, None);
                    let loss = (out - to_tensor(&y, shape, &tape)).powi_scalar(2).mean();
                    Pass { metrics: loss.clone().inner(), loss }
                });
            for loss in step_losses {
                losses.extend(to_vec(loss)?);
            }
            if first.is_empty() {
                for gradient in &gradients {
                    let gradient = gradient.clone().ok_or_else(|| Error::internal("a parameter has no gradient"))?;
                    first.push(to_vec(gradient)?);
                }
            }
            network = optimizer.step(network, gradients, 1e-4).0;
        }
        Ok(Self { output, gradients: first, losses })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> NetworkConfig {
        default_network(SampleShape { channels: 1, height: 8, width: 8 })
    }

    #[test]
    fn the_cpu_agrees_with_itself_and_the_losses_fall() {
        let verdict = compare(&Device::flex(), &small()).unwrap();
        assert_eq!(verdict.failure, None);
        assert!(verdict.gradient < 1e-6);
        let trace = Trace::run(&Device::flex(), &small()).unwrap();
        assert!(trace.losses[9] < trace.losses[0], "ten steps learn something: {:?}", trace.losses);
        assert!(trace.gradients.iter().all(|g| !g.is_empty()), "every parameter has a gradient");
    }

    #[test]
    fn differences_and_nan_are_detected() {
        assert!((relative(&[1.0, 2.0], &[1.0, 1.0], 0.0) - 0.5f64.sqrt()).abs() < 1e-9);
        assert!(relative(&[f32::NAN], &[1.0], 0.0).is_nan());
        assert!(worst(f64::NAN, 1.0).is_nan() && worst(1.0, f64::NAN).is_nan());
    }
}
