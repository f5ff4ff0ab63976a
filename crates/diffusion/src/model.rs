//! A diffusion model on disk and in memory: network, weights and noise schedule.

use std::path::{Path, PathBuf};

use burn::module::Module as _;
use burn::tensor::{Device, Tensor, TensorData};

use super::denoiser::{Denoiser, Passes};
use super::schedule::{NoiseSchedule, SchedulerConfig};
use whence_base::{Error, Result, Setting};
use whence_data::ImageShape;
use whence_models::{UNet2DConfig, UNet2DModel};
use whence_nn::SampleShape;
use whence_nn::weights::{
    NamedValues, Precision, RandomStart, SafetensorsSource, Values, named_values, write_safetensors,
};

const WEIGHTS: &str = "diffusion_pytorch_model.safetensors";

/// A diffusion model, resident on one device, without gradients.
#[derive(Clone, Debug)]
pub struct Model {
    /// The network with its weights.
    pub network: UNet2DModel,
    /// Settings of the noise schedule and the samplers.
    pub scheduler: SchedulerConfig,
    schedule: NoiseSchedule,
    shape: ImageShape,
    device: Device,
    hash: String,
}

impl Model {
    /// Opens a diffusers folder (`config.json`, weights, `scheduler_config.json`) or a pipeline folder
    /// (`model_index.json`, `unet/`, `scheduler/`).
    ///
    /// # Errors
    /// Folders of another kind, settings this program does not know, and weights that do not fit them.
    pub fn load(folder: &Path, device: &Device) -> Result<Self> {
        let files = Files::find(folder)?;
        let config = UNet2DConfig::from_json(&read_text(&files.config)?, &files.config.display().to_string())?;
        let scheduler =
            SchedulerConfig::from_json(&read_text(&files.scheduler)?, &files.scheduler.display().to_string())?;
        let bytes = std::fs::read(&files.weights).map_err(Error::io("read", &files.weights))?;
        let mut source = SafetensorsSource::from_bytes(&bytes, &files.weights.display().to_string())?;
        let network = UNet2DModel::build(&config, &mut source, device)?;
        source.finish()?;
        Self::assemble(network, scheduler, device)
    }

    /// The network settings of a model folder, without its weights.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn config_of(folder: &Path) -> Result<UNet2DConfig> {
        let files = Files::find(folder)?;
        UNet2DConfig::from_json(&read_text(&files.config)?, &files.config.display().to_string())
    }

    /// A model with random weights, to be trained.
    ///
    /// # Errors
    /// Settings that contradict each other.
    pub fn with_random_weights(
        config: &UNet2DConfig,
        scheduler: &SchedulerConfig,
        seed: u64,
        device: &Device,
    ) -> Result<Self> {
        // Through the same checks that a file passes.
        let config = UNet2DConfig::from_json(&config.to_json()?, "network settings")?;
        let network = UNet2DModel::build(&config, &mut RandomStart { seed }, device)?;
        Self::assemble(network, scheduler.clone(), device)
    }

    /// The same schedule with other weights.
    ///
    /// # Errors
    /// Those of reading the weights back for the hash.
    pub fn with_network(&self, network: UNet2DModel) -> Result<Self> {
        Self::assemble(network.valid(), self.scheduler.clone(), &self.device)
    }

    /// The same network and schedule with these weights.
    ///
    /// # Errors
    /// Where a tensor is missing or has another shape.
    pub fn with_values(&self, values: Vec<NamedValues>) -> Result<Self> {
        let network = UNet2DModel::build(self.network.config(), &mut Values::new(values), &self.device)?;
        Self::assemble(network, self.scheduler.clone(), &self.device)
    }

    fn assemble(network: UNet2DModel, scheduler: SchedulerConfig, device: &Device) -> Result<Self> {
        let schedule = NoiseSchedule::new(&scheduler)?;
        let shape = image_shape(network.config().sample_shape()?);
        let mut hasher = blake3::Hasher::new();
        hasher.update(network.config().to_json()?.as_bytes());
        let scheduler_text = serde_json::to_string(&scheduler).unwrap_or_default();
        hasher.update(scheduler_text.as_bytes());
        for (name, _, values) in named_values(&network) {
            hasher.update(name.as_bytes()).update(bytemuck::cast_slice(&values));
        }
        let hash = hasher.finalize().to_hex().to_string();
        Ok(Self { network, scheduler, schedule, shape, device: device.clone(), hash })
    }

    /// Writes a diffusers folder that PyTorch's diffusers opens.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn save(&self, folder: &Path, precision: Precision) -> Result<()> {
        whence_store::create_folder(folder)?;
        write_safetensors(&folder.join(WEIGHTS), &named_values(&self.network), precision)?;
        whence_store::write_atomic(&folder.join("scheduler_config.json"), self.scheduler.to_json()?.as_bytes())?;
        // Last, because its presence is what makes the folder a model.
        whence_store::write_atomic(&folder.join("config.json"), self.network.config().to_json()?.as_bytes())
    }

    /// Shape of what the network sees.
    pub fn sample_shape(&self) -> SampleShape {
        let ImageShape { channels, height, width } = self.shape;
        SampleShape { channels, height, width }
    }

    /// Shape of the images.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// The noise schedule.
    pub fn schedule(&self) -> &NoiseSchedule {
        &self.schedule
    }

    /// Where the weights are.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Whether the weights are in the CPU's memory.
    pub fn is_on_cpu(&self) -> bool {
        self.device == Device::flex()
    }

    /// blake3 of settings and weights, hexadecimal.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Number of classes of a class-conditional model.
    pub fn classes(&self) -> Option<usize> {
        self.network.config().num_class_embeds
    }

    /// Checks that a class is given where the model needs one, and that it exists.
    ///
    /// # Errors
    /// A class that is missing, out of range, or given to an unconditional model.
    pub fn check_class(&self, class: Option<usize>) -> Result<()> {
        match (self.classes(), class) {
            (None, None) => Ok(()),
            (Some(n), Some(c)) if c < n => Ok(()),
            (Some(n), given) => Err(Error::setting(
                match given {
                    Some(c) => format!("class {c} does not exist in this class-conditional model"),
                    None => "this model is class-conditional and no class was given".into(),
                },
                [Setting::ClassLabel],
                format!("give a number from 0 to {}", n - 1),
            )),
            (None, Some(_)) => {
                Err(Error::setting("this model knows no classes", [Setting::ClassLabel], "leave the class out"))
            }
        }
    }

    /// The network's output, in the schedule's prediction type, for images `x` (row-major, one after another) at
    /// their timesteps.
    ///
    /// # Errors
    /// Where the device fails.
    pub fn output(&self, x: &[f32], timesteps: &[usize], class: Option<usize>) -> Result<Vec<f32>> {
        let ImageShape { channels, height, width } = self.shape;
        let shape = [timesteps.len(), channels, height, width];
        let labels = class.map(|c| vec![c; timesteps.len()]);
        let compute = || {
            let input = Tensor::<4>::from_data(TensorData::new(x.to_vec(), shape), &self.device);
            self.network.forward(input, timesteps, labels.as_deref(), None).try_into_data()
        };
        let failed = |what: String| failure(&self.device, what);
        // Drivers tell of a lost device or of memory that is full by a panic on the way as well as by an error.
        let data = std::panic::catch_unwind(std::panic::AssertUnwindSafe(compute))
            .map_err(|panic| failed(panic_text(&*panic).to_owned()))?
            .map_err(|e| failed(e.to_string()))?;
        data.convert::<f32>().try_to_vec::<f32>().map_err(|e| failed(format!("the device gave no numbers ({e:?})")))
    }
}

/// What a panic says.
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

/// A device's failure: out of memory, or lost.
fn failure(device: &Device, what: String) -> Error {
    let device = format!("{device:?}");
    let lower = what.to_lowercase();
    if ["out of memory", "outofmemory", "not enough memory", "allocat"].iter().any(|sign| lower.contains(sign)) {
        return Error::Memory { device, what };
    }
    Error::Device {
        device,
        what: format!("it failed while computing ({what})"),
        remedy: "Run the job again, or choose the CPU as the device".into(),
    }
}

impl Denoiser for Model {
    fn predict_noise(&self, x: &[f32], timesteps: &[usize], class: Option<usize>) -> Result<Vec<f32>> {
        let mut output = self.output(x, timesteps, class)?;
        let size = self.shape.numel();
        for ((o, x), t) in output.chunks_mut(size).zip(x.chunks(size)).zip(timesteps) {
            self.schedule.to_noise(o, x, *t);
        }
        Ok(output)
    }

    fn shape(&self) -> ImageShape {
        self.shape
    }

    fn passes(&self) -> Passes {
        if self.is_on_cpu() { Passes::on_cpu() } else { Passes::on_gpu() }
    }
}

/// The three files of a model.
struct Files {
    config: PathBuf,
    weights: PathBuf,
    scheduler: PathBuf,
}

impl Files {
    fn find(folder: &Path) -> Result<Self> {
        let needs = "choose a diffusers folder: config.json, diffusion_pytorch_model.safetensors and \
                     scheduler_config.json, or a pipeline folder with unet/ and scheduler/";
        if is_pickle(folder) {
            return Err(pickle(folder));
        }
        if !folder.is_dir() {
            let what =
                if folder.exists() { "a model is a folder, and this is a file" } else { "there is nothing here" };
            return Err(Error::file(what, folder, needs));
        }
        // Some published pipelines keep everything at the top, beside model_index.json.
        let pipeline = folder.join("model_index.json").is_file();
        let part = |name: &str| {
            let inner = folder.join(name);
            if pipeline && inner.is_dir() { inner } else { folder.to_owned() }
        };
        let (network, scheduler) = (part("unet"), part("scheduler"));
        let config = network.join("config.json");
        let weights = network.join(WEIGHTS);
        let mut scheduler = scheduler.join("scheduler_config.json");
        if !scheduler.is_file() {
            // A network folder inside a pipeline: its scheduler stands beside it.
            let beside = folder.join("..").join("scheduler").join("scheduler_config.json");
            if beside.is_file() {
                scheduler = beside;
            }
        }
        if !weights.is_file() {
            let old =
                std::fs::read_dir(&network).into_iter().flatten().flatten().map(|e| e.path()).find(|p| is_pickle(p));
            return Err(match old {
                Some(path) => pickle(&path),
                None => Error::file(format!("{WEIGHTS} is missing"), &network, needs),
            });
        }
        for path in [&config, &scheduler] {
            if !path.is_file() {
                return Err(Error::file("this file of the model is missing", path, needs));
            }
        }
        Ok(Self { config, weights, scheduler })
    }
}

fn is_pickle(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    path.is_file() && ["bin", "pt", "pth", "ckpt", "pkl", "pickle"].contains(&extension)
}

fn pickle(path: &Path) -> Error {
    Error::file(
        "this is a Python pickle, which can run code when it is opened, so Whence does not read it",
        path,
        "convert it where you trust it: in Python, UNet2DModel.from_pretrained(OLD).save_pretrained(NEW, \
         safe_serialization=True)",
    )
}

fn read_text(path: &Path) -> Result<String> {
    whence_base::files::read_text(path, whence_base::files::MAX_SETTINGS_BYTES)
}

/// Shape of the images of a pixel-space model with samples of this shape.
pub fn image_shape(SampleShape { channels, height, width }: SampleShape) -> ImageShape {
    ImageShape { channels, height, width }
}

/// Shape of the samples of a pixel-space model for images of this shape.
pub fn sample_shape(ImageShape { channels, height, width }: ImageShape) -> SampleShape {
    SampleShape { channels, height, width }
}
