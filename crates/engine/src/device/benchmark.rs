//! Time and memory of networks with random weights on one device, beside what a device reports about itself.

mod exhaustion;
mod limits;
mod networks;

use std::time::Instant;

use burn::module::Module as _;
use burn::tensor::Device;
use serde::Serialize;

pub use exhaustion::{Exhaustion, exhaust};
pub use limits::describe_adapters;
pub use networks::BenchmarkNetwork;

use super::{Chosen, adapters, find_adapter};
use whence_base::random::epsilon;
use whence_base::{Error, Result, panic_text};
use whence_models::UNet2DModel;
use whence_nn::ParameterSelection;
use whence_nn::gradients::{Gradients, Pass, sharded_gradients, shards};
use whence_nn::optimizer::{AdamW, AdamWConfig};
use whence_nn::sample::to_tensor;
use whence_nn::weights::{RandomStart, named_tensors, to_vec};

/// Deep autodiff graphs recurse; as much as the compute thread has.
const STACK_BYTES: usize = 64 << 20;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Workload {
    /// The network's output, without gradients.
    Forward,
    /// Forward, backward and one AdamW update.
    TrainingStep,
}

/// Time and memory of one workload.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measurement {
    /// Name of the device.
    pub device: String,
    /// Name of the network.
    pub network: &'static str,
    /// Its parameters.
    pub parameters: usize,
    /// What was measured.
    pub workload: Workload,
    /// Images per pass.
    pub batch: usize,
    /// Seconds of the first pass, in which a driver compiles its kernels.
    pub first_seconds: f64,
    /// Median of the later passes, seconds.
    pub seconds: f64,
    /// How many later passes there were.
    pub repeats: usize,
    /// Most memory that this process has had in main memory, bytes; known on Linux.
    pub peak_bytes: Option<u64>,
}

/// Measures forward passes and training steps of one network at several batch sizes; `report` gets each result at once,
/// so that a failing driver affects only the later ones. Each result takes about `seconds`, and at least two
/// passes.
///
/// The self-test is not run: this measures a device, it does not trust it.
///
/// # Errors
/// A device that does not exist, and panics of its driver.
pub fn measure(
    requested: &str,
    network: BenchmarkNetwork,
    batches: &[usize],
    seconds: f64,
    report: impl FnMut(Measurement) + Send,
) -> Result<()> {
    let chosen = open(requested)?;
    on_deep_stack(|| measure_on(&chosen, network, batches, seconds, report))
}

fn measure_on(
    chosen: &Chosen,
    network: BenchmarkNetwork,
    batches: &[usize],
    seconds: f64,
    mut report: impl FnMut(Measurement),
) -> Result<()> {
    for workload in [Workload::Forward, Workload::TrainingStep] {
        let mut trial = Trial::new(network, &chosen.device)?;
        for &batch in batches {
            let input = trial.input(batch);
            let timed = |trial: &mut Trial| -> Result<f64> {
                let begun = Instant::now();
                trial.run(workload, &input, batch)?;
                Ok(begun.elapsed().as_secs_f64())
            };
            let first_seconds = timed(&mut trial)?;
            let begun = Instant::now();
            let mut times = Vec::new();
            while times.len() < 2 || begun.elapsed().as_secs_f64() < seconds && times.len() < 200 {
                times.push(timed(&mut trial)?);
            }
            report(Measurement {
                device: chosen.name.clone(),
                network: network.name(),
                parameters: trial.network.num_params(),
                workload,
                batch,
                first_seconds,
                seconds: median(&mut times),
                repeats: times.len(),
                peak_bytes: super::memory::peak(),
            });
        }
    }
    Ok(())
}

/// Opens a device by its `--device` name, without its self-test.
fn open(requested: &str) -> Result<Chosen> {
    if requested == "cpu" {
        return Ok(Chosen::cpu(None));
    }
    let all = adapters()?;
    let adapter = find_adapter(&all, requested)?;
    Ok(Chosen { name: adapter.name.clone(), device: adapter.kind.device()?, warning: None })
}

/// Runs `work` on a thread with a deep stack; a panic is an error that carries its message.
fn on_deep_stack<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("whence-benchmark".into())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, work)
            .map_err(Error::io("start", std::path::Path::new("the benchmark's thread")))?;
        thread.join().unwrap_or_else(|panic| {
            Err(Error::Device {
                device: "the device under test".into(),
                what: format!("it failed while computing ({})", panic_text(&*panic)),
                remedy: "update its driver, or try a smaller batch".into(),
            })
        })
    })
}

/// A network of random weights on its device, and the state of its optimizer.
struct Trial {
    network: UNet2DModel,
    optimizer: AdamW,
    device: Device,
}

impl Trial {
    fn new(network: BenchmarkNetwork, device: &Device) -> Result<Self> {
        let network = UNet2DModel::build(&network.config(), &mut RandomStart { seed: 1 }, device)?;
        let optimizer = AdamW::new(AdamWConfig::default(), &network, &ParameterSelection::All);
        Ok(Self { network, optimizer, device: device.clone() })
    }

    /// Noise `[batch, 3, 32, 32]`, row-major.
    fn input(&self, batch: usize) -> Vec<f32> {
        epsilon(1, b"device benchmark", 1, 0, batch * BenchmarkNetwork::SHAPE.numel())
    }

    fn run(&mut self, workload: Workload, input: &[f32], batch: usize) -> Result<()> {
        match workload {
            Workload::Forward => self.forward(input, batch),
            Workload::TrainingStep => self.training_step(input, batch),
        }
    }

    fn forward(&self, input: &[f32], batch: usize) -> Result<()> {
        let timesteps = vec![500; batch];
        let x = to_tensor(input, BenchmarkNetwork::SHAPE, &self.device);
        // Reading the result waits for the device.
        to_vec(self.network.forward(x, &timesteps, None, None))?;
        Ok(())
    }

    fn training_step(&mut self, input: &[f32], batch: usize) -> Result<()> {
        let gradients = self.gradients(input, batch);
        let network = self.network.clone();
        self.network = self.optimizer.step(network, gradients, 1e-4).0;
        self.wait()
    }

    /// Gradients of the mean squared error against a target of zeros.
    fn gradients(&self, input: &[f32], batch: usize) -> Gradients {
        let shape = BenchmarkNetwork::SHAPE;
        let tape = self.device.clone().autodiff();
        // As training cuts its batch: in shards on the CPU, in one piece elsewhere.
        let shards = shards(batch, 1, shape, &self.device);
        let (gradients, _) =
            sharded_gradients(&self.network, &ParameterSelection::All, &shards, |network, _, range| {
                let size = shape.numel();
                let part = input.get(range.start * size..range.end * size).unwrap_or_default();
                let output = network.forward(to_tensor(part, shape, &tape), &vec![500; range.len()], None, None);
                let loss = output.powi_scalar(2).mean() * (range.len() as f64 / batch as f64);
                Pass { metrics: loss.clone().inner(), loss }
            });
        gradients
    }

    /// Waits for the device: the parameter that the optimizer updates last is read back.
    fn wait(&self) -> Result<()> {
        let last = named_tensors(&self.network).pop().ok_or_else(|| Error::internal("a network without parameters"))?;
        to_vec(last.values)?;
        Ok(())
    }
}

/// The middle value, or the mean of the two middle ones; 0 of none.
fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    let middle = times.len() / 2;
    let at = |index: usize| times.get(index).copied().unwrap_or_default();
    if times.len() % 2 == 1 { at(middle) } else { 0.5 * (at(middle.saturating_sub(1)) + at(middle)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_and_an_odd_number_of_times() {
        assert!((median(&mut [3.0, 1.0, 2.0]) - 2.0).abs() < 1e-12);
        assert!((median(&mut [4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-12);
    }

    #[test]
    fn the_small_network_is_measured_on_the_cpu() {
        let mut found = Vec::new();
        measure("cpu", BenchmarkNetwork::Demo, &[1, 2], 0.0, |m| found.push(m)).unwrap();
        let what: Vec<(Workload, usize)> = found.iter().map(|m| (m.workload, m.batch)).collect();
        let forward = Workload::Forward;
        let step = Workload::TrainingStep;
        assert_eq!(what, [(forward, 1), (forward, 2), (step, 1), (step, 2)]);
        assert!(found.iter().all(|m| m.seconds > 0.0 && m.repeats == 2 && m.parameters == 687_347), "{found:?}");
    }

    #[test]
    fn a_training_step_changes_the_weights() {
        let mut trial = Trial::new(BenchmarkNetwork::Demo, &Device::flex()).unwrap();
        let weights = |trial: &Trial| whence_nn::weights::named_values(&trial.network).unwrap();
        let before = weights(&trial);
        let input = trial.input(1);
        trial.run(Workload::TrainingStep, &input, 1).unwrap();
        assert_ne!(weights(&trial), before);
    }

    #[test]
    fn a_panic_of_a_driver_is_an_error_with_its_message() {
        let error = on_deep_stack::<()>(|| std::panic::panic_any("the device is lost")).unwrap_err();
        assert!(error.to_string().contains("the device is lost"), "{error}");
    }
}
