//! One file of the store: magic, length of the manifest, manifest as JSON, content, and the blake3 hash of all before it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::kind::Kind;
use super::objects::{Manifest, key_at};
use whence_base::{Error, Result};

/// First bytes of every file.
const MAGIC: &[u8; 8] = b"whence01";

/// Bytes of a checksum.
pub(crate) const SUM: usize = blake3::OUT_LEN;

/// Bytes before the manifest.
const HEAD: usize = MAGIC.len() + 8;

/// Writes a file; `content` writes its part of it.
///
/// # Errors
/// Where `out` cannot be written, and those of `content`.
pub(crate) fn write(
    out: &mut dyn Write,
    path: &Path,
    manifest: &Manifest,
    content: impl FnOnce(&mut dyn Write) -> Result<()>,
) -> Result<()> {
    let text = serde_json::to_vec(manifest)
        .map_err(|e| Error::internal(format!("the manifest of {} cannot be encoded: {e}", path.display())))?;
    let mut hashing = Hashing { out, hasher: blake3::Hasher::new() };
    let mut head = Vec::with_capacity(HEAD + text.len());
    head.extend_from_slice(MAGIC);
    head.extend((text.len() as u64).to_le_bytes());
    head.extend(text);
    hashing.write_all(&head).map_err(Error::io("write", path))?;
    content(&mut hashing)?;
    let sum = hashing.hasher.finalize();
    out.write_all(sum.as_bytes()).map_err(Error::io("write", path))
}

/// Passes bytes on, and hashes them.
struct Hashing<'a> {
    out: &'a mut dyn Write,
    hasher: blake3::Hasher,
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hasher.update(bytes.get(..written).unwrap_or(bytes));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Opens a file and checks it from the first byte to the last, without holding more than a part of it in memory; no length
/// in it is trusted.
///
/// # Errors
/// Files that are damaged, cut short, or not what their name promises, and folders or devices in the place of one.
pub(crate) fn open(path: &Path, kind: Kind, key: &str) -> Result<(Manifest, Content)> {
    let file_type = std::fs::metadata(path).map_err(Error::io("read", path))?.file_type();
    if !file_type.is_file() {
        let found = if file_type.is_dir() { "a folder" } else { "a device, a pipe or a socket" };
        let what = format!("{found} is in the place of a stored result");
        return Err(Error::file(what, path, "move or remove it; the result is computed again at its next use"));
    }
    let failed = || Error::io("read", path);
    let damaged = |what: &str| {
        let what = format!("this stored result is damaged: {what}");
        Error::file(what, path, "it is computed again at its next use")
    };
    let mut file = File::open(path).map_err(failed())?;
    let length = file.metadata().map_err(failed())?.len();
    let end = length.checked_sub(SUM as u64).ok_or_else(|| damaged("it is cut short"))?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(Read::by_ref(&mut file).take(end)).map_err(failed())?;
    let mut sum = [0; SUM];
    file.read_exact(&mut sum).map_err(|_| damaged("it is cut short"))?;
    if hasher.count() != end || hasher.finalize() != blake3::Hash::from_bytes(sum) {
        return Err(damaged("its checksum does not fit"));
    }
    file.rewind().map_err(failed())?;
    let mut head = [0; HEAD];
    file.read_exact(&mut head).map_err(|_| damaged("it is cut short"))?;
    let (magic, text_length) = head.split_at(MAGIC.len());
    if magic != MAGIC {
        return Err(damaged("it has another format"));
    }
    let text_length = text_length.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let start = text_length.checked_add(HEAD as u64).filter(|start| *start <= end);
    let start = start.ok_or_else(|| damaged("it is cut short"))?;
    let mut text = Vec::new();
    Read::by_ref(&mut file).take(text_length).read_to_end(&mut text).map_err(failed())?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|e| damaged(&e.to_string()))?;
    if manifest.kind != kind || manifest.key != key || key_at(kind, manifest.revision, &manifest.inputs) != key {
        return Err(damaged("its content does not belong to its name"));
    }
    Ok((manifest, Content { file, start, length: end - start, position: 0 }))
}

/// The content of a stored result, checked, and read from its file as it is asked for.
#[derive(Debug)]
pub struct Content {
    file: File,
    /// First byte in the file.
    start: u64,
    length: u64,
    position: u64,
}

impl Content {
    /// Number of bytes.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.length.saturating_sub(self.position);
        let read = Read::by_ref(&mut self.file).take(left).read(buffer)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for Content {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(from) => Some(from),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
        };
        let before_start = || io::Error::new(io::ErrorKind::InvalidInput, "a position before the start");
        let position = position.ok_or_else(before_start)?;
        self.file.seek(SeekFrom::Start(self.start.saturating_add(position)))?;
        self.position = position;
        Ok(position)
    }
}
