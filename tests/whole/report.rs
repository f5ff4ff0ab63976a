//! `whence report` on a small project, as a user starts it.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use predicates::str::contains;
use whence_store::{Project, ProjectFile};

use super::fixture;

/// A project of the digits with two of their images.
fn project(folder: &Path) -> PathBuf {
    let root = folder.join("digits & co");
    let file = ProjectFile {
        schema_version: 1,
        name: "Digits <b>&</b> co".into(),
        model: Some(fixture("digits/model")),
        data: Some(fixture("digits/images")),
        queries: vec![fixture("digits/queries/q000.png"), fixture("digits/queries/q004.png")],
        recipe: None,
        ..ProjectFile::default()
    };
    Project::create(&root, &file).unwrap();
    root
}

fn report(root: &Path, out: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whence"));
    command.env("WHENCE_DATA", concat!(env!("CARGO_TARGET_TMPDIR"), "/user"));
    command.arg("report").arg(root).arg("--out").arg(out).args(["--device", "cpu", "--timesteps", "12"]);
    command.arg("--counterfactuals").arg(fixture("digits/retrained")).args(["--groups", "four,seven"]);
    command
}

#[test]
fn a_projects_images_become_one_file_with_every_number() {
    let folder = tempfile::tempdir().unwrap();
    let (root, out) = (project(folder.path()), folder.path().join("new folder/report.html"));
    let output = report(&root, &out).arg("--json").assert().success();
    let json: serde_json::Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    assert_eq!(json["report"], out.display().to_string());
    let html = std::fs::read_to_string(&out).unwrap();
    for query in json["queries"].as_array().unwrap() {
        assert!(html.contains(&format!("<h2><bdi>{}</bdi></h2>", query["query"].as_str().unwrap())));
        for row in query["ranking"].as_array().unwrap() {
            for number in ["score_nats", "std_err"] {
                let value = row[number].as_f64().unwrap();
                assert!(html.contains(&format!("<data value=\"{value}\"")), "{number} {value}");
            }
        }
    }
    assert_eq!(html.matches("<section id=").count(), 2);
    for words in [
        "Digits &#60;b&#62;&#38;&#60;/b&#62; co",
        "--timesteps 12 --counterfactuals",
        "A training image of four",
        "<dt>settings.timesteps</dt><dd>12</dd>",
        "steps = 60",
    ] {
        assert!(html.contains(words), "{words}");
    }
    let model = whence_diffusion::Pipeline::load(&fixture("digits/model"), &burn::tensor::Device::flex()).unwrap();
    assert!(html.contains(model.hash()), "the model's hash");
    assert_eq!(html.matches("http").count(), html.matches("http-equiv=").count());
    // Nothing but the report, and what the project keeps.
    assert_eq!(std::fs::read_dir(out.parent().unwrap()).unwrap().count(), 1);
    assert!(root.join("store/store.json").is_file());
}

#[test]
fn images_are_chosen_by_name_file_or_seed() {
    let folder = tempfile::tempdir().unwrap();
    let (root, out) = (project(folder.path()), folder.path().join("report.html"));
    report(&root, &out)
        .args(["--queries", "q004", "--seeds", "3", "--steps", "5", "--title", "Two", "--query"])
        .arg(fixture("digits/queries/q009.png"))
        .assert()
        .success();
    let html = std::fs::read_to_string(&out).unwrap();
    assert!(html.contains("<h1><bdi>Two</bdi></h1>"));
    for (name, there) in [("q000.png", false), ("q004.png", true), ("q009.png", true), ("seed-3", true)] {
        assert_eq!(html.contains(&format!("<h2><bdi>{name}</bdi></h2>")), there, "{name}");
    }
}

#[test]
fn what_is_missing_is_named_before_anything_is_computed() {
    let folder = tempfile::tempdir().unwrap();
    let (root, out) = (project(folder.path()), folder.path().join("report.html"));
    report(&root, &out).args(["--queries", "q999.png"]).assert().code(1).stderr(contains("q000.png, q004.png"));
    report(&folder.path().join("nowhere"), &out).assert().code(1).stderr(contains("project.json"));
    report(&root, &fixture("metrics.json").join("report.html")).assert().code(1).stderr(contains("metrics.json"));
    let empty = folder.path().join("empty");
    let file = ProjectFile { schema_version: 1, name: "Empty".into(), ..ProjectFile::default() };
    Project::create(&empty, &file).unwrap();
    report(&empty, &out).assert().code(1).stderr(contains("names no model"));
    report(&root, &out).arg("--budget").assert().code(2);
    assert!(!out.exists() && !root.join("store").exists());
    // Telling what it would take writes no report.
    report(&root, &out).args(["--dry-run", "--json"]).assert().success().stdout(contains("\"evaluations\""));
    assert!(!out.exists());
}
