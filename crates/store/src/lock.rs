//! Locks on folders, so that two processes do not write into one.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::create_folder;
use whence_base::{Error, Result};

/// Name of the lock file in a folder of a training.
const NAME: &str = ".whence-lock";

/// The right to write into a folder, for as long as it lives. The system releases it when the process dies, so the lock
/// file may stay behind: only its lock counts.
#[derive(Debug)]
#[must_use = "the lock is released when it is dropped"]
pub struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Locks the output folder of a training; makes it where there is none.
    ///
    /// # Errors
    /// Where another process holds the lock, and where the folder cannot be written.
    pub fn acquire(folder: &Path) -> Result<Self> {
        create_folder(folder)?;
        let file = lock_file(
            &folder.join(NAME),
            folder,
            "another run of Whence is training into this folder",
            "wait until it ends or stop it, or choose another folder",
        )?;
        Ok(Self { _file: file })
    }
}

/// Opens and locks a file, for as long as the result lives; where it is locked already, the error says `what` about
/// `folder`.
pub(crate) fn lock_file(path: &Path, folder: &Path, what: &str, remedy: &str) -> Result<File> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .read(true)
        .open(path)
        .map_err(Error::io("write", path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::file(what, folder, remedy)),
        // Some network drives do not support locks; having one writer is then the user's own care.
        Err(TryLockError::Error(error)) => {
            tracing::warn!("{} cannot be locked ({error}): let only one program work there", folder.display());
            Ok(file)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_training_into_a_folder_is_refused_until_the_first_ends() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("model");
        let first = FolderLock::acquire(&out).unwrap();
        let error = FolderLock::acquire(&out).unwrap_err().to_string();
        assert!(error.contains("another run of Whence is training into this folder"), "{error}");
        assert!(error.contains("model"), "{error}");
        let _other_folder = FolderLock::acquire(&folder.path().join("other")).unwrap();
        drop(first);
        let _second = FolderLock::acquire(&out).unwrap();
    }
}
