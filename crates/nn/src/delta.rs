//! Weights as differences to other weights: many models that differ little, each in a fraction of the space.
//!
//! A difference is a safetensors file, compressed by zstd. It is written and read one tensor at a time, so that the memory
//! it takes beside the two networks is bounded by the largest tensor.

use std::collections::HashMap;
use std::io::{Read, Write};

use burn::module::Module;
use burn::tensor::{Tensor, TensorData};
use safetensors::Dtype;
use serde::{Deserialize, Serialize};

use super::parameters::{NamedTensor, VALUES_PER_CHUNK, little_endian, named_tensors, replace_parameters, to_vec};
use super::selection::ParameterSelection;
use super::weights::{Header, TensorEntry, arrange, half_precision, widen};
use whence_base::{Error, Result};

/// How exactly differences are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeltaPrecision {
    /// 32-bit floats, exactly.
    Float32,
    /// 16-bit floats.
    Float16,
    /// Integers from -127 to 127 times one scale per output channel; vectors as 16-bit floats.
    #[default]
    Int8,
    /// As [`Int8`](Self::Int8), from -7 to 7.
    Int4,
}

impl DeltaPrecision {
    /// Largest integer; none where differences stay floats.
    fn largest(self) -> Option<f32> {
        match self {
            Self::Float32 | Self::Float16 => None,
            Self::Int8 => Some(127.0),
            Self::Int4 => Some(7.0),
        }
    }

    fn float(self) -> Dtype {
        if self == Self::Float32 { Dtype::F32 } else { Dtype::F16 }
    }
}

/// End of the name under which a tensor's scales are stored.
const SCALES: &str = "#scales";

/// Level of the zstd compression.
const LEVEL: i32 = 9;

/// Differences up to this many bytes are compressed in one call, which finds a little more than a stream does. Larger ones
/// are not held in memory.
const ONE_CALL: u64 = 16 << 20;

fn internal(what: impl Into<String>) -> Error {
    Error::internal(what)
}

fn damaged(what: impl Into<String>) -> Error {
    Error::input(what, "difference of two models", "it belongs to another model or is damaged: make it again")
}

/// The difference `other - full` of two networks of the same layers, for the selected parameters.
///
/// # Errors
/// As [`encode_to`].
pub fn encode<M: Module>(
    full: &M,
    other: &M,
    precision: DeltaPrecision,
    selection: &ParameterSelection,
) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    encode_to(&mut bytes, full, other, precision, selection)?;
    Ok(bytes)
}

/// Writes the difference `other - full` of two networks of the same layers, for the selected parameters.
///
/// # Errors
/// Where the two have other tensors or shapes, differ in a parameter that is not selected, or `out` cannot be written.
pub fn encode_to<M: Module>(
    out: impl Write,
    full: &M,
    other: &M,
    precision: DeltaPrecision,
    selection: &ParameterSelection,
) -> Result<()> {
    encode_tensors(out, named_tensors(full), named_tensors(other), precision, selection)
}

fn encode_tensors(
    mut out: impl Write,
    full: Vec<NamedTensor>,
    other: Vec<NamedTensor>,
    precision: DeltaPrecision,
    selection: &ParameterSelection,
) -> Result<()> {
    let pairs = pairs(full, other, selection)?;
    let mut parts = Vec::new();
    let mut entries = Vec::new();
    for (index, (base, _)) in pairs.iter().enumerate() {
        let (name, shape) = (base.name.clone(), base.shape.clone());
        match (precision.largest(), shape.as_slice()) {
            (Some(largest), &[channels, _, ..]) if channels > 0 => {
                parts.extend([Part::Integers { index, channels, largest }, Part::Scales { index, channels, largest }]);
                let scales = format!("{name}{SCALES}");
                entries.push(TensorEntry { name, dtype: Dtype::I8, shape });
                entries.push(TensorEntry { name: scales, dtype: Dtype::F32, shape: vec![channels] });
            }
            _ => {
                parts.push(Part::Floats { index });
                entries.push(TensorEntry { name, dtype: precision.float(), shape });
            }
        }
    }
    let arranged = arrange(&entries, None)?;
    let length = arranged.header.len() as u64 + arranged.data_length;
    let write = |to: &mut dyn Write| -> Result<()> {
        to.write_all(&arranged.header).map_err(write_failed)?;
        for index in &arranged.order {
            let part = parts.get(*index).ok_or_else(|| internal("a tensor without a part"))?;
            part.write(to, &pairs, precision)?;
        }
        Ok(())
    };
    if length <= ONE_CALL {
        let mut bytes = Vec::new();
        write(&mut bytes)?;
        let compressed = zstd::bulk::compress(&bytes, LEVEL).map_err(write_failed)?;
        return out.write_all(&compressed).map_err(write_failed);
    }
    let mut encoder = zstd::stream::write::Encoder::new(out, LEVEL).map_err(write_failed)?;
    encoder.set_pledged_src_size(Some(length)).map_err(write_failed)?;
    write(&mut encoder)?;
    encoder.finish().map_err(write_failed)?;
    Ok(())
}

fn write_failed(e: std::io::Error) -> Error {
    let remedy = "check that the disk is writable and has space, then start again: what was finished is kept";
    Error::input(format!("writing failed: {e}"), "difference of two models", remedy)
}

/// The selected parameters of both networks.
fn pairs(
    full: Vec<NamedTensor>,
    other: Vec<NamedTensor>,
    selection: &ParameterSelection,
) -> Result<Vec<(NamedTensor, NamedTensor)>> {
    if full.len() != other.len() {
        return Err(internal(format!("one model has {} parameters and the other {}", full.len(), other.len())));
    }
    let mut pairs = Vec::with_capacity(full.len());
    for (base, other) in full.into_iter().zip(other) {
        if base.name != other.name || base.shape != other.shape {
            return Err(internal(format!(
                "{} {:?} is {} {:?} in the other",
                base.name, base.shape, other.name, other.shape
            )));
        }
        if selection.contains(&base.name) {
            pairs.push((base, other));
        } else if to_vec(base.values)? != to_vec(other.values)? {
            return Err(internal(format!("{} is not selected and differs", base.name)));
        }
    }
    Ok(pairs)
}

/// What a tensor of the file holds of a pair of parameters.
enum Part {
    Floats { index: usize },
    Scales { index: usize, channels: usize, largest: f32 },
    Integers { index: usize, channels: usize, largest: f32 },
}

impl Part {
    fn write(
        &self,
        out: &mut dyn Write,
        pairs: &[(NamedTensor, NamedTensor)],
        precision: DeltaPrecision,
    ) -> Result<()> {
        let (Self::Floats { index } | Self::Scales { index, .. } | Self::Integers { index, .. }) = *self;
        let (base, other) = pairs.get(index).ok_or_else(|| internal("a part without parameters"))?;
        let mut difference = to_vec(other.values.clone())?;
        for (value, base) in difference.iter_mut().zip(to_vec(base.values.clone())?) {
            *value -= base;
        }
        match *self {
            Self::Floats { .. } => {
                for chunk in difference.chunks(VALUES_PER_CHUNK) {
                    let float32 = precision.float() == Dtype::F32;
                    let bytes = if float32 { little_endian(chunk) } else { half_precision(chunk) };
                    out.write_all(&bytes).map_err(write_failed)?;
                }
                Ok(())
            }
            Self::Scales { channels, largest, .. } => {
                out.write_all(&little_endian(&scales(&difference, channels, largest))).map_err(write_failed)
            }
            Self::Integers { channels, largest, .. } => {
                out.write_all(&integers(&difference, channels, largest)).map_err(write_failed)
            }
        }
    }
}

/// The scale of each output channel with which its largest difference becomes `largest`.
fn scales(difference: &[f32], channels: usize, largest: f32) -> Vec<f32> {
    let scale = |channel: &[f32]| channel.iter().fold(0.0f32, |m, v| m.max(v.abs())) / largest;
    difference.chunks(values_per_channel(difference.len(), channels)).map(scale).collect()
}

/// The differences in units of their channel's scale, rounded, as the bytes of signed integers.
fn integers(difference: &[f32], channels: usize, largest: f32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(difference.len());
    let each = values_per_channel(difference.len(), channels);
    for (channel, scale) in difference.chunks(each).zip(scales(difference, channels, largest)) {
        let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
        bytes.extend(channel.iter().map(|v| ((v * inverse).round().clamp(-largest, largest) as i8).cast_unsigned()));
    }
    bytes
}

fn values_per_channel(count: usize, channels: usize) -> usize {
    (count / channels.max(1)).max(1)
}

/// The other network again: `full` plus the difference that [`encode`] made with this selection.
///
/// # Errors
/// Bytes that are damaged, or a difference to another network.
pub fn decode<M: Module>(full: &M, bytes: impl Read, selection: &ParameterSelection) -> Result<M> {
    let values = decode_tensors(&named_tensors(full), bytes, selection)?;
    Ok(replace_parameters(full.clone(), values))
}

/// The values of the selected parameters, in their order; none for the others.
fn decode_tensors(
    full: &[NamedTensor],
    bytes: impl Read,
    selection: &ParameterSelection,
) -> Result<Vec<Option<Tensor<1>>>> {
    let mut reader = zstd::stream::read::Decoder::new(bytes).map_err(|e| damaged(e.to_string()))?;
    // Names, shapes and offsets of the tensors and their scales; a length that the file claims is not believed.
    let most: usize = 4096 + full.iter().map(|p| 64 * p.shape.len() + 8 * p.name.len() + 512).sum::<usize>();
    let header = Header::read(&mut reader, most as u64, "difference of two models")?;
    let positions: HashMap<&str, usize> = full
        .iter()
        .enumerate()
        .filter(|(_, p)| selection.contains(&p.name))
        .map(|(index, p)| (p.name.as_str(), index))
        .collect();
    let mut found = vec![None; full.len()];
    let mut scales: HashMap<String, Vec<f32>> = HashMap::new();
    for name in header.metadata.offset_keys() {
        let info = header.metadata.info(&name).ok_or_else(|| internal("a tensor without a description"))?;
        let parameter = name.strip_suffix(SCALES).unwrap_or(&name);
        let base = positions.get(parameter).and_then(|index| Some((*index, full.get(*index)?)));
        let (index, base) = base.ok_or_else(|| damaged(format!("the model has no parameter {parameter}")))?;
        let is_scales = parameter.len() < name.len();
        let shape = if is_scales { base.shape.get(..1) } else { Some(base.shape.as_slice()) };
        // Checked before memory is taken for it.
        if shape != Some(info.shape.as_slice()) {
            return Err(damaged(format!("{name} has shape {:?} in place of {:?}", info.shape, base.shape)));
        }
        let mut data = vec![0; info.data_offsets.1 - info.data_offsets.0];
        reader.read_exact(&mut data).map_err(|e| damaged(format!("{name} is incomplete ({e})")))?;
        let mut values = Vec::with_capacity(info.shape.iter().product());
        match (info.dtype, base.shape.as_slice()) {
            (Dtype::F32 | Dtype::F16, _) => widen(&data, info.dtype, &mut values),
            (Dtype::I8, &[channels, ..]) if !is_scales => {
                let scales = scales.remove(&name).ok_or_else(|| damaged(format!("{name} has no scales")))?;
                for (chunk, scale) in data.chunks(values_per_channel(data.len(), channels)).zip(&scales) {
                    values.extend(chunk.iter().map(|v| f32::from(v.cast_signed()) * scale));
                }
            }
            _ => return Err(damaged(format!("{name} holds {:?} values", info.dtype))),
        }
        drop(data);
        if let Some(value) = values.iter().find(|d| !d.is_finite()) {
            return Err(damaged(format!("{name} holds {value}")));
        }
        if is_scales {
            scales.insert(parameter.to_owned(), values);
        } else if let Some(slot) = found.get_mut(index) {
            *slot = Some(sum(base, values)?);
        }
    }
    let end = reader.read(&mut [0]).map_err(|e| damaged(e.to_string()))?;
    if end > 0 || !scales.is_empty() {
        return Err(damaged("it holds more than the model's parameters"));
    }
    for (parameter, values) in full.iter().zip(&found) {
        if values.is_none() && selection.contains(&parameter.name) {
            return Err(damaged(format!("{} is missing", parameter.name)));
        }
    }
    Ok(found)
}

/// A parameter plus its difference, on its device.
fn sum(base: &NamedTensor, mut difference: Vec<f32>) -> Result<Tensor<1>> {
    let values = to_vec(base.values.clone())?;
    if values.len() != difference.len() {
        return Err(damaged(format!("{} has {} values in place of {}", base.name, difference.len(), values.len())));
    }
    for (value, base) in difference.iter_mut().zip(values) {
        *value += base;
    }
    let count = difference.len();
    Ok(Tensor::from_data(TensorData::new(difference, [count]), &base.values.device()))
}

#[cfg(test)]
mod tests;
