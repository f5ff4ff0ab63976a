//! Safetensors files, read one tensor at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use safetensors::Dtype;
use safetensors::tensor::Metadata;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Init, Source};
use crate::parameters::{NamedValues, VALUES_PER_CHUNK};
use whence_base::{Error, Result};

/// Longest header that is read, in bytes: the format's own limit.
const MAX_HEADER: u64 = 100_000_000;

/// Longest index of shards that is read, in bytes.
const MAX_INDEX: u64 = 100_000_000;

const DAMAGED: &str = "download or save it again";

/// A file that is cut short or damaged; `detail` says where.
fn broken(place: &str, detail: &str) -> Error {
    Error::input("this safetensors file is incomplete or damaged", format!("{place}: {detail}"), DAMAGED)
}
const OTHER_CONFIG: &str = "use the config.json that was saved with these weights";

/// Parameters read from a safetensors file, or from several that an index lists, as 32-bit floats. Opening reads the
/// headers; each tensor is read when it is asked for, and can be read once.
#[derive(Debug)]
pub struct SafetensorsSource<R = File> {
    /// Names the file in errors.
    place: String,
    files: Vec<R>,
    notes: BTreeMap<String, String>,
    tensors: BTreeMap<String, Location>,
}

/// Where a tensor is, and how its values are written.
#[derive(Clone, Debug)]
struct Location {
    /// Index in [`SafetensorsSource::files`].
    file: usize,
    /// First byte in the file.
    start: u64,
    dtype: Dtype,
    shape: Vec<usize>,
}

/// The list of shards that diffusers writes beside them.
#[derive(Deserialize)]
struct Index {
    /// File of each tensor.
    weight_map: BTreeMap<String, String>,
}

impl SafetensorsSource {
    /// Opens a safetensors file, or the shards of a `.json` index. 16-bit floats are widened, the attention layers' names
    /// of 2022 are replaced by today's.
    ///
    /// # Errors
    /// Files that cannot be read, that end early, or that hold other than floating-point tensors.
    pub fn open(path: &Path) -> Result<Self> {
        if path.extension().is_some_and(|e| e == "json") {
            return Self::open_shards(path);
        }
        let mut source = Self::empty(path.display().to_string());
        let (file, length) = open(path)?;
        source.add(file, length, &path.display().to_string())?;
        Ok(source)
    }

    fn open_shards(path: &Path) -> Result<Self> {
        let place = path.display().to_string();
        let refuse = |what: String| Error::input(what, &place, "save or download the model again");
        let (file, length) = open(path)?;
        if length > MAX_INDEX {
            return Err(refuse(format!("an index of {length} bytes cannot be right")));
        }
        let index: Index = serde_json::from_reader(std::io::BufReader::new(file))
            .map_err(|e| refuse(format!("this is not an index of safetensors files: {e}")))?;
        let mut source = Self::empty(place.clone());
        let names: BTreeSet<&String> = index.weight_map.values().collect();
        for name in names {
            // A name, not a path: an index must not read files elsewhere.
            if Path::new(name).file_name() != Some(name.as_ref()) || !name.ends_with(".safetensors") {
                return Err(refuse(format!("{name:?} is not the name of a safetensors file in this folder")));
            }
            let shard = path.with_file_name(name);
            let (file, length) = open(&shard)?;
            source.add(file, length, &shard.display().to_string())?;
        }
        let listed: BTreeSet<String> = index.weight_map.keys().map(|name| current_name(name)).collect();
        if let Some(name) = listed.iter().find(|name| !source.tensors.contains_key(*name)) {
            return Err(refuse(format!("the index lists the tensor {name}, which is in none of its files")));
        }
        if let Some(name) = source.tensors.keys().find(|name| !listed.contains(*name)) {
            return Err(refuse(format!("the files hold the tensor {name}, which the index does not list")));
        }
        Ok(source)
    }
}

impl<'a> SafetensorsSource<Cursor<&'a [u8]>> {
    /// Reads a file's content that is in memory. `place` names it in errors.
    ///
    /// # Errors
    /// As [`open`](SafetensorsSource::open).
    pub fn from_bytes(bytes: &'a [u8], place: &str) -> Result<Self> {
        let mut source = Self::empty(place.to_owned());
        source.add(Cursor::new(bytes), bytes.len() as u64, place)?;
        Ok(source)
    }
}

impl<R: Read + Seek> SafetensorsSource<R> {
    /// Reads a file of `length` bytes that is a part of another. `place` names it in errors.
    ///
    /// # Errors
    /// As [`open`](SafetensorsSource::open).
    pub fn from_reader(reader: R, length: u64, place: &str) -> Result<Self> {
        let mut source = Self::empty(place.to_owned());
        source.add(reader, length, place)?;
        Ok(source)
    }

    fn empty(place: String) -> Self {
        Self { place, files: Vec::new(), notes: BTreeMap::new(), tensors: BTreeMap::new() }
    }

    /// Reads the header of one more file of `length` bytes.
    fn add(&mut self, mut file: R, length: u64, place: &str) -> Result<()> {
        let header = Header::read(&mut file, MAX_HEADER, place)?;
        let damaged = |what: &str| broken(place, what);
        let end = header.data_start + header.metadata.data_len() as u64;
        if end != length {
            return Err(damaged(&format!("its tensors end at byte {end}, and the file has {length}")));
        }
        for (name, info) in header.metadata.tensors() {
            if value_size(info.dtype).is_none() {
                return Err(Error::input(
                    format!("tensor {name} holds {:?} values", info.dtype),
                    place,
                    "save the weights as float32, float16 or bfloat16",
                ));
            }
            let location = Location {
                file: self.files.len(),
                start: header.data_start + info.data_offsets.0 as u64,
                dtype: info.dtype,
                shape: info.shape.clone(),
            };
            if self.tensors.insert(current_name(&name), location).is_some() {
                return Err(damaged(&format!("it has the tensor {name} twice")));
            }
        }
        for (key, value) in header.metadata.metadata().iter().flatten() {
            self.notes.insert(key.clone(), value.clone());
        }
        self.files.push(file);
        Ok(())
    }

    /// A text that stands in the file's header under this key.
    pub fn note(&self, key: &str) -> Option<&str> {
        self.notes.get(key).map(String::as_str)
    }

    /// Number of values of the tensors that have not been read.
    pub fn value_count(&self) -> usize {
        self.tensors.values().map(|t| t.shape.iter().product::<usize>()).fold(0, usize::saturating_add)
    }

    /// Names of the tensors that have not been read.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Call after the network is built: tensors that no layer asked for mean that the settings do not fit the weights.
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
            OTHER_CONFIG,
        ))
    }

    /// All tensors that have not been read.
    ///
    /// # Errors
    /// As [`Source::values`].
    pub fn into_values(mut self) -> Result<Vec<NamedValues>> {
        let mut values = Vec::with_capacity(self.tensors.len());
        for (name, location) in std::mem::take(&mut self.tensors) {
            let read = self.read(&name, &location)?;
            values.push((name, location.shape, read));
        }
        Ok(values)
    }

    /// A tensor's values. The bytes are converted in chunks, so that reading takes no more memory than the values.
    fn read(&mut self, name: &str, location: &Location) -> Result<Vec<f32>> {
        let place = self.place.clone();
        let failed =
            |e: std::io::Error| Error::input(format!("reading the tensor {name} failed: {e}"), &place, DAMAGED);
        let internal = || Error::input(format!("the tensor {name} has no file"), &place, "report this");
        let size = value_size(location.dtype).ok_or_else(internal)?;
        let file = self.files.get_mut(location.file).ok_or_else(internal)?;
        file.seek(SeekFrom::Start(location.start)).map_err(failed)?;
        let count: usize = location.shape.iter().product();
        let mut values = Vec::with_capacity(count);
        let mut buffer = vec![0; size * count.min(VALUES_PER_CHUNK)];
        while values.len() < count {
            let chunk = (count - values.len()).min(VALUES_PER_CHUNK);
            let bytes = buffer.get_mut(..size * chunk).ok_or_else(internal)?;
            file.read_exact(bytes).map_err(failed)?;
            widen(bytes, location.dtype, &mut values);
        }
        if let Some((at, value)) = values.iter().enumerate().find(|(_, v)| !v.is_finite()) {
            return Err(Error::input(
                format!("the tensor {name} holds {value} at index {at}"),
                place,
                "the training had diverged or the file is damaged: use an earlier checkpoint",
            ));
        }
        Ok(values)
    }
}

impl<R: Read + Seek> Source for SafetensorsSource<R> {
    fn values(&mut self, name: &str, shape: &[usize], _init: Init) -> Result<Vec<f32>> {
        let location = self
            .tensors
            .remove(name)
            .ok_or_else(|| Error::input(format!("the tensor {name} is missing"), self.place.clone(), OTHER_CONFIG))?;
        // Attention weights of 2022 were 1x1 convolutions: the same values with two more dimensions of one.
        if without_trailing_ones(&location.shape) != without_trailing_ones(shape) {
            return Err(Error::input(
                format!("the tensor {name} has shape {:?}; config.json asks for {shape:?}", location.shape),
                self.place.clone(),
                OTHER_CONFIG,
            ));
        }
        self.read(name, &location)
    }
}

/// A safetensors header: checked names, shapes and offsets of the tensors behind it.
pub(crate) struct Header {
    pub metadata: Metadata,
    /// Bytes before the first tensor.
    pub data_start: u64,
}

impl Header {
    /// Reads a header of at most `most` bytes. Offsets that overlap, leave gaps or do not fit a tensor's shape are refused by
    /// the safetensors crate.
    pub fn read(from: &mut impl Read, most: u64, place: &str) -> Result<Self> {
        let damaged = |what: String| broken(place, &what);
        let mut length = [0; 8];
        from.read_exact(&mut length).map_err(|e| damaged(e.to_string()))?;
        let length = u64::from_le_bytes(length);
        if length > most {
            return Err(damaged(format!("a header of {length} bytes cannot be right")));
        }
        let mut text = Vec::new();
        from.by_ref().take(length).read_to_end(&mut text).map_err(|e| damaged(e.to_string()))?;
        if text.len() as u64 != length {
            return Err(damaged("the header is incomplete".into()));
        }
        serde_json::from_slice::<UniqueNames>(&text).map_err(|e| damaged(e.to_string()))?;
        let metadata = serde_json::from_slice(&text).map_err(|e| damaged(e.to_string()))?;
        Ok(Self { metadata, data_start: 8 + length })
    }
}

/// A JSON object in which no key is there twice; the safetensors crate would take the last.
struct UniqueNames;

impl<'de> Deserialize<'de> for UniqueNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = UniqueNames;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<UniqueNames, A::Error> {
                let mut names = BTreeSet::new();
                while let Some((name, _)) = map.next_entry::<String, IgnoredAny>()? {
                    if let Some(name) = names.replace(name) {
                        return Err(serde::de::Error::custom(format!("the tensor {name} is there twice")));
                    }
                }
                Ok(UniqueNames)
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

fn open(path: &Path) -> Result<(File, u64)> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    let length = file.metadata().map_err(Error::io("read", path))?.len();
    Ok((file, length))
}

fn without_trailing_ones(shape: &[usize]) -> &[usize] {
    let mut shape = shape;
    while let [rest @ .., 1] = shape {
        shape = rest;
    }
    shape
}

/// Today's diffusers name of a parameter that older files name otherwise.
fn current_name(name: &str) -> String {
    const RENAMED: [(&str, &str); 4] =
        [(".query.", ".to_q."), (".key.", ".to_k."), (".value.", ".to_v."), (".proj_attn.", ".to_out.0.")];
    let mut name = name.to_owned();
    for (old, new) in RENAMED {
        name = name.replace(old, new);
    }
    name
}

/// Bytes of one value; none for formats that are not floating-point.
pub(crate) fn value_size(dtype: Dtype) -> Option<usize> {
    match dtype {
        Dtype::F16 | Dtype::BF16 => Some(2),
        Dtype::F32 => Some(4),
        Dtype::F64 => Some(8),
        _ => None,
    }
}

/// Appends a file's bytes as 32-bit floats; nothing for formats that have no [`value_size`].
pub(crate) fn widen(bytes: &[u8], dtype: Dtype, to: &mut Vec<f32>) {
    match dtype {
        Dtype::F32 => to.extend(bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b))),
        Dtype::F16 => to.extend(bytes.as_chunks::<2>().0.iter().map(|b| half::f16::from_le_bytes(*b).to_f32())),
        Dtype::BF16 => to.extend(bytes.as_chunks::<2>().0.iter().map(|b| half::bf16::from_le_bytes(*b).to_f32())),
        Dtype::F64 => to.extend(bytes.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b) as f32)),
        _ => debug_assert!(false, "{dtype:?} is not floating-point"),
    }
}
