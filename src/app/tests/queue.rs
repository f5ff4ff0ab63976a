//! The list of jobs, and what can be done to each.

use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::scenes::{QueueCall, Scene};
use crate::app::actions::Action;
use whence_jobs::Priority::{Front, Normal};
use whence_jobs::{EventKind, JobSpec, Progress, TrainJob};
use whence_training::TrainingConfig;

fn train() -> JobSpec {
    JobSpec::Train(Box::new(TrainJob {
        data: "/data".into(),
        group_column: None,
        config: TrainingConfig::default(),
        exclude_group: None,
        out: "/out".into(),
    }))
}

/// A window in which one image is being explained, and another waits with a training behind it: their numbers.
fn three() -> (Scene, [u64; 3]) {
    let mut scene = Scene::running(1);
    let first = scene.fake.last().0;
    scene.act(Action::PreviousQuery);
    scene.act(Action::Explain);
    let second = scene.fake.last().0;
    scene.window.state_mut().start(train(), true);
    let third = scene.fake.last().0;
    scene.settle();
    (scene, [first, second, third])
}

fn titles(scene: &Scene) -> Vec<String> {
    scene.app().state.jobs.iter().map(|j| j.title.clone()).collect()
}

#[test]
fn the_running_job_is_paused_and_resumed_by_button_and_by_keys() {
    let mut scene = Scene::running(2);
    let job = scene.fake.last().0;
    scene.fake.queue_calls();
    scene.window.get_by_label("Pause").click();
    scene.settle();
    assert_eq!(scene.fake.queue_calls(), [QueueCall::Pause(job)]);
    scene.window.get_by_label("pausing…");
    assert!(scene.window.get_by_label("Pause").accesskit_node().is_disabled(), "once is enough");
    scene.emit(EventKind::Paused);
    scene.window.get_by_label("paused");
    scene.window.get_by_label("2 of 8 groups scored; \u{201c}pointillism\u{201d} ranks first so far");
    scene.window.key_press_modifiers(Modifiers::COMMAND, Key::P);
    scene.settle();
    assert_eq!(scene.fake.queue_calls(), [QueueCall::Resume(job)]);
    scene.emit(EventKind::Waiting);
    scene.window.get_by_label("queued");
    scene.emit(EventKind::Started);
    scene.window.key_press_modifiers(Modifiers::COMMAND, Key::P);
    scene.settle();
    assert_eq!(scene.fake.queue_calls(), [QueueCall::Pause(job)]);
}

#[test]
fn the_list_shows_jobs_in_their_order_and_acts_on_each() {
    let (mut scene, [first, second, third]) = three();
    scene.fake.order.lock().extend([third, second]);
    scene.window.key_press_modifiers(Modifiers::COMMAND, Key::J);
    scene.settle();
    assert_eq!(titles(&scene), ["Explain seed-7", "Train a model", "Explain seed-12"]);
    scene.window.get_by_label_contains("jobs.jsonl");
    scene.fake.queue_calls();
    for (name, asked) in [
        ("Pause: Explain seed-12", QueueCall::Pause(second)),
        ("First: Explain seed-12", QueueCall::Priority(second, Front)),
        ("First: Train a model", QueueCall::Priority(third, Front)),
        ("Pause: Explain seed-7", QueueCall::Pause(first)),
    ] {
        scene.window.get_by_label(name).click();
        scene.settle();
        assert_eq!(scene.fake.queue_calls(), [asked], "the list stays open: {name}");
    }
    assert!(scene.window.query_by_label("First: Explain seed-7").is_none(), "it runs already");
    scene.tell_of(third, EventKind::Paused);
    assert_eq!(titles(&scene), ["Explain seed-7", "Explain seed-12", "Train a model"]);
    scene.window.get_by_label("Resume: Train a model").focus();
    scene.window.key_press(Key::Enter);
    scene.settle();
    assert_eq!(scene.fake.queue_calls(), [QueueCall::Resume(third)], "by keys too");
    scene.window.get_by_label("Cancel: Train a model").click();
    scene.settle();
    assert_eq!(scene.fake.cancelled(), Some(third));
    scene.tell_of(third, EventKind::Cancelled);
    scene.window.get_by_label("Train a model: cancelled; finished results are kept");
    scene.window.key_press(Key::Escape);
    scene.settle();
    assert!(scene.window.query_by_label("Cancel: Explain seed-12").is_none());
}

#[test]
fn jobs_that_are_over_in_seconds_and_those_that_keep_nothing_are_not_paused() {
    let mut scene = Scene::loaded();
    scene.act(Action::Generate);
    scene.emit(EventKind::Started);
    assert!(scene.window.get_by_label("Pause").accesskit_node().is_disabled());
    scene.fake.queue_calls();
    scene.act(Action::PauseJob);
    assert_eq!(scene.fake.queue_calls(), []);
}

#[test]
fn the_image_on_screen_goes_first() {
    let mut scene = Scene::running(1);
    let first = scene.fake.last().0;
    assert_eq!(scene.fake.queue_calls().last(), Some(&QueueCall::Priority(first, Front)));
    scene.act(Action::PreviousQuery);
    assert_eq!(scene.fake.queue_calls(), [QueueCall::Priority(first, Normal)]);
    scene.act(Action::Explain);
    let second = scene.fake.last().0;
    assert_eq!(
        scene.fake.queue_calls(),
        [QueueCall::Priority(second, Front)],
        "two images can wait for their explanations"
    );
    scene.window.get_by_label("In the queue");
    scene.act(Action::NextQuery);
    assert_eq!(scene.fake.queue_calls(), [QueueCall::Priority(first, Front), QueueCall::Priority(second, Normal)]);
    scene.act(Action::Explain);
    assert_eq!(scene.fake.last().0, second, "one explanation an image");
}

#[test]
fn the_time_left_of_all_is_said_where_it_is_known_and_longer() {
    let (mut scene, [first, ..]) = three();
    let mut progress = Progress {
        phase: "unlearning".into(),
        fraction: 0.5,
        seconds_left: Some(70.0),
        queue_seconds_left: Some(70.0),
    };
    scene.tell_of(first, EventKind::Progress(progress.clone()));
    scene.window.get_by_label("1 min 10 s left");
    progress.queue_seconds_left = Some(200.0);
    scene.tell_of(first, EventKind::Progress(progress.clone()));
    scene.window.get_by_label("1 min 10 s left, 3 min 20 s in total");
    (progress.seconds_left, progress.queue_seconds_left) = (Some(9.0), None);
    scene.tell_of(first, EventKind::Progress(progress));
    scene.window.get_by_label("9 s left");
}

#[test]
fn a_group_that_is_unlearned_again_begins_its_course_again() {
    let mut scene = Scene::running(1);
    let job = scene.fake.last().0;
    let last = scene.app().state.active().and_then(|j| j.unlearning()?.points.last().copied()).unwrap();
    assert_eq!(last.step, 34);
    scene.tell_of(job, EventKind::Waiting);
    scene.tell_of(job, EventKind::Started);
    scene.tell_of(job, EventKind::Unlearning(whence_jobs::UnlearningPoint { step: 2, ..last }));
    let points = scene.app().state.active().and_then(|j| j.unlearning()).map(|c| c.points.len());
    assert_eq!(points, Some(2), "steps 1 and 2");
}
