//! The store: results under the hash of what they were computed from. One file per result, either whole or absent.
//!
//! The manifest in a file repeats kind, revision, key and inputs, so that a store can be read without knowing what was
//! asked for; the key is the blake3 hash of kind, revision and inputs, so that a file under a wrong name is recognised.

use std::fs::File;
use std::io::{Read as _, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::files::{create_folder, read_json_or, write_atomic_with, write_json, write_whole_with};
use super::kind::Kind;
use super::lock::lock_file;
use super::object_file::{self, Content, SUM};
use whence_base::{Error, Result};

/// Version of the store's layout.
const LAYOUT: u32 = 1;

/// What a result is and what it was computed from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// What it is.
    pub kind: Kind,
    /// Revision of the code that computed it, see [`Kind::revision`].
    #[serde(default = "first_revision")]
    pub revision: u32,
    /// blake3 hash of kind, revision and inputs, hexadecimal: its name.
    pub key: String,
    /// What it was computed from; keys in alphabetical order.
    pub inputs: Value,
    /// Version of the program that wrote it.
    pub written_by: String,
}

impl Manifest {
    /// Whether another revision of the code computed it, so that it is not used any more.
    pub fn is_outdated(&self) -> bool {
        self.revision != self.kind.revision()
    }
}

/// Manifests from before keys had a revision do not name one.
fn first_revision() -> u32 {
    1
}

/// The name of a result: blake3 hash of its kind, the kind's current revision, and what it is computed from.
pub fn key_of(kind: Kind, inputs: &Value) -> String {
    key_at(kind, kind.revision(), inputs)
}

pub(crate) fn key_at(kind: Kind, revision: u32, inputs: &Value) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("whence 2026 store v1");
    hasher.update(kind.folder().as_bytes()).update(b"\0");
    // Keys of revision 1 are those from before there were revisions.
    if revision != first_revision() {
        hasher.update(format!("revision {revision}\0").as_bytes());
    }
    // serde_json's maps are sorted by key, so equal inputs have one text.
    hasher.update(inputs.to_string().as_bytes());
    hasher.finalize().to_hex().to_string()
}

#[derive(Serialize, Deserialize)]
struct Layout {
    schema_version: u32,
}

/// What may be done with an open store.
#[derive(Debug)]
enum Access {
    /// Reading and writing. The system releases the lock when the process dies.
    Write {
        /// Locked while it is held.
        _lock: File,
    },
    /// Reading, because nothing else was wanted.
    Read,
    /// Reading, because the folder cannot be written.
    NotWritable,
}

/// A store in a folder. Readers need no lock, because files appear whole; one writer holds it.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    access: Access,
}

impl Store {
    /// Opens a store for reading and writing; makes it where there is none.
    ///
    /// # Errors
    /// A store that another process writes, one of a later version, and folders that cannot be written.
    pub fn open(root: &Path) -> Result<Self> {
        if root.as_os_str().is_empty() {
            return Err(Error::input("no folder for results was given", "results folder", "name one"));
        }
        create_folder(root)?;
        let lock = lock_file(
            &root.join("lock"),
            root,
            "another run of Whence is working here",
            "wait until it is done or stop it, or choose another folder",
        )?;
        let layout = root.join("store.json");
        if layout.exists() {
            check_layout(root)?;
        } else {
            write_json(&layout, &Layout { schema_version: LAYOUT })?;
        }
        Ok(Self { root: root.to_owned(), access: Access::Write { _lock: lock } })
    }

    /// Opens a store for reading.
    ///
    /// # Errors
    /// Where there is none, or one of a later version.
    pub fn read_only(root: &Path) -> Result<Self> {
        check_layout(root)?;
        Ok(Self { root: root.to_owned(), access: Access::Read })
    }

    /// As [`open`](Self::open), but where the folder cannot be written, the store is opened for reading: what is there
    /// is used, and only [`put`](Self::put) fails. A folder that does not exist and cannot be made is an empty store.
    ///
    /// # Errors
    /// A store that another process writes, and one of a later version.
    pub fn open_or_read_only(root: &Path) -> Result<Self> {
        Self::open(root).or_else(|error| Self::without_writing(root, error))
    }

    /// The store for looking up results only: where there is none yet, none is made.
    ///
    /// # Errors
    /// A store of a later version.
    pub fn open_for_lookup(root: &Path) -> Result<Self> {
        match root.join("store.json").exists() {
            // Without the lock: a run that writes here is not disturbed.
            true => Self::read_only(root),
            false => Ok(Self { root: root.to_owned(), access: Access::NotWritable }),
        }
    }

    /// The store for reading where `error` says that its folder cannot be written; else that error.
    fn without_writing(root: &Path, error: Error) -> Result<Self> {
        use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
        match &error {
            Error::Io { source, .. } if matches!(source.kind(), PermissionDenied | ReadOnlyFilesystem) => {}
            _ => return Err(error),
        }
        if root.join("store.json").exists() {
            check_layout(root)?;
        }
        tracing::warn!("{error}. Stored results are read, and new ones cannot be stored");
        Ok(Self { root: root.to_owned(), access: Access::NotWritable })
    }

    /// Whether results can be stored.
    pub fn is_writable(&self) -> bool {
        matches!(self.access, Access::Write { .. })
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

    /// As [`put`](Self::put), for results that are computed again in seconds: in a store that cannot be written they are
    /// left out.
    ///
    /// # Errors
    /// Those of [`put`](Self::put), except that the folder cannot be written.
    pub fn put_if_writable(&self, kind: Kind, inputs: &Value, content: &[u8]) -> Result<()> {
        if matches!(self.access, Access::NotWritable) {
            return Ok(());
        }
        self.put(kind, inputs, content).map(drop)
    }

    /// Stores a result; returns its key.
    ///
    /// # Errors
    /// Where it cannot be written, a full disk or a read-only folder among others; what was there before is then
    /// untouched.
    pub fn put(&self, kind: Kind, inputs: &Value, content: &[u8]) -> Result<String> {
        let path = self.path(kind, "");
        self.put_with(kind, inputs, |out| out.write_all(content).map_err(Error::io("write", &path)))
    }

    /// As [`put`](Self::put), for content that is made while it is written.
    ///
    /// # Errors
    /// As [`put`](Self::put), and those of `content`.
    pub fn put_with(
        &self,
        kind: Kind,
        inputs: &Value,
        content: impl FnOnce(&mut dyn Write) -> Result<()>,
    ) -> Result<String> {
        match self.access {
            Access::Write { .. } => {}
            Access::Read => return Err(Error::internal("a store that was opened for reading is written to")),
            Access::NotWritable => {
                return Err(Error::file(
                    "new results must be stored here, and this folder cannot be written",
                    &self.root,
                    "change who may write there, or copy the project to a folder of your own",
                ));
            }
        }
        let key = key_of(kind, inputs);
        let manifest = Manifest {
            kind,
            revision: kind.revision(),
            key: key.clone(),
            inputs: inputs.clone(),
            written_by: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let path = self.path(kind, &key);
        if path.is_dir() {
            tracing::warn!("{} is a folder in the place of a stored result; it is moved to damaged/", path.display());
            self.set_aside(kind, &key);
        }
        // Terms and checkpoints are written often, so waiting for the disk each time would cost more than the rare loss.
        let write = |out: &mut dyn Write| object_file::write(out, &path, &manifest, content);
        match kind {
            Kind::Terms | Kind::Unfinished => write_whole_with(&path, write)?,
            _ => write_atomic_with(&path, write)?,
        }
        Ok(key)
    }

    /// The result computed from `inputs` by the kind's current revision, where it is there and whole. A damaged one is
    /// set aside, so that it is computed again and nothing is lost.
    pub fn get(&self, kind: Kind, inputs: &Value) -> Option<Vec<u8>> {
        self.get_by(kind, inputs, read)
    }

    /// As [`get`](Self::get), for large results: the content is checked, and read from the file as it is needed.
    pub fn open_content(&self, kind: Kind, inputs: &Value) -> Option<Content> {
        self.get_by(kind, inputs, object_file::open)
    }

    fn get_by<T>(
        &self,
        kind: Kind,
        inputs: &Value,
        read: impl Fn(&Path, Kind, &str) -> Result<(Manifest, T)>,
    ) -> Option<T> {
        let key = key_of(kind, inputs);
        let path = self.path(kind, &key);
        if !path.is_file() {
            return None;
        }
        match read(&path, kind, &key) {
            Ok((_, content)) => Some(content),
            Err(error) => {
                tracing::warn!("{error}; it is computed again");
                // In a store that is only read, the damaged file stays where it is.
                if self.is_writable() {
                    self.set_aside(kind, &key);
                }
                None
            }
        }
    }

    /// The checksum at the end of a result's file, hexadecimal: equal ones stand for equal contents. It is not verified here;
    /// reading the result does that. None where there is no such result.
    pub fn checksum(&self, kind: Kind, key: &str) -> Option<String> {
        use std::io::{Seek as _, SeekFrom};
        let mut file = File::open(self.path(kind, key)).ok()?;
        file.seek(SeekFrom::End(-(SUM as i64))).ok()?;
        let mut sum = [0; SUM];
        file.read_exact(&mut sum).ok()?;
        Some(blake3::Hash::from_bytes(sum).to_hex().to_string())
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

    /// Names of all results of a kind, outdated ones among them, sorted.
    pub fn keys(&self, kind: Kind) -> Vec<String> {
        self.try_keys(kind).unwrap_or_else(|error| {
            tracing::warn!("{error}: its results are left out");
            Vec::new()
        })
    }

    /// As [`keys`](Self::keys), and an error where the folder is there but cannot be read.
    pub(crate) fn try_keys(&self, kind: Kind) -> Result<Vec<String>> {
        let mut keys = Vec::new();
        for path in list(&self.root.join(kind.folder()))? {
            let Some(name) = path.file_name().and_then(|n| n.to_str()) else { continue };
            if name.len() == 2 * SUM && name.bytes().all(|b| b.is_ascii_hexdigit()) {
                keys.push(name.to_owned());
            }
        }
        Ok(keys)
    }

    /// Reads and checks a result; one of another revision is returned, too, see [`Manifest::is_outdated`].
    ///
    /// # Errors
    /// Files that are damaged, cut short, or not what their name promises, and folders or devices in the place of one.
    pub fn read(&self, kind: Kind, key: &str) -> Result<(Manifest, Vec<u8>)> {
        read(&self.path(kind, key), kind, key)
    }

    /// Moves what is damaged out of the way, into `damaged/`.
    pub fn set_aside(&self, kind: Kind, key: &str) {
        let folder = self.root.join("damaged");
        let (from, to) = (self.path(kind, key), folder.join(format!("{}-{key}", kind.folder())));
        let moved = create_folder(&folder).and_then(|()| std::fs::rename(&from, &to).map_err(Error::io("move", &from)));
        // The result is computed again in any case; that it could not be moved matters only to whoever looks for it.
        if let Err(error) = moved {
            tracing::warn!("{error}");
        }
    }
}

/// Entries of a folder, sorted; none where there is no such folder.
///
/// # Errors
/// Where the system refuses.
pub(crate) fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Error::io("read", folder)(e)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(Error::io("read", folder))?.path());
    }
    paths.sort_unstable();
    Ok(paths)
}

fn check_layout(root: &Path) -> Result<()> {
    let path = root.join("store.json");
    if !path.is_file() {
        return Err(Error::file("there are no stored results here", root, "choose a project, or a folder of results"));
    }
    let layout: Layout = read_json_or(&path, "delete this file: it is written again, and no result is lost")?;
    if layout.schema_version == LAYOUT {
        return Ok(());
    }
    Err(Error::file(
        format!("these results were written by a later version (layout {})", layout.schema_version),
        &path,
        "update Whence",
    ))
}

/// A file's manifest and content, checked.
fn read(path: &Path, kind: Kind, key: &str) -> Result<(Manifest, Vec<u8>)> {
    let (manifest, mut content) = object_file::open(path, kind, key)?;
    let mut bytes = Vec::new();
    content.read_to_end(&mut bytes).map_err(Error::io("read", path))?;
    Ok((manifest, bytes))
}

#[cfg(test)]
mod tests;
