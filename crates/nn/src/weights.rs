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

use whence_base::{Error, Result};

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
            Init::Normal => whence_base::random::normals(&mut rng, count),
        })
    }
}

/// Most bytes of a safetensors file's header.
const MAX_HEADER_BYTES: u64 = 16 << 20;

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
        // The header is JSON, which takes many times its size once it is parsed; the largest models need about 1 MiB.
        let header = bytes.first_chunk().map_or(0, |length| u64::from_le_bytes(*length));
        if header > MAX_HEADER_BYTES {
            let what = format!("this is not a whole safetensors file (its header claims {header} bytes)");
            return Err(Error::input(what, place, again));
        }
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

    /// All that is left.
    pub fn into_values(self) -> Vec<NamedValues> {
        self.tensors.into_iter().map(|(name, (shape, values))| (name, shape, values)).collect()
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

pub fn widen(view: &TensorView<'_>) -> Option<Vec<f32>> {
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

/// Calls `each` with every parameter's name, shape and values, outside the graph, flat, in the order of the tree.
pub fn visit_parameters(module: &impl Module, each: impl FnMut(String, Vec<usize>, Tensor<1>)) {
    struct Visit<F> {
        path: Vec<String>,
        each: F,
    }
    impl<F: FnMut(String, Vec<usize>, Tensor<1>)> ModuleVisitor for Visit<F> {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.to_owned());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let value = param.val().inner();
            let shape = value.dims().to_vec();
            let count: usize = shape.iter().product();
            (self.each)(join_name(&self.path), shape, value.reshape([count]));
        }
    }
    module.visit(&mut Visit { path: Vec::new(), each });
}

/// All parameters of a network by name, read back from the device.
pub fn named_values(module: &impl Module) -> Vec<NamedValues> {
    let mut found = Vec::new();
    visit_parameters(module, |name, shape, value| found.push((name, shape, to_vec(value))));
    found
}

/// Values in memory, by name.
pub struct Values(BTreeMap<String, (Vec<usize>, Vec<f32>)>);

impl Values {
    /// Takes values such as [`named_values`] gives.
    pub fn new(values: Vec<NamedValues>) -> Self {
        Self(values.into_iter().map(|(name, shape, values)| (name, (shape, values))).collect())
    }
}

impl Source for Values {
    fn values(&mut self, name: &str, shape: &[usize], _init: Init) -> Result<Vec<f32>> {
        match self.0.remove(name) {
            Some((found, values)) if found == shape => Ok(values),
            _ => Err(Error::input(format!("the values of {name} are missing"), "network", "report this")),
        }
    }
}

/// The values of a source whose names begin with `prefix` and a dot, by the rest of their names: several networks in one
/// file.
pub struct Prefixed<'a> {
    /// Where they are.
    pub source: &'a mut dyn Source,
    /// How their names begin there.
    pub prefix: &'static str,
}

impl Source for Prefixed<'_> {
    fn values(&mut self, name: &str, shape: &[usize], init: Init) -> Result<Vec<f32>> {
        self.source.values(&format!("{}.{name}", self.prefix), shape, init)
    }
}

/// Values under the names that [`Prefixed`] looks for.
pub fn prefixed(prefix: &'static str, values: Vec<NamedValues>) -> impl Iterator<Item = NamedValues> {
    values.into_iter().map(move |(name, shape, values)| (format!("{prefix}.{name}"), shape, values))
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

/// Parameters as the bytes of a safetensors file that diffusers opens, with `notes` beside its format in the header.
///
/// # Errors
/// Where two parameters have one name.
pub fn safetensors_bytes(tensors: &[NamedValues], precision: Precision, notes: &[(&str, String)]) -> Result<Vec<u8>> {
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
    let broken = |e: safetensors::SafeTensorError| Error::input(e.to_string(), "safetensors", "report this");
    let mut views = Vec::with_capacity(buffers.len());
    for (name, shape, bytes) in &buffers {
        views.push((*name, TensorView::new(dtype, shape.to_vec(), bytes).map_err(broken)?));
    }
    let notes = notes.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    let metadata = notes.chain([("format".to_owned(), "pt".to_owned())]).collect();
    safetensors::serialize(views, Some(metadata)).map_err(broken)
}

/// Writes parameters to a safetensors file that diffusers opens; through a temporary sibling.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_safetensors(path: &Path, tensors: &[NamedValues], precision: Precision) -> Result<()> {
    whence_store::write_atomic(path, &safetensors_bytes(tensors, precision, &[])?)
}
