//! BackgroundTasks that panic hold nothing up; moments of other training images are not gone back to.

use std::path::PathBuf;
use std::sync::Arc;

use egui_kittest::kittest::Queryable as _;

use super::scenes::{Scene, paintings};
use crate::app::actions::{Action, Command};
use crate::app::background_tasks::Message;
use crate::app::files::{FilePicker, Pick};
use whence_jobs::{EventKind, JobSpec};

/// A dialog that breaks down.
struct Broken;

impl FilePicker for Broken {
    fn pick(&self, _what: Pick) -> Option<PathBuf> {
        panic!("the portal is gone")
    }
}

/// Lets an errand of this name panic, and waits until nothing waits for it.
fn fail(scene: &mut Scene, name: &'static str, done: impl Fn(&Scene) -> bool) {
    assert!(!done(scene), "{name} is under way");
    assert!(scene.app().background_tasks.run(name, || panic!("on purpose")));
    scene.settle_until(done);
}

fn told(scene: &Scene, words: &str) -> bool {
    scene.app().state.notices.iter().any(|n| n.failed && n.text.contains(words))
}

#[test]
fn a_dialog_that_breaks_down_can_be_opened_again() {
    let mut scene = Scene::loaded();
    scene.window.state_mut().picker = Arc::new(Broken);
    let ctx = scene.window.ctx.clone();
    scene.window.state_mut().command(&ctx, Command::Pick(Pick::Query));
    assert!(scene.app().forms.dialog_open);
    scene.settle_until(|scene| !scene.app().forms.dialog_open);
    assert!(told(&scene, "dialog broke down"));
    assert!(scene.window.query_all_by_label_contains("dialog broke down").next().is_some());
}

#[test]
fn saving_that_panics_is_said_in_the_dialog_and_can_be_tried_again() {
    let mut scene = Scene::done();
    let draft = &mut scene.window.state_mut().forms.export;
    (draft.open, draft.busy) = (true, true);
    scene.window.run();
    fail(&mut scene, "export", |scene| !scene.app().forms.export.busy);
    scene.window.get_by_label_contains("Nothing was saved, by a fault");
    scene.window.get_by_label("Save");
}

#[test]
fn a_recipe_a_path_and_a_look_up_that_panic_hold_nothing_up() {
    let mut scene = Scene::loaded();
    scene.window.state_mut().forms.reading_recipe = true;
    fail(&mut scene, "recipe", |scene| !scene.app().forms.reading_recipe);
    assert!(told(&scene, "recipe cannot be read"));
    scene.window.state_mut().state.opening = true;
    fail(&mut scene, "look", |scene| !scene.app().state.opening);
    assert!(told(&scene, "What was to be opened"));
    let app = scene.window.state_mut();
    let want = (app.state.queries[0].key, app.state.dataset_number, 3);
    app.looking = Some(want);
    fail(&mut scene, "nearest", |scene| !scene.app().is_looking());
    assert!(told(&scene, "nearest training images"));
    let known = &scene.app().state.queries[0].nearest;
    assert!(known.get(&3).is_some_and(Vec::is_empty), "the same is not looked for in every frame from now on");
}

#[test]
fn an_order_that_panics_is_given_up_and_another_is_made() {
    let mut scene = Scene::loaded();
    let app = scene.window.state_mut();
    app.library.open = true;
    app.library.arrange(&app.state, &app.background_tasks);
    let lost = app.background_tasks.inbox.recv().unwrap();
    assert!(matches!(lost, Message::Arranged(..)));
    fail(&mut scene, "arrange", |scene| !scene.app().library.is_behind());
    assert!(told(&scene, "cannot be put into this order"));
    let app = scene.window.state_mut();
    app.library.open = true;
    app.library.arrange(&app.state, &app.background_tasks);
    assert!(!app.library.is_behind(), "the same is not tried in every frame from now on");
    app.library.wish.search = "a".into();
    app.library.arrange(&app.state, &app.background_tasks);
    scene.settle_until(|scene| !scene.app().library.is_behind());
    let (shown, _) = scene.app().library.arrangement(scene.app().state.dataset_number).unwrap();
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
