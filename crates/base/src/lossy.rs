//! Paths in JSON. A path that is not UTF-8 cannot be written exactly, and serde refuses it, which makes a whole job's
//! description unwritable; here it is written with U+FFFD in place of what is not text.

use std::path::{Path, PathBuf};

use serde::Serializer;

/// For `serialize_with` on a path.
///
/// # Errors
/// The serializer's own.
pub fn path<P: AsRef<Path>, S: Serializer>(path: &P, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.as_ref().to_string_lossy())
}

/// For `serialize_with` on a path that may be absent.
///
/// # Errors
/// The serializer's own.
pub fn option<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    match path {
        Some(path) => serializer.serialize_some(&path.to_string_lossy()),
        None => serializer.serialize_none(),
    }
}
