//! The real window, driven through its accessibility tree: events in, accessible names and images out.

pub(super) mod bench;
mod embedding;
mod evidence;
mod explorer;
mod export;
mod export_image;
mod gallery;
mod hover;
mod library;
mod library_order;
mod messages;
mod names;
mod organise;
mod project_scenes;
mod projects;
mod queue;
mod reading;
mod reopen;
mod report;
mod restore;
mod results;
mod scenes;
mod score_map;
mod screenshots;
mod shell;
mod small;
mod snapshots;
mod start;
mod task_failures;
mod trust;
mod two_windows;
mod words;

use std::path::PathBuf;
use std::sync::Arc;

use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::actions::Action;
use scenes::Scene;
pub(super) use scenes::paintings;
use whence_jobs::{EventKind, JobSpec};
use whence_methods::Unit;

#[test]
fn an_empty_window_names_what_to_open() {
    let mut scene = Scene::new();
    scene.settle();
    scene.window.get_by_label("Open a project or a model folder, or drop one here.");
    scene.window.get_by_label("Open a model first");
    assert!(scene.window.get_by_label("Explain this image").accesskit_node().is_disabled());
}

#[test]
fn a_loaded_window_explains_on_ctrl_enter() {
    let mut scene = Scene::loaded();
    scene.window.get_by_label("Which groups shaped this image?");
    scene.window.get_by_label("Group woodcut, 120 images");
    scene.window.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    scene.settle();
    let (_, spec) = scene.fake.last();
    let JobSpec::Attribute(job) = spec else { panic!("{spec:?}") };
    assert!(job.live && job.method == "guda" && job.neighbours == 12);
    assert_eq!(job.settings.timesteps.to_string(), "50");
    scene.window.get_by_label("A quick preview comes first, then the score of each group.");
}

#[test]
fn groups_are_selected_by_mouse_and_by_keys_and_show_their_nearest_images() {
    let mut scene = Scene::loaded();
    scene.window.get_by_label("Group mosaic, 120 images").click();
    scene.settle();
    let mosaic = scene.app().state.groups().iter().position(|g| g == "mosaic");
    assert_eq!(scene.app().state.group, mosaic);
    assert_eq!(scene.window.get_all_by_label_contains("mosaic/").count(), 12, "nearest images with distances");
    scene.window.key_press(Key::ArrowDown);
    scene.settle();
    assert_eq!(scene.app().state.group, mosaic.map(|g| g + 1));
    scene.window.key_press(Key::Escape);
    scene.settle();
    assert_eq!(scene.app().state.group, None);
}

#[test]
fn a_running_explanation_shows_preview_losses_and_cancel() {
    let mut scene = Scene::running(3);
    assert_eq!(scene.window.get_all_by_label_contains("nats, preview").count(), 5);
    scene.window.get_by_label_contains("forget loss");
    scene.window.get_by_label("3 of 8 groups scored; \u{201c}pointillism\u{201d} ranks first so far");
    scene.window.get_by_label("Cancel").click();
    scene.settle();
    let job = scene.app().state.active().map(|j| j.id);
    assert_eq!(scene.fake.cancelled(), job);
    scene.window.get_by_label("stopping…");
    scene.emit(EventKind::Cancelled);
    scene.window.get_by_label_contains("cancelled; finished results are kept");
    scene.window.get_by_label("Stopped: the other groups were not scored.");
}

#[test]
fn a_finished_explanation_shows_ranks_and_ties() {
    let scene = Scene::done();
    scene.window.get_by_label_contains("Pointillism ranks first");
    scene.window.get_by_label_contains("pointillism: +41");
    scene.window.get_by_label_contains("rank 4, tied with the group above");
    assert!(
        scene.window.query_by_label_contains("caused").is_none()
            && scene.window.query_by_label_contains("copied").is_none()
    );
}

#[test]
fn scores_are_shown_in_the_unit_of_their_method() {
    let mut scene = Scene::loaded();
    scene.finish_with(|all| all.unit = Unit::Cosine);
    assert_eq!(scene.window.get_all_by_label_contains("cosine similarity, 95% confidence interval").count(), 8);
    scene.window.get_by_label_contains("has the most similar training images");
    assert!(scene.window.query_by_label_contains(" nats, 95% confidence").is_none());
    assert!(scene.window.query_by_label_contains("At 0, removing").is_none());
}

#[test]
fn a_failed_job_shows_a_remedy_and_can_be_retried() {
    let mut scene = Scene::running(1);
    scene.emit(EventKind::Failed("the device ran out of memory. Choose a smaller batch".into()));
    scene.window.get_by_label("Could not explain the image");
    scene.window.get_by_label("Try again").click();
    scene.settle();
    assert!(matches!(scene.fake.last().1, JobSpec::Attribute(_)));
    assert!(scene.window.query_by_label("Could not explain the image").is_none());
}

#[test]
fn a_typed_path_is_opened_by_its_type() {
    let mut scene = Scene::new();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("project.json"), "{}").unwrap();
    scene.window.key_press_modifiers(Modifiers::COMMAND, Key::L);
    scene.settle();
    scene.window.get_by_label("Path to open").type_text(&folder.path().display().to_string());
    scene.window.run_ok();
    scene.window.key_press(Key::Enter);
    scene.settle_until(|scene| scene.fake.count() > 0);
    assert_eq!(scene.fake.last().1, JobSpec::OpenProject(folder.path().to_owned()));
}

#[test]
fn undo_in_a_text_field_changes_the_text_and_not_the_selection() {
    let mut scene = Scene::loaded();
    scene.window.get_by_label("Group mosaic, 120 images").click();
    scene.settle();
    scene.window.key_press_modifiers(Modifiers::COMMAND, Key::L);
    scene.settle();
    scene.window.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    scene.settle();
    assert!(scene.app().state.group.is_some());
    scene.window.get_by_role_and_label(egui::accesskit::Role::Tab, "Explain").click();
    scene.settle();
    scene.window.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    scene.settle();
    assert!(scene.app().state.group.is_none());
}

#[test]
fn a_missing_path_is_reported_beside_the_field() {
    let mut scene = Scene::new();
    let ctx = scene.window.ctx.clone();
    let path = PathBuf::from("/nowhere/at/all");
    scene.window.state_mut().command(&ctx, super::actions::Command::Open(path));
    scene.settle_until(|scene| scene.app().forms.path_error.is_some());
    scene.window.get_by_label_contains("/nowhere/at/all does not exist");
}

#[test]
fn dialogs_do_not_block_the_window() {
    let mut scene = Scene::new();
    scene.window.key_press_modifiers(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::O);
    scene.settle();
    assert!(scene.app().forms.dialog_open, "the window goes on while the dialog is open");
    scene.window.get_by_label_contains("A file dialog is open");
    scene.fake.answer_dialog(Some("/images/a.png".into()));
    scene.settle_until(|scene| scene.fake.count() > 0);
    assert_eq!(scene.fake.last().1, JobSpec::LoadQuery("/images/a.png".into()));
    assert!(!scene.app().forms.dialog_open);
}

#[test]
fn generating_from_a_seed_shows_a_live_preview() {
    let mut scene = Scene::loaded();
    scene.window.get_by_label("Generate").click();
    scene.settle();
    assert!(matches!(scene.fake.last().1, JobSpec::GenerateQuery(job) if job.seed == 0));
    assert_eq!(scene.app().forms.seed, 1, "the next press draws another");
    let pixels = scene.app().state.query().map(|q| q.image.pixels.clone()).unwrap_or_default();
    scene.emit(EventKind::Started);
    scene.emit(EventKind::Preview { step: 12, steps: 50, pixels });
    scene.window.get_by_label("step 12 of 50");
}

#[test]
fn class_conditional_models_show_a_class_field() {
    let mut scene = Scene::conditional(10);
    scene.window.state_mut().forms.class = 4;
    scene.settle();
    scene.window.get_by_label("Class");
    scene.act(Action::Generate);
    assert!(matches!(scene.fake.last().1, JobSpec::GenerateQuery(job) if job.sampling.class == Some(4)));
}

#[test]
fn help_opens_and_closes_by_key() {
    let mut scene = Scene::new();
    scene.window.key_press(Key::F1);
    scene.settle();
    scene.window.get_by_label("Close");
    scene.window.key_press(Key::Escape);
    scene.settle();
    assert!(scene.window.query_by_label("Close").is_none());
}

#[test]
fn dropped_files_are_opened_and_hovering_ones_announced() {
    #[derive(Debug)]
    struct Dropped(PathBuf);
    impl egui::DroppedFile for Dropped {
        fn path(&self) -> &std::path::Path {
            &self.0
        }
        fn bytes(&self) -> Result<Vec<u8>, String> {
            Err("not needed".into())
        }
    }
    let mut scene = Scene::new();
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("a.png");
    std::fs::write(&image, "").unwrap();
    scene.window.input_mut().dropped_files.push(Arc::new(Dropped(image.clone())));
    scene.settle_until(|scene| scene.fake.count() > 0);
    assert_eq!(scene.fake.last().1, JobSpec::LoadQuery(image));
}

impl Scene {
    /// Fails where the window requests frames although nothing happens. Background tasks may still wake it for a while.
    pub fn rests(&mut self) {
        let start = std::time::Instant::now();
        loop {
            self.window.step();
            let wait = self.window.output().viewport_output[&egui::ViewportId::ROOT].repaint_delay;
            if wait > std::time::Duration::from_secs(60) {
                break;
            }
            assert!(start.elapsed() < std::time::Duration::from_secs(5), "the next frame is asked for in {wait:?}");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

#[test]
fn an_idle_window_requests_no_frames() {
    let mut scene = Scene::done();
    scene.settle();
    scene.rests();
}

#[test]
fn a_thousand_groups_and_long_names_fit_the_window() {
    let scene = Scene::many(1000);
    scene.window.get_by_label_contains("ranks first");
}
