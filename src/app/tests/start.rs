//! The first frames, and what is typed into a field that is just coming.

use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::{Context, Event, Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use parking_lot::Mutex;

use super::scenes::{Fake, Scene};
use crate::app::actions::{Action, Command};
use crate::app::panels::PanelId;
use crate::app::{Options, WhenceApp};
use whence_base::Error;
use whence_jobs::{EventKind, JobSpec};

const HELP: &str = "Open a project or a model folder, or drop one here.";

#[test]
fn a_window_that_is_about_to_open_something_says_so() {
    let mut scene = Scene::new();
    scene.window.state_mut().state.opening = true;
    scene.settle();
    scene.window.get_by_label("Project Opening…");
    assert!(scene.window.get_all_by_label("Opening…").count() >= 3, "image, ranking, strip at the bottom");
    for said in [HELP, "Open a model first", "Ready", "Open a dataset…"] {
        assert!(scene.window.query_by_label(said).is_none(), "{said}");
    }
    scene.act(Action::ShowPanel(PanelId::Library));
    scene.window.get_by_label("This panel fills once the project is open.");
    scene.start(JobSpec::OpenProject("/projects/demo".into()));
    scene.settle();
    assert!(!scene.app().state.opening, "the job speaks for itself");
}

#[test]
fn what_cannot_be_opened_ends_the_opening() {
    let app = WhenceApp::new(&Context::default(), Options::default());
    assert!(app.state.opening, "from the first frame");
    let options = Options { project: Some("/nowhere/at/all".into()), ..Options::default() };
    let fake = Fake::default();
    let (engine, picker) = (fake.clone(), Arc::new(fake.clone()));
    let window = Harness::builder().with_size([1280.0, 800.0]).build_eframe(move |creation| {
        let mut app = WhenceApp::new(&creation.egui_ctx, options);
        app.backend = Some(Box::new(engine));
        app.picker = picker;
        app
    });
    let mut scene = Scene { window, fake };
    scene.settle_until(|scene| scene.app().forms.path_error.is_some());
    scene.window.get_by_label_contains("/nowhere/at/all does not exist");
    scene.window.get_by_label("Open the example: Eight styles");
}

#[test]
fn what_is_typed_right_behind_ctrl_l_goes_into_the_field() {
    let mut scene = Scene::new();
    let press = |key, modifiers| Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers };
    scene.window.input_mut().events.push(press(Key::L, Modifiers::COMMAND));
    // The same frame still: a digit would lead to another tab.
    scene.window.input_mut().events.extend([press(Key::Num3, Modifiers::NONE), Event::Text("3".into())]);
    scene.window.step();
    assert_eq!(scene.app().forms.path, "3");
    // The very next one.
    scene.window.input_mut().events.extend([press(Key::Num4, Modifiers::NONE), Event::Text("4/".into())]);
    scene.window.step();
    assert_eq!(scene.app().forms.path, "34/");
    scene.window.input_mut().events.push(Event::Text("w".into()));
    scene.settle();
    assert_eq!(scene.app().forms.path, "34/w");
    assert_eq!(scene.app().dock.shown(), [PanelId::Ranking]);
    assert!(scene.window.get_by_label("Path to open").accesskit_node().is_focused());
}

#[test]
fn the_palette_leads_to_the_path_field_too() {
    let mut scene = Scene::new();
    scene.act(Action::Palette);
    scene.window.get_by_label("Search or run").type_text("open path");
    scene.settle();
    scene.window.key_press(Key::Enter);
    scene.settle();
    scene.window.input_mut().events.push(Event::Text("/a".into()));
    scene.settle();
    assert_eq!(scene.app().forms.path, "/a");
}

#[test]
fn a_wrong_path_moves_nothing() {
    let mut scene = Scene::new();
    let ctx = scene.window.ctx.clone();
    let tab = |scene: &Scene| scene.window.get_by_role_and_label(egui::accesskit::Role::Tab, "Explain").rect();
    let before = tab(&scene);
    scene.window.state_mut().command(&ctx, Command::Open("/nowhere/at/all".into()));
    scene.settle_until(|scene| scene.app().forms.path_error.is_some());
    scene.window.get_by_label_contains("/nowhere/at/all does not exist");
    assert_eq!(tab(&scene), before);
    scene.window.get_by_label("Dismiss").click();
    scene.settle();
    assert!(scene.app().forms.path_error.is_none());
}

/// Runs `--screenshot` until the window closes. What it reports on standard error, and whether there is an image.
fn screenshot(project: &str, events: impl Fn(&JobSpec) -> EventKind) -> (Option<String>, bool) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("window.png");
    let options = Options { project: Some(project.into()), screenshot: Some(path.clone()), ..Options::default() };
    let fake = Fake::default();
    let (engine, picker) = (fake.clone(), Arc::new(fake.clone()));
    let failure: Arc<Mutex<Option<Error>>> = Arc::default();
    let reported = Arc::clone(&failure);
    let window = Harness::builder().with_size([1280.0, 800.0]).build_eframe(move |creation| {
        let mut app = WhenceApp::new(&creation.egui_ctx, options);
        app.report_failures_to(reported);
        app.backend = Some(Box::new(engine));
        app.picker = picker;
        app
    });
    let mut scene = Scene { window, fake };
    let start = Instant::now();
    loop {
        scene.window.step();
        let output = &scene.window.output().viewport_output[&egui::ViewportId::ROOT];
        if output.commands.contains(&egui::ViewportCommand::Close) {
            break;
        }
        let jobs: Vec<_> = scene.app().state.jobs.iter().map(|j| (j.id, j.spec.clone())).collect();
        for (job, spec) in jobs {
            scene.push(job, events(&spec));
        }
        assert!(start.elapsed() < Duration::from_secs(20), "the window never closes");
        std::thread::sleep(Duration::from_millis(2));
    }
    let text = failure.lock().take().map(|error| error.to_string());
    (text, path.exists())
}

#[test]
fn a_screenshot_of_what_cannot_be_opened_ends_and_says_why() {
    let nothing = |spec: &JobSpec| panic!("{spec:?}");
    let (text, image) = screenshot("/nowhere/at/all", nothing);
    assert!(text.is_some_and(|t| t.contains("/nowhere/at/all")) && !image);

    let folder = tempfile::tempdir().unwrap();
    let view = folder.path().join("view.png");
    whence_report::write_recipe_png(&view, &[0; 300], (10, 10), &whence_report::ViewRecipe::default()).unwrap();
    let bytes = std::fs::read(&view).unwrap();
    std::fs::write(&view, &bytes[..bytes.len() - 9]).unwrap();
    let (text, image) = screenshot(&view.to_string_lossy(), nothing);
    assert!(text.is_some_and(|t| t.contains("this PNG cannot be read")) && !image);

    let text = folder.path().join("passwd");
    std::fs::write(&text, "root").unwrap();
    let failed = |_: &JobSpec| EventKind::Failed("not a PNG. Open another file".into());
    let (text, image) = screenshot(&text.to_string_lossy(), failed);
    assert_eq!((text.as_deref(), image), (Some("Not a PNG. Open another file."), false));
}
