//! The training loop: a dataset in, a diffusers folder out, checkpoints between.

use std::path::{Path, PathBuf};

use burn::tensor::Tensor;
use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use super::batch::{NoisyBatch, Variation, class_of_group, draw_image};
use super::config::{TrainingConfig, network_for};
use super::left_out::{LeftOut, LeftOutRecord};
use whence_base::random::stream;
use whence_base::{Error, Result};
use whence_data::Dataset;
use whence_diffusion::{Model, NoiseSchedule, SchedulerConfig, sample_shape};
use whence_models::{UNet2DConfig, UNet2DModel};
use whence_nn::ema::Ema;
use whence_nn::gradients::{Pass, sharded_gradients, shards};
use whence_nn::optimizer::AdamW;
use whence_nn::sample::to_tensor;
use whence_nn::weights::{Precision, Prefixed, SafetensorsSource, named_values, prefixed, to_vec, write_safetensors};

/// Beside the weights of a trained model: what it was made from.
const RECORD: &str = "training.json";

/// What the caller sees after each step.
#[derive(Clone, Copy, Debug)]
pub struct TrainingStep {
    /// Steps done.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// Mean squared error of this step's batch; not read from the device at every step.
    pub loss: Option<f32>,
}

/// What a trained model remembers of its making, in `training.json` beside its weights.
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
}

impl TrainingRecord {
    /// The record of a model folder, if it has one.
    pub fn of_model(folder: &Path) -> Option<Self> {
        whence_store::read_json(&folder.join(RECORD)).ok()
    }

    /// The record of a model folder; none where it has none.
    ///
    /// # Errors
    /// Where there is one that cannot be read: a damaged record is not a missing one.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(RECORD);
        if path.exists() { whence_store::read_json(&path).map(Some) } else { Ok(None) }
    }

    /// Whether the two runs give the same weights.
    pub fn same_run(&self, other: &Self) -> bool {
        self.weight_relevant_fields() == other.weight_relevant_fields()
    }

    /// Hash of all that decides the weights.
    pub fn key(&self) -> String {
        let (record, schedule) = self.weight_relevant_fields();
        let mut hasher = blake3::Hasher::new_derive_key("whence 2026 training v1");
        hasher.update(serde_json::to_string(&record).unwrap_or_default().as_bytes());
        for t in 0..schedule.as_ref().map_or(0, NoiseSchedule::len) {
            hasher.update(&schedule.as_ref().map_or(0.0, |s| s.beta(t)).to_le_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }

    /// The record without what changes no weight: how often checkpoints are written, and the words of the schedule.
    fn weight_relevant_fields(&self) -> (Self, Option<NoiseSchedule>) {
        let mut record = self.clone();
        record.config.checkpoint_every = 0;
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
    /// Images to leave out: the same run, with others in their places.
    pub left_out: &'a LeftOut,
    /// Folder of the finished model; checkpoints go to `checkpoint/` in it until then.
    pub out: &'a Path,
    /// Where to compute.
    pub device: &'a burn::tensor::Device,
}

impl Training<'_> {
    fn network(&self) -> UNet2DConfig {
        self.config.network.clone().unwrap_or_else(|| network_for(self.dataset.shape()))
    }

    /// What the finished model will say of its making.
    pub fn record(&self) -> TrainingRecord {
        TrainingRecord {
            schema_version: 1,
            config: TrainingConfig { network: Some(self.network()), ..self.config.clone() },
            dataset: self.dataset.hash().to_owned(),
            excluded_group: self.left_out.single_group(self.dataset).cloned(),
            left_out: self.left_out.record(self.dataset),
        }
    }

    /// Whether this very run has finished in the folder before.
    pub fn is_finished(&self) -> bool {
        TrainingRecord::of_model(self.out).is_some_and(|r| r.same_run(&self.record()))
            && !self.out.join("checkpoint").exists()
            && self.out.join("config.json").is_file()
    }

    /// The model in the folder, where [`is_finished`](Self::is_finished).
    ///
    /// # Errors
    /// A damaged file: hours of training are not thrown away without a word.
    pub fn finished(&self) -> Result<Option<Model>> {
        if self.is_finished() { Model::load(self.out, self.device).map(Some) } else { Ok(None) }
    }

    /// Trains, from the last checkpoint where there is one. Returns the finished model.
    ///
    /// # Errors
    /// Bad settings, a checkpoint of another run, a loss that is not finite, a full disk, and the observer's own; the
    /// last checkpoint remains.
    pub fn run(&self, observe: &mut dyn FnMut(TrainingStep) -> Result<()>) -> Result<Model> {
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
            // What is written from here on is no longer what the old record tells of.
            std::fs::remove_file(self.out.join(RECORD)).map_err(Error::io("replace", &self.out.join(RECORD)))?;
        }
        let start = Model::with_random_weights(&network, &config.scheduler, config.seed, self.device)?;
        let mut network = start.network.clone();
        let mut optimizer = AdamW::new(config.optimizer, &network);
        let mut ema = config.ema_decay.map(|decay| Ema::new(decay, &network));
        let checkpoint = Checkpoint { folder: self.out.join("checkpoint") };
        let mut step = checkpoint.resume(&record, &mut network, &mut optimizer, ema.as_mut(), self.device)?;
        observe(TrainingStep { step, steps: config.steps, loss: None })?;
        while step < config.steps {
            let (updated, loss) = self.step(&start, network, &mut optimizer, step)?;
            network = updated;
            step += 1;
            if let Some(ema) = &mut ema {
                ema.update(&network, step as u64);
            }
            let told = observe(TrainingStep { step, steps: config.steps, loss });
            if step % config.checkpoint_every == 0 || told.is_err() {
                checkpoint.write(&record, step, &network, &optimizer, ema.as_ref())?;
            }
            told?;
        }
        let network = match &ema {
            Some(ema) => ema.apply(network),
            None => network,
        };
        let model = start.with_network(network)?;
        model.save(self.out, config.precision)?;
        whence_store::write_json(&self.out.join(RECORD), &record)?;
        checkpoint.remove();
        // What was written is what a later run will find.
        if config.precision == Precision::Float32 { Ok(model) } else { Model::load(self.out, self.device) }
    }

    /// One optimizer step; reads the loss back at every tenth.
    fn step(
        &self,
        model: &Model,
        network: UNet2DModel,
        optimizer: &mut AdamW,
        step: usize,
    ) -> Result<(UNet2DModel, Option<f32>)> {
        let config = self.config;
        let shape = sample_shape(self.dataset.shape());
        let batch = self.draw(model, step);
        let device = self.device.clone().autodiff();
        let shards = shards(batch.len(), 1, shape, self.device);
        let (gradients, told) = sharded_gradients(&network, &shards, |network, index, places| {
            let part = batch.part(places);
            let counter = ((step as u64) << 16) | index as u64;
            let mut dropout = stream("whence 2026 training dropout", config.seed, b"", counter);
            let noisy = to_tensor(&part.noisy, shape, &device);
            let output = network.forward(noisy, &part.timesteps, part.classes.as_deref(), Some(&mut dropout));
            let loss = (output - to_tensor(&part.targets, shape, &device)).powi_scalar(2).mean();
            let loss = loss * (part.len() as f64 / batch.len() as f64);
            Pass { metrics: loss.clone().inner(), loss }
        });
        let value = if step.is_multiple_of(10) || step + 1 == config.steps {
            let value: f32 = to_vec(Tensor::cat(told, 0)).iter().sum();
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

    /// The images of a step. The places of images left out are filled with other images, everything else is the same.
    fn draw(&self, model: &Model, step: usize) -> NoisyBatch {
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
            let class = class_of_group(model, self.dataset.group_of(index));
            batch.push(image, class, model.schedule(), &mut rng);
        }
        batch
    }
}

/// State of an unfinished run.
struct Checkpoint {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct CheckpointState {
    step: usize,
    /// Distinguishes the two generations of tensors, so that a crash between two writes cannot mix them.
    tensors: String,
    record: TrainingRecord,
}

impl Checkpoint {
    fn write(
        &self,
        record: &TrainingRecord,
        step: usize,
        network: &UNet2DModel,
        optimizer: &AdamW,
        ema: Option<&Ema>,
    ) -> Result<()> {
        let (_, mut tensors) = optimizer.state();
        tensors.extend(prefixed("model", named_values(network)));
        tensors.extend(ema.map(Ema::state).unwrap_or_default());
        let file = format!("step-{step}.safetensors");
        write_safetensors(&self.folder.join(&file), &tensors, Precision::Float32)?;
        let state = CheckpointState { step, tensors: file.clone(), record: record.clone() };
        whence_store::write_json(&self.folder.join("state.json"), &state)?;
        // Only now is the former generation of no use.
        for entry in std::fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name != "state.json" && name.to_str() != Some(&file) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
        Ok(())
    }

    /// Takes up the last checkpoint; returns the number of steps done.
    fn resume(
        &self,
        record: &TrainingRecord,
        network: &mut UNet2DModel,
        optimizer: &mut AdamW,
        ema: Option<&mut Ema>,
        device: &burn::tensor::Device,
    ) -> Result<usize> {
        let path = self.folder.join("state.json");
        if !path.is_file() {
            return Ok(0);
        }
        let state: CheckpointState = whence_store::read_json(&path)?;
        if !state.record.same_run(record) {
            return Err(Error::file(
                "this folder holds an unfinished training with other settings or another dataset",
                &self.folder,
                "choose another output folder, or delete this one",
            ));
        }
        let mut source = SafetensorsSource::open(&self.folder.join(&state.tensors))?;
        optimizer.restore(state.step as u64, &mut source)?;
        if let Some(ema) = ema {
            ema.restore(&mut source)?;
        }
        let mut weights = Prefixed { source: &mut source, prefix: "model" };
        *network = UNet2DModel::build(network.config(), &mut weights, device)?;
        source.finish()?;
        Ok(state.step)
    }

    fn remove(&self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
