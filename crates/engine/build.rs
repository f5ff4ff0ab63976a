//! Reads the versions of the computing libraries from the lock file, so that `whence doctor` shows those that were built.

use std::path::Path;

fn main() {
    // A package outside the workspace has no lock file; the version is then unknown.
    let lock_file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
    println!("cargo::rerun-if-changed={}", lock_file.display());
    println!("cargo::rerun-if-changed=build.rs");
    let text = std::fs::read_to_string(&lock_file).unwrap_or_default();
    for (package, variable) in [("burn", "WHENCE_BURN_VERSION"), ("cubecl", "WHENCE_CUBECL_VERSION")] {
        let version = version_of(&text, package).unwrap_or("(unknown version)");
        println!("cargo::rustc-env={variable}={version}");
    }
}

/// The version of a package: in its table, the line after its name.
fn version_of<'a>(lock_file: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock_file.lines();
    lines.find(|line| *line == name)?;
    lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')
}
