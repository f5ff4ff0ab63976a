//! Names in any script, with the fonts of this machine.

use egui::FontId;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use super::scenes::Scene;
use crate::app::actions::Action;
use crate::app::fonts::System;
use whence_data::{Dataset, LoadOptions};

/// Names of groups with the language of each.
pub const NAMES: [(&str, &str); 6] = [
    ("Japanese", "日本画と浮世絵"),
    ("Arabic", "شمس الفن"),
    ("Devanagari", "चित्रकला"),
    ("Hebrew", "אמנות 3"),
    ("Thai", "จิตรกรรม"),
    ("emoji", "🎨 paint 🦊"),
];

/// A dataset whose groups have these names.
pub fn named() -> Dataset {
    let folder = tempfile::tempdir().unwrap();
    for (i, (_, name)) in NAMES.iter().enumerate() {
        let group = folder.path().join(name);
        std::fs::create_dir(&group).unwrap();
        image::RgbImage::from_pixel(8, 8, image::Rgb([40 * i as u8, 90, 200])).save(group.join("0.png")).unwrap();
    }
    Dataset::load(folder.path(), &LoadOptions::default(), &mut |_, _| Ok(())).unwrap()
}

/// A window in which characters without a font are boxes, as on screen, and no error of the test.
fn scene() -> Scene {
    Scene::build(Harness::builder().with_size([1280.0, 800.0]).allow_missing_glyphs())
}

/// Waits until fonts were searched for everything on screen.
pub fn find_fonts(scene: &mut Scene) {
    let ctx = scene.window.ctx.clone();
    scene.app().use_system_fonts(&ctx);
    scene.settle();
    scene.settle_until(|scene| !scene.app().fonts.is_searching());
}

#[test]
fn names_are_drawn_with_fonts_of_the_system() {
    let mut scene = scene();
    scene.many_into(named(), |_| {});
    let ctx = scene.window.ctx.clone();
    let drawn = |name: &str| ctx.fonts_mut(|fonts| fonts.has_glyphs(&FontId::proportional(14.0), name));
    assert!(!drawn("日本画"), "the built-in fonts lack Japanese");
    find_fonts(&mut scene);
    let mut system = System::load();
    for (language, name) in NAMES {
        // Joiners and other marks need no glyph of their own.
        let lacks =
            name.chars().filter(|c| !c.is_ascii()).find(|c| !drawn(&c.to_string()) && system.font_for(*c).is_none());
        match lacks {
            Some(c) => eprintln!("skipped: no font of this machine has {c:?} ({language})"),
            None => assert!(drawn(name), "{language}: {name}"),
        }
    }
    scene.rests();
}

#[test]
fn nothing_is_searched_while_the_built_in_fonts_suffice() {
    let mut scene = Scene::loaded();
    find_fonts(&mut scene);
    scene.act(Action::Explain);
    assert!(!scene.app().fonts.is_searching());
    assert!(!scene.app().fonts.has_searched());
}

#[test]
fn right_to_left_names_keep_their_logical_order_for_screen_readers() {
    let mut scene = scene();
    scene.many_into(named(), |_| {});
    scene.window.get_by_label("Group شمس الفن, 1 image");
}
