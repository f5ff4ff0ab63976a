//! Background tasks that fail hold nothing up; undo does not go back to other training images.

use std::path::PathBuf;
use std::sync::Arc;

use egui_kittest::kittest::Queryable as _;

use super::scenes::{Scene, paintings};
use crate::app::actions::{Action, Command};
use crate::app::background_tasks::{Failure, Message, Task};
use crate::app::files::{FilePicker, Pick};
use crate::app::task_failures;
use whence_jobs::{EventKind, JobSpec};

/// A dialog that breaks down.
struct Broken;

impl FilePicker for Broken {
    fn pick(&self, _what: Pick) -> Option<PathBuf> {
        panic!("the portal is gone")
    }
}

/// Lets a task panic, and waits until nothing waits for it.
fn fail(scene: &mut Scene, task: Task, done: impl Fn(&Scene) -> bool) {
    assert!(!done(scene), "{} is under way", task.name);
    scene.app().background_tasks.run(task, || panic!("on purpose"));
    scene.settle_until(done);
}

fn reported(scene: &Scene, words: &str) -> bool {
    scene.app().state.notifications.iter().any(|n| n.failed && n.line().contains(words))
}

#[test]
fn a_dialog_that_breaks_down_can_be_opened_again() {
    let mut scene = Scene::loaded();
    scene.window.state_mut().picker = Arc::new(Broken);
    let ctx = scene.window.ctx.clone();
    scene.window.state_mut().command(&ctx, Command::Pick(Pick::Query));
    assert!(scene.app().forms.dialog_open);
    scene.settle_until(|scene| !scene.app().forms.dialog_open);
    assert!(reported(&scene, "Could not open the system's dialog"));
    assert!(scene.window.query_all_by_label_contains("Could not open the system's dialog").next().is_some());
}

#[test]
fn saving_that_panics_is_said_in_the_dialog_and_can_be_tried_again() {
    let mut scene = Scene::done();
    let draft = &mut scene.window.state_mut().forms.export;
    (draft.open, draft.busy) = (true, true);
    scene.window.run();
    fail(&mut scene, task_failures::EXPORT, |scene| !scene.app().forms.export.busy);
    scene.window.get_by_label_contains("Nothing was saved: there was an internal error");
    scene.window.get_by_label("Save");
}

#[test]
fn a_recipe_a_path_and_a_look_up_that_panic_hold_nothing_up() {
    let mut scene = Scene::loaded();
    scene.window.state_mut().forms.reading_recipe = true;
    fail(&mut scene, task_failures::RECIPE, |scene| !scene.app().forms.reading_recipe);
    assert!(reported(&scene, "Could not read the project's recipe"));
    scene.window.state_mut().state.opening = true;
    fail(&mut scene, task_failures::INSPECT, |scene| !scene.app().state.opening);
    assert!(reported(&scene, "Could not open this"));
    let app = scene.window.state_mut();
    let want = (app.state.queries[0].key, app.state.dataset_id, 3);
    app.nearest_lookup = Some(want);
    fail(&mut scene, task_failures::NEAREST, |scene| !scene.app().is_finding_nearest());
    assert!(reported(&scene, "Could not find the nearest training images"));
    let known = &scene.app().state.queries[0].nearest;
    assert!(known.get(&3).is_some_and(Vec::is_empty), "the same is not looked for in every frame from now on");
}

#[test]
fn a_task_without_a_thread_is_reported_like_one_that_panics() {
    let mut scene = Scene::loaded();
    scene.window.state_mut().forms.dialog_open = true;
    let post = scene.app().background_tasks.post();
    post(Message::TaskFailed(task_failures::DIALOG, Failure::NoThread));
    scene.settle_until(|scene| !scene.app().forms.dialog_open);
    assert!(reported(&scene, "provides no more threads"));
}

#[test]
fn an_order_that_panics_is_given_up_and_another_is_made() {
    let mut scene = Scene::loaded();
    let app = scene.window.state_mut();
    app.library.open = true;
    app.library.arrange(&app.state, &app.background_tasks);
    let lost = app.background_tasks.inbox.recv().unwrap();
    assert!(matches!(lost, Message::Arranged(..)));
    fail(&mut scene, task_failures::ARRANGE, |scene| !scene.app().library.is_behind());
    assert!(reported(&scene, "Could not sort the library"));
    let app = scene.window.state_mut();
    app.library.open = true;
    app.library.arrange(&app.state, &app.background_tasks);
    assert!(!app.library.is_behind(), "the same is not tried in every frame from now on");
    app.library.options.filter.search = "a".into();
    app.library.arrange(&app.state, &app.background_tasks);
    scene.settle_until(|scene| !scene.app().library.is_behind());
    let (shown, _) = scene.app().library.arrangement(scene.app().state.dataset_id).unwrap();
    assert!(!shown.order.is_empty());
}

#[test]
fn one_step_back_does_not_select_the_group_of_other_training_images() {
    let mut scene = Scene::loaded();
    let ctx = scene.window.ctx.clone();
    for group in [2, 5] {
        scene.window.state_mut().command(&ctx, Command::SelectGroup(Some(group)));
        scene.settle();
    }
    assert!(scene.app().shell.history.can_undo());
    let before = scene.app().state.group;
    scene.done_at_once(JobSpec::LoadDataset("/elsewhere".into()), EventKind::DatasetLoaded(paintings()));
    assert!(!scene.app().shell.history.can_undo());
    scene.act(Action::Undo);
    assert_eq!(scene.app().state.group, before);
}
