//! The training loop: trains a model on a dataset, with checkpoints, and saves it as a diffusers folder.

use std::path::Path;

use burn::tensor::Tensor;
use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use super::batch::{NoisyBatch, Variation, draw_image};
use super::checkpoint::Checkpoint;
use super::config::TrainingConfig;
use super::left_out::{LeftOut, LeftOutRecord};
use whence_base::random::stream;
use whence_base::{Error, Result};
use whence_data::Dataset;
use whence_diffusion::{GroupConditions, NoiseSchedule, Pipeline, SchedulerConfig, sample_shape};
use whence_models::{Network, NetworkConfig, default_network};
use whence_nn::ParameterSelection;
use whence_nn::ema::Ema;
use whence_nn::gradients::Pass;
use whence_nn::optimizer::AdamW;
use whence_nn::sample::to_tensor;
use whence_nn::splitter::BatchSplitter;
use whence_nn::weights::{Precision, to_vec};

/// File beside the weights of a trained model: its provenance.
const RECORD: &str = "training.json";

/// Seconds of a step from which on a single one is measured.
const LONG_STEP: f64 = 2.0;

/// The weights of a model folder.
const WEIGHTS: &str = "diffusion_pytorch_model.safetensors";

/// Passed to the caller after each step.
#[derive(Clone, Copy, Debug)]
pub struct TrainingStep {
    /// Number of completed steps.
    pub step: usize,
    /// Total number of steps.
    pub steps: usize,
    /// Mean squared error of this step's batch; read from the device only at some steps.
    pub loss: Option<f32>,
}

/// The provenance of a trained model, in `training.json` beside its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingRecord {
    /// Version of this file's layout.
    pub schema_version: u32,
    /// The settings.
    pub config: TrainingConfig,
    /// blake3 of the dataset.
    pub dataset: String,
    /// The group left out, if any.
    pub excluded_group: Option<String>,
    /// Other images left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<LeftOutRecord>,
    /// Class names of a class-conditional model: the groups, in their order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<String>>,
    /// blake3 of the file of the weights, hexadecimal; earlier versions did not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
}

impl TrainingRecord {
    /// The record of a model folder, if it has one.
    pub fn of_model(folder: &Path) -> Option<Self> {
        whence_store::read_json(&folder.join(RECORD)).ok()
    }

    /// The record of a model folder; `None` if it has none.
    ///
    /// # Errors
    /// Where there is one that cannot be read: a damaged record is not a missing one.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(RECORD);
        if path.exists() { whence_store::read_json(&path).map(Some) } else { Ok(None) }
    }

    /// Whether the two runs produce the same weights.
    pub fn same_run(&self, other: &Self) -> bool {
        self.weight_relevant_fields() == other.weight_relevant_fields()
    }

    /// Hash of everything that determines the weights.
    pub fn key(&self) -> String {
        let (record, schedule) = self.weight_relevant_fields();
        let mut hasher = blake3::Hasher::new_derive_key("whence 2026 training v1");
        hasher.update(serde_json::to_string(&record).unwrap_or_default().as_bytes());
        for t in 0..schedule.as_ref().map_or(0, NoiseSchedule::len) {
            hasher.update(&schedule.as_ref().map_or(0.0, |s| s.beta(t)).to_le_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }

    /// The record without fields that do not affect the weights: the checkpoint interval, and notes of the schedule.
    fn weight_relevant_fields(&self) -> (Self, Option<NoiseSchedule>) {
        let mut record = self.clone();
        record.config.checkpoint_every = 0;
        // The class names follow from the dataset and the run.
        (record.classes, record.weights) = (None, None);
        let schedule = NoiseSchedule::new(&record.config.scheduler).ok();
        record.config.scheduler =
            SchedulerConfig { prediction_type: record.config.scheduler.prediction_type, ..SchedulerConfig::default() };
        (record, schedule)
    }
}

/// A training run's inputs.
pub struct Training<'a> {
    /// Labelled images.
    pub dataset: &'a Dataset,
    /// Settings.
    pub config: &'a TrainingConfig,
    /// Images to leave out: the same run, with other images in their positions.
    pub left_out: &'a LeftOut,
    /// The condition of each group under an existing class-conditional model; group n is class n if absent.
    pub conditions: Option<&'a GroupConditions>,
    /// Folder of the finished model; checkpoints go to `checkpoint/` in it until then.
    pub out: &'a Path,
    /// Compute device.
    pub device: &'a burn::tensor::Device,
}

impl Training<'_> {
    fn network(&self) -> NetworkConfig {
        self.config.network.clone().unwrap_or_else(|| default_network(sample_shape(self.dataset.shape())))
    }

    /// The provenance record of the finished model.
    pub fn record(&self) -> TrainingRecord {
        TrainingRecord {
            schema_version: 1,
            config: TrainingConfig { network: Some(self.network()), ..self.config.clone() },
            dataset: self.dataset.hash().to_owned(),
            excluded_group: self.left_out.single_group(self.dataset).cloned(),
            left_out: self.left_out.record(self.dataset),
            classes: self.network().classes().map(|_| self.dataset.groups().to_vec()),
            weights: None,
        }
    }

    /// The condition of each group: given, or group n as class n.
    fn conditions(&self, model: &Pipeline) -> Result<GroupConditions> {
        match self.conditions {
            Some(conditions) => Ok(conditions.clone()),
            None => GroupConditions::in_order(model.conditioner(), self.dataset.groups().len()),
        }
    }

    /// Whether this run has already finished in the folder.
    pub fn is_finished(&self) -> bool {
        TrainingRecord::of_model(self.out).is_some_and(|r| r.same_run(&self.record()))
            && !self.out.join("checkpoint").exists()
            && self.out.join("config.json").is_file()
    }

    /// The model in the folder, where [`is_finished`](Self::is_finished).
    ///
    /// # Errors
    /// A damaged file: hours of training are not discarded silently.
    pub fn finished(&self) -> Result<Option<Pipeline>> {
        if !self.is_finished() {
            return Ok(None);
        }
        let recorded = TrainingRecord::of_model(self.out).and_then(|r| r.weights);
        if recorded.is_some_and(|recorded| weights_hash(self.out).ok() != Some(recorded)) {
            return Err(Error::file(
                "the weights of this trained model are not those that were written: the file is damaged or was replaced",
                &self.out.join(WEIGHTS),
                "restore it from a copy, or delete the folder to train the model again",
            ));
        }
        Pipeline::load(self.out, self.device).map(Some)
    }

    /// Trains, resuming from the last checkpoint if there is one. Returns the finished model.
    ///
    /// # Errors
    /// Bad settings, a checkpoint of another run, a loss that is not finite, a full disk, and the observer's own; the
    /// last checkpoint remains.
    pub fn run(&self, observe: &mut dyn FnMut(TrainingStep) -> Result<()>) -> Result<Pipeline> {
        let config = self.config;
        config.check()?;
        if self.left_out.remaining(self.dataset) == 0 {
            return Err(Error::input("every image is left out", "training", "leave some images in"));
        }
        let record = self.record();
        let network = self.network();
        if let Some(shape) = network.sample_shape().ok().filter(|s| *s != sample_shape(self.dataset.shape())) {
            return Err(Error::input(
                format!("the network works on {shape:?} and the images are {:?}", self.dataset.shape()),
                "training settings: network",
                "give both the same size",
            ));
        }
        if TrainingRecord::of_model(self.out).is_some_and(|r| !r.same_run(&record)) {
            // From here on the files no longer match the old record.
            std::fs::remove_file(self.out.join(RECORD)).map_err(Error::io("replace", &self.out.join(RECORD)))?;
        }
        let start = Pipeline::with_random_weights(&network, &config.scheduler, config.seed, self.device)?;
        let conditions = self.conditions(&start)?;
        let mut network = start.network.clone();
        let mut optimizer = AdamW::new(config.optimizer, &network, &ParameterSelection::All);
        let mut ema = config.ema_decay.map(|decay| Ema::new(decay, &network, &ParameterSelection::All));
        let checkpoint = Checkpoint::within(self.out);
        let mut splitter = BatchSplitter::new(self.device, sample_shape(self.dataset.shape()));
        let mut step = checkpoint.resume(&record, &mut network, &mut optimizer, ema.as_mut(), self.device)?;
        observe(TrainingStep { step, steps: config.steps, loss: None })?;
        while step < config.steps {
            let (updated, loss) = self.step(&start, &conditions, &mut splitter, network, &mut optimizer, step)?;
            network = updated;
            step += 1;
            if let Some(ema) = &mut ema {
                ema.update(&network, step as u64);
            }
            let observed = observe(TrainingStep { step, steps: config.steps, loss });
            if step % config.checkpoint_every == 0 || observed.is_err() {
                checkpoint.write(&record, step, &network, &optimizer, ema.as_ref())?;
            }
            observed?;
        }
        let network = match &ema {
            Some(ema) => ema.apply(network),
            None => network,
        };
        let model = start.with_network(network);
        model.save(self.out, config.precision)?;
        let record = TrainingRecord { weights: Some(weights_hash(self.out)?), ..record };
        whence_store::write_json(&self.out.join(RECORD), &record)?;
        checkpoint.remove();
        // Reloaded, so that this run uses exactly the weights that a later one will read.
        if config.precision == Precision::Float32 { Ok(model) } else { Pipeline::load(self.out, self.device) }
    }

    /// Seconds that one optimizer step takes, measured on at most two; writes nothing.
    ///
    /// # Errors
    /// As [`run`](Self::run), and those of `check`, which is called before each step.
    pub fn measure_step(&self, check: &mut dyn FnMut() -> Result<()>) -> Result<f64> {
        self.config.check()?;
        let start = Pipeline::with_random_weights(&self.network(), &self.config.scheduler, 0, self.device)?;
        let conditions = self.conditions(&start)?;
        let mut network = start.network.clone();
        let mut optimizer = AdamW::new(self.config.optimizer, &network, &ParameterSelection::All);
        let mut splitter = BatchSplitter::new(self.device, sample_shape(self.dataset.shape()));
        let mut seconds = 0.0;
        // The first step warms the memory; the second is like all others. Where the first is long, that hardly matters.
        for step in 0..2 {
            check()?;
            let begun = std::time::Instant::now();
            (network, _) = self.step(&start, &conditions, &mut splitter, network, &mut optimizer, step)?;
            seconds = begun.elapsed().as_secs_f64();
            if seconds > LONG_STEP {
                break;
            }
        }
        Ok(seconds)
    }

    /// One optimizer step; reads the loss back at every tenth.
    fn step(
        &self,
        model: &Pipeline,
        conditions: &GroupConditions,
        splitter: &mut BatchSplitter,
        network: Network,
        optimizer: &mut AdamW,
        step: usize,
    ) -> Result<(Network, Option<f32>)> {
        let config = self.config;
        let shape = sample_shape(self.dataset.shape());
        let batch = self.sample_batch(model, conditions, step)?;
        let device = self.device.clone().autodiff();
        let (gradients, metrics) =
            splitter.gradients(&network, &ParameterSelection::All, (batch.len(), 1), |network, index, range| {
                let part = batch.part(range);
                let counter = ((step as u64) << 16) | index as u64;
                let mut dropout = stream("whence 2026 training dropout", config.seed, b"", counter);
                let noisy = to_tensor(&part.noisy, shape, &device);
                let output = network.forward(noisy, &part.timesteps, &part.network_conditions(), Some(&mut dropout));
                let loss = (output - to_tensor(&part.targets, shape, &device)).powi_scalar(2).mean();
                let loss = loss * (part.len() as f64 / batch.len() as f64);
                Pass { metrics: loss.clone().inner(), loss }
            })?;
        let value = if step.is_multiple_of(10) || step + 1 == config.steps {
            let value: f32 = to_vec(Tensor::cat(metrics, 0))?.iter().sum();
            if !value.is_finite() {
                return Err(Error::input(
                    format!("the loss became {value} at step {step}"),
                    "training",
                    "lower learning_rate and delete the checkpoint folder",
                ));
            }
            Some(value)
        } else {
            None
        };
        let (network, _) = optimizer.step(network, gradients, config.rate_at(step));
        Ok((network, value))
    }

    /// The batch of a step. Images left out are replaced by other images; everything else is the same.
    fn sample_batch(&self, model: &Pipeline, conditions: &GroupConditions, step: usize) -> Result<NoisyBatch> {
        let config = self.config;
        let variation = Variation { flip: config.flip, dequantize: config.dequantize };
        let mut rng = stream("whence 2026 training batch", config.seed, b"", step as u64);
        let mut spare = stream("whence 2026 training spare", config.seed, b"", step as u64);
        let mut batch = NoisyBatch::default();
        for _ in 0..config.batch {
            let mut index = rng.random_range(0..self.dataset.len());
            while self.left_out.contains(self.dataset, index) {
                index = spare.random_range(0..self.dataset.len());
            }
            let image = draw_image(self.dataset, index, variation, &mut rng);
            let condition = conditions.of_group(self.dataset.group_of(index))?;
            batch.push(image, condition, model.schedule(), &mut rng);
        }
        Ok(batch)
    }
}

/// blake3 of a model folder's file of weights.
fn weights_hash(folder: &Path) -> Result<String> {
    hash_of_file(&folder.join(WEIGHTS))
}

/// blake3 of a file.
pub(crate) fn hash_of_file(path: &Path) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    let file = std::fs::File::open(path).map_err(Error::io("read", path))?;
    hasher.update_reader(file).map_err(Error::io("read", path))?;
    Ok(hasher.finalize().to_hex().to_string())
}
