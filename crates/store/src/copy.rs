//! Copies of whole folders, which appear whole or not at all.

use std::path::{Path, PathBuf};

use crate::files::is_partial;
use crate::lock::is_lock;
use whence_base::{Error, Result};

/// Whether a path, which need not exist, lies in this folder or is it. The folder is given from the root on, without links.
pub fn would_be_inside(path: &Path, folder: &Path) -> bool {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let existing = path.ancestors().find_map(|ancestor| ancestor.canonicalize().ok());
    existing.is_some_and(|existing| existing.starts_with(folder))
}

/// Copies a folder with all that is in it to `to`, which must not exist or be empty. `progress` gets the number of files
/// copied so far, and how many there are; where it fails, nothing is left behind. Locks and temporary files stay behind;
/// links are followed, so that the copy stands on its own.
///
/// # Errors
/// A target that holds something or lies inside `from`, files that cannot be read or written, and those of `progress`.
pub fn copy_folder(from: &Path, to: &Path, progress: &mut dyn FnMut(usize, usize) -> Result<()>) -> Result<()> {
    check_empty(to)?;
    let parent = to.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if would_be_inside(to, &from.canonicalize().map_err(Error::io("read", from))?) {
        return Err(Error::file("the copy would lie inside what is copied", to, "choose a folder outside"));
    }
    crate::create_folder(parent)?;
    let mut files = Vec::new();
    list(from, Path::new(""), 0, &mut files)?;
    // A sibling, so that the finished copy only has to be renamed.
    let part = tempfile::Builder::new()
        .prefix(".whence-")
        .suffix(".part")
        .tempdir_in(parent)
        .map_err(Error::io("write into", parent))?;
    for (done, file) in files.iter().enumerate() {
        progress(done, files.len())?;
        let target = part.path().join(file);
        crate::create_folder(target.parent().unwrap_or(parent))?;
        std::fs::copy(from.join(file), &target).map_err(Error::io("copy to", &target))?;
    }
    if to.is_dir() {
        std::fs::remove_dir(to).map_err(Error::io("replace", to))?;
    }
    let part = part.keep();
    #[cfg(unix)]
    {
        // Temporary folders are private to their owner; projects are ordinary folders.
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&part, mode).map_err(Error::io("write", &part))?;
    }
    std::fs::rename(&part, to).map_err(|e| {
        // The copy is of no use under its temporary name; where even this fails, gc lists it.
        let _ = std::fs::remove_dir_all(&part);
        Error::io("write", to)(e)
    })
}

/// Fails where something lies at `folder`, and names it.
fn check_empty(folder: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    if !folder.is_dir() {
        return Err(Error::file("there is a file of this name", folder, "choose another folder"));
    }
    let mut entries = std::fs::read_dir(folder).map_err(Error::io("read", folder))?;
    match entries.next() {
        None => Ok(()),
        Some(first) => {
            let name = first.map(|e| e.file_name().to_string_lossy().into_owned()).unwrap_or_default();
            Err(Error::file(
                format!("this folder is not empty: it holds {name}"),
                folder,
                "choose a new or empty folder",
            ))
        }
    }
}

/// Deeper folders are links that lead back to themselves.
const MAX_DEPTH: usize = 64;

fn list(root: &Path, below: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<()> {
    let folder = root.join(below);
    if depth > MAX_DEPTH {
        return Err(Error::file("the folders lie too deep", &folder, "remove links that lead back to themselves"));
    }
    for entry in std::fs::read_dir(&folder).map_err(Error::io("read", &folder))? {
        let entry = entry.map_err(Error::io("read", &folder))?;
        let (path, relative) = (entry.path(), below.join(entry.file_name()));
        if is_lock(&entry.file_name()) || is_partial(&path) {
            continue;
        }
        if path.is_dir() {
            list(root, &relative, depth + 1, files)?;
        } else if path.is_file() {
            files.push(relative);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_copied_whole_and_never_over_another() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("a/store/x")).unwrap();
        for (file, text) in [("a/project.json", "{}"), ("a/store/x/1", "one"), ("a/.whence-project-lock", "")] {
            std::fs::write(at(file), text).unwrap();
        }
        let mut seen = Vec::new();
        copy_folder(&at("a"), &at("b"), &mut |done, all| {
            seen.push((done, all));
            Ok(())
        })
        .unwrap();
        assert_eq!(seen, [(0, 2), (1, 2)]);
        assert_eq!(std::fs::read_to_string(at("b/store/x/1")).unwrap(), "one");
        assert!(!at("b/.whence-project-lock").exists(), "a lock belongs to its folder");
        let again = copy_folder(&at("a"), &at("b"), &mut |_, _| Ok(())).unwrap_err().to_string();
        assert!(again.contains("not empty"), "{again}");
        let inside = copy_folder(&at("a"), &at("a/c"), &mut |_, _| Ok(())).unwrap_err().to_string();
        assert!(inside.contains("inside what is copied"), "{inside}");
        let deep = copy_folder(&at("a"), &at("a/x/c"), &mut |_, _| Ok(())).unwrap_err().to_string();
        assert!(deep.contains("inside what is copied") && !at("a/x").exists(), "{deep}");
        let cancelled = copy_folder(&at("a"), &at("d"), &mut |_, _| Err(Error::Cancelled));
        assert!(matches!(cancelled, Err(Error::Cancelled)) && !at("d").exists());
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().map(|e| e.file_name()).collect();
        assert_eq!(left.len(), 2, "{left:?}");
    }
}
