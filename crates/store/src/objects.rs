//! The store: results under the hash of what they were computed from. One file a result, whole or not there.
//!
//! A file is a header (magic, layout version, length of the manifest), the manifest as JSON, the content, and the
//! blake3 of all before it. The manifest repeats kind, key and inputs, so that a store can be read without the program's
//! memory of it; the key is the blake3 of kind and inputs, so that a file under a wrong name is known as such.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{create_folder, read_json, write_json};
use whence_base::{Error, Result};

/// First bytes of every file.
const MAGIC: &[u8; 8] = b"whence01";

/// Version of the store's layout.
const LAYOUT: u32 = 1;

/// Bytes of a checksum.
const SUM: usize = blake3::OUT_LEN;

/// What a result is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A model without some images, as the difference to the full model.
    Counterfactual,
    /// An unlearning that is not finished.
    Unfinished,
    /// Terms of one query under one pair of models.
    Terms,
    /// What a model without a group forgot and kept.
    Gate,
    /// Nearest images outside the own group.
    Neighbours,
    /// A query drawn again.
    Redrawing,
    /// A score by region and timestep.
    Map,
    /// A group's images that its removal made less likely.
    Moved,
    /// The course of an unlearning, with images.
    Course,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Counterfactual,
        Self::Unfinished,
        Self::Terms,
        Self::Gate,
        Self::Neighbours,
        Self::Redrawing,
        Self::Map,
        Self::Moved,
        Self::Course,
    ];

    /// Name of its folder.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Counterfactual => "counterfactuals",
            Self::Unfinished => "unfinished",
            Self::Terms => "terms",
            Self::Gate => "gates",
            Self::Neighbours => "neighbours",
            Self::Redrawing => "redrawings",
            Self::Map => "maps",
            Self::Moved => "moved",
            Self::Course => "courses",
        }
    }
}

/// What a result is and what it was computed from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// What it is.
    pub kind: Kind,
    /// blake3 of kind and inputs, hexadecimal: its name.
    pub key: String,
    /// What it was computed from; keys in alphabetical order.
    pub inputs: Value,
    /// Version of the program that wrote it.
    pub written_by: String,
}

/// The name of a result: blake3 of its kind and of what it is computed from.
pub fn key_of(kind: Kind, inputs: &Value) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("whence 2026 store v1");
    // serde_json's maps are sorted by key, so equal inputs have one text.
    hasher.update(kind.folder().as_bytes()).update(b"\0").update(inputs.to_string().as_bytes());
    hasher.finalize().to_hex().to_string()
}

#[derive(Serialize, Deserialize)]
struct Layout {
    schema_version: u32,
}

/// A store in a folder. Readers need no lock, because files appear whole; one writer holds it.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    /// Locked while it is held; the system gives it back when the process dies.
    writer: Option<File>,
}

impl Store {
    /// Opens a store for reading and writing; makes it where there is none.
    ///
    /// # Errors
    /// A store that another process writes, one of a later version, and folders that cannot be written.
    pub fn open(root: &Path) -> Result<Self> {
        if root.as_os_str().is_empty() {
            return Err(Error::input("there is no folder to keep results in", "keep_in", "name one"));
        }
        create_folder(root)?;
        let path = root.join("lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .read(true)
            .open(&path)
            .map_err(Error::io("write", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(Error::file(
                    "another run of Whence is working here",
                    root,
                    "wait until it is done or stop it, or choose another folder",
                ));
            }
            // Some network drives know no locks; one writer is then the user's own care.
            Err(std::fs::TryLockError::Error(error)) => {
                tracing::warn!("{} cannot be locked ({error}): let only one program work there", root.display());
            }
        }
        let layout = root.join("store.json");
        if layout.exists() {
            check_layout(root)?;
        } else {
            write_json(&layout, &Layout { schema_version: LAYOUT })?;
        }
        Ok(Self { root: root.to_owned(), writer: Some(lock) })
    }

    /// Opens a store for reading.
    ///
    /// # Errors
    /// Where there is none, or one of a later version.
    pub fn read_only(root: &Path) -> Result<Self> {
        check_layout(root)?;
        Ok(Self { root: root.to_owned(), writer: None })
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where a result of this kind and key is, or would be.
    pub fn path(&self, kind: Kind, key: &str) -> PathBuf {
        self.root.join(kind.folder()).join(key)
    }

    /// Whether there is a result; it is not read.
    pub fn contains(&self, kind: Kind, key: &str) -> bool {
        self.path(kind, key).is_file()
    }

    /// Keeps a result; returns its key.
    ///
    /// # Errors
    /// Where it cannot be written, a full disk among others; what was there before is then untouched.
    pub fn put(&self, kind: Kind, inputs: &Value, content: &[u8]) -> Result<String> {
        if self.writer.is_none() {
            return Err(Error::internal("a store that was opened for reading is written to"));
        }
        let key = key_of(kind, inputs);
        let manifest = Manifest {
            kind,
            key: key.clone(),
            inputs: inputs.clone(),
            written_by: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let path = self.path(kind, &key);
        let text = serde_json::to_vec(&manifest)
            .map_err(|e| Error::internal(format!("{} cannot be encoded: {e}", path.display())))?;
        let mut bytes = Vec::with_capacity(MAGIC.len() + 8 + text.len() + content.len() + SUM);
        bytes.extend_from_slice(MAGIC);
        bytes.extend((text.len() as u64).to_le_bytes());
        bytes.extend(text);
        bytes.extend_from_slice(content);
        let sum = blake3::hash(&bytes);
        bytes.extend_from_slice(sum.as_bytes());
        // These are written often: whether the disk has them at once matters less than the time it takes.
        match kind {
            Kind::Terms | Kind::Unfinished => super::write_whole(&path, &bytes)?,
            _ => super::write_atomic(&path, &bytes)?,
        }
        Ok(key)
    }

    /// The result computed from `inputs`, where it is there and whole. A damaged one is set aside, so that it is
    /// computed again and nothing is lost.
    pub fn get(&self, kind: Kind, inputs: &Value) -> Option<Vec<u8>> {
        let key = key_of(kind, inputs);
        let path = self.path(kind, &key);
        if !path.is_file() {
            return None;
        }
        match read(&path, kind, &key) {
            Ok((_, content)) => Some(content),
            Err(error) => {
                tracing::warn!("{error}; it is computed again");
                self.set_aside(kind, &key);
                None
            }
        }
    }

    /// Removes a result.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn remove(&self, kind: Kind, key: &str) -> Result<()> {
        let path = self.path(kind, key);
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", &path)(e)),
            _ => Ok(()),
        }
    }

    /// Names of all results of a kind, sorted.
    pub fn keys(&self, kind: Kind) -> Vec<String> {
        let folder = self.root.join(kind.folder());
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut keys: Vec<String> = entries
            .filter_map(|e| e.file_name().into_string().ok())
            .filter(|name| name.len() == 2 * SUM && name.bytes().all(|b| b.is_ascii_hexdigit()))
            .collect();
        keys.sort_unstable();
        keys
    }

    /// Reads and checks a result.
    ///
    /// # Errors
    /// Files that are damaged, cut short, or not what their name says.
    pub fn read(&self, kind: Kind, key: &str) -> Result<(Manifest, Vec<u8>)> {
        read(&self.path(kind, key), kind, key)
    }

    /// Moves a damaged file out of the way, into `damaged/`.
    pub fn set_aside(&self, kind: Kind, key: &str) {
        let folder = self.root.join("damaged");
        let _ = create_folder(&folder);
        let _ = std::fs::rename(self.path(kind, key), folder.join(format!("{}-{key}", kind.folder())));
    }
}

fn check_layout(root: &Path) -> Result<()> {
    let path = root.join("store.json");
    if !path.is_file() {
        return Err(Error::file("there are no stored results here", root, "choose a project, or a folder of results"));
    }
    let layout: Layout = read_json(&path)?;
    if layout.schema_version == LAYOUT {
        return Ok(());
    }
    Err(Error::file(
        format!("these results were written by a later version (layout {})", layout.schema_version),
        &path,
        "update Whence",
    ))
}

/// Reads a file and checks it from the first byte to the last; no length in it is trusted.
fn read(path: &Path, kind: Kind, key: &str) -> Result<(Manifest, Vec<u8>)> {
    let mut bytes = std::fs::read(path).map_err(Error::io("read", path))?;
    let damaged = |what: &str| Error::file(format!("this stored result is damaged: {what}"), path, "it is made again");
    let cut = bytes.len().checked_sub(SUM).ok_or_else(|| damaged("it is cut short"))?;
    let sum = bytes.split_off(cut);
    if blake3::hash(&bytes).as_bytes().as_slice() != sum {
        return Err(damaged("its checksum does not fit"));
    }
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| damaged("it has another format"))?;
    let (length, rest) = rest.split_first_chunk::<8>().ok_or_else(|| damaged("it is cut short"))?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok().filter(|l| *l <= rest.len());
    let (text, content) = rest.split_at(length.ok_or_else(|| damaged("it is cut short"))?);
    let manifest: Manifest = serde_json::from_slice(text).map_err(|e| damaged(&e.to_string()))?;
    if manifest.kind != kind || manifest.key != key || key_of(kind, &manifest.inputs) != key {
        return Err(damaged("it is not what its name says"));
    }
    Ok((manifest, content.to_vec()))
}

#[cfg(test)]
mod tests;
