//! The walls of ARCHITECTURE.md.

use std::path::{Path, PathBuf};

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

/// Lines of code (not comments) in `src` that contain one of `words`, outside or inside `app`.
fn offenders(words: &[&str], inside_app: bool) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 40);
    let mut found = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&root).unwrap().to_owned();
        if relative.starts_with("app") != inside_app {
            continue;
        }
        for (number, line) in std::fs::read_to_string(&file).unwrap().lines().enumerate() {
            let code = line.split("//").next().unwrap();
            if words.iter().any(|w| code.contains(w)) {
                found.push(format!("{}:{}: {line}", relative.display(), number + 1));
            }
        }
    }
    found
}

/// Whether a line of code names an option of a command line, such as `--draws`.
fn names_an_option(code: &str) -> bool {
    code.match_indices("--").any(|(at, dashes)| {
        let after = code[at + dashes.len()..].chars().next();
        let before = code[..at].chars().next_back();
        before != Some('-') && after.is_some_and(|c| c.is_ascii_lowercase())
    })
}

#[test]
fn libraries_name_no_command_line_options() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 100);
    let mut found = Vec::new();
    for file in files {
        let is_test = file.components().any(|c| c.as_os_str() == "tests") || file.ends_with("tests.rs");
        if is_test {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        // Tests end a file.
        let program = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for (number, line) in program.lines().enumerate() {
            let code = line.split("//").next().unwrap();
            if names_an_option(code) {
                found.push(format!("{}:{}: {line}", file.display(), number + 1));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn an_option_is_recognised() {
    assert!(names_an_option("\"choose --device cpu\"") && names_an_option("\"--draws\""));
    assert!(!names_an_option("a --- b") && !names_an_option("\"10 -- 20\""));
}

#[test]
fn the_window_knows_no_tensors() {
    assert_eq!(offenders(&["burn::", "burn_", "cubecl"], true), Vec::<String>::new());
}

#[test]
fn only_the_window_knows_egui() {
    assert_eq!(offenders(&["egui", "eframe"], false), Vec::<String>::new());
}
