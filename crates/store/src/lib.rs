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
    write(path, bytes, true)
}

/// As [`write_atomic`], but does not wait for the disk: after a power failure the file may be damaged, never after a
/// crash. For what is checked when it is read and can be made again.
///
/// # Errors
/// As [`write_atomic`].
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    write(path, bytes, false)
}

fn write(path: &Path, bytes: &[u8], onto_disk: bool) -> Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create_folder(folder)?;
    let mut file = tempfile::Builder::new()
        .prefix(".whence-")
        .suffix(".part")
        .tempfile_in(folder)
        .map_err(Error::io("write into", folder))?;
    let synced = |file: &std::fs::File| if onto_disk { file.sync_all() } else { Ok(()) };
    file.write_all(bytes).and_then(|()| synced(file.as_file())).map_err(Error::io("write", path))?;
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
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(|e| Error::internal(format!("{} cannot be encoded: {e}", path.display())))?;
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
