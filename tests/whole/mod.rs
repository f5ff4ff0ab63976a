mod attribution_tables;
mod bad_input;
mod command_line;
mod crash;
mod demo;
mod digits;
mod embedding;
mod estimates;
mod evidence;
mod gaussian_world;
mod golden;
mod jobs;
mod network;
mod oracle;
mod projects;
mod queue;
mod report;
mod samplers;
mod stored_results;
mod style_classifier;
mod training;
mod walls;
mod window;

use std::path::{Path, PathBuf};

use whence_engine::Engine;
use whence_jobs::{EventKind, JobSpec};

/// A file or folder of `tests/fixtures`.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Copies a folder with all that is in it.
pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Runs one job on a fresh engine to its end; all its events.
pub fn run(spec: JobSpec) -> Vec<EventKind> {
    let engine = Engine::start("cpu", || {}).unwrap();
    engine.run(spec).unwrap();
    let mut events = Vec::new();
    loop {
        let event = engine.events().recv_timeout(std::time::Duration::from_secs(300)).expect("the job answers");
        let end = matches!(event.kind, EventKind::Finished(_) | EventKind::Failed(_) | EventKind::Cancelled);
        events.push(event.kind);
        if end {
            return events;
        }
    }
}

/// The message a job failed with.
pub fn failure(spec: JobSpec) -> String {
    match run(spec).pop() {
        Some(EventKind::Failed(failure)) => failure.to_string(),
        other => panic!("the job should fail: {other:?}"),
    }
}
