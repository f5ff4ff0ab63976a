//! Projects of one's own on the command line: made, refused, explained.

use std::path::Path;

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;
use whence_store::Project;

use super::command_line::whence;
use super::{copy_folder, fixture};

fn new(out: &Path) -> Command {
    let mut command = whence();
    command.args(["project", "new", "--model"]).arg(fixture("digits/model"));
    command.arg("--data").arg(fixture("digits/images")).arg("--out").arg(out);
    command
}

#[test]
fn a_new_project_names_its_own_parts_and_is_explained_with_the_default_recipe() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("My digits");
    let found = new(&root).arg("--json").assert().success();
    let found: serde_json::Value = serde_json::from_slice(&found.get_output().stdout).unwrap();
    assert_eq!(
        (found["name"].as_str(), found["model"]["architecture"].as_str()),
        (Some("My digits"), Some("UNet2DModel"))
    );
    assert_eq!(found["dataset"]["groups"].as_array().map(Vec::len), Some(10));
    let project = Project::open(&root).unwrap();
    assert_eq!(project.file.model, Some(fixture("digits/model").canonicalize().unwrap()));
    assert!(project.file.queries.is_empty() && project.file.recipe.is_none() && project.session.is_none());
    let names: Vec<_> = std::fs::read_dir(&root).unwrap().flatten().map(|e| e.file_name()).collect();
    assert_eq!(names, ["project.json"], "nothing of another project leaks in");

    let report = folder.path().join("report.html");
    let mut command = whence();
    command.args(["report", "--device", "cpu", "--method", "gaussian", "--out"]).arg(&report).arg(&root);
    command.arg("--query").arg(fixture("digits/queries/q000.png")).assert().success();
    assert!(std::fs::read_to_string(report).unwrap().contains("My digits"));
    assert!(root.join("store").is_dir(), "results are stored in the project");
    whence().args(["project", "verify"]).arg(&root).assert().success();
}

#[test]
fn folders_that_are_not_free_and_paths_that_are_gone_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let full = folder.path().join("full");
    std::fs::create_dir(&full).unwrap();
    std::fs::write(full.join("letter.txt"), "").unwrap();
    new(&full).assert().code(1).stderr(contains("not empty").and(contains("letter.txt")).and(contains("full")));
    let free = folder.path().join("free");
    new(&free).args(["--name", " "]).assert().code(1).stderr(contains("--name"));
    for (option, gone) in [("--model", "/nowhere/model"), ("--data", "/nowhere/data")] {
        let mut command = whence();
        command.args(["project", "new", "--out"]).arg(&free);
        for (name, path) in [("--model", fixture("digits/model")), ("--data", fixture("digits/images"))] {
            command.arg(name).arg(if name == option { gone.into() } else { path });
        }
        command.assert().code(1).stderr(contains(gone));
        assert!(!free.exists(), "nothing is left behind");
    }
    new(&free).assert().success();
    new(&free).assert().code(1).stderr(contains("already is a project"));
    new(&folder.path().join("b")).args(["--group-column"]).assert().code(2);
}

#[test]
fn a_project_around_its_parts_can_be_moved() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("all");
    copy_folder(&fixture("digits/model"), &root.join("model"));
    copy_folder(&fixture("digits/images"), &root.join("images"));
    let mut command = whence();
    command.args(["project", "new", "--model"]).arg(root.join("model"));
    command.arg("--data").arg(root.join("images")).arg("--out").arg(&root).assert().success();
    let moved = folder.path().join("moved");
    std::fs::rename(&root, &moved).unwrap();
    let file = Project::open(&moved).unwrap().file;
    assert_eq!((file.model, file.data), (Some(moved.join("model")), Some(moved.join("images"))));
}

#[test]
fn a_class_map_is_kept_in_the_project_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let map = folder.path().join("classes.json");
    std::fs::write(&map, r#"{"zero": 0}"#).unwrap();
    // This model knows no classes.
    new(&folder.path().join("a")).arg("--class-map").arg(&map).assert().code(1).stderr(contains("--class-map"));
    let model = folder.path().join("conditional");
    copy_folder(&fixture("unet-adm-tiny"), &model);
    std::fs::copy(fixture("digits/model/scheduler_config.json"), model.join("scheduler_config.json")).unwrap();
    let conditional = || {
        let mut command = whence();
        command.args(["project", "new", "--model"]).arg(&model).arg("--data").arg(fixture("digits/images"));
        command.arg("--out").arg(folder.path().join("b"));
        command
    };
    conditional().assert().code(1).stderr(contains("--class-map").and(contains("which of the model's 5 classes")));
    conditional().arg("--class-map").arg(&map).assert().code(1).stderr(contains("does not name the group"));
    let names = std::fs::read_dir(fixture("digits/images")).unwrap().flatten();
    let classes: std::collections::BTreeMap<String, usize> =
        names.enumerate().map(|(i, e)| (e.file_name().into_string().unwrap(), i % 5)).collect();
    std::fs::write(&map, serde_json::to_string(&classes).unwrap()).unwrap();
    conditional().arg("--class-map").arg(&map).assert().success();
    assert_eq!(Project::open(&folder.path().join("b")).unwrap().file.class_map, Some(classes));
}
