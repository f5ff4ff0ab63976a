//! Reading with limits, and writing through a temporary sibling, so that a crash or a full disk never leaves half a file.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;

use whence_base::{Error, Result};

/// Largest JSON file that is read, bytes.
const MAX_JSON_BYTES: u64 = 256 << 20;

/// How names of temporary files begin and end.
const PART_PREFIX: &str = ".whence-";
const PART_SUFFIX: &str = ".part";

/// Writes `bytes` to `path` whole or not at all, and waits until they are on the disk; makes the folder where it is
/// missing.
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
    write(path, true, |file| buffered(file, path, content))
}

/// As [`write_atomic_with`], but does not wait for the disk: the file may be damaged after a power failure, never after a
/// crash of the program. For files that carry a checksum and can be computed again.
///
/// # Errors
/// As [`write_atomic_with`].
pub fn write_whole_with(path: &Path, content: impl FnOnce(&mut dyn std::io::Write) -> Result<()>) -> Result<()> {
    write(path, false, |file| buffered(file, path, content))
}

fn buffered(file: &mut File, path: &Path, content: impl FnOnce(&mut dyn std::io::Write) -> Result<()>) -> Result<()> {
    let mut buffered = std::io::BufWriter::with_capacity(1 << 20, file);
    content(&mut buffered)?;
    buffered.flush().map_err(Error::io("write", path))
}

fn write(path: &Path, sync: bool, content: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create_folder(folder)?;
    if path.is_dir() {
        return Err(Error::file("a folder lies where a file is to be written", path, "move or remove that folder"));
    }
    let mut file = tempfile::Builder::new()
        .prefix(PART_PREFIX)
        .suffix(PART_SUFFIX)
        .tempfile_in(folder)
        .map_err(Error::io("write into", folder))?;
    content(file.as_file_mut())?;
    if sync {
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
    if sync {
        sync_folder(folder);
    }
    Ok(())
}

/// Waits until a rename in this folder is on the disk: the file's own sync does not cover its name.
#[cfg(unix)]
fn sync_folder(folder: &Path) {
    // Some file systems refuse to sync a folder. The file is whole in any case, so this is no failure.
    if let Err(error) = File::open(folder).and_then(|f| f.sync_all()) {
        tracing::debug!("{} cannot be synced: {error}", folder.display());
    }
}

/// Other systems have no such call; their journal covers renames.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) {}

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
/// As [`read_text_file`], and where the file does not hold what is expected; the error then gives line and column.
pub fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    read_json_or(path, "correct it, or restore it from a copy")
}

/// As [`read_json`]; `remedy` is what to do about content that cannot be used.
pub(crate) fn read_json_or<T: serde::de::DeserializeOwned>(path: &Path, remedy: &str) -> Result<T> {
    let text = read_text_file(path, MAX_JSON_BYTES)?;
    serde_json::from_str(&text)
        .map_err(|e| Error::file(format!("the content of this file cannot be used: {e}"), path, remedy))
}

/// Reads a text file that the user named, of at most `max_bytes` bytes.
///
/// # Errors
/// Folders, pipes, devices and sockets (reading a pipe may wait for ever, and a device may never end); files that are
/// longer; text that is not UTF-8; and where the system refuses.
pub fn read_text_file(path: &Path, max_bytes: u64) -> Result<String> {
    let kind = std::fs::metadata(path).map_err(Error::io("read", path))?.file_type();
    if kind.is_dir() {
        return Err(Error::file("this is a folder, and a file is needed", path, "choose a file in it"));
    }
    if !kind.is_file() {
        let what = "this is not a regular file but a device, a pipe or a socket";
        return Err(Error::file(what, path, "choose an ordinary file"));
    }
    let file = File::open(path).map_err(Error::io("read", path))?;
    let mut bytes = Vec::new();
    file.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
    if bytes.len() as u64 > max_bytes {
        let what = format!("this file is longer than {}, the limit for such files", size_text(max_bytes));
        return Err(Error::file(what, path, "check that it is the right file"));
    }
    String::from_utf8(bytes).map_err(|e| {
        let what = format!("this file is not UTF-8 text: byte {} is invalid", e.utf8_error().valid_up_to() + 1);
        Error::file(what, path, "save it as UTF-8 text, or choose another file")
    })
}

fn size_text(bytes: u64) -> String {
    if bytes >= 1 << 20 { format!("{} MiB", bytes >> 20) } else { format!("{bytes} bytes") }
}

/// Makes a folder and checks that files can be written into it.
///
/// # Errors
/// Where they cannot.
pub fn check_writable(folder: &Path) -> Result<()> {
    create_folder(folder)?;
    let probe = tempfile::Builder::new().prefix(PART_PREFIX).suffix(PART_SUFFIX).tempfile_in(folder);
    probe.map(|_| ()).map_err(Error::io("write into", folder))
}

/// Makes a folder and those above it.
///
/// # Errors
/// Where the system refuses.
pub fn create_folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(Error::io("create", path))
}

/// Whether this is a temporary file of [`write_atomic`] or [`write_whole_with`], by its name.
pub(crate) fn is_partial(path: &Path) -> bool {
    let name = path.file_name().and_then(|n| n.to_str());
    name.is_some_and(|n| n.starts_with(PART_PREFIX) && n.ends_with(PART_SUFFIX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_files_are_read_up_to_their_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recipe.toml");
        std::fs::write(&path, "steps = 3").unwrap();
        assert_eq!(read_text_file(&path, 9).unwrap(), "steps = 3");
        let error = read_text_file(&path, 8).unwrap_err().to_string();
        assert!(error.contains("longer than 8 bytes") && error.contains("recipe.toml"), "{error}");
        std::fs::write(&path, b"name = \xff").unwrap();
        let error = read_text_file(&path, 100).unwrap_err().to_string();
        assert!(error.contains("not UTF-8 text: byte 8"), "{error}");
        let error = read_text_file(folder.path(), 100).unwrap_err().to_string();
        assert!(error.contains("this is a folder"), "{error}");
        let error = read_text_file(&folder.path().join("absent"), 100).unwrap_err().to_string();
        assert!(error.contains("could not read"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn devices_pipes_and_sockets_are_refused_without_reading_them() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for path in [Path::new("/dev/zero"), &socket] {
            for error in [read_text_file(path, 100).unwrap_err(), read_json::<u8>(path).unwrap_err()] {
                assert!(error.to_string().contains("not a regular file"), "{error}");
            }
        }
    }

    #[test]
    fn a_folder_in_the_way_of_a_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_atomic(folder.path(), b"").unwrap_err().to_string();
        assert!(error.contains("a folder lies where a file is to be written"), "{error}");
    }

    #[test]
    fn unusable_json_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        std::fs::write(&path, "{\n\"a\": x}").unwrap();
        let error = read_json::<serde_json::Value>(&path).unwrap_err().to_string();
        assert!(error.contains("line 2 column 6"), "{error}");
    }

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
