//! The library's orders: their requirements, their results, and the rings of groups.

use egui::Theme;
use egui::accesskit::Role;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::bench;
use super::library::{drawn, flat, opened, pixels, settle};
use super::scenes::Scene;
use crate::app::library::Sort;
use crate::app::theme;
use whence_jobs::{AffectedImage, EventKind};

const ENTRY: &str = "Most affected by unlearning";

/// The images in the grid, in order.
fn order(scene: &Scene) -> Vec<u32> {
    scene.app().library.arrangement(scene.app().state.dataset_id).unwrap().0.order.clone()
}

/// The tooltip of the disabled menu entry that sorts by the effect of unlearning.
fn reason(scene: &mut Scene) -> String {
    let menu = |scene: &mut Scene| {
        scene.window.get_by_role_and_label(Role::ComboBox, "Order of the images").click();
        scene.window.run();
    };
    menu(scene);
    let entry = scene.window.get_by_label(ENTRY);
    assert!(entry.accesskit_node().is_disabled());
    entry.hover();
    // The tooltip appears once the pointer rests.
    scene.window.run_steps(60);
    let reasons = [
        "Compute the most affected images first: Explain tab, Evidence.",
        "Explain an image and select a group first.",
    ];
    let said: Vec<_> = reasons.into_iter().filter(|text| scene.window.query_by_label(text).is_some()).collect();
    menu(scene);
    assert!(scene.window.query_by_label(ENTRY).is_none(), "the menu is closed again");
    said.join(", ")
}

#[test]
fn affected_images_come_first_once_they_are_computed() {
    let mut scene = opened(Scene::done());
    scene.window.state_mut().state.group = None;
    settle(&mut scene);
    assert_eq!(reason(&mut scene), "Explain an image and select a group first.");
    scene.window.state_mut().state.group = Some(1);
    settle(&mut scene);
    assert_eq!(reason(&mut scene), "Compute the most affected images first: Explain tab, Evidence.");
    let images: Vec<AffectedImage> =
        [125, 121, 130].map(|index| AffectedImage { index, score: 300.0 - index as f64 }).into();
    bench::found(&mut scene.window.state_mut().state, EventKind::MostAffected { group: 1, images });
    settle(&mut scene);
    scene.window.get_by_role_and_label(Role::ComboBox, "Order of the images").click();
    scene.window.run();
    scene.window.get_by_label(ENTRY).click();
    settle(&mut scene);
    assert_eq!(scene.app().library.options.sort, Sort::MostAffected);
    assert_eq!(order(&scene), [125, 121, 130]);
    // Those of another group arrive while it is on screen.
    let images = vec![AffectedImage { index: 240, score: 2.0 }];
    bench::found(&mut scene.window.state_mut().state, EventKind::MostAffected { group: 2, images });
    scene.window.state_mut().state.group = Some(2);
    settle(&mut scene);
    assert_eq!(order(&scene), [240]);
    scene.window.state_mut().library.options.filter.groups = [0].into();
    settle(&mut scene);
    scene.window.get_by_label("No images of this group in this order");
    // Nothing is known of the next group, so that the order is by group again.
    scene.window.state_mut().library.options.filter.groups.clear();
    scene.window.state_mut().state.group = Some(3);
    settle(&mut scene);
    assert_eq!(scene.app().library.options.sort, Sort::Group);
    assert_eq!(order(&scene).len(), 960);
}

#[test]
fn rings_show_groups_where_there_are_no_headers() {
    let Some(mut scene) = drawn(Theme::Light, 1.0) else { return };
    scene.window.state_mut().state.dataset = Some(flat(32));
    scene.window.state_mut().state.dataset_id = 1;
    let mut scene = opened(scene);
    scene.window.state_mut().state.group = Some(0);
    let t = &theme::LIGHT;
    for (sort, only, header, ring) in [
        (Sort::Group, None, 36.0, t.window),
        (Sort::Name, None, 0.0, t.group(0)),
        (Sort::Name, Some(0), 0.0, t.window),
        (Sort::Similar(0), None, 0.0, t.group(0)),
    ] {
        let wish = &mut scene.window.state_mut().library.options;
        (wish.sort, wish.filter.groups) = (sort, only.into_iter().collect());
        settle(&mut scene);
        let metrics = scene.app().library.grid.layout_for_test().unwrap().metrics();
        let tile = metrics.tile.map(|side| side as f32);
        // In the gap beside the first tile, where its ring is.
        let beside = egui::vec2(tile[0] + 1.5, header + tile[1] / 2.0);
        let [seen] = pixels(&mut scene, 1.0, &[beside])[..] else { unreachable!() };
        let expected = [ring.r(), ring.g(), ring.b()];
        let near = seen.iter().zip(expected).all(|(a, b)| a.abs_diff(b) < 40);
        assert!(near, "{sort:?} {only:?}: {seen:?}, not {expected:?}");
    }
}
