//! Messages: one place, one entry per cause, titled by what could not be done, with details folded.

use egui::accesskit::Role;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::scenes::Scene;
use crate::app::actions::Action;
use whence_base::Error;
use whence_jobs::{EventKind, JobSpec};

/// A model that cannot be read.
fn fail(scene: &mut Scene) {
    scene.start(JobSpec::LoadModel("/models/sd".into()));
    let error = Error::input("the weights are damaged", "/models/sd/weights.safetensors", "copy them again");
    scene.emit(EventKind::Failed(error.failure()));
}

/// A failure, its details unfolded, a note, and a short message.
pub fn several(scene: &mut Scene) {
    fail(scene);
    scene.window.get_by_label("Show details").click();
    let job = scene.start(JobSpec::LoadDataset("/data".into()));
    let note = "Skipped 1 file and 1 empty folder of the dataset.\na/x.txt: not an image\nempty: no images";
    scene.push(job, EventKind::Warning(note.into()));
    scene.push(job, EventKind::Cancelled);
    scene.settle();
    scene.act(Action::Star);
}

const TITLE: &str = "Could not load model \u{201c}sd\u{201d}";

#[test]
fn a_failure_is_said_once_with_its_title_and_moves_nothing() {
    let mut scene = Scene::loaded();
    let place = |scene: &Scene| scene.window.get_by_label("Group woodcut, 120 images").rect();
    let before = place(&scene);
    fail(&mut scene);
    scene.window.get_by_label(TITLE);
    scene.window.get_by_label("The weights are damaged. Copy them again.");
    assert_eq!(scene.window.get_all_by_role(Role::Alert).count(), 1);
    assert_eq!(scene.window.get_all_by_label_contains("The weights are damaged").count(), 2, "its text, and the alert");
    assert!(scene.window.query_by_label_contains("failed").is_none(), "neither in the strip nor elsewhere");
    assert_eq!(place(&scene), before);
    for panel in crate::app::panels::PanelId::with_action() {
        scene.act(Action::ShowPanel(panel));
        assert_eq!(scene.window.get_all_by_role(Role::Alert).count(), 1, "{panel:?}");
    }
}

#[test]
fn the_same_cause_is_counted_and_goes_where_it_is_put_right() {
    let mut scene = Scene::loaded();
    fail(&mut scene);
    scene.window.get_by_label("Try again").click();
    scene.settle();
    assert!(scene.window.query_by_label(TITLE).is_none(), "hidden during the new attempt");
    let error = Error::input("the weights are damaged", "/models/sd/weights.safetensors", "copy them again");
    scene.emit(EventKind::Failed(error.failure()));
    scene.window.get_by_label(&format!("{TITLE} (2 times)"));
    scene.window.get_by_label("Try again").click();
    scene.settle();
    scene.emit(EventKind::Finished("Loaded".into()));
    assert!(scene.window.query_by_role(Role::Alert).is_none());
    let lines = scene.app().shell.log.lines.iter().filter(|l| l.text.contains("weights are damaged")).count();
    assert_eq!(lines, 2, "the log keeps both");
}

#[test]
fn paths_are_details_that_can_be_copied() {
    let mut scene = Scene::loaded();
    fail(&mut scene);
    assert!(scene.window.query_by_label_contains("weights.safetensors").is_none());
    scene.window.get_by_label("Show details").click();
    scene.settle();
    scene.window.get_by_label("/models/sd/weights.safetensors");
    scene.window.get_by_label("Copy").click();
    scene.window.step();
    let copied = scene.window.output().platform_output.commands.iter().any(
        |c| matches!(c, egui::OutputCommand::CopyText(text) if text.contains(TITLE) && text.contains("weights.safetensors")),
    );
    assert!(copied);
    scene.settle();
    scene.window.get_by_label("Dismiss").click();
    scene.settle();
    assert!(scene.window.query_by_role(Role::Alert).is_none());
}

#[test]
fn a_note_of_the_dataset_is_said_once_on_every_tab() {
    let mut scene = Scene::loaded();
    let job = scene.start(JobSpec::LoadDataset("/data".into()));
    let note = "Skipped 1 file and 1 empty folder of the dataset.\na/x.txt: not an image\nempty: no images";
    scene.push(job, EventKind::Warning(note.into()));
    scene.push(job, EventKind::Finished("Read".into()));
    scene.settle();
    for panel in crate::app::panels::PanelId::with_action() {
        scene.act(Action::ShowPanel(panel));
        let shown = scene.window.get_all_by_label_contains("Skipped 1 file").count();
        assert_eq!(shown, 2, "its text, and the alert: {panel:?}");
    }
    scene.window.get_by_label("Show details").click();
    scene.settle();
    scene.window.get_by_label_contains("empty: no images");
}

#[test]
fn many_messages_leave_room_and_name_the_log() {
    let mut scene = Scene::loaded();
    for i in 0..7 {
        scene.window.state_mut().state.notify_titled(
            crate::app::state::Slot::Other,
            "Could not do this",
            &format!("cause {i}. Try something else"),
        );
    }
    scene.settle();
    scene.window.get_by_label("3 older in the log").click();
    scene.settle();
    assert!(scene.app().shell.log_open);
    scene.window.get_by_label("Explain this image").accesskit_node();
}
