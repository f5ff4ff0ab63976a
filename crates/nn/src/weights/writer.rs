//! Safetensors files, written one tensor at a time, byte for byte as the safetensors crate writes them.

use std::collections::{BTreeSet, HashMap};
use std::io::Write;
use std::path::Path;

use burn::module::Module;
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};

use crate::parameters::{ReadTensor, VALUES_PER_CHUNK, little_endian, named_tensors};
use whence_base::{Error, Result};

/// Number format of a written file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32-bit floats.
    Float32,
    /// 16-bit floats: half the size, and a rounding of about one part in 2,000.
    Float16,
}

impl Precision {
    fn dtype(self) -> Dtype {
        match self {
            Self::Float32 => Dtype::F32,
            Self::Float16 => Dtype::F16,
        }
    }
}

/// Writes a network's parameters to a safetensors file that diffusers opens, with `notes` in its header; through a
/// temporary sibling.
///
/// # Errors
/// Where the file cannot be written, or the device fails.
pub fn write_safetensors(
    path: &Path,
    module: &impl Module,
    precision: Precision,
    notes: &[(&str, String)],
) -> Result<()> {
    write_tensors(path, &named_tensors(module), precision, notes)
}

/// As [`write_safetensors`], for any tensors.
///
/// # Errors
/// As [`write_safetensors`], and where two tensors have one name.
pub fn write_tensors(
    path: &Path,
    tensors: &[impl ReadTensor],
    precision: Precision,
    notes: &[(&str, String)],
) -> Result<()> {
    whence_store::write_atomic_with(path, |out| write_tensors_to(out, path, tensors, precision, notes))
}

/// As [`write_tensors`], as a part of the file at `path`.
///
/// # Errors
/// As [`write_tensors`].
pub fn write_tensors_to(
    out: &mut dyn Write,
    path: &Path,
    tensors: &[impl ReadTensor],
    precision: Precision,
    notes: &[(&str, String)],
) -> Result<()> {
    let mut all: HashMap<String, String> = notes.iter().map(|(key, text)| ((*key).to_owned(), text.clone())).collect();
    all.insert("format".into(), "pt".into());
    let entries: Vec<TensorEntry> = tensors
        .iter()
        .map(|t| TensorEntry { name: t.name().to_owned(), dtype: precision.dtype(), shape: t.shape().to_vec() })
        .collect();
    let arranged = arrange(&entries, Some(all))?;
    out.write_all(&arranged.header).map_err(Error::io("write", path))?;
    for index in arranged.order {
        let internal = || Error::internal("a tensor is missing from its own list");
        let tensor = tensors.get(index).ok_or_else(internal)?;
        let values = tensor.read()?;
        if values.len() != tensor.shape().iter().product::<usize>() {
            let what = format!("{} has {} values for shape {:?}", tensor.name(), values.len(), tensor.shape());
            return Err(Error::internal(what));
        }
        for chunk in values.chunks(VALUES_PER_CHUNK) {
            let bytes = match precision {
                Precision::Float32 => little_endian(chunk),
                Precision::Float16 => half_precision(chunk),
            };
            out.write_all(&bytes).map_err(Error::io("write", path))?;
        }
    }
    Ok(())
}

/// 16-bit floats as a file's bytes.
pub(crate) fn half_precision(values: &[f32]) -> Vec<u8> {
    let mut bytes = vec![0; 2 * values.len()];
    for (to, value) in bytes.as_chunks_mut::<2>().0.iter_mut().zip(values) {
        *to = half::f16::from_f32(*value).to_le_bytes();
    }
    bytes
}

/// A tensor of a file that is to be written.
pub(crate) struct TensorEntry {
    pub name: String,
    pub dtype: Dtype,
    pub shape: Vec<usize>,
}

/// A file's header, and what follows it.
pub(crate) struct Arranged {
    /// The header's length and text.
    pub header: Vec<u8>,
    /// Indices of the entries in the order of their data.
    pub order: Vec<usize>,
    /// Bytes of all tensors.
    pub data_length: u64,
}

/// The header of a file with these tensors: as in the safetensors crate, tensors of the widest format come first, then by
/// name, and the header is padded with spaces to a multiple of 8 bytes.
///
/// # Errors
/// Where two tensors have one name.
pub(crate) fn arrange(entries: &[TensorEntry], notes: Option<HashMap<String, String>>) -> Result<Arranged> {
    let internal = |what: String| Error::internal(what);
    let mut names = BTreeSet::new();
    if let Some(twice) = entries.iter().find(|entry| !names.insert(&entry.name)) {
        return Err(internal(format!("two tensors have the name {}", twice.name)));
    }
    let mut sorted: Vec<(usize, &TensorEntry)> = entries.iter().enumerate().collect();
    sorted.sort_by(|(_, a), (_, b)| b.dtype.cmp(&a.dtype).then(a.name.cmp(&b.name)));
    let mut infos = Vec::with_capacity(sorted.len());
    let mut offset = 0;
    for (_, entry) in &sorted {
        let end = offset + entry.shape.iter().product::<usize>() * entry.dtype.bitsize() / 8;
        let info = TensorInfo { dtype: entry.dtype, shape: entry.shape.clone(), data_offsets: (offset, end) };
        infos.push((entry.name.clone(), info));
        offset = end;
    }
    let metadata = Metadata::new(notes, infos).map_err(|e| internal(e.to_string()))?;
    let mut text = serde_json::to_vec(&metadata).map_err(|e| internal(e.to_string()))?;
    text.resize(text.len().next_multiple_of(8), b' ');
    let mut header = (text.len() as u64).to_le_bytes().to_vec();
    header.extend(text);
    Ok(Arranged { header, order: sorted.into_iter().map(|(index, _)| index).collect(), data_length: offset as u64 })
}
