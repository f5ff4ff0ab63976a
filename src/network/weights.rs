//! Where a network's parameters come from and go to: random starts and safetensors files.

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::error::{Error, Result};
use crate::store;

/// How a fresh parameter starts: PyTorch's defaults.
#[derive(Clone, Copy, Debug)]
pub enum Init {
    /// Uniform in ±1/sqrt(fan in): linear and convolution layers, weights and biases alike.
    Uniform {
        /// Inputs that one output sums over.
        fan_in: usize,
    },
    /// All ones or all zeros: normalisation.
    Constant(f32),
    /// Standard normal: embedding tables.
    Normal,
}

/// Gives the values of each parameter, by diffusers' name.
pub trait Source {
    /// Values of the parameter `name` with `shape`, row-major.
    ///
    /// # Errors
    /// Where the parameter is missing, has another shape or holds numbers that are not finite.
    fn values(&mut self, name: &str, shape: &[usize], init: Init) -> Result<Vec<f32>>;
}

/// Makes parameters while it keeps track of their place in the tree.
pub struct Builder<'a> {
    source: &'a mut dyn Source,
    device: &'a Device,
    path: Vec<String>,
}

impl<'a> Builder<'a> {
    /// A builder that fills parameters from `source`, on `device`.
    pub fn new(source: &'a mut dyn Source, device: &'a Device) -> Self {
        Self { source, device, path: Vec::new() }
    }

    /// Runs `make` one level down, under `name`.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn within<T>(&mut self, name: impl std::fmt::Display, make: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.path.push(name.to_string());
        let made = make(self);
        self.path.pop();
        made
    }

    /// The parameter `name` of the current level.
    ///
    /// # Errors
    /// Those of the source.
    pub fn param<const D: usize>(&mut self, name: &str, shape: [usize; D], init: Init) -> Result<Param<Tensor<D>>> {
        let full = self.path.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join(".");
        let values = self.source.values(&full, &shape, init)?;
        Ok(Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), self.device)))
    }
}

/// A random start that depends on the seed and each parameter's name alone.
pub struct RandomStart {
    /// Seed of the start.
    pub seed: u64,
}

impl Source for RandomStart {
    fn values(&mut self, name: &str, shape: &[usize], init: Init) -> Result<Vec<f32>> {
        let mut key = blake3::Hasher::new_derive_key("whence 2026 random start");
        key.update(&self.seed.to_le_bytes()).update(name.as_bytes());
        let mut rng = ChaCha8Rng::from_seed(*key.finalize().as_bytes());
        let count = shape.iter().product();
        Ok(match init {
            Init::Constant(value) => vec![value; count],
            Init::Uniform { fan_in } => {
                let bound = 1.0 / (fan_in.max(1) as f32).sqrt();
                (0..count).map(|_| (rng.random::<f32>() * 2.0 - 1.0) * bound).collect()
            }
            Init::Normal => crate::elbo::noise::normals(&mut rng, count),
        })
    }
}

/// Parameters read from a safetensors file, as 32-bit floats.
pub struct SafetensorsSource {
    place: String,
    tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
}

impl SafetensorsSource {
    /// Reads a whole file; 16-bit floats are widened, the attention names of 2022 turned into today's.
    ///
    /// # Errors
    /// Files that cannot be read, that end early, or that hold other than floating-point numbers.
    pub fn open(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
        Self::from_bytes(&bytes, &path.display().to_string())
    }

    /// Reads a file's content. `place` names it in errors.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_bytes(bytes: &[u8], place: &str) -> Result<Self> {
        let again = "the file may be cut short or damaged: copy or save it again";
        let file = SafeTensors::deserialize(bytes)
            .map_err(|e| Error::input(format!("this is not a whole safetensors file ({e})"), place, again))?;
        let mut tensors = BTreeMap::new();
        for (name, view) in file.tensors() {
            let values = widen(&view).ok_or_else(|| {
                Error::input(
                    format!("tensor {name} holds {:?} numbers", view.dtype()),
                    place,
                    "save the weights as float32, float16 or bfloat16",
                )
            })?;
            tensors.insert(current_name(&name), (view.shape().to_vec(), values));
        }
        Ok(Self { place: place.to_owned(), tensors })
    }

    /// Call after the network is built: tensors that no layer asked for mean that the settings lie.
    ///
    /// # Errors
    /// Names up to three of them.
    pub fn finish(self) -> Result<()> {
        if self.tensors.is_empty() {
            return Ok(());
        }
        let names = self.tensors.keys().take(3).cloned().collect::<Vec<_>>().join(", ");
        Err(Error::input(
            format!(
                "{} tensors belong to no layer of the network that config.json describes: {names}",
                self.tensors.len()
            ),
            self.place,
            "use the config.json that was saved with these weights",
        ))
    }

    /// Takes one tensor out, with its shape, if it is there.
    pub fn take(&mut self, name: &str) -> Option<(Vec<usize>, Vec<f32>)> {
        self.tensors.remove(name)
    }
}

impl Source for SafetensorsSource {
    fn values(&mut self, name: &str, shape: &[usize], _init: Init) -> Result<Vec<f32>> {
        let (found, values) = self.tensors.remove(name).ok_or_else(|| {
            Error::input(
                format!("the tensor {name} is missing"),
                self.place.clone(),
                "use the config.json that was saved with these weights",
            )
        })?;
        // Attention weights of 2022 were 1x1 convolutions: the same numbers with two more dimensions of one.
        let squeezed = found.iter().copied().rev().skip_while(|&n| n == 1).collect::<Vec<_>>().into_iter().rev();
        let wanted = shape.iter().copied().rev().skip_while(|&n| n == 1).collect::<Vec<_>>().into_iter().rev();
        if !squeezed.eq(wanted) {
            return Err(Error::input(
                format!("the tensor {name} has shape {found:?}; config.json asks for {shape:?}"),
                self.place.clone(),
                "use the config.json that was saved with these weights",
            ));
        }
        if let Some(at) = values.iter().position(|v| !v.is_finite()) {
            return Err(Error::input(
                format!("the tensor {name} holds {} at position {at}", values.get(at).copied().unwrap_or(f32::NAN)),
                self.place.clone(),
                "the training had diverged or the file is damaged: use an earlier checkpoint",
            ));
        }
        Ok(values)
    }
}

/// Today's diffusers name for a parameter that older files call otherwise.
fn current_name(name: &str) -> String {
    const RENAMED: [(&str, &str); 4] =
        [(".query.", ".to_q."), (".key.", ".to_k."), (".value.", ".to_v."), (".proj_attn.", ".to_out.0.")];
    RENAMED.iter().fold(name.to_owned(), |name, (old, new)| name.replace(old, new))
}

fn widen(view: &TensorView<'_>) -> Option<Vec<f32>> {
    let data = view.data();
    match view.dtype() {
        Dtype::F32 => Some(data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()),
        Dtype::F16 => Some(data.as_chunks::<2>().0.iter().map(|b| half::f16::from_le_bytes(*b).to_f32()).collect()),
        Dtype::BF16 => Some(data.as_chunks::<2>().0.iter().map(|b| half::bf16::from_le_bytes(*b).to_f32()).collect()),
        Dtype::F64 => Some(data.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect()),
        _ => None,
    }
}

/// One parameter's name, shape and values.
pub type NamedValues = (String, Vec<usize>, Vec<f32>);

/// Joins the path of a parameter into diffusers' name.
///
/// Resampling by a residual block sits in a field of its own here, and in the convolution's place there.
pub fn join_name(path: &[String]) -> String {
    path.join(".").replace("resnet_downsamplers", "downsamplers").replace("resnet_upsamplers", "upsamplers")
}

/// All parameters of a network by name, read back from the device.
pub fn named_values(module: &impl Module) -> Vec<NamedValues> {
    struct Collect {
        path: Vec<String>,
        found: Vec<NamedValues>,
    }
    impl ModuleVisitor for Collect {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.to_owned());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let value = param.val().inner();
            let shape = value.dims().to_vec();
            self.found.push((join_name(&self.path), shape, to_vec(value)));
        }
    }
    let mut collect = Collect { path: Vec::new(), found: Vec::new() };
    module.visit(&mut collect);
    collect.found
}

/// A tensor's numbers, row-major.
pub fn to_vec<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().try_to_vec::<f32>().unwrap_or_default()
}

/// Number format of a written file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32-bit floats.
    Float32,
    /// 16-bit floats: half the size, and a rounding of about one part in 2,000.
    Float16,
}

/// Writes parameters to a safetensors file that diffusers opens; through a temporary sibling.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_safetensors(path: &Path, tensors: &[NamedValues], precision: Precision) -> Result<()> {
    let dtype = match precision {
        Precision::Float32 => Dtype::F32,
        Precision::Float16 => Dtype::F16,
    };
    let buffers: Vec<(&str, &[usize], Vec<u8>)> = tensors
        .iter()
        .map(|(name, shape, values)| {
            let bytes = match precision {
                Precision::Float32 => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
                Precision::Float16 => values.iter().flat_map(|v| half::f16::from_f32(*v).to_le_bytes()).collect(),
            };
            (name.as_str(), shape.as_slice(), bytes)
        })
        .collect();
    let broken = |e: safetensors::SafeTensorError| Error::file(e.to_string(), path, "report this");
    let mut views = Vec::with_capacity(buffers.len());
    for (name, shape, bytes) in &buffers {
        views.push((*name, TensorView::new(dtype, shape.to_vec(), bytes).map_err(broken)?));
    }
    let metadata = std::collections::HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let bytes = safetensors::serialize(views, Some(metadata)).map_err(broken)?;
    store::write_atomic(path, &bytes)
}
