use egui::Ui;
use egui_kittest::Harness;

use super::*;
use crate::app::tests::bench;

/// The grey background.
const BACKGROUND: u8 = 100;
/// Side length of a cell in screen pixels.
const CELL: f32 = 20.0;

/// Strong, medium and weak values of both signs, one below the threshold, and zero; two rows of four.
fn values() -> Arc<[f32]> {
    Arc::from([8.0, 4.0, 0.8, 0.1, -8.0, -4.0, -0.8, 0.0])
}

fn map(smooth: bool) -> Heat {
    Heat { values: values(), width: 4, span: vec2(4.0, 2.0), scale: 8.0, opacity: 0.9, smooth }
}

/// The map over the background: by the shader where `shaded`, else as rectangles. None without a graphics adapter.
fn render(map: Heat, shaded: bool) -> Option<image::RgbaImage> {
    let graphics = bench::graphics()?;
    let draw = move |ui: &mut Ui| {
        let rect = Rect::from_min_size(pos2(10.0, 10.0), map.span * CELL);
        ui.painter().rect_filled(rect, 0.0, Color32::from_gray(BACKGROUND));
        if shaded {
            assert!(shader::is_installed(ui.ctx()));
            heat(ui.painter(), ui.scope_id(), rect, &map);
        } else {
            ui.painter().add(mesh(rect, &map));
        }
    };
    let builder = bench::with_graphics(Harness::builder().with_size([120.0, 70.0]), graphics);
    let mut harness = builder.build_ui(draw);
    harness.run();
    Some(harness.render().unwrap())
}

/// The colour of a value over the background, by the formula.
fn expected(value: f32) -> [f32; 3] {
    let over = shade(value / 8.0, 0.9);
    let background = f32::from(BACKGROUND) * (1.0 - f32::from(over.a()) / 255.0);
    [over.r(), over.g(), over.b()].map(|v| f32::from(v) + background)
}

fn check(image: &image::RgbaImage, at: Vec2, value: f32) {
    let position = pos2(10.0, 10.0) + at * CELL;
    let pixel = image.get_pixel(position.x as u32, position.y as u32).0;
    let pixel = [pixel[0], pixel[1], pixel[2]];
    for (shown, wanted) in pixel.into_iter().zip(expected(value)) {
        assert!((f32::from(shown) - wanted).abs() <= 2.0, "{value} at {at:?}: {pixel:?}, not {:?}", expected(value));
    }
}

#[test]
fn shader_and_formula_agree_on_every_cell() {
    for shaded in [true, false] {
        let Some(image) = render(map(false), shaded) else { return };
        for (i, value) in values().iter().enumerate() {
            // The centre, and near two corners: a cell has one colour.
            for inside in [0.5, 0.1, 0.9] {
                check(&image, vec2((i % 4) as f32 + inside, (i / 4) as f32 + inside), *value);
            }
        }
    }
}

#[test]
fn smooth_maps_interpolate_between_the_centres_of_cells() {
    let Some(image) = render(map(true), true) else { return };
    let heat = map(true);
    // The centre of a screen pixel.
    let half = 0.5 / CELL;
    for at in [vec2(0.5, 0.5), vec2(1.0, 0.5), vec2(1.5, 1.0), vec2(3.5, 1.5), vec2(0.05, 0.05), vec2(2.2, 0.7)] {
        let at = (at * CELL).floor() / CELL + Vec2::splat(half);
        check(&image, at, heat.interpolated(at));
    }
    assert_eq!(heat.interpolated(vec2(1.0, 0.5)), 6.0);
    assert_eq!(heat.interpolated(vec2(0.5, 1.0)), 0.0);
    assert_eq!(heat.interpolated(vec2(-5.0, -5.0)), 8.0, "values beyond the edges are those of the nearest cell");
}

#[test]
fn cells_that_reach_beyond_the_image_are_clipped() {
    let Some(image) = render(Heat { span: vec2(3.5, 2.0), ..map(false) }, true) else { return };
    check(&image, vec2(2.5, 0.5), 0.8);
    check(&image, vec2(3.4, 1.5), 0.0);
    assert_eq!(image.get_pixel(85, 20).0, image.get_pixel(115, 5).0, "nothing beyond the image");
}

#[test]
fn colours_encode_sign_and_magnitude() {
    assert_eq!(shade(0.0, 1.0), Color32::TRANSPARENT);
    assert_eq!(shade(-0.02, 1.0), Color32::TRANSPARENT);
    assert_eq!(shade(1.0, 0.0), Color32::TRANSPARENT);
    assert_eq!((shade(1.0, 1.0), shade(-9.0, 1.0)), (WARM[1], COOL[1]));
    for sign in [1.0, -1.0] {
        let alphas: Vec<u8> = (1..=10).map(|i| shade(sign * i as f32 / 10.0, 1.0).a()).collect();
        assert!(alphas.is_sorted() && alphas[0] < alphas[9], "{alphas:?}");
    }
    // Warm has more red than blue and cool more blue than red, which all types of colour vision distinguish.
    let (warm, cool) = (shade(0.5, 1.0), shade(-0.5, 1.0));
    assert!(warm.r() > warm.b() && cool.b() > cool.r());
}

#[test]
fn invalid_maps_draw_nothing() {
    let ctx = egui::Context::default();
    let painter = Painter::new(ctx, egui::LayerId::background(), Rect::EVERYTHING);
    let rect = Rect::from_min_size(pos2(0.0, 0.0), vec2(10.0, 10.0));
    for heat in [
        Heat { width: 0, ..map(false) },
        Heat { scale: 0.0, ..map(false) },
        Heat { values: Arc::from([]), ..map(false) },
    ] {
        super::heat(&painter, Id::unique("none"), rect, &heat);
    }
    let mut shapes = 0;
    painter.for_each_shape(|_| shapes += 1);
    assert_eq!(shapes, 0);
    assert!(mesh(rect, &Heat { scale: f32::NAN, ..map(false) }).is_valid());
}
