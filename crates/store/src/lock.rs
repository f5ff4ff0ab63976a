//! Locks on folders, so that two processes do not write into one.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::Path;

use crate::create_folder;
use whence_base::{Error, Result};

/// Name of the lock file in a folder of a training.
const NAME: &str = ".whence-lock";

/// Name of the lock file of a project that is open in a window.
const PROJECT: &str = ".whence-project-lock";

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

    /// Locks a project for the window that opens it. Two windows that both saved its state would undo each other's
    /// changes. The folder is not made where it is missing: opening it says what is wrong.
    pub fn of_project(root: &Path) -> ProjectAccess {
        match File::options().create(true).truncate(false).write(true).read(true).open(root.join(PROJECT)) {
            Err(error) => ProjectAccess::ReadOnly(match error.kind() {
                ErrorKind::NotFound | ErrorKind::NotADirectory => ReadOnly::Missing,
                _ => ReadOnly::Unwritable,
            }),
            Ok(file) => match file.try_lock() {
                Ok(()) => ProjectAccess::Write(Self { _file: file }),
                Err(TryLockError::WouldBlock) => ProjectAccess::ReadOnly(ReadOnly::OpenElsewhere),
                Err(TryLockError::Error(error)) => {
                    tracing::warn!("{} cannot be locked ({error}): open it in one window only", root.display());
                    ProjectAccess::Write(Self { _file: file })
                }
            },
        }
    }
}

/// Whether a window may write into a project.
#[derive(Debug)]
pub enum ProjectAccess {
    /// It may, for as long as this lives.
    Write(FolderLock),
    /// It may only read.
    ReadOnly(ReadOnly),
}

/// Why a project is only read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadOnly {
    /// Another window has it open.
    OpenElsewhere,
    /// The system does not let its folder be written.
    Unwritable,
    /// There is no such folder.
    Missing,
}

/// Whether a file of a project's folder is a lock, which a copy leaves out.
pub(crate) fn is_lock(name: &std::ffi::OsStr) -> bool {
    name == NAME || name == PROJECT
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

    #[test]
    fn a_project_is_written_by_one_window_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = FolderLock::of_project(folder.path());
        assert!(matches!(first, ProjectAccess::Write(_)), "{first:?}");
        let second = FolderLock::of_project(folder.path());
        assert!(matches!(second, ProjectAccess::ReadOnly(ReadOnly::OpenElsewhere)), "{second:?}");
        drop(first);
        // The file is still there: only a lock counts.
        assert!(matches!(FolderLock::of_project(folder.path()), ProjectAccess::Write(_)));
        let missing = folder.path().join("gone");
        assert!(matches!(FolderLock::of_project(&missing), ProjectAccess::ReadOnly(ReadOnly::Missing)));
        assert!(!missing.exists());
    }
}
