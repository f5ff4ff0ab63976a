//! Projects of one's own: the welcome screen, the dialog for a new one, opening parts over an open one, copies.

use std::path::{Path, PathBuf};

use egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::scenes::Scene;
use crate::app::actions::{Action, Command};
use crate::app::files::PathKind;
use crate::app::projects::ProjectCommand;
use whence_engine::{DataFacts, Inspection, ModelFacts};
use whence_jobs::{EventKind, JobEstimate, JobSpec, ModelInfo};
use whence_store::{Project, ProjectFile};

pub(super) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

pub(super) fn command(scene: &mut Scene, command: Command) {
    let ctx = scene.window.ctx.clone();
    scene.window.state_mut().command(&ctx, command);
    scene.settle();
}

/// Runs frames, with the clock that goes on with them, until the condition holds.
pub(super) fn step_until(scene: &mut Scene, done: impl Fn(&Scene) -> bool) {
    let start = std::time::Instant::now();
    while !done(scene) {
        scene.window.step();
        let form = &scene.app().forms.new_project;
        assert!(start.elapsed() < std::time::Duration::from_secs(30), "it never comes: {form:?}");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    scene.settle();
}

pub(super) fn form_is_read(scene: &Scene) -> bool {
    let form = &scene.app().forms.new_project;
    form.inspecting.is_none() && (form.inspection.model.is_some() || form.inspection.data.is_some())
}

fn is_enabled(scene: &Scene, button: &str) -> bool {
    !scene.window.get_by_role_and_label(Role::Button, button).accesskit_node().is_disabled()
}

/// A window without a project, as after *Close project*.
pub(super) fn welcome() -> Scene {
    let mut scene = Scene::new();
    let ctx = scene.window.ctx.clone();
    scene.window.state_mut().show_welcome(&ctx);
    scene.settle();
    scene
}

#[test]
fn the_welcome_screen_offers_a_new_project_the_recent_ones_and_the_example() {
    let mut scene = welcome();
    scene.window.get_by_label("Which groups of training images shaped an image?");
    scene.window.get_by_label("Open the example: Eight styles");
    scene.window.get_by_label("Projects that you open are listed here.");
    assert!(scene.window.query_by_label("Groups").is_none(), "no empty panels");
    let here = tempfile::tempdir().unwrap();
    std::fs::write(here.path().join("project.json"), "{}").unwrap();
    let shell = &mut scene.window.state_mut().shell;
    shell.add_recent(Path::new("/projects/gone"), "Gone");
    shell.add_recent(here.path(), "Here");
    scene.app().look_for_recent();
    scene.settle_until(|scene| !scene.app().shell.gone.is_empty());
    let gone = scene.window.get_by_label("Gone, No longer at /projects/gone");
    assert!(gone.accesskit_node().is_disabled());
    scene.window.get_by_label("Remove Gone from the list").click();
    scene.settle();
    assert!(scene.window.query_by_label_contains("/projects/gone").is_none());
    scene.window.get_by_label(&format!("Here, {}", here.path().display())).click();
    scene.settle_until(|scene| scene.fake.count() > 0);
    assert_eq!(scene.fake.last().1, JobSpec::OpenProject(here.path().to_owned()));
    assert!(scene.window.query_by_label("Open the example: Eight styles").is_none(), "it is being opened");
}

#[test]
fn a_new_project_is_made_of_typed_paths_and_opened() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap().join("mine");
    let mut scene = welcome();
    scene.window.get_by_role_and_label(Role::Button, "New project…").click();
    scene.settle();
    assert!(scene.window.get_by_label("Model of the project").accesskit_node().is_focused());
    assert!(!is_enabled(&scene, "Create project"));
    scene.window.get_by_label("Choose a model and a dataset.");
    scene.window.get_by_label("Model of the project").type_text(&fixture("digits/model").display().to_string());
    scene.settle();
    scene.window.get_by_label("Dataset of the project").click();
    scene.settle();
    scene.window.get_by_label("Dataset of the project").type_text(&fixture("digits/images").display().to_string());
    scene.settle();
    step_until(&mut scene, |scene| form_is_read(scene) && scene.fake.count() > 0);
    scene.window.get_by_label_contains("UNet2DModel, ");
    scene.window.get_by_label_contains(" in 10 groups.");
    // What it takes is measured by the engine, without a job on screen.
    let (job, spec) = scene.fake.last();
    let JobSpec::Attribute(spec) = spec else { panic!("{spec:?}") };
    assert!(spec.dry_run && spec.model == fixture("digits/model") && spec.recipe == Default::default());
    scene.window.get_by_label_contains("Measuring what an explanation takes");
    assert!(scene.app().state.jobs.is_empty());
    let estimate = JobEstimate { models: 10, evaluations: 9000, seconds: 40.0, peak_bytes: Some(300 << 20) };
    scene.tell_of(job, EventKind::Estimate(estimate));
    scene.window.get_by_label_contains("Explaining the first image takes about 40 s and 300 MiB of memory: 10 models");

    scene.window.state_mut().forms.new_project.folder = root.display().to_string();
    scene.settle();
    assert_eq!(scene.app().forms.new_project.name, "Digits images", "suggested");
    scene.window.get_by_role_and_label(Role::Button, "Create project").click();
    let before = scene.fake.count();
    scene.settle_until(|scene| scene.fake.count() > before);
    assert_eq!(scene.fake.last().1, JobSpec::OpenProject(root.clone()));
    assert!(!scene.app().forms.new_project.open);
    let project = Project::open(&root).unwrap();
    assert_eq!((project.file.name.as_str(), project.file.queries.len()), ("Digits images", 0));
    assert_eq!(project.file.data, Some(fixture("digits/images").canonicalize().unwrap()));
}

#[test]
fn what_is_wrong_stands_beside_its_field() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("letter.txt"), "").unwrap();
    let mut scene = welcome();
    command(&mut scene, Command::Act(Action::NewProject));
    let form = &mut scene.window.state_mut().forms.new_project;
    form.set_part(PathKind::Model, &fixture("digits/images"));
    form.set_part(PathKind::Dataset, &folder.path().join("gone"));
    step_until(&mut scene, form_is_read);
    scene.window.get_by_label_contains("config.json");
    scene.window.get_by_label("The model or the dataset cannot be used.");
    let below = |scene: &Scene, text: &str, field: &str| {
        let (text, field) = (scene.window.get_by_label_contains(text).rect(), scene.window.get_by_label(field).rect());
        (0.0..30.0).contains(&(text.top() - field.bottom()))
    };
    assert!(below(&scene, "This file of the model is missing", "Model of the project"));
    assert!(below(&scene, "gone does not exist. Check the path.", "Dataset of the project"));

    let form = &mut scene.window.state_mut().forms.new_project;
    form.set_part(PathKind::Model, &fixture("digits/model"));
    form.set_part(PathKind::Dataset, &fixture("digits/images"));
    step_until(&mut scene, |scene| form_is_read(scene) && scene.app().forms.new_project.request().is_ok());
    scene.window.state_mut().forms.new_project.folder = folder.path().display().to_string();
    scene.settle();
    scene.window.get_by_role_and_label(Role::Button, "Create project").click();
    scene.settle_until(|scene| scene.app().forms.new_project.error.is_some());
    assert!(below(&scene, "This folder is not empty: it holds letter.txt", "Folder of the project"));
    scene.window.key_press(egui::Key::Escape);
    scene.settle();
    assert!(!scene.app().forms.new_project.open, "Esc closes the dialog");
    scene.rests();
}

#[test]
fn classes_are_chosen_where_nothing_says_them() {
    let mut scene = welcome();
    command(&mut scene, Command::Act(Action::NewProject));
    scene.window.state_mut().forms.new_project.set_part(PathKind::Model, Path::new("/nowhere/m"));
    scene.window.state_mut().forms.new_project.set_part(PathKind::Dataset, Path::new("/nowhere/d"));
    step_until(&mut scene, form_is_read);
    let model = ModelFacts {
        architecture: "UNet2DModel".into(),
        shape: whence_data::ImageShape { channels: 3, height: 32, width: 32 },
        parameters: 1000,
        timesteps: 1000,
        classes: Some(4),
        class_names: None,
    };
    let data = DataFacts {
        name: "d".into(),
        groups: vec![("ink".into(), 3), ("oil".into(), 4)],
        images: 7,
        resized: 7,
        skipped: vec![],
        notes: vec![],
    };
    scene.window.state_mut().forms.new_project.inspection =
        Inspection { model: Some(Ok(model)), data: Some(Ok(data)), needs_column: false };
    scene.settle();
    scene.window.get_by_label("7 images in 2 groups. All are cropped and resized to 32 × 32.");
    scene.window.get_by_label("UNet2DModel, 32 × 32, colour, 1,000 parameters, 1,000 timesteps, 4 classes");
    scene.window.get_by_label("Choose a class for each group.");
    scene.window.get_by_label("Class of ink").click();
    scene.settle();
    scene.window.get_by_label("Choose a class for each group.");
    scene.window.get_by_label("Number them in order").click();
    scene.settle();
    assert!(scene.window.query_by_label("Choose a class for each group.").is_none());
    let map = scene.app().forms.new_project.class_map().unwrap();
    assert_eq!((map["ink"], map["oil"]), (0, 1));
}

#[test]
fn a_table_that_leaves_a_choice_asks_for_its_column() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(fixture("digits/queries/q000.png"), folder.path().join("a.png")).unwrap();
    std::fs::copy(fixture("digits/queries/q004.png"), folder.path().join("b.png")).unwrap();
    std::fs::write(folder.path().join("metadata.csv"), "file_name,style,artist\na.png,ink,x\nb.png,oil,y\n").unwrap();
    let mut scene = welcome();
    command(&mut scene, Command::Act(Action::NewProject));
    scene.window.state_mut().forms.new_project.set_part(PathKind::Dataset, folder.path());
    step_until(&mut scene, form_is_read);
    scene.window.get_by_label_contains("columns");
    scene.window.get_by_label("Group column of the dataset").click();
    scene.settle();
    scene.window.get_by_label("Group column of the dataset").type_text("artist");
    step_until(&mut scene, |scene| form_is_read(scene) && scene.app().forms.new_project.data_facts().is_some());
    scene.window.get_by_label("2 images in 2 groups.");
    assert_eq!(scene.app().forms.new_project.parts().group_column.as_deref(), Some("artist"));
}

/// A loaded window whose project is in a folder that exists.
fn in_folder(folder: &Path) -> Scene {
    let mut scene = Scene::loaded();
    scene.window.state_mut().state.project.as_mut().unwrap().root = folder.to_owned();
    scene
}

#[test]
fn a_model_over_an_open_project_asks_and_replaces_it_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut scene = in_folder(folder.path());
    let path = PathBuf::from("/models/other");
    let jobs = scene.fake.count();
    command(&mut scene, Command::OpenAs(PathKind::Model, path.clone()));
    scene.window.get_by_label("Open model \u{201c}other\u{201d}");
    assert_eq!(scene.fake.count(), jobs, "nothing is opened before the user says how");
    scene.window.get_by_label("Cancel").click();
    scene.settle();
    assert!(scene.window.query_by_label("Replace in this project").is_none());

    command(&mut scene, Command::OpenAs(PathKind::Model, path.clone()));
    scene.window.get_by_label("Replace in this project").click();
    scene.settle();
    assert_eq!(scene.fake.last().1, JobSpec::LoadModel(path.clone()));
    let file = || std::fs::read_to_string(folder.path().join("project.json")).unwrap_or_default();
    assert_eq!(file(), "", "it is not read yet");
    let shape = scene.app().state.model.as_ref().unwrap().shape;
    let model = ModelInfo {
        path,
        name: "other".into(),
        shape,
        parameters: 1,
        timesteps: 1000,
        classes: None,
        hash: "def".into(),
        device: "cpu".into(),
    };
    scene.emit(EventKind::ModelLoaded(Box::new(model)));
    scene.emit(EventKind::Finished("done".into()));
    scene.settle_until(|_| file().contains("/models/other"));
}

#[test]
fn a_part_that_cannot_be_read_replaces_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut scene = in_folder(folder.path());
    command(&mut scene, Command::Project(ProjectCommand::Replace(PathKind::Dataset, "/data/gone".into())));
    scene.emit(EventKind::Failed("it is not there".into()));
    assert!(scene.app().replacement.is_none());
    assert!(!folder.path().join("project.json").exists());
}

#[test]
fn a_dataset_over_an_open_project_becomes_a_new_project() {
    let mut scene = Scene::loaded();
    command(&mut scene, Command::OpenAs(PathKind::Dataset, fixture("digits/images")));
    scene.window.get_by_label("New project with it").click();
    scene.settle();
    let form = &scene.app().forms.new_project;
    assert!(form.open && form.data.ends_with("images") && form.model.is_empty());
    step_until(&mut scene, form_is_read);
    scene.window.get_by_label_contains(" in 10 groups.");
    // What is dropped while the dialog is open goes into its fields.
    command(&mut scene, Command::OpenAs(PathKind::Model, fixture("digits/model")));
    assert!(scene.app().forms.new_project.model.ends_with("model") && scene.app().forms.choice.is_none());
    step_until(&mut scene, |scene| form_is_read(scene) && scene.app().forms.new_project.model_facts().is_some());
}

#[test]
fn the_example_stays_an_example() {
    let root = whence_store::user_data_folder().join("demo-0123");
    let mut scene = in_folder(&root);
    scene.settle();
    scene.window.get_by_label("Start your own project");
    command(&mut scene, Command::OpenAs(PathKind::Model, "/models/other".into()));
    assert!(!is_enabled(&scene, "Replace in this project"));
    scene.window.get_by_label("The example stays as it is.");
}

#[test]
fn a_folder_of_loose_images_is_opened_as_query_images() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.png", "b.png", "c.png"] {
        std::fs::write(folder.path().join(name), "").unwrap();
    }
    let mut scene = Scene::loaded();
    let before = scene.fake.count();
    command(&mut scene, Command::Open(folder.path().to_owned()));
    scene.settle_until(|scene| scene.app().forms.choice.is_some());
    scene.window.get_by_label_contains("holds 3 images and no groups");
    scene.window.get_by_label("Open its 3 images as query images").click();
    scene.settle_until(|scene| scene.fake.count() == before + 3);
    assert_eq!(scene.fake.last().1, JobSpec::LoadQuery(folder.path().join("c.png")));
    assert!(scene.app().forms.choice.is_none());

    let mut scene = welcome();
    command(&mut scene, Command::Open(folder.path().to_owned()));
    scene.settle_until(|scene| scene.app().forms.choice.is_some());
    assert!(!is_enabled(&scene, "Open its 3 images as query images"), "they need a model");
    scene.window.get_by_label("Open or make a project first.");
}

#[test]
fn a_closed_project_leaves_the_welcome_screen_also_at_the_next_start() {
    let mut scene = Scene::loaded();
    scene.start(JobSpec::LoadQuery("/q.png".into()));
    scene.act(Action::CloseProject);
    assert_eq!(scene.fake.cancelled(), Some(scene.fake.last().0));
    scene.window.get_by_label("Open the example: Eight styles");
    scene.window.get_by_label("Project none");
    assert!(scene.app().state.project.is_none() && scene.app().state.queries.is_empty());
    assert!(Action::CloseProject.ready(&scene.app().state, &scene.app().shell).is_err());
    let mut kept = super::shell::Kept::default();
    scene.app().save_preferences(&mut kept);
    let mut next = Scene::new();
    let ctx = next.window.ctx.clone();
    let app = next.window.state_mut();
    app.restore_preferences(&ctx, &kept);
    (app.opened, app.state.opening) = (false, true);
    next.settle_until(|scene| scene.app().shell.welcome && !scene.app().state.opening);
    next.window.get_by_label("Open the example: Eight styles");
    scene.rests();
}

#[test]
fn a_last_project_that_is_gone_leads_to_the_welcome_screen() {
    let mut scene = Scene::new();
    let app = scene.window.state_mut();
    (app.opened, app.state.opening, app.last_project) = (false, true, Some("/projects/gone".into()));
    scene.settle_until(|scene| scene.app().shell.welcome && !scene.app().state.opening);
    let said = scene.window.query_all_by_label_contains("The last project is no longer at /projects/gone");
    assert!(said.count() > 0);
}

#[test]
fn a_copy_of_the_project_is_saved_and_opened() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let file = ProjectFile { schema_version: 1, name: "Eight styles".into(), ..ProjectFile::default() };
    Project::create(&root.join("a"), &file).unwrap();
    let mut scene = in_folder(&root.join("a"));
    scene.act(Action::SaveProjectAs);
    assert_eq!(scene.app().forms.save_as.name, "Eight styles copy");
    scene.window.state_mut().forms.save_as.folder = root.join("a").display().to_string();
    scene.settle();
    scene.window.get_by_role_and_label(Role::Button, "Save copy").click();
    scene.settle_until(|scene| scene.app().forms.save_as.error.is_some());
    scene.window.get_by_label_contains("not empty");
    scene.window.state_mut().forms.save_as.folder = root.join("b").display().to_string();
    scene.settle();
    scene.window.get_by_role_and_label(Role::Button, "Save copy").click();
    let before = scene.fake.count();
    scene.settle_until(|scene| scene.fake.count() > before);
    assert_eq!(scene.fake.last().1, JobSpec::OpenProject(root.join("b")));
    assert_eq!(Project::open(&root.join("b")).unwrap().file.name, "Eight styles copy");
}

#[test]
fn images_and_groups_have_menus() {
    let mut scene = Scene::loaded();
    scene.window.get_by_role_and_label(Role::ListBoxOption, "seed-12").click_secondary();
    scene.settle();
    for entry in ["Show", "Show in folder", "Copy name", "Remove from list"] {
        scene.window.get_by_role_and_label(Role::Button, entry);
    }
    assert!(!is_enabled(&scene, "Show in folder"), "it was generated");
    scene.window.get_by_role_and_label(Role::Button, "Explain").click();
    scene.settle();
    assert_eq!(scene.app().state.query().map(|q| q.image.name.as_str()), Some("seed-12"));
    assert!(matches!(scene.fake.last().1, JobSpec::Attribute(_)));

    scene.window.get_by_label("Group mosaic, 120 images").click_secondary();
    scene.settle();
    scene.window.get_by_label("Copy name");
    scene.window.get_by_label("Show its images in the library").click();
    scene.settle();
    let mosaic = scene.app().state.groups().iter().position(|g| g == "mosaic");
    assert_eq!(scene.app().library.options.filter.groups, mosaic.into_iter().collect());
}

#[test]
fn the_dialogs_fit_the_smallest_window() {
    let mut scene = Scene::build(Harness::builder().with_size([960.0, 600.0]));
    scene.load(None);
    command(&mut scene, Command::OpenAs(PathKind::Dataset, fixture("digits/images")));
    let window = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(960.0, 600.0));
    let inside = |scene: &Scene, name: &str| {
        let rect = scene.window.get_by_role_and_label(Role::Button, name).rect();
        assert!(window.contains_rect(rect), "{name}: {rect:?}");
    };
    inside(&scene, "Replace in this project");
    scene.window.get_by_label("New project with it").click();
    scene.settle();
    step_until(&mut scene, form_is_read);
    inside(&scene, "Create project");
    command(&mut scene, Command::Project(ProjectCommand::CancelNew));
    scene.act(Action::SaveProjectAs);
    inside(&scene, "Save copy");
    command(&mut scene, Command::Project(ProjectCommand::CancelCopy));
    scene.act(Action::CloseProject);
    inside(&scene, "Open the example: Eight styles");
}
