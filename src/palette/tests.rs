//! Distances between the colours, for every type of colour vision.

use super::{CONTRAST, COUNT, DARK, LIGHT, MAP};

type Rgb = [f64; 3];

/// What linear RGB looks like without one type of cones: severity 1 of Machado, Oliveira and Fernandes (2009).
const VISION: [(&str, [Rgb; 3]); 4] = [
    ("normal vision", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    ("protanopia", [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    (
        "deuteranopia",
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    ),
    ("tritanopia", [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
];

/// sRGB to XYZ (D65).
const XYZ: [Rgb; 3] =
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]];

fn times(matrix: &[Rgb; 3], v: Rgb) -> Rgb {
    matrix.map(|row| row.iter().zip(v).map(|(a, b)| a * b).sum())
}

fn linear(colour: u32) -> Rgb {
    [16, 8, 0].map(|shift| {
        let c = f64::from(colour >> shift & 0xFF) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    })
}

/// CIELAB of a colour as this vision sees it.
fn lab(colour: u32, vision: &[Rgb; 3]) -> Rgb {
    let white = times(&XYZ, [1.0; 3]);
    let seen = times(vision, linear(colour)).map(|c| c.clamp(0.0, 1.0));
    let xyz = times(&XYZ, seen);
    let f = |i: usize| {
        let t = xyz[i] / white[i];
        if t > 216.0 / 24389.0 { t.cbrt() } else { (24389.0 / 27.0 * t + 16.0) / 116.0 }
    };
    [116.0 * f(1) - 16.0, 500.0 * (f(0) - f(1)), 200.0 * (f(1) - f(2))]
}

/// The colour difference CIEDE2000 (Sharma, Wu and Dalal 2005).
fn distance([l1, a1, b1]: Rgb, [l2, a2, b2]: Rgb) -> f64 {
    let pow7 = |c: f64| (c.powi(7) / (c.powi(7) + 25f64.powi(7))).sqrt();
    let g = 0.5 * (1.0 - pow7((a1.hypot(b1) + a2.hypot(b2)) / 2.0));
    let (a1, a2) = (a1 * (1.0 + g), a2 * (1.0 + g));
    let (c1, c2) = (a1.hypot(b1), a2.hypot(b2));
    let hue = |a: f64, b: f64| if a == 0.0 && b == 0.0 { 0.0 } else { b.atan2(a).to_degrees().rem_euclid(360.0) };
    let (h1, h2) = (hue(a1, b1), hue(a2, b2));
    let grey = c1 * c2 == 0.0;
    let dh = match h2 - h1 {
        _ if grey => 0.0,
        d if d > 180.0 => d - 360.0,
        d if d < -180.0 => d + 360.0,
        d => d,
    };
    let dh = 2.0 * (c1 * c2).sqrt() * (dh / 2.0).to_radians().sin();
    let mean_hue = match h1 + h2 {
        s if grey => s,
        s if (h1 - h2).abs() <= 180.0 => s / 2.0,
        s if s < 360.0 => (s + 360.0) / 2.0,
        s => (s - 360.0) / 2.0,
    };
    let (l, c) = ((l1 + l2) / 2.0, (c1 + c2) / 2.0);
    let cos = |degrees: f64| degrees.to_radians().cos();
    let t = 1.0 - 0.17 * cos(mean_hue - 30.0) + 0.24 * cos(2.0 * mean_hue) + 0.32 * cos(3.0 * mean_hue + 6.0)
        - 0.2 * cos(4.0 * mean_hue - 63.0);
    let turn = 30.0 * (-((mean_hue - 275.0) / 25.0).powi(2)).exp();
    let rotation = -(2.0 * turn).to_radians().sin() * 2.0 * pow7(c);
    let dl = (l2 - l1) / (1.0 + 0.015 * (l - 50.0).powi(2) / (20.0 + (l - 50.0).powi(2)).sqrt());
    let dc = (c2 - c1) / (1.0 + 0.045 * c);
    let dh = dh / (1.0 + 0.015 * c * t);
    (dl * dl + dc * dc + dh * dh + rotation * dc * dh).sqrt()
}

/// Least distance of two groups with any colour vision. Below about 10, colours of small marks are easily mixed up.
const GROUPS: f64 = 14.5;
/// Least distance of two groups with normal vision.
const NORMAL: f64 = 28.0;
/// Least distance of a group from the colours of maps.
const MAPS: f64 = 12.0;

#[test]
fn the_difference_is_that_of_the_publication() {
    // Pairs 1, 7 and 17 of the test data of Sharma, Wu and Dalal.
    for (a, b, expected) in [
        ([50.0, 2.6772, -79.7751], [50.0, 0.0, -82.7485], 2.0425),
        ([50.0, 0.0, 0.0], [50.0, -1.0, 2.0], 2.3669),
        ([50.0, 2.5, 0.0], [73.0, 25.0, -18.0], 27.1492),
    ] {
        assert!((distance(a, b) - expected).abs() < 1e-4, "{a:?} {b:?}: {}", distance(a, b));
    }
}

#[test]
fn any_two_groups_differ_with_every_colour_vision() {
    for (theme, colours) in [("dark", DARK), ("light", LIGHT), ("contrast", CONTRAST)] {
        for (name, vision) in &VISION {
            let least = if *name == "normal vision" { NORMAL } else { GROUPS };
            for i in 0..COUNT {
                for j in 0..i {
                    let d = distance(lab(colours[i], vision), lab(colours[j], vision));
                    assert!(d >= least, "{theme}, {name}: {:06X} and {:06X} are {d:.1} apart", colours[i], colours[j]);
                }
            }
        }
    }
}

#[test]
fn no_group_has_a_colour_of_the_maps() {
    let (_, normal) = VISION[0];
    for colour in DARK.iter().chain(&LIGHT).chain(&CONTRAST) {
        for map in MAP {
            let d = distance(lab(*colour, &normal), lab(map, &normal));
            assert!(d >= MAPS, "{colour:06X} and {map:06X} are {d:.1} apart");
        }
    }
}
