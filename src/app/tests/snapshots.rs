//! Snapshot tests of three small widgets.
//!
//! The reference images are in `tests/snapshots`, the tolerance in `kittest.toml`. After an intended change, run
//! `UPDATE_SNAPSHOTS=1 cargo test snapshots` and check the new images by eye.

use egui::{Id, LayerId, Sense, Theme, Ui, vec2};
use egui_kittest::Harness;

use super::bench;
use crate::app::theme::tokens;
use crate::app::widgets::{
    Bar, Contrast, Heat, Pair, Scale, TextureKey, Textures, bar, compare, control_caption, header, heat, legend,
};
use whence_data::ImageShape;
use whence_diffusion::elbo::Estimate;

/// Compares a widget with its reference image. Skipped without a graphics adapter.
fn snapshot(name: &str, size: [f32; 2], theme: Theme, mut draw: impl FnMut(&mut Ui)) {
    let Some(graphics) = bench::graphics() else { return };
    let builder = bench::with_graphics(Harness::builder().with_size(size), graphics).with_theme(theme);
    let mut harness = builder.with_render_cursor(false).build_ui(|ui| {
        // The background, up to the edges.
        let (everything, fill) = (ui.content_rect(), tokens(ui).window);
        ui.ctx().layer_painter(LayerId::background()).rect_filled(everything, 0.0, fill);
        draw(ui);
    });
    harness.run();
    harness.snapshot(name);
}

#[test]
fn bars_match_their_snapshot() {
    let rows = [
        ("pointillism", 41.2, 3.0, true, false),
        ("hatching", 14.0, 2.5, false, false),
        ("a name that is too long for its column", 12.5, 2.5, false, true),
        ("woodcut", -6.4, 1.5, false, false),
    ];
    snapshot("bars", [440.0, 200.0], Theme::Dark, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        let estimates: Vec<Estimate> = rows.iter().map(|(_, score, error, ..)| Estimate::new(*score, *error)).collect();
        let scale = Scale::of(estimates.iter()).with_control_range(-3.0, 5.0);
        header(ui, "by likelihood", "nats");
        control_caption(ui, "random control groups", "random control groups", &scale);
        for (group, ((name, _, _, selected, tied), estimate)) in rows.into_iter().zip(estimates).enumerate() {
            let (hollow, dimmed, warned) = (group == 3, false, group == 1);
            let row = Bar { group, name, estimate, tied, hollow, dimmed, warned, selected, busy: None, label: name };
            bar(ui, &row, &scale);
        }
    });
}

#[test]
fn a_heat_map_and_its_legend_match_their_snapshot() {
    // Warm at the left, cool at the right, fading to the edges.
    let value = |x: usize, y: usize| {
        let (x, y) = ((x as f32 - 5.5) / 6.0, (y as f32 - 3.5) / 4.0);
        -2.0 * x * (1.0 - x * x) * (1.0 - y * y)
    };
    let values: Vec<f32> = (0..8).flat_map(|y| (0..12).map(move |x| value(x, y))).collect();
    // Not smooth: the comparison ignores anti-aliased edges, and would take small changes in gradients for those.
    let map = Heat { values: values.into(), width: 12, span: vec2(12.0, 8.0), scale: 0.8, opacity: 0.9, smooth: false };
    snapshot("heat", [184.0, 152.0], Theme::Light, |ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(168.0, 112.0), Sense::hover());
        ui.painter().rect_filled(rect, 0.0, tokens(ui).mat);
        heat(ui.painter(), Id::unique("map of a snapshot"), rect, &map);
        let (rect, _) = ui.allocate_exact_size(vec2(168.0, 16.0), Sense::hover());
        legend(ui.painter(), rect, map.opacity);
    });
}

#[test]
fn a_wipe_matches_its_snapshot() {
    let shape = ImageShape { channels: 3, height: 8, width: 8 };
    // A gradient in each channel, and the same with its channels exchanged.
    let ramp = |i: usize| [i % 8 * 32, i / 8 * 32, 128].map(|v| v as u8);
    let planar = |order: [usize; 3]| -> Vec<u8> {
        order.into_iter().flat_map(|channel| (0..64).map(move |i| ramp(i)[channel])).collect()
    };
    let (one, other) = (planar([0, 1, 2]), planar([2, 0, 1]));
    let mut textures = Textures::default();
    let mut contrast = Contrast { wipe: 0.35, ..Contrast::default() };
    snapshot("wipe", [300.0, 200.0], Theme::Dark, |ui| {
        let (first, second) = ((TextureKey::Query(1), &one[..]), (TextureKey::Query(2), &other[..]));
        let names = ["original", "without hatching"];
        let space = ui.available_size();
        compare(ui, &mut textures, &Pair { shape, first, second, names, third: None }, &mut contrast, space);
    });
}
