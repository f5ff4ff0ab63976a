//! Regeneration without the selected group, and the training images of the group.

use egui::{Event, Key, Modifiers, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use super::bench::{self, Bench};
use super::scenes::Scene;
use crate::app::actions::Command;
use crate::app::state::State;
use whence_jobs::{AffectedImage, EventKind, Evidence, JobSpec, QueryOrigin};

const SIZE: [f32; 2] = [1036.0, 676.0];

fn panel(state: State) -> Harness<'static, Bench> {
    let mut harness = bench::plain(bench::explain, SIZE, state);
    harness.run();
    harness
}

fn drawn() -> State {
    let mut state = bench::explained();
    let image = bench::regenerated(&state, 50);
    let group = state.group;
    bench::found(&mut state, EventKind::Regenerated { group, image });
    state
}

fn drawn_and_moved() -> State {
    let mut state = drawn();
    let (group, images) = (state.group.unwrap(), bench::affected_images(&state));
    bench::found(&mut state, EventKind::MostAffected { group, images });
    state
}

#[test]
fn without_a_selection_the_panel_asks_for_one() {
    let mut state = bench::explained();
    state.group = None;
    panel(state).get_by_label_contains("Select a group to see the image without it");
    panel(State::default()).get_by_label_contains("appear here once you choose an image");
}

#[test]
fn missing_evidence_can_be_requested() {
    let mut harness = panel(bench::explained());
    harness.get_by_label("Evidence for pointillism");
    harness.get_by_label("similarity is not causation");
    harness.get_by_label("Regenerate without pointillism").click();
    harness.run();
    harness.get_by_label("Compute").click();
    harness.run();
    let (group, out) = (harness.state().state.group, &harness.state().out);
    assert!(
        matches!(out[..], [Command::ComputeEvidence(Evidence::Regenerate, a), Command::ComputeEvidence(Evidence::MostAffected, b)] if a == group && b == group),
        "{out:?}"
    );
}

#[test]
fn an_image_is_shown_while_it_is_regenerated() {
    let mut state = bench::explained();
    bench::running_evidence(&mut state, Evidence::Regenerate, None);
    panel(state).get_by_label("Regenerating without pointillism: in the queue");
    let mut state = bench::explained();
    bench::running_evidence(&mut state, Evidence::Regenerate, Some(bench::progress("drawing", 0.24)));
    let (group, image) = (state.group, bench::regenerated(&state, 12));
    bench::found(&mut state, EventKind::Regenerated { group, image });
    let harness = panel(state);
    harness.get_by_label("Step 12 of 50: drawing, 12 s left");
    harness.get_by_label("The image while it is regenerated without pointillism");
    assert!(harness.query_by_label("Wipe").is_none(), "nothing to compare yet");
}

#[test]
fn the_wipe_follows_pointer_keys_and_screen_readers() {
    let mut harness = panel(drawn());
    let name = "Wipe between Original and Without pointillism";
    let value = |harness: &Harness<'_, Bench>| harness.get_by_label(name).value().unwrap();
    assert_eq!(value(&harness), "50% Original");
    let rect = harness.get_by_label(name).rect();
    harness.event(Event::PointerMoved(rect.left_center() + vec2(1.0, 0.0)));
    harness.run();
    assert_eq!(value(&harness), "0% Original");
    // The pointer rests while keys move the wipe.
    harness.get_by_label(name).focus();
    harness.run();
    for _ in 0..3 {
        harness.key_press(Key::ArrowRight);
        harness.run();
    }
    assert_eq!(value(&harness), "6% Original");
    assert!(harness.get_by_label(name).is_focused());
    harness.get_by_label(name).set_value_accesskit(80.0);
    harness.run();
    harness.get_by_label(name).decrement_accesskit();
    harness.run();
    assert_eq!(value(&harness), "78% Original");
}

#[test]
fn keys_and_buttons_choose_the_comparison_mode() {
    let mut harness = panel(drawn());
    harness.key_press(Key::D);
    harness.run();
    harness.get_by_label("Difference (×4): Original, Without pointillism");
    harness.key_press(Key::W);
    harness.run();
    harness.get_by_label_contains("Wipe between");
    harness.get_by_label("Side by side").click();
    harness.run();
    harness.get_by_label("Side by side: Original, Without pointillism");
    // Held and released.
    harness.key_down(Key::B);
    harness.run();
    harness.get_by_label("Blink: Without pointillism");
    harness.key_up(Key::B);
    harness.run();
    harness.get_by_label("Blink: Original");
    let button = harness.get_by_label("Blink").rect().center();
    harness.drag_at(button);
    harness.run();
    harness.get_by_label("Blink: Without pointillism");
    harness.drop_at(button);
    harness.run();
    harness.get_by_label("Blink: Original");
    // Keyboards and screen readers toggle it.
    for shown in ["Blink: Without pointillism", "Blink: Original"] {
        harness.get_by_label("Blink").click_accesskit();
        harness.run();
        harness.get_by_label(shown);
    }
    // Ctrl+D generates an image and is not a key of this panel.
    harness.key_press_modifiers(Modifiers::COMMAND, Key::D);
    harness.run();
    harness.get_by_label("Blink: Original");
}

#[test]
fn the_unlearned_image_stands_beside_the_retrained_one() {
    assert!(panel(drawn()).query_by_label("Retrained").is_none(), "there is no such model");
    let mut state = drawn();
    let (group, image) = (state.group.unwrap(), bench::regenerated(&state, 50));
    bench::found(&mut state, EventKind::RegeneratedByRetrained { group, image });
    let mut harness = panel(state);
    harness.get_by_label("Wipe between Original and Unlearned");
    harness.get_by_label("Retrained").click();
    harness.run();
    harness.get_by_label("Wipe between Original and Retrained");
    harness.get_by_label("Unlearned").click();
    harness.get_by_label("Side by side").click();
    harness.run();
    harness.get_by_label("Side by side: Original, Unlearned, Retrained");
}

#[test]
fn images_from_files_are_compared_with_the_full_models_regeneration() {
    let mut state = drawn();
    let key = state.current.unwrap();
    state.query_mut(key).unwrap().image.origin = QueryOrigin::File("/images/a.png".into());
    let image = bench::regenerated(&state, 50);
    bench::found(&mut state, EventKind::Regenerated { group: None, image });
    let mut harness = panel(state);
    harness.get_by_label("Wipe between Full model and Without pointillism");
    harness.get_by_label("no seed: half of the steps regenerated");
    harness.key_press(Key::D);
    harness.run();
    harness.get_by_label("Difference (×4): Full model, Without pointillism");
}

#[test]
fn affected_images_show_nats() {
    let harness = panel(drawn_and_moved());
    assert_eq!(harness.get_all_by_label_contains("nats when its group was unlearned").count(), 12);
    harness.get_by_label_contains("\u{2212}31.0 nats when its group was unlearned");
    let mut state = drawn();
    let group = state.group.unwrap();
    bench::found(&mut state, EventKind::MostAffected { group, images: vec![AffectedImage { index: 0, score: -1.0 }] });
    panel(state).get_by_label("No image of the group became less likely.");
}

#[test]
fn the_panel_fits_a_small_space() {
    let harness = panel(drawn_and_moved());
    let window = egui::Rect::from_min_size(egui::Pos2::ZERO, SIZE.into());
    for label in ["Evidence for pointillism", "Side by side", "similarity is not causation", "Wipe between Original"] {
        let rect = harness.get_by_label_contains(label).rect();
        assert!(window.contains_rect(rect), "{label} at {rect:?}");
    }
    for node in harness.get_all_by_label_contains("nats when its group").take(3) {
        assert!(node.rect().bottom() <= window.bottom(), "{:?}", node.rect());
    }
}

#[test]
fn requests_start_a_job_for_the_query_on_screen() {
    let mut scene = Scene::done();
    let ctx = scene.window.ctx.clone();
    for (what, group, groups) in [
        (Evidence::Regenerate, Some(4), vec![scene.app().state.group_name(4).to_owned()]),
        (Evidence::Map, None, Vec::new()),
    ] {
        scene.window.state_mut().command(&ctx, Command::ComputeEvidence(what, group));
        let JobSpec::Evidence(job) = scene.fake.last().1 else { panic!("{:?}", scene.fake.last()) };
        assert_eq!((job.what, job.seed, job.of.groups), (what, Some(7), groups));
        assert!(scene.app().state.running_evidence(what, group).is_some());
    }
    let jobs = scene.fake.count();
    scene.window.state_mut().state.model = None;
    scene.window.state_mut().command(&ctx, Command::ComputeEvidence(Evidence::MostAffected, Some(1)));
    assert_eq!(scene.fake.count(), jobs, "no model to compute with");
    assert!(scene.app().state.notifications.iter().any(|n| n.text.contains("Open a model")));
}
