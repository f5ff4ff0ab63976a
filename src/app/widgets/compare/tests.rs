use egui::Ui;
use egui_kittest::Harness;

use super::*;
use crate::app::tests::bench;

const SHAPE: ImageShape = ImageShape { channels: 3, height: 2, width: 2 };

#[test]
fn differences_are_amplified_and_saturate() {
    assert_eq!(difference(&[10, 200, 0, 7], &[13, 10, 255, 7]), [12, 255, 255, 0]);
}

/// The colours at the centres of the left and the right half.
fn halves(contrast: Contrast) -> Option<[[u8; 3]; 2]> {
    let graphics = bench::graphics()?;
    let mut textures = Textures::default();
    let (black, white) = ([40u8; 12], [90u8; 12]);
    let mut contrast = contrast;
    let draw = move |ui: &mut Ui| {
        let (first, second) = ((TextureKey::Query(1), &black[..]), (TextureKey::Query(2), &white[..]));
        let pair = Pair { shape: SHAPE, first, second, names: ["a", "b"], third: None };
        compare(ui, &mut textures, &pair, &mut contrast, vec2(200.0, 200.0 + NAMES));
    };
    let builder = bench::with_graphics(Harness::builder().with_size([220.0, 240.0]), graphics);
    let mut harness = builder.build_ui(draw);
    harness.run();
    let image = harness.render().unwrap();
    Some([60, 150].map(|x| image.get_pixel(x, 100).0).map(|[r, g, b, ..]| [r, g, b]))
}

#[test]
fn each_mode_shows_the_right_image_in_each_half() {
    let with = |mode, held| Contrast { mode, held, ..Contrast::default() };
    let Some(wiped) = halves(with(Mode::Wipe, false)) else { return };
    assert_eq!(wiped, [[40; 3], [90; 3]]);
    assert_eq!(halves(with(Mode::SideBySide, false)), Some([[40; 3], [90; 3]]));
    assert_eq!(halves(with(Mode::Blink, false)), Some([[40; 3]; 2]));
    assert_eq!(halves(with(Mode::Blink, true)), Some([[90; 3]; 2]));
    assert_eq!(halves(with(Mode::Difference, false)), Some([[200; 3]; 2]));
    let far = Contrast { wipe: 0.9, ..Contrast::default() };
    assert_eq!(halves(far), Some([[40; 3]; 2]));
}
