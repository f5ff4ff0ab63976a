//! Reading files that a user named: ordinary ones only, and never more than a file of that kind can sensibly hold.

use std::io::Read as _;
use std::path::Path;

use crate::{Error, Result};

/// Most bytes of a settings file: recipes, training settings, plans, a model's JSON files.
pub const MAX_SETTINGS_BYTES: u64 = 16 << 20;

/// Reads a file of at most `max_bytes` bytes.
///
/// # Errors
/// Folders, pipes, devices and sockets: reading a pipe may wait for ever, and a device may never end. Longer files, and
/// where the system refuses.
pub fn read_bytes(path: &Path, max_bytes: u64) -> Result<Vec<u8>> {
    let kind = std::fs::metadata(path).map_err(Error::io("read", path))?.file_type();
    if !kind.is_file() {
        let what = if kind.is_dir() { "this is a folder" } else { "this is a device, a pipe or a socket" };
        return Err(Error::file(format!("{what}, and a file is needed"), path, "choose an ordinary file"));
    }
    let file = std::fs::File::open(path).map_err(Error::io("read", path))?;
    let mut bytes = Vec::new();
    file.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
    if bytes.len() as u64 > max_bytes {
        let what = format!("this file is larger than {} MiB, the limit for such files", max_bytes >> 20);
        return Err(Error::file(what, path, "check that it is the right file"));
    }
    Ok(bytes)
}

/// Reads a text file of at most `max_bytes` bytes.
///
/// # Errors
/// As [`read_bytes`], and text that is not UTF-8.
pub fn read_text(path: &Path, max_bytes: u64) -> Result<String> {
    String::from_utf8(read_bytes(path, max_bytes)?).map_err(|e| {
        let what = format!("this file is not UTF-8 text: byte {} is invalid", e.utf8_error().valid_up_to() + 1);
        Error::file(what, path, "save it as UTF-8 text, or choose another file")
    })
}

/// At most about 200 characters of a text, its beginning and its end, for messages that quote a user's input.
pub fn shortened(text: &str) -> String {
    const HALF: usize = 100;
    let characters: Vec<char> = text.chars().collect();
    let (Some(head), Some(tail)) = (characters.get(..HALF), characters.len().checked_sub(HALF)) else {
        return text.to_owned();
    };
    match characters.get(tail..) {
        Some(end) if tail > HALF => format!("{} … {}", String::from_iter(head), String::from_iter(end)),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ordinary_files_of_a_sensible_size_are_read() {
        assert!(read_text(Path::new("/"), 10).unwrap_err().to_string().contains("folder"));
        #[cfg(unix)]
        assert!(read_text(Path::new("/dev/zero"), 10).unwrap_err().to_string().contains("device"));
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        assert!(read_text(&own, 10).unwrap_err().to_string().contains("larger"));
        assert!(read_text(&own, MAX_SETTINGS_BYTES).unwrap().contains("whence-base"));
    }

    #[test]
    fn long_input_is_quoted_in_part() {
        let long = format!("begin{}end", "x".repeat(5000));
        let short = shortened(&long);
        assert!(short.starts_with("begin") && short.ends_with("end") && short.chars().count() == 203, "{short}");
        assert_eq!(shortened("steps = 3"), "steps = 3");
        let limit = "y".repeat(200);
        assert_eq!(shortened(&limit), limit);
    }
}
