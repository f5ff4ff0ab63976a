//! Files of our own: written through a temporary sibling, so that a crash or a full disk never leaves half a file.

mod folder_name;
mod objects;
mod project;
mod upkeep;

use std::io::Write as _;
use std::path::Path;

use whence_base::{Error, Result};

pub use folder_name::folder_name;
pub use objects::{Kind, Manifest, Store, key_of};
pub use project::{Project, ProjectFile, SESSION, user_data_folder};
pub use upkeep::{Count, Damage, Health, Waste};

/// Writes `bytes` to `path` whole or not at all, and onto the disk; makes the folder where it is missing.
///
/// # Errors
/// Where the folder or the file cannot be written; the old file, if any, is then untouched.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    write(path, true, |file| file.write_all(bytes).map_err(Error::io("write", path)))
}

/// As [`write_atomic`], for content that is made while it is written: `content` writes it to a buffered temporary file,
/// which replaces `path` only where it succeeds.
///
/// # Errors
/// As [`write_atomic`], and those of `content`.
pub fn write_atomic_with(path: &Path, content: impl FnOnce(&mut dyn std::io::Write) -> Result<()>) -> Result<()> {
    write(path, true, |file| {
        let mut buffered = std::io::BufWriter::with_capacity(1 << 20, file);
        content(&mut buffered)?;
        buffered.flush().map_err(Error::io("write", path))
    })
}

/// As [`write_atomic`], but does not wait for the disk: after a power failure the file may be damaged, never after a
/// crash. For what is checked when it is read and can be made again.
///
/// # Errors
/// As [`write_atomic`].
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    write(path, false, |file| file.write_all(bytes).map_err(Error::io("write", path)))
}

fn write(path: &Path, onto_disk: bool, content: impl FnOnce(&mut std::fs::File) -> Result<()>) -> Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create_folder(folder)?;
    let mut file = tempfile::Builder::new()
        .prefix(".whence-")
        .suffix(".part")
        .tempfile_in(folder)
        .map_err(Error::io("write into", folder))?;
    content(file.as_file_mut())?;
    if onto_disk {
        file.as_file().sync_all().map_err(Error::io("write", path))?;
    }
    // Temporary files are private to their owner; results are ordinary files.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::Permissions::from_mode(0o644);
        file.as_file().set_permissions(mode).map_err(Error::io("write", path))?;
    }
    file.persist(path).map_err(|e| Error::io("write", path)(e.error))?;
    Ok(())
}

/// Writes plain data as JSON.
///
/// # Errors
/// As [`write_atomic`].
pub fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<()> {
    let mut text = serde_json::to_vec_pretty(value).map_err(|e| Error::file(e.to_string(), path, "report this"))?;
    text.push(b'\n');
    write_atomic(path, &text)
}

/// Reads plain data from JSON.
///
/// # Errors
/// Where the file cannot be read or does not hold what is expected.
pub fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
    serde_json::from_str(&text)
        .map_err(|e| Error::file(format!("the file does not hold what it should: {e}"), path, "restore it from a copy"))
}

/// Makes a folder and checks that files can be written into it.
///
/// # Errors
/// Where they cannot.
pub fn check_writable(folder: &Path) -> Result<()> {
    create_folder(folder)?;
    let probe = tempfile::Builder::new().prefix(".whence-").suffix(".part").tempfile_in(folder);
    probe.map(|_| ()).map_err(Error::io("write into", folder))
}

/// Makes a folder and those above it.
///
/// # Errors
/// Where the system refuses.
pub fn create_folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(Error::io("create", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_that_fails_leaves_the_old_file_and_no_temporary_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        write_atomic_with(&path, |out| out.write_all(b"old").map_err(Error::io("write", &path))).unwrap();
        let failed = write_atomic_with(&path, |out| {
            out.write_all(b"half of the new").map_err(Error::io("write", &path))?;
            Err(Error::Cancelled)
        });
        assert!(matches!(failed, Err(Error::Cancelled)));
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
