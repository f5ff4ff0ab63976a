//! A network's parameters as a list of named vectors: what optimizer, averages, files, hashes and differences work on.

use std::borrow::Cow;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;

use crate::failure::device_failure;
use whence_base::Result;

/// One parameter's name, shape and values in the computer's memory.
pub type NamedValues = (String, Vec<usize>, Vec<f32>);

/// One parameter outside the autodiff graph. Its values stay on the device until they are read, so that a list of a whole
/// network's parameters takes no memory of its own.
#[derive(Clone, Debug)]
pub struct NamedTensor {
    /// Name in diffusers' files.
    pub name: String,
    /// Shape of the parameter.
    pub shape: Vec<usize>,
    /// The values, row-major, flattened.
    pub values: Tensor<1>,
}

/// A named tensor whose values can be read one tensor at a time.
pub trait ReadTensor {
    /// Name in a file.
    fn name(&self) -> &str;

    /// Dimensions.
    fn shape(&self) -> &[usize];

    /// The values, row-major.
    ///
    /// # Errors
    /// Where the device fails.
    fn read(&self) -> Result<Cow<'_, [f32]>>;
}

impl ReadTensor for NamedTensor {
    fn name(&self) -> &str {
        &self.name
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn read(&self) -> Result<Cow<'_, [f32]>> {
        Ok(Cow::Owned(to_vec(self.values.clone())?))
    }
}

impl ReadTensor for NamedValues {
    fn name(&self) -> &str {
        &self.0
    }

    fn shape(&self) -> &[usize] {
        &self.1
    }

    fn read(&self) -> Result<Cow<'_, [f32]>> {
        Ok(Cow::Borrowed(&self.2))
    }
}

/// A tensor's values, row-major.
///
/// # Errors
/// Where the device fails: an empty vector in the place of weights would be hashed, scored or saved.
pub fn to_vec<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    let device = tensor.device();
    let failed = |what: String| device_failure(&device, what);
    let data = tensor.try_into_data().map_err(|e| failed(e.to_string()))?;
    data.convert::<f32>().try_into_vec::<f32>().map_err(|e| failed(format!("{e:?}")))
}

/// A parameter's path in the tree of modules as diffusers' name.
///
/// Layers that diffusers has in lists of one are fields here, and resampling by a residual block has its own field.
pub fn join_name(path: &[String]) -> String {
    let mut name = String::new();
    for part in path {
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(match part.as_str() {
            "to_out" => "to_out.0",
            "downsampler" | "resnet_downsampler" => "downsamplers.0",
            "upsampler" | "resnet_upsampler" => "upsamplers.0",
            other => other,
        });
    }
    name
}

/// Every parameter of a network, outside the autodiff graph, in the order of the tree.
pub fn named_tensors(module: &impl Module) -> Vec<NamedTensor> {
    struct Collect {
        path: Vec<String>,
        found: Vec<NamedTensor>,
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
            let count: usize = shape.iter().product();
            self.found.push(NamedTensor { name: join_name(&self.path), shape, values: value.reshape([count]) });
        }
    }
    let mut collect = Collect { path: Vec::new(), found: Vec::new() };
    module.visit(&mut collect);
    collect.found
}

/// All values of a small network by name, copied into the computer's memory. Work on [`named_tensors`] where one tensor
/// at a time is enough.
///
/// # Errors
/// Where the device fails.
pub fn named_values(module: &impl Module) -> Result<Vec<NamedValues>> {
    read_all(named_tensors(module))
}

/// Reads tensors back from the device.
///
/// # Errors
/// Where the device fails.
pub fn read_all(tensors: Vec<NamedTensor>) -> Result<Vec<NamedValues>> {
    tensors.into_iter().map(|t| Ok((t.name, t.shape, to_vec(t.values)?))).collect()
}

/// A network, not in training, with these values in place of its parameters', in the order of the tree. Parameters
/// without a value stay as they are.
pub fn replace_parameters<M: Module>(network: M, values: Vec<Option<Tensor<1>>>) -> M {
    struct Replace(std::vec::IntoIter<Option<Tensor<1>>>);
    impl ModuleMapper for Replace {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let value = self.0.next();
            debug_assert!(value.is_some(), "fewer values than parameters");
            match value.flatten() {
                Some(value) => param.map(|old| value.reshape(old.dims())),
                None => param,
            }
        }
    }
    let mut replace = Replace(values.into_iter());
    let network = network.map(&mut replace);
    debug_assert!(replace.0.next().is_none(), "more values than parameters");
    network
}

/// blake3 of a network's parameters, hexadecimal: names, shapes and values. Reads one tensor at a time.
///
/// # Errors
/// Where the device fails.
pub fn parameters_hash(module: &impl Module) -> Result<String> {
    let mut hasher = blake3::Hasher::new_derive_key("whence 2026 network parameters v1");
    for tensor in named_tensors(module) {
        hasher.update(&(tensor.name.len() as u64).to_le_bytes()).update(tensor.name.as_bytes());
        hasher.update(&(tensor.shape.len() as u64).to_le_bytes());
        for size in &tensor.shape {
            hasher.update(&(*size as u64).to_le_bytes());
        }
        hash_values(&mut hasher, &tensor.read()?);
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// Adds each parameter's name and values to a hash; reads one tensor at a time.
///
/// # Errors
/// Where the device fails.
pub fn hash_parameters(hasher: &mut blake3::Hasher, module: &impl Module) -> Result<()> {
    for tensor in named_tensors(module) {
        hasher.update(tensor.name.as_bytes());
        hash_values(hasher, &tensor.read()?);
    }
    Ok(())
}

fn hash_values(hasher: &mut blake3::Hasher, values: &[f32]) {
    for chunk in values.chunks(VALUES_PER_CHUNK) {
        hasher.update(&little_endian(chunk));
    }
}

/// Values that are converted to or from a file's format at a time, so that no second copy of a tensor is made.
pub(crate) const VALUES_PER_CHUNK: usize = 1 << 16;

/// 32-bit floats as a file's bytes.
pub(crate) fn little_endian(values: &[f32]) -> Vec<u8> {
    let mut bytes = vec![0; 4 * values.len()];
    for (to, value) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(values) {
        *to = value.to_le_bytes();
    }
    bytes
}
