//! A diffusion model in memory and on disk: denoiser, codec, conditioner and process.

use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};

use burn::module::Module as _;
use burn::tensor::{Device, Tensor};

use super::codec::Codec;
use super::conditioner::{Condition, Conditioner};
use super::denoiser::{Denoiser, Passes};
use super::files::{Files, WEIGHTS, read_text};
use super::memory::{part, within_memory};
use super::process::Process;
use super::schedule::NoiseSchedule;
use super::scheduler_config::SchedulerConfig;
use whence_base::{Result, panic_text};
use whence_data::ImageShape;
use whence_models::{Conditions, Network, NetworkConfig};
use whence_nn::SampleShape;
use whence_nn::failure::device_failure;
use whence_nn::parameters::hash_parameters;
use whence_nn::sample::to_tensor;
use whence_nn::weights::{NamedValues, Precision, RandomStart, SafetensorsSource, Values, write_safetensors};

/// A diffusion model, resident on one device, without gradients. Clones share the weights.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// The denoising network with its weights.
    pub network: Network,
    codec: Codec,
    conditioner: Conditioner,
    process: Arc<Process>,
    device: Device,
    hashes: Arc<OnceLock<Hashes>>,
    /// Number of samples for which the device has memory at once, as far as is known.
    at_once: Arc<AtomicUsize>,
}

/// Content hashes, blake3 in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hashes {
    /// Of the network's settings and weights.
    pub denoiser: String,
    /// Of the noise schedule and the prediction type.
    pub process: String,
    /// Of all parts that decide scores.
    pub pipeline: String,
}

impl Pipeline {
    /// Opens a diffusers folder (`config.json`, weights, `scheduler_config.json`) or a pipeline folder
    /// (`model_index.json`, `unet/`, `scheduler/`).
    ///
    /// # Errors
    /// Folders of another kind, settings this program does not know, and weights that do not fit them.
    pub fn load(folder: &Path, device: &Device) -> Result<Self> {
        let files = Files::find(folder)?;
        let path = files.scheduler()?;
        let scheduler = SchedulerConfig::from_json(&read_text(path)?, &path.display().to_string())?;
        Self::load_parts(&files, Process::new(scheduler)?.into(), device)
    }

    /// Opens a model that is compared with this one. A folder without a `scheduler_config.json`, which is what saving
    /// the network alone produces, uses this model's process; the second value is then true.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_beside(&self, folder: &Path) -> Result<(Self, bool)> {
        let files = Files::find(folder)?;
        if files.has_scheduler() {
            return Ok((Self::load(folder, &self.device)?, false));
        }
        Ok((Self::load_parts(&files, self.process.clone(), &self.device)?, true))
    }

    fn load_parts(files: &Files, process: Arc<Process>, device: &Device) -> Result<Self> {
        let config = NetworkConfig::from_json(&read_text(&files.config)?, &files.config.display().to_string())?;
        let mut source = SafetensorsSource::open(&files.weights)?;
        let network = Network::build(&config, &mut source, device)?;
        source.finish()?;
        Self::assemble(network, &config, process, files.class_names()?, device)
    }

    /// The network settings of a model folder, without its weights.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn config_of(folder: &Path) -> Result<NetworkConfig> {
        let files = Files::find(folder)?;
        NetworkConfig::from_json(&read_text(&files.config)?, &files.config.display().to_string())
    }

    /// A model with random weights, to be trained.
    ///
    /// # Errors
    /// Settings that contradict each other.
    pub fn with_random_weights(
        config: &NetworkConfig,
        scheduler: &SchedulerConfig,
        seed: u64,
        device: &Device,
    ) -> Result<Self> {
        // Through the same checks that a file passes.
        let config = NetworkConfig::from_json(&config.to_json()?, "network settings")?;
        let network = Network::build(&config, &mut RandomStart { seed }, device)?;
        Self::assemble(network, &config, Process::new(scheduler.clone())?.into(), None, device)
    }

    /// The same model with other weights.
    #[must_use]
    pub fn with_network(&self, network: Network) -> Self {
        Self { network: network.valid(), hashes: Arc::default(), ..self.clone() }
    }

    /// The same model with these weights.
    ///
    /// # Errors
    /// Where a tensor is missing or has another shape.
    pub fn with_values(&self, values: Vec<NamedValues>) -> Result<Self> {
        let network = Network::build(&self.network.config(), &mut Values::new(values), &self.device)?;
        Ok(self.with_network(network))
    }

    fn assemble(
        network: Network,
        config: &NetworkConfig,
        process: Arc<Process>,
        class_names: Option<Vec<String>>,
        device: &Device,
    ) -> Result<Self> {
        Ok(Self {
            codec: Codec::for_pixels(config.sample_shape()?, "config.json: in_channels")?,
            conditioner: Conditioner::new(config.classes(), class_names),
            network,
            process,
            device: device.clone(),
            hashes: Arc::default(),
            at_once: Arc::new(AtomicUsize::new(usize::MAX)),
        })
    }

    /// Writes a diffusers folder that PyTorch's diffusers opens.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn save(&self, folder: &Path, precision: Precision) -> Result<()> {
        whence_store::create_folder(folder)?;
        write_safetensors(&folder.join(WEIGHTS), &self.network, precision, &[])?;
        let scheduler = self.process.scheduler().to_json()?;
        whence_store::write_atomic(&folder.join("scheduler_config.json"), scheduler.as_bytes())?;
        // Written last, because its presence marks the folder as a model.
        whence_store::write_atomic(&folder.join("config.json"), self.network.config().to_json()?.as_bytes())
    }

    /// Shape of the network's input `[channels, height, width]`.
    pub fn sample_shape(&self) -> SampleShape {
        self.codec.sample_shape()
    }

    /// Shape of the images.
    pub fn image_shape(&self) -> ImageShape {
        self.codec.image_shape()
    }

    /// How images become samples.
    pub fn codec(&self) -> &Codec {
        &self.codec
    }

    /// What the model is conditioned on.
    pub fn conditioner(&self) -> &Conditioner {
        &self.conditioner
    }

    /// The noise schedule with the samplers' settings.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The noise schedule.
    pub fn schedule(&self) -> &NoiseSchedule {
        self.process.schedule()
    }

    /// Settings of the noise schedule and the samplers.
    pub fn scheduler(&self) -> &SchedulerConfig {
        self.process.scheduler()
    }

    /// Where the weights are.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Whether the weights are in the CPU's memory.
    pub fn is_on_cpu(&self) -> bool {
        self.device == Device::flex()
    }

    /// Content hashes of the parts, computed at first use and then shared by all clones.
    pub fn hashes(&self) -> &Hashes {
        self.hashes.get_or_init(|| {
            let mut denoiser = blake3::Hasher::new_derive_key("whence 2026 denoiser");
            denoiser.update(format!("{:?}", self.network.config()).as_bytes());
            if let Err(error) = hash_parameters(&mut denoiser, &self.network) {
                // A device that cannot be read has failed, and the next computation reports it. The hash must not equal
                // that of any other weights.
                tracing::error!("the weights cannot be hashed: {error}");
                denoiser.update(format!("unreadable {:?}", std::time::SystemTime::now()).as_bytes());
            }
            let denoiser = denoiser.finalize().to_hex().to_string();
            let process = self.process.hash();
            let mut all = blake3::Hasher::new_derive_key("whence 2026 pipeline");
            for part in [denoiser.as_str(), self.codec.id(), self.conditioner.id(), process.as_str()] {
                all.update(part.as_bytes()).update(b"\0");
            }
            let pipeline = all.finalize().to_hex().to_string();
            Hashes { denoiser, process, pipeline }
        })
    }

    /// blake3 of all that decides scores, hexadecimal.
    pub fn hash(&self) -> &str {
        &self.hashes().pipeline
    }

    /// Number of classes of a class-conditional model.
    pub fn classes(&self) -> Option<usize> {
        self.conditioner.classes()
    }

    /// The network's output, in the process's prediction type, for samples `x`, `[batch, channels, height, width]`
    /// row-major, with one timestep and condition per sample; of the shape of `x`.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn output(&self, x: &[f32], timesteps: &[usize], conditions: &[Condition]) -> Result<Vec<f32>> {
        self.in_pieces(x, timesteps, conditions, |x, timesteps, classes| {
            self.network.forward(x, timesteps, classes, None)
        })
    }

    /// Features of samples: the output of the network's middle block, `[batch, features]` row-major.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn bottleneck(&self, x: &[f32], timesteps: &[usize], conditions: &[Condition]) -> Result<Vec<f32>> {
        self.in_pieces(x, timesteps, conditions, |x, timesteps, classes| self.network.bottleneck(x, timesteps, classes))
    }

    /// Computes on as many samples at once as the device has memory for: all of them, or half as many as failed last.
    fn in_pieces(
        &self,
        x: &[f32],
        timesteps: &[usize],
        conditions: &[Condition],
        compute: impl Fn(Tensor<4>, &[usize], &Conditions) -> Tensor<4>,
    ) -> Result<Vec<f32>> {
        within_memory(&self.at_once, timesteps.len(), |range| {
            let size = self.sample_shape().numel();
            let x = part(x, range.start * size..range.end * size)?;
            let conditions = Condition::batch(part(conditions, range.clone())?)?;
            let timesteps = part(timesteps, range)?;
            self.on_device(|| {
                let input = to_tensor(x, self.sample_shape(), &self.device);
                compute(input, timesteps, &conditions)
            })
        })
    }

    /// Computes a tensor and reads it back. Drivers report a lost device or exhausted memory by a panic as well as by
    /// an error.
    fn on_device(&self, compute: impl FnOnce() -> Tensor<4>) -> Result<Vec<f32>> {
        let failed = |what: String| device_failure(&self.device, what);
        let read = || compute().try_into_data();
        let data = std::panic::catch_unwind(std::panic::AssertUnwindSafe(read))
            .map_err(|panic| failed(panic_text(&*panic).to_owned()))?
            .map_err(|e| failed(e.to_string()))?;
        data.convert::<f32>().try_to_vec::<f32>().map_err(|e| failed(format!("the device returned no values ({e:?})")))
    }
}

impl Denoiser for Pipeline {
    fn predict_noise(&self, x: &[f32], timesteps: &[usize], conditions: &[Condition]) -> Result<Vec<f32>> {
        let mut output = self.output(x, timesteps, conditions)?;
        let size = self.sample_shape().numel();
        for ((o, x), t) in output.chunks_mut(size).zip(x.chunks(size)).zip(timesteps) {
            self.schedule().to_noise(o, x, *t);
        }
        Ok(output)
    }

    fn shape(&self) -> SampleShape {
        self.sample_shape()
    }

    fn passes(&self) -> Passes {
        if self.is_on_cpu() { Passes::on_cpu() } else { Passes::on_gpu() }
    }
}
