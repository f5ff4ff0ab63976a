//! Linked hovering: a group hovered in one view is highlighted in all, and the window is idle afterwards.

use std::time::Duration;

use egui::{Rect, Shape, ViewportId, pos2};
use egui_kittest::kittest::Queryable as _;

use super::scenes::Scene;
use crate::app::actions::Action;
use crate::app::panels::PanelId;
use crate::app::theme;

/// Whether a rectangle is filled with the highlight colour.
fn highlighted(scene: &Scene, area: Rect) -> bool {
    let t = theme::of(&scene.window.ctx.global_style().visuals);
    let fills = [t.control, t.control.gamma_multiply(0.6)];
    scene.window.output().shapes.iter().any(|clipped| match &clipped.shape {
        Shape::Rect(rect) => {
            let same = (rect.rect.min - area.min).length() + (rect.rect.max - area.max).length() < 2.0;
            same && fills.contains(&rect.fill)
        }
        _ => false,
    })
}

fn at(scene: &Scene, label: &str) -> Rect {
    scene.window.get_by_label_contains(label).rect()
}

#[test]
fn a_hovered_group_is_highlighted_in_all_views() {
    let mut scene = Scene::done();
    let (row, bar) = (at(&scene, "Group mosaic, "), at(&scene, "mosaic: "));
    assert!(!highlighted(&scene, row) && !highlighted(&scene, bar));
    scene.window.hover_at(row.center());
    scene.settle();
    assert!(highlighted(&scene, row) && highlighted(&scene, bar), "the bar follows the row");
    scene.window.hover_at(bar.center());
    scene.settle();
    assert!(highlighted(&scene, row) && highlighted(&scene, bar), "the row follows the bar");
    let other = at(&scene, "Group hatching, ");
    scene.window.hover_at(other.center());
    scene.settle();
    assert!(highlighted(&scene, other) && !highlighted(&scene, row) && !highlighted(&scene, bar));
    scene.window.hover_at(pos2(640.0, 4.0));
    scene.settle();
    assert!(!highlighted(&scene, other), "no group is under the pointer");
}

#[test]
fn rows_of_the_comparison_are_linked_too() {
    let mut scene = Scene::done();
    scene.act(Action::ShowPanel(PanelId::Compare));
    let (row, compared) = (at(&scene, "Group mosaic, "), at(&scene, "mosaic, GUDA"));
    scene.window.hover_at(row.center());
    scene.settle();
    assert!(highlighted(&scene, compared));
    scene.window.hover_at(compared.center());
    scene.settle();
    assert!(highlighted(&scene, row));
}

#[test]
fn a_resting_pointer_requests_no_frames() {
    let mut scene = Scene::done();
    let row = at(&scene, "Group mosaic, ");
    scene.window.hover_at(row.center());
    scene.settle();
    scene.rests();
    for _ in 0..3 {
        scene.window.step();
        let wait = scene.window.output().viewport_output[&ViewportId::ROOT].repaint_delay;
        assert!(wait > Duration::from_secs(60), "{wait:?}");
    }
}
