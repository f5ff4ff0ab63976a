//! The demo project that the program carries.

use std::path::{Path, PathBuf};

use whence_base::Result;
use whence_store::{user_data_folder, write_atomic};

static DEMO: include_dir::Dir<'_> = include_dir::include_dir!("$CARGO_MANIFEST_DIR/assets/demo");

/// The demo project, unpacked into the user's data folder at first use.
///
/// # Errors
/// Where that folder cannot be written.
pub fn demo_folder() -> Result<PathBuf> {
    let mut files = Vec::new();
    list(&DEMO, &mut files);
    let mut hasher = blake3::Hasher::new();
    for file in &files {
        hasher.update(file.path().as_os_str().as_encoded_bytes()).update(file.contents());
    }
    let version = hasher.finalize().to_hex();
    let root = user_data_folder().join(format!("demo-{}", version.get(..12).unwrap_or_default()));
    // project.json is written last, so a half unpacked folder is unpacked again.
    if !root.join("project.json").is_file() {
        for file in files.iter().filter(|f| f.path() != Path::new("project.json")) {
            write_atomic(&root.join(file.path()), file.contents())?;
        }
        if let Some(file) = DEMO.get_file("project.json") {
            write_atomic(&root.join("project.json"), file.contents())?;
        }
    }
    Ok(root)
}

/// Whether this is the user's copy of the demo.
pub fn is_demo(root: &Path) -> bool {
    let named = root.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("demo-"));
    named && root.parent() == Some(user_data_folder().as_path())
}

fn list<'a>(dir: &'a include_dir::Dir<'a>, out: &mut Vec<&'a include_dir::File<'a>>) {
    out.extend(dir.files());
    for sub in dir.dirs() {
        list(sub, out);
    }
}
