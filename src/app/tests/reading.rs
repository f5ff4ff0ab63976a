//! What a newcomer reads: words explained one click away, a tour on an explained image, slides, and layouts.

use egui::accesskit::Role;
use egui::{Key, Rect, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::bench;
use super::scenes::Scene;
use super::trust::hover;
use crate::app::actions::Action;
use crate::app::panels::PanelId;
use whence_jobs::{EventKind, Evidence, JobSpec};

#[test]
fn a_nat_a_group_and_unlearning_are_one_click_away() {
    let mut scene = Scene::done();
    for (question, answer) in [
        ("What is a nat?", "One nat is a factor of e"),
        ("What is a group?", "A named part of the training images"),
        ("What is unlearning?", "so that it loses one group and keeps the others"),
    ] {
        scene.window.get_by_label(question).click();
        scene.settle();
        scene.window.get_by_label("Glossary");
        assert!(scene.window.query_all_by_label_contains(answer).count() > 0, "{answer}");
        scene.window.key_press(Key::Escape);
        scene.settle();
        assert!(scene.window.query_by_label("Glossary").is_none());
    }
    scene.window.key_press(Key::F1);
    scene.settle();
    scene.window.get_by_label("Glossary").click();
    scene.settle();
    scene.window.get_by_label("Unlearning check");
}

#[test]
fn a_tooltip_of_a_bar_covers_no_bar() {
    let mut scene = Scene::done();
    hover(&mut scene, "pointillism: +41");
    let tooltip = scene.window.get_by_label_contains("bits per dimension").rect();
    for bar in scene
        .window
        .get_all_by_role(Role::ListBoxOption)
        .filter(|n| n.accesskit_node().label().is_some_and(|label| label.contains("95% confidence interval")))
    {
        assert!(!bar.rect().intersects(tooltip), "{:?} lies under {tooltip:?}", bar.rect());
    }
}

/// The tour on the example, before anything is explained.
fn example() -> Scene {
    let mut scene = Scene::loaded();
    let root = whence_store::user_data_folder().join("demo-of-a-test");
    if let Some(project) = &mut scene.window.state_mut().state.project {
        project.root = root;
    }
    scene
}

#[test]
fn the_tour_has_the_example_explained_and_nobodys_own_project() {
    let mut own = Scene::loaded();
    let before = own.fake.count();
    own.act(Action::Tour);
    assert_eq!(own.fake.count(), before, "a tour costs nobody hours");
    let mut scene = example();
    scene.act(Action::Tour);
    scene.settle();
    assert!(matches!(scene.fake.last().1, JobSpec::Attribute(_)));
    let started = scene.fake.count();
    scene.emit(EventKind::Cancelled);
    scene.settle();
    assert_eq!(scene.fake.count(), started, "once is enough");
}

#[test]
fn next_stays_under_the_pointer() {
    let mut scene = Scene::done();
    scene.act(Action::ShowPanel(PanelId::Wall));
    scene.act(Action::Tour);
    assert_eq!(scene.app().dock.shown(), [PanelId::Ranking], "the cards are about this tab");
    let mut places: Vec<Rect> = Vec::new();
    for _ in 0..4 {
        places.push(scene.window.get_by_label("Next").rect());
        scene.window.get_by_label("Next").click();
        scene.settle();
    }
    places.push(scene.window.get_by_label("Start").rect());
    assert!(places.iter().all(|p| (p.center() - places[0].center()).length() < 2.0), "{places:?}");
}

#[test]
fn the_image_keeps_its_size_when_settings_open() {
    let mut scene = Scene::done();
    let image = |scene: &Scene| scene.window.get_by_label("Query image seed-7").rect();
    let before = image(&scene);
    scene.window.get_by_label("Advanced").click();
    scene.settle();
    assert!(scene.window.query_all_by_label("Noise samples").count() > 0);
    assert_eq!(image(&scene), before);
    scene.window.key_press(Key::Escape);
    scene.settle();
    assert_eq!(scene.window.query_all_by_label("Noise samples").count(), 0);
}

#[test]
fn a_slide_names_its_number_and_the_way_out() {
    let mut scene = Scene::done();
    scene.window.key_press(Key::F11);
    scene.settle();
    scene.window.get_by_label("6 of 6");
    scene.window.get_by_label_contains("Esc leaves");
    for hidden in ["Explain this image", "Advanced", "What is a nat?", "Add a note"] {
        assert!(scene.window.query_by_label(hidden).is_none(), "{hidden}");
    }
    assert!(scene.window.query_by_label_contains("50 evaluations per model").is_none(), "no settings on a slide");
    scene.window.get_by_label_contains("Pointillism ranks first");
    scene.window.key_press(Key::Escape);
    scene.settle();
    scene.window.get_by_label("Explain this image");
}

/// The bars of the ranking.
fn bars(scene: &Scene) -> Vec<Rect> {
    let rows = scene.window.get_all_by_role(Role::ListBoxOption);
    let bars = rows.filter(|n| n.accesskit_node().label().is_some_and(|l| l.contains("95% confidence interval")));
    bars.map(|n| n.rect()).collect()
}

#[test]
fn all_bars_are_visible_in_every_window_and_grow_with_it() {
    let mut heights = Vec::new();
    for (size, zoom) in [
        (vec2(1024.0, 700.0), 1.0),
        (vec2(1280.0, 800.0), 1.0),
        (vec2(1920.0, 1080.0), 1.0),
        (vec2(2560.0, 1440.0), 1.0),
        (vec2(2560.0, 1440.0), 2.0),
    ] {
        let mut scene = Scene::build(Harness::builder().with_size(size / zoom));
        scene.load(None);
        scene.finish();
        let window = Rect::from_min_size(egui::Pos2::ZERO, size / zoom);
        let bars = bars(&scene);
        assert_eq!(bars.len(), 8, "{size:?}");
        let evidence = scene.window.get_by_label("Evidence for pointillism").rect();
        for bar in &bars {
            assert!(window.contains_rect(*bar) && bar.bottom() <= evidence.top() - 26.0, "{size:?}: {bar:?}");
        }
        heights.push(bars[0].height());
    }
    assert!(heights[0] >= 20.0 && heights[3] > 40.0, "{heights:?}");
}

#[test]
fn a_high_score_with_little_visible_change_is_put_into_words() {
    let said = |change: fn(&[u8]) -> Vec<u8>| {
        let mut scene = Scene::done();
        let group = scene.app().state.group;
        let ctx = scene.window.ctx.clone();
        let command = crate::app::actions::Command::ComputeEvidence(Evidence::Regenerate, group);
        scene.window.state_mut().command(&ctx, command);
        let mut image = bench::regenerated(&scene.app().state, 50);
        image.pixels = change(&scene.app().state.query().unwrap().image.pixels);
        scene.emit(EventKind::Regenerated { group, image });
        scene.window.query_by_label_contains("is high, but the image changed little").is_some()
    };
    assert!(said(<[u8]>::to_vec), "the same image");
    assert!(!said(|p| p.iter().map(|v| v.wrapping_add(90)).collect()), "another image");
}

/// The unlearning of the selected group, watched to its end.
pub fn watched(scene: &mut Scene) {
    let group = scene.app().state.group;
    let ctx = scene.window.ctx.clone();
    let watch = crate::app::actions::Command::ComputeEvidence(Evidence::Watch, group);
    scene.window.state_mut().command(&ctx, watch);
    scene.settle();
    for step in 1..=40usize {
        let x = step as f32 / 40.0;
        let noise = (step as f32 * 1.9).sin() * 0.002;
        let point = whence_jobs::UnlearningPoint {
            group: group.unwrap(),
            step,
            steps: 40,
            forget_loss: 0.03 + 0.01 * x * x + noise * (1.0 - x),
            retain_loss: 0.03 + noise * (1.0 - x),
            query_score: step.is_multiple_of(4).then_some(f64::from(30.0 * x * x - 2.0 * x)),
        };
        let job = scene.fake.last().0;
        scene.push(job, EventKind::Unlearning(point));
    }
    scene.emit(EventKind::Finished("done".into()));
    scene.act(Action::ShowPanel(PanelId::Unlearning));
}

#[test]
fn curves_can_be_zoomed_and_reset_by_keys() {
    let mut scene = Scene::done();
    watched(&mut scene);
    for name in ["forget loss, running mean", "forget loss, single steps", "retain loss, running mean"] {
        scene.window.get_by_role_and_label(Role::CheckBox, name);
    }
    scene.window.get_by_label("Loss by step. Last step: forget loss 0.0400, retain loss 0.0300");
    assert!(scene.window.query_by_label("Reset zoom: Loss by step").is_none());
    scene.window.get_by_label("Zoom in: Loss by step").focus();
    scene.settle();
    scene.window.key_press(Key::Enter);
    scene.settle();
    scene.window.get_by_label("Reset zoom: Loss by step").click();
    scene.settle();
    assert!(scene.window.query_by_label("Reset zoom: Loss by step").is_none());
    scene.rests();
}
