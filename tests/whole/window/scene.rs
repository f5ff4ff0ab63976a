//! The files of the test.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use image::RgbImage;
use serde_json::Value;
use tempfile::TempDir;

use super::super::fixture;

/// A folder for the program's data, and a project of digits.
pub struct Scene {
    folder: TempDir,
}

impl Scene {
    /// Puts a project of digits beside an empty folder for the program's data.
    pub fn new() -> Self {
        let scene = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(scene.data()).unwrap();
        std::fs::create_dir(scene.digits()).unwrap();
        let project = serde_json::json!({
            "schema_version": 1,
            "name": "My digits",
            "model": fixture("digits/model"),
            "data": fixture("digits/images"),
            "queries": [fixture("digits/queries/q000.png")],
            "recipe": "recipe.toml",
        });
        std::fs::write(scene.digits().join("project.json"), project.to_string()).unwrap();
        // So many steps that the job does not end during the test.
        std::fs::write(scene.digits().join("recipe.toml"), "steps = 50000\n").unwrap();
        scene
    }

    /// The program's data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The project of digits. Its name has a space, which is escaped in URIs.
    pub fn digits(&self) -> PathBuf {
        self.folder.path().join("my digits")
    }

    /// The query image of that project.
    pub fn digit(&self) -> RgbImage {
        image(&fixture("digits/queries/q000.png"))
    }

    /// Where the demo was unpacked.
    pub fn demo(&self) -> PathBuf {
        let mut folders = std::fs::read_dir(self.data()).unwrap().flatten().map(|e| e.path());
        folders.find(|f| f.join("project.json").is_file()).expect("the demo is unpacked")
    }

    /// A query image of the demo.
    pub fn painting(&self, name: &str) -> RgbImage {
        image(&self.demo().join("queries").join(name))
    }

    /// Waits for a line in the job log about a job of this kind with this outcome. Returns its message and its description.
    pub fn logged(&self, kind: &str, event: &str) -> (String, Value) {
        let begun = Instant::now();
        loop {
            let log = std::fs::read_to_string(self.data().join("jobs.jsonl")).unwrap_or_default();
            let lines = log.lines().rev().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            for line in lines {
                if line["event"] == event && line["spec"].get(kind).is_some() {
                    return (line["message"].as_str().unwrap_or_default().to_owned(), line["spec"][kind].clone());
                }
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "no {kind} has {event}: {log}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn image(path: &Path) -> RgbImage {
    image::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())).to_rgb8()
}
