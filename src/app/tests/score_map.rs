//! The score map: maps, region selection, and the ranking of a region.

use egui::{Event, Key, Modifiers, Pos2, Rect, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::bench::{self, Bench};
use super::scenes::Scene;
use crate::app::actions::{Action, Command};
use crate::app::forms::Brush;
use crate::app::panels::score_map;
use crate::app::state::State;
use whence_diffusion::elbo::Region;
use whence_jobs::Evidence;

const SIZE: [f32; 2] = [1000.0, 660.0];

fn panel(state: State) -> Harness<'static, Bench> {
    bench::plain(score_map::show, SIZE, state)
}

fn done() -> Harness<'static, Bench> {
    let mut harness = panel(bench::mapped(bench::explained(), 8));
    harness.run();
    harness
}

/// The accessible names of the rows of the ranking, from the top.
fn rows(harness: &Harness<'_, Bench>) -> Vec<String> {
    let mut rows: Vec<(f32, String)> = harness
        .get_all_by_label_contains("nats in this region, 95% confidence interval")
        .map(|node| (node.rect().top(), node.accesskit_node().label().unwrap_or_default()))
        .collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    rows.into_iter().map(|(_, text)| text).collect()
}

fn image(harness: &Harness<'_, Bench>) -> Rect {
    harness.get_by_label_contains("Score map of").rect()
}

/// Presses the pointer at one relative position of the image and moves it to another, without releasing it.
fn drag(harness: &mut Harness<'_, Bench>, from: [f32; 2], to: [f32; 2]) {
    let rect = image(harness);
    let at = |[x, y]: [f32; 2]| rect.min + rect.size() * vec2(x, y);
    harness.drag_at(at(from));
    harness.step();
    harness.event(Event::PointerMoved(at(to)));
}

fn let_go(harness: &mut Harness<'_, Bench>, at: Pos2) {
    harness.drop_at(at);
    harness.run();
}

#[test]
fn an_unmapped_image_shows_a_button_that_requests_the_map() {
    let mut harness = panel(bench::explained());
    harness.get_by_label("Where and when does the score come from?");
    harness.get_by_label("Map this image").click();
    harness.run();
    assert!(
        matches!(harness.state().out[..], [Command::ComputeEvidence(Evidence::Map, None)]),
        "{:?}",
        harness.state().out
    );
}

#[test]
fn without_a_model_the_button_is_disabled_with_a_reason() {
    let mut state = bench::explained();
    state.model = None;
    let harness = panel(state);
    assert!(harness.get_by_label("Map this image").accesskit_node().is_disabled());
    panel(State::default()).get_by_label_contains("appear here once you choose an image");
}

#[test]
fn a_running_job_shows_the_maps_so_far() {
    let mut state = bench::explained();
    bench::running_evidence(&mut state, Evidence::Map, Some(bench::progress("mapping hatching", 0.3)));
    let harness = panel(state);
    harness.get_by_label("0 of 8 groups mapped: mapping hatching, 12 s left");
    assert!(harness.query_by_label("Map this image").is_none(), "it is being mapped");
    let mut state = bench::mapped(bench::explained(), 2);
    bench::running_evidence(&mut state, Evidence::Map, Some(bench::progress("mapping hatching", 0.3)));
    let harness = panel(state);
    harness.get_by_label("2 of 8 groups mapped: mapping hatching, 12 s left");
    assert_eq!(rows(&harness).len(), 2);
    // The selected group has no map yet, so that the image is shown without one.
    harness.get_by_label("pointillism is not mapped yet.");
    harness.get_by_label_contains("Query image ");
}

#[test]
fn a_map_with_other_evaluation_points_than_the_ranking_is_labelled() {
    let state = bench::mapped(bench::explained(), 8);
    let count = bench::maps(&state, 8)[0].points.len();
    panel(state).get_by_label("Score in this region, 95% confidence intervals");
    let mut other = bench::mapped(bench::explained(), 8);
    let key = other.current.unwrap();
    let rows = &mut other.query_mut(key).unwrap().explanations[0].ranking.rows;
    rows.iter_mut().for_each(|r| r.evaluations = count + 1);
    panel(other).get_by_label_contains(&format!("from {count} evaluations other than the ranking's"));
}

#[test]
fn a_mapped_image_ranks_the_whole_image() {
    let harness = done();
    harness.get_by_label("Whole image");
    harness.get_by_label_contains("Score map of pointillism: the whole image");
    harness.get_by_label_contains("By training timestep. Peak ");
    harness.get_by_label("Contribution of pointillism");
    harness.get_by_label_contains("nats per pixel, the same for all groups");
    let maps = bench::maps(&harness.state().state, 8);
    let best = maps.iter().map(|m| m.score(m.everywhere()).score).fold(f64::MIN, f64::max);
    let rows = rows(&harness);
    assert_eq!(rows.len(), 8);
    let shown = crate::app::format::signed(best, crate::app::format::decimals(best));
    assert!(rows[0].contains(&shown), "{} does not contain {shown}", rows[0]);
}

#[test]
fn the_ranking_follows_the_selection_in_the_same_frame() {
    let mut harness = done();
    let whole = rows(&harness);
    drag(&mut harness, [0.1, 0.1], [0.4, 0.4]);
    harness.step();
    let region = harness.state().forms.appearance.brush.expect("a region is selected").region;
    let here = rows(&harness);
    assert_ne!(here, whole);
    harness.get_by_label_contains("Selection: ");
    harness.get_by_label_contains(" nats of pointillism, ");
    // The score is the sum of the map's terms in the region.
    let maps = bench::maps(&harness.state().state, 8);
    let best = maps.iter().map(|m| m.score(region).score).fold(f64::MIN, f64::max);
    let shown = crate::app::format::signed(best, 3);
    let digits: String = shown.chars().take(4).collect();
    assert!(here[0].contains(&digits), "{} does not contain {shown}", here[0]);
    // One more move, one more frame.
    let rect = image(&harness);
    harness.event(Event::PointerMoved(rect.min + rect.size() * 0.7));
    harness.step();
    assert_ne!(rows(&harness), here);
    let_go(&mut harness, rect.min + rect.size() * 0.7);
    assert!(harness.state().forms.appearance.brush.is_some(), "it stays when the pointer lets go");
    // A click clears the region.
    let middle = image(&harness).center();
    harness.drag_at(middle);
    harness.step();
    let_go(&mut harness, middle);
    assert_eq!(harness.state().forms.appearance.brush, None);
    assert_eq!(rows(&harness), whole);
}

#[test]
fn shift_and_arrow_keys_extend_the_region() {
    let mut harness = done();
    harness.get_by_label_contains("Score map of").focus();
    harness.run();
    harness.key_press_modifiers(Modifiers::SHIFT, Key::ArrowRight);
    harness.run();
    let size = |harness: &Harness<'_, Bench>| {
        let Region { left, top, right, bottom } = harness.state().forms.appearance.brush.unwrap().region;
        [right - left, bottom - top]
    };
    assert_eq!(size(&harness), [1, 1], "the cell in the middle");
    for key in [Key::ArrowRight, Key::ArrowLeft, Key::ArrowDown] {
        harness.key_press_modifiers(Modifiers::SHIFT, key);
        harness.run();
    }
    assert_eq!(size(&harness), [3, 2]);
    harness.get_by_label_contains("Selection: 3 × 2 pixels at (");
    assert!(harness.get_by_label_contains("Score map of").is_focused());
}

#[test]
fn escape_clears_the_region_before_the_group_selection() {
    let mut scene = Scene::done();
    let query = scene.app().state.current.unwrap();
    let region = Region { left: 0, top: 0, right: 2, bottom: 2 };
    scene.window.state_mut().forms.appearance.brush = Some(Brush { query, region });
    scene.act(Action::NextGroup);
    scene.window.key_press(Key::Escape);
    scene.settle();
    assert_eq!(scene.app().forms.appearance.brush, None);
    assert!(scene.app().state.group.is_some());
    scene.window.key_press(Key::Escape);
    scene.settle();
    assert_eq!(scene.app().state.group, None);
}

#[test]
fn the_region_belongs_to_one_image() {
    let mut harness = done();
    drag(&mut harness, [0.1, 0.1], [0.4, 0.4]);
    harness.step();
    let bench = harness.state_mut();
    bench.state.move_query(-1);
    harness.run();
    assert_eq!(harness.state().forms.appearance.brush, None);
}

#[test]
fn rows_select_groups_and_controls_are_named() {
    let mut harness = done();
    harness.get_by_label_contains("mosaic: ").click();
    harness.run();
    let mosaic = harness.state().state.groups().iter().position(|g| g == "mosaic");
    assert!(matches!(harness.state().out[..], [Command::SelectGroup(g)] if g == mosaic));
    harness.get_by_label("Smooth").click();
    harness.get_by_role_and_label(egui::accesskit::Role::Slider, "Opacity").set_value_accesskit(0.2);
    harness.run();
    assert!(harness.state().forms.appearance.smooth);
    assert!((harness.state().forms.appearance.opacity - 0.2).abs() < 1e-6);
    // Without a selection the group with the highest score is shown.
    harness.state_mut().state.group = None;
    harness.run();
    harness.get_by_label_contains("Score map of ");
}
