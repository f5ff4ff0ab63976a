//! The five motifs: a few large shapes each, with a palette per motif.
//!
//! The palettes imitate screen prints: a handful of warm, slightly muted inks. Each motif has its
//! own hue of sky, which fills half the image; so pixel distance finds the motif.

use super::canvas::SIDE;
use super::colour::Lab;
use super::rng::ImageRng;
use super::scene::{Layer, Scene, Shape};

/// Composes the motif with this index; indices beyond the last give the last.
pub(super) fn compose(motif: u64, rng: &mut ImageRng) -> Scene {
    // One hue rotation and one change of lightness for the whole image. Independent changes would
    // break the palette.
    let inks = Inks { hue_shift: rng.symmetric(0.2), lightness_shift: rng.symmetric(0.045) };
    Scene(match motif {
        0 => sun(&inks, rng),
        1 => mountain(&inks, rng),
        2 => tree(&inks, rng),
        3 => house(&inks, rng),
        _ => boat(&inks, rng),
    })
}

/// How this image's inks differ from the palette.
struct Inks {
    /// Radians.
    hue_shift: f32,
    lightness_shift: f32,
}

impl Inks {
    fn mixed(&self, rgb: u32) -> Lab {
        Lab::hex(rgb).rotated(self.hue_shift).lighter(self.lightness_shift)
    }

    /// A shape whose colour runs from one ink to another between two heights.
    fn blend(&self, shape: Shape, top: u32, bottom: u32, from: f32, to: f32) -> Layer {
        Layer { shape, top: self.mixed(top), bottom: self.mixed(bottom), span: (from, to), fine: false }
    }

    /// A shape in one ink. Its heights are still needed by styles that shade.
    fn flat(&self, shape: Shape, rgb: u32, from: f32, to: f32) -> Layer {
        self.blend(shape, rgb, rgb, from, to)
    }
}

/// The sun half in the sea, with its reflection.
fn sun(inks: &Inks, rng: &mut ImageRng) -> Vec<Layer> {
    let horizon = rng.uniform(16.5, 22.5);
    let x = rng.uniform(9.0, 23.0);
    let radius = rng.uniform(6.0, 8.0);
    let y = horizon - rng.uniform(0.2, 0.55) * radius;
    let stripe = |down: f32, half: f32| {
        Shape::Polygon(vec![
            (x - half, horizon + down),
            (x, horizon + down - 1.1),
            (x + half, horizon + down),
            (x, horizon + down + 1.1),
        ])
    };
    let light = Shape::Union(vec![stripe(2.6, radius * 0.9), stripe(5.6, radius * 0.62), stripe(8.6, radius * 0.36)]);
    vec![
        inks.blend(Shape::Everywhere, 0xd9_48_48, 0xf3_a0_4c, 0.0, horizon),
        inks.flat(Shape::Disc(x, y, radius), 0xff_e7_a6, y - radius, horizon),
        inks.blend(below(horizon), 0x2b_5f_86, 0x1d_3a_5f, horizon, SIDE),
        inks.flat(light, 0xfb_c2_6b, horizon, SIDE).fine(),
    ]
}

/// A peak with snow behind a foothill.
fn mountain(inks: &Inks, rng: &mut ImageRng) -> Vec<Layer> {
    let x = rng.uniform(9.5, 22.5);
    let top = rng.uniform(5.0, 8.5);
    let slope = rng.uniform(1.15, 1.45);
    let foot = rng.uniform(23.0, 26.0);
    let snow = rng.uniform(5.2, 7.0);
    let at = |down: f32, side: f32| (x + side * down / slope, top + down);
    let peak = Shape::Polygon(vec![(x, top), at(34.0, 1.0), at(34.0, -1.0)]);
    let cap = Shape::Polygon(vec![
        (x, top),
        at(snow + 1.2, 1.0),
        (x + 1.6, top + snow - 0.8),
        (x, top + snow + 1.8),
        (x - 1.6, top + snow - 0.8),
        at(snow + 1.2, -1.0),
    ]);
    let hill = Shape::Below { y: foot, swell: rng.uniform(0.8, 1.8), x: rng.uniform(0.0, SIDE), length: 34.0 };
    vec![
        inks.blend(Shape::Everywhere, 0xa7_95_d1, 0xe6_bf_d2, 0.0, foot),
        inks.flat(peak, 0x4a_4d_8f, top, foot),
        inks.flat(cap, 0xfb_f3_e6, top, top + snow),
        inks.flat(hill, 0x2d_6b_78, foot, SIDE),
    ]
}

/// A round tree on a hill.
fn tree(inks: &Inks, rng: &mut ImageRng) -> Vec<Layer> {
    let x = rng.uniform(9.5, 22.5);
    let ground = rng.uniform(25.0, 27.5);
    let radius = rng.uniform(6.0, 7.4);
    let y = ground - rng.uniform(6.2, 7.6) - radius;
    let trunk = Shape::rectangle(x - 1.3, y, 2.6, ground - y + 3.0);
    let crown = Shape::Union(vec![
        Shape::Disc(x, y - 1.4, radius * 0.86),
        Shape::Disc(x - radius * 0.5, y + 1.6, radius * 0.68),
        Shape::Disc(x + radius * 0.5, y + 1.6, radius * 0.68),
    ]);
    let hill = Shape::Below { y: ground, swell: rng.uniform(1.2, 2.4), x: x + rng.symmetric(5.0), length: 46.0 };
    vec![
        inks.blend(Shape::Everywhere, 0xf0_c4_55, 0xfb_e6_ae, 0.0, ground),
        inks.flat(hill, 0xb4_8a_3c, ground - 2.0, SIDE),
        inks.flat(trunk, 0x6b_3f_2e, y, ground + 3.0),
        inks.flat(crown, 0x3d_7f_55, y - radius, y + radius),
    ]
}

/// A house with a red roof on a lawn.
fn house(inks: &Inks, rng: &mut ImageRng) -> Vec<Layer> {
    let x = rng.uniform(11.0, 21.0);
    let ground = rng.uniform(23.5, 27.5);
    let half = rng.uniform(6.0, 7.6);
    let wall = rng.uniform(7.5, 9.0);
    let roof = rng.uniform(6.0, 7.6);
    let eaves = ground - wall;
    let side = rng.sign();
    let door = Shape::rectangle(x + side * half * 0.42 - 1.5, ground - 5.0, 3.0, 6.0);
    let window = Shape::rectangle(x - side * half * 0.42 - 1.5, eaves + 2.0, 3.0, 3.0);
    let gable = Shape::Polygon(vec![(x, eaves - roof), (x + half + 1.8, eaves + 0.3), (x - half - 1.8, eaves + 0.3)]);
    vec![
        inks.blend(Shape::Everywhere, 0xe9_97_94, 0xf8_cf_bb, 0.0, ground),
        inks.flat(Shape::rectangle(x - half, eaves - 1.0, 2.0 * half, wall + 3.0), 0xfb_f0_d6, eaves, ground),
        inks.flat(door, 0x35_55_7a, ground - 5.0, ground).fine(),
        inks.flat(window, 0x35_55_7a, eaves + 2.0, eaves + 5.0).fine(),
        inks.flat(below(ground), 0x6d_9c_58, ground, SIDE),
        inks.flat(gable, 0xb8_3f_38, eaves - roof, eaves),
    ]
}

/// A sailing boat at sea.
fn boat(inks: &Inks, rng: &mut ImageRng) -> Vec<Layer> {
    let sea = rng.uniform(20.5, 24.5);
    let x = rng.uniform(11.0, 21.0);
    let size = rng.uniform(0.88, 1.12);
    let side = rng.sign();
    let deck = sea - 1.6;
    let at = |across: f32, down: f32| (x + side * size * across, deck + size * down);
    let hull = Shape::Polygon(vec![at(-8.0, 0.0), at(8.6, 0.0), at(5.4, 4.4), at(-5.6, 4.4)]);
    let main = Shape::Polygon(vec![at(-0.6, -16.0), at(-0.6, -1.4), at(-8.0, -1.4)]);
    let jib = Shape::Polygon(vec![at(0.6, -13.5), at(7.4, -1.4), at(0.6, -1.4)]);
    let waves = Shape::Below { y: sea + 1.0, swell: 0.7, x: rng.uniform(0.0, 10.0), length: 10.7 };
    vec![
        inks.blend(Shape::Everywhere, 0x86_cb_c8, 0xdc_ee_dc, 0.0, sea),
        inks.flat(main, 0xff_f7_e6, deck - 16.0, deck),
        inks.flat(jib, 0xee_84_52, deck - 13.0, deck),
        inks.flat(hull, 0x9c_35_3c, deck, deck + 4.4),
        inks.blend(waves, 0x2f_8a_9e, 0x20_5f_80, sea, SIDE),
    ]
}

/// Everything below a level line.
fn below(y: f32) -> Shape {
    Shape::Below { y, swell: 0.0, x: 0.0, length: SIDE }
}
