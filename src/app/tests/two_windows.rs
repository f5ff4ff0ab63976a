//! One project in two windows, and when its state is on the disk.

use std::path::Path;

use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::projects::command;
use super::scenes::Scene;
use crate::app::actions::{Action, Command};
use crate::app::projects::ProjectCommand;
use whence_jobs::{EventKind, JobSpec};
use whence_store::{Project, ProjectFile};

/// A window that opens this project, and has images.
fn window(root: &Path) -> Scene {
    let mut scene = Scene::new();
    scene.window.state_mut().recalls = true;
    open(&mut scene, root);
    let queries = Scene::loaded().app().state.queries.clone();
    scene.window.state_mut().state.queries = queries;
    scene.window.state_mut().state.current = scene.app().state.queries.first().map(|q| q.key);
    scene.settle();
    scene
}

fn open(scene: &mut Scene, root: &Path) {
    let job = scene.start(JobSpec::OpenProject(root.to_owned()));
    opened(scene, job, root);
}

fn opened(scene: &mut Scene, job: whence_jobs::JobId, root: &Path) {
    let project = Project::open(root).unwrap();
    scene.push(job, EventKind::ProjectOpened(Box::new(project)));
    scene.push(job, EventKind::Finished("open".into()));
    scene.settle();
}

fn project(folder: &Path) -> std::path::PathBuf {
    let root = folder.canonicalize().unwrap().join("p");
    let file = ProjectFile { schema_version: 1, name: "Shared".into(), ..ProjectFile::default() };
    Project::create(&root, &file).unwrap();
    root
}

fn saved(root: &Path) -> String {
    std::fs::read_to_string(root.join("session.json")).unwrap_or_default().replace(' ', "")
}

#[test]
fn the_second_window_only_reads_until_the_first_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let root = project(folder.path());
    let mut first = window(&root);
    assert!(first.window.query_by_label("Read-only").is_none());
    let mut second = window(&root);
    second.window.get_by_label("Read-only");
    second.act(Action::Star);
    assert!(second.app().state.queries.iter().all(|q| q.rating.stars == 0), "a change that would be lost is not made");
    assert!(second.window.query_all_by_label_contains("open in another window of Whence").count() > 0);
    let before = saved(&root);
    second.window.state_mut().submitted_session = None;
    second.window.state_mut().submit_session();
    assert!(second.window.state_mut().session_writer.flush(crate::app::commands::WRITING));
    assert!(second.app().submitted_session.is_none() && saved(&root) == before, "it writes nothing");

    second.window.get_by_label("Read-only").click();
    second.settle();
    let jobs = second.fake.count();
    second.window.get_by_label("Try again").click();
    second.settle();
    assert!(second.window.query_all_by_label_contains("The other window still has the project open.").count() > 0);
    assert_eq!(second.fake.count(), jobs);

    first.act(Action::Star);
    first.act(Action::CloseProject);
    assert!(first.window.state_mut().session_writer.flush(crate::app::commands::WRITING));
    assert!(saved(&root).contains("\"starred\":true"), "the last change is written before the lock is given up");
    command(&mut second, Command::Project(ProjectCommand::TryAgain));
    let (job, spec) = second.fake.last();
    assert_eq!(spec, JobSpec::OpenProject(root.clone()), "the other window's changes are read");
    opened(&mut second, job, &root);
    assert!(second.window.query_by_label("Read-only").is_none());
    assert!(second.app().state.read_only.is_none());
    let mut third = window(&root);
    third.settle();
    third.window.get_by_label("Read-only");
}

#[test]
fn a_window_that_opens_another_project_frees_the_one_before() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (one, two) = (project(one.path()), project(two.path()));
    let mut first = window(&one);
    open(&mut first, &two);
    assert!(first.window.state_mut().session_writer.flush(crate::app::commands::WRITING));
    let second = window(&one);
    assert!(second.app().state.read_only.is_none());
    let third = window(&two);
    assert!(third.app().state.read_only.is_some());
}

#[test]
fn a_project_that_cannot_be_opened_is_not_locked() {
    let folder = tempfile::tempdir().unwrap();
    let root = project(folder.path());
    let mut first = Scene::new();
    first.window.state_mut().recalls = true;
    first.start(JobSpec::OpenProject(root.clone()));
    first.emit(EventKind::Failed("it is damaged".into()));
    let second = window(&root);
    assert!(second.app().state.read_only.is_none());
}

#[test]
fn explaining_is_refused_where_results_could_not_be_kept() {
    let mut scene = Scene::loaded();
    scene.window.state_mut().state.read_only = Some(whence_store::ReadOnly::OpenElsewhere);
    scene.settle();
    assert!(scene.window.get_by_label("Explain this image").accesskit_node().is_disabled());
    let jobs = scene.fake.count();
    command(&mut scene, Command::ExplainBy("gaussian"));
    assert_eq!(scene.fake.count(), jobs);
}
