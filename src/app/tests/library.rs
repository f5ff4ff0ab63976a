//! The library, through its accessible names and its pixels.

use std::path::PathBuf;

use egui::{Key, Modifiers, Rect, Theme};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use egui_kittest::{Harness, wgpu as renderer};

use super::scenes::Scene;
use crate::app::WhenceApp;
use crate::app::actions::Action;
use crate::app::library::Sort;
use crate::app::panels::PanelId;
use crate::app::theme;
use whence_data::{Dataset, ImageShape, LoadOptions};
use whence_jobs::{EventKind, JobSpec};

/// Runs frames until the order is computed and the images are loaded.
pub(super) fn settle(scene: &mut Scene) {
    scene.window.run_steps(2);
    // A slow machine loads a screen of small images over many frames.
    for _ in 0..500 {
        if !scene.app().library.grid.is_loading() {
            break;
        }
        scene.window.step();
    }
    scene.settle_until(|scene| {
        let library = &scene.app().library;
        !(scene.app().is_finding_nearest() || library.is_behind() || library.grid.is_loading())
    });
}

pub(super) fn opened(mut scene: Scene) -> Scene {
    scene.act(Action::ShowPanel(PanelId::Library));
    settle(&mut scene);
    scene
}

/// The accessible value of the grid: the selected image.
fn value(scene: &Scene) -> String {
    scene.window.get_by_label_contains("Grid of").accesskit_node().value().unwrap_or_default()
}

fn press(scene: &mut Scene, key: Key) {
    scene.window.key_press(key);
    settle(scene);
}

/// Gives the grid the focus.
fn focus(scene: &mut Scene) {
    scene.window.ctx.memory_mut(|m| m.request_focus(crate::app::widgets::image_grid::id()));
    scene.window.run();
}

#[test]
fn an_empty_library_offers_to_open_a_dataset() {
    let mut scene = opened(Scene::new());
    scene.window.get_by_label("All training images, by group, to browse and compare");
    let before = scene.app().forms.dialog_open;
    scene.window.get_all_by_label("Open a dataset…").last().unwrap().click();
    scene.window.run_ok();
    assert!(!before && scene.app().forms.dialog_open);
    scene.fake.answer_dialog(None);
}

#[test]
fn loading_a_dataset_is_shown() {
    let mut scene = opened(Scene::new());
    scene.start(JobSpec::LoadDataset("/data/paintings".into()));
    scene.settle();
    scene.window.get_by_label("Read dataset paintings…");
    scene.emit(EventKind::Failed("it holds no image".into()));
    assert!(scene.window.query_all_by_label_contains("t holds no image").count() > 0);
}

#[test]
fn headers_select_their_group() {
    let mut scene = opened(Scene::loaded());
    scene.window.get_by_label("Grid of 960 training images");
    assert_eq!(value(&scene), "none selected");
    let first = scene.app().state.group_name(0).to_owned();
    scene.window.get_by_label(&format!("Images of {first}, 120 images")).click();
    settle(&mut scene);
    assert_eq!(scene.app().state.group, Some(0));
    scene.window.get_by_label(&format!("Images of {first}, 120 images")).click();
    settle(&mut scene);
    assert_eq!(scene.app().state.group, None, "a second click takes it back");
}

#[test]
fn the_grid_scrolls_to_a_group_selected_elsewhere() {
    let mut scene = opened(Scene::loaded());
    scene.window.state_mut().library.side = 128.0;
    settle(&mut scene);
    let last = scene.app().state.groups().len() - 1;
    let label = format!("Images of {}, 120 images", scene.app().state.group_name(last));
    assert!(scene.window.query_by_label(&label).is_none());
    scene.window.state_mut().state.group = Some(last);
    settle(&mut scene);
    scene.window.get_by_label(&label);
}

#[test]
fn keys_move_and_open_the_selection() {
    let mut scene = opened(Scene::loaded());
    focus(&mut scene);
    let name = |scene: &Scene, image: usize| scene.app().state.dataset.as_ref().unwrap().image_name(image).to_owned();
    let order = scene.app().library.arrangement(scene.app().state.dataset_id).unwrap().0.order.clone();
    press(&mut scene, Key::ArrowRight);
    assert_eq!(scene.app().state.image, Some(order[0] as usize));
    press(&mut scene, Key::ArrowRight);
    assert_eq!(scene.app().state.image, Some(order[1] as usize));
    assert!(value(&scene).starts_with(&name(&scene, order[1] as usize)));
    assert_eq!(scene.app().state.group, None, "arrows on the wall do not move the group");
    press(&mut scene, Key::End);
    assert_eq!(scene.app().state.image, order.last().map(|i| *i as usize));
    let last = scene.app().state.groups().len() - 1;
    scene.window.get_by_label(&format!("Images of {}, 120 images", scene.app().state.group_name(last)));
    press(&mut scene, Key::Home);
    press(&mut scene, Key::Enter);
    scene.window.get_by_label(&format!("Training image {}", name(&scene, order[0] as usize)));
    press(&mut scene, Key::ArrowRight);
    scene.window.get_by_label(&format!("Training image {}", name(&scene, order[1] as usize)));
    scene.window.get_by_label("Next").click();
    settle(&mut scene);
    scene.window.get_by_label("3 of 960");
    press(&mut scene, Key::Escape);
    assert_eq!(scene.app().state.image, Some(order[2] as usize), "the image stays selected");
    scene.window.get_by_label("Grid of 960 training images");
    press(&mut scene, Key::Escape);
    assert_eq!(value(&scene), "none selected");
}

#[test]
fn clicks_select_and_double_clicks_view_large() {
    let mut scene = opened(Scene::loaded());
    let wall = scene.window.get_by_label_contains("Grid of").rect();
    let at = wall.min + egui::vec2(30.0, 60.0);
    let button = |pressed| egui::Event::PointerButton {
        pos: at,
        button: egui::PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    scene.window.hover_at(at);
    scene.window.run();
    // In one frame, because frames of tests are further apart than the clicks of a double click.
    scene.window.input_mut().events.extend([button(true), button(false)]);
    scene.window.run();
    assert_eq!(scene.app().state.image, Some(0));
    assert!(!scene.app().library.loupe, "one click only selects");
    scene.window.input_mut().events.extend([button(true), button(false), button(true), button(false)]);
    settle(&mut scene);
    assert_eq!(scene.app().state.image, Some(0));
    assert!(scene.app().library.loupe);
    let name = scene.app().state.dataset.as_ref().unwrap().image_name(0).to_owned();
    scene.window.get_by_label(&format!("Training image {name}"));
}

#[test]
fn search_by_name_reports_no_matches() {
    let mut scene = opened(Scene::loaded());
    scene.window.key_press_modifiers(Modifiers::COMMAND, Key::F);
    scene.window.run();
    scene.window.get_by_label("Search images by name").type_text("MOSAIC/");
    settle(&mut scene);
    scene.window.get_by_label("Grid of 120 training images");
    scene.window.get_by_label("120 of 960 images");
    scene.window.get_by_label("Search images by name").type_text("nobody");
    settle(&mut scene);
    scene.window.get_by_label("No matching images");
    scene.window.get_by_label("Show all images").click();
    settle(&mut scene);
    scene.window.get_by_label("Grid of 960 training images");
}

#[test]
fn similar_images_come_first() {
    let mut scene = opened(Scene::loaded());
    scene.window.state_mut().state.image = Some(200);
    settle(&mut scene);
    scene.window.get_by_label("Similar to this").click();
    settle(&mut scene);
    assert_eq!(scene.app().library.options.sort, Sort::Similar(200));
    let dataset = scene.app().state.dataset.clone().unwrap();
    let (arrangement, _) = scene.app().library.arrangement(scene.app().state.dataset_id).unwrap();
    assert_eq!(arrangement.order[0], 200);
    let all: Vec<usize> = (0..dataset.len()).collect();
    let nearest = whence_data::nearest_among(&dataset, dataset.pixels(200), &all, 5);
    let first: Vec<usize> = arrangement.order.iter().take(5).map(|i| *i as usize).collect();
    assert_eq!(first, nearest.iter().map(|n| n.index).collect::<Vec<_>>());
    scene.window.get_by_label_contains("Grid of 960");
}

#[test]
fn unavailable_orders_are_reset() {
    let mut scene = opened(Scene::loaded());
    scene.window.state_mut().library.options.sort = Sort::MostAffected;
    settle(&mut scene);
    assert_eq!(scene.app().library.options.sort, Sort::Group, "nothing is known of losses");
}

#[test]
fn keys_change_the_size_of_tiles_but_not_while_typing() {
    let mut scene = opened(Scene::loaded());
    let side = |scene: &Scene| scene.app().library.side;
    let before = side(&scene);
    press(&mut scene, Key::Plus);
    assert!(side(&scene) > before);
    press(&mut scene, Key::Minus);
    assert!((side(&scene) - before).abs() < 1.5);
    for _ in 0..30 {
        press(&mut scene, Key::Minus);
    }
    assert_eq!(side(&scene), 16.0);
    scene.window.key_press_modifiers(Modifiers::COMMAND, Key::F);
    settle(&mut scene);
    press(&mut scene, Key::Plus);
    assert_eq!(side(&scene), 16.0);
}

#[test]
fn the_topmost_row_stays_at_the_top_when_tiles_are_resized() {
    let mut scene = opened(Scene::loaded());
    scene.window.state_mut().state.group = Some(6);
    settle(&mut scene);
    let section = |scene: &Scene| {
        let (arrangement, _) = scene.app().library.arrangement(scene.app().state.dataset_id).unwrap();
        let layout = scene.app().library.grid.layout_for_test().unwrap();
        let index =
            layout.rows(scene.app().library.grid.scroll_offset() + 40.0, f64::MAX).next().unwrap().indices.start;
        arrangement.order[index]
    };
    let group = |scene: &Scene| scene.app().state.dataset.as_ref().unwrap().group_of(section(scene) as usize);
    assert_eq!(group(&scene), Some(6));
    for side in [200.0, 50.0, 256.0] {
        scene.window.state_mut().library.side = side;
        settle(&mut scene);
        let top = scene.app().library.grid.scroll_offset();
        scene.window.run_steps(30);
        assert_eq!(scene.app().library.grid.scroll_offset(), top, "{side}: it rests");
        assert_eq!(group(&scene), Some(6), "{side}");
    }
}

#[test]
fn an_idle_library_requests_no_frames() {
    let mut scene = opened(Scene::loaded());
    scene.rests();
}

/// Images of one colour each: image `i` is (i * 20, 100, 255 - i * 20), with a white dot in its corner.
pub(super) fn flat(side: u32) -> Dataset {
    let folder = tempfile::tempdir().unwrap();
    for (group, name) in ["a", "b"].into_iter().enumerate() {
        std::fs::create_dir(folder.path().join(name)).unwrap();
        for i in 0..6u8 {
            let v = (group as u8 * 6 + i) * 20;
            let image = image::RgbImage::from_fn(side, side, |x, y| {
                if x < side / 8 && y < side / 8 { image::Rgb([255; 3]) } else { image::Rgb([v, 100, 255 - v]) }
            });
            image.save(folder.path().join(format!("{name}/{i}.png"))).unwrap();
        }
    }
    let shape = ImageShape { channels: 3, height: side as usize, width: side as usize };
    let options = LoadOptions { shape: Some(shape), ..LoadOptions::default() };
    Dataset::load(folder.path(), &options, &mut |_, _| Ok(())).unwrap()
}

/// A harness with a renderer; none without a graphics adapter.
pub(super) fn drawn(theme: Theme, scale: f32) -> Option<Scene> {
    let state = std::panic::catch_unwind(|| {
        renderer::create_render_state(renderer::default_wgpu_setup(), eframe::egui_wgpu::RendererOptions::PREDICTABLE)
    });
    let Ok(state) = state else {
        eprintln!("skipped: there is no graphics adapter, not even a software one");
        return None;
    };
    let builder = Harness::<WhenceApp>::builder().with_size([1280.0, 800.0]).with_pixels_per_point(scale);
    let builder = builder.with_theme(theme).renderer(renderer::WgpuTestRenderer::from_render_state(state));
    let scene = Scene::build(builder);
    scene.window.ctx.set_theme(theme);
    Some(scene)
}

/// Colours at positions relative to the grid.
pub(super) fn pixels(scene: &mut Scene, scale: f32, points: &[egui::Vec2]) -> Vec<[u8; 3]> {
    let wall: Rect = scene.window.get_by_label_contains("Grid of").rect();
    let image = scene.window.render().unwrap();
    let at = |p: &egui::Vec2| {
        let at = (wall.min + *p) * scale;
        let [r, g, b, _] = image.get_pixel(at.x as u32, at.y as u32).0;
        [r, g, b]
    };
    points.iter().map(at).collect()
}

#[test]
fn the_shader_draws_each_tile_with_the_colours_of_its_image() {
    for (side, scale) in [(8, 1.0), (32, 1.0), (32, 2.0), (300, 1.0)] {
        let Some(mut scene) = drawn(Theme::Dark, scale) else { return };
        scene.window.state_mut().state.dataset = Some(flat(side));
        scene.window.state_mut().state.dataset_id = 1;
        let mut scene = opened(scene);
        scene.window.state_mut().state.image = Some(1);
        settle(&mut scene);
        let wall = scene.window.get_by_label_contains("Grid of").rect();
        let metrics = scene.app().library.grid.layout_for_test().unwrap().metrics();
        let (tile, pitch) = (metrics.tile[0] as f32, (metrics.tile[0] + metrics.gap) as f32);
        assert!(tile >= 64.0 && wall.width() > 6.0 * pitch);
        let middles: Vec<_> = (0..6).map(|i| egui::vec2(i as f32 * pitch + tile / 2.0, 36.0 + tile / 2.0)).collect();
        let colours = pixels(&mut scene, scale, &middles);
        for (i, [r, g, b]) in colours.into_iter().enumerate() {
            let v = i as i32 * 20;
            let near = |a: u8, b: i32| (i32::from(a) - b).abs() <= 2;
            assert!(near(r, v) && near(g, 100) && near(b, 255 - v), "{side} {scale} tile {i}: {r} {g} {b}");
        }
        // The dot in the corner, the selection's ring beside the second tile, and nothing between the third and fourth.
        let t = &theme::DARK;
        let gap = (metrics.gap / 2.0) as f32;
        let positions = [
            egui::vec2(tile * 0.06, 36.0 + tile * 0.06),
            egui::vec2(pitch - 2.5, 36.0 + tile / 2.0),
            egui::vec2(3.0 * pitch - gap, 36.0 + tile / 2.0),
        ];
        let [dot, ring, between] = pixels(&mut scene, scale, &positions)[..] else { unreachable!() };
        assert!(dot.iter().all(|v| *v > 240), "{side} {scale}: {dot:?}");
        assert!(ring.iter().all(|v| v.abs_diff(t.strong.r()) < 40), "{side} {scale}: ring {ring:?}");
        assert_eq!(between, [t.window.r(); 3], "{side} {scale}");
    }
}

#[test]
fn enlarged_pixels_have_sharp_edges() {
    let Some(mut scene) = drawn(Theme::Dark, 1.0) else { return };
    scene.window.state_mut().state.dataset = Some(flat(8));
    scene.window.state_mut().state.dataset_id = 1;
    let mut scene = opened(scene);
    let tile = scene.app().library.grid.layout_for_test().unwrap().metrics().tile[0] as f32;
    // One of eight texels is white: its edge lies within a pixel of an eighth of the tile.
    let line: Vec<_> = (2..12).map(|x| egui::vec2(x as f32 + 0.5, 36.0 + 3.5)).collect();
    let row = pixels(&mut scene, 1.0, &line);
    let mixed = row.iter().filter(|[r, ..]| (20..235).contains(r)).count();
    assert!(mixed <= 1, "{row:?}");
    let white = row.iter().filter(|[r, ..]| *r > 235).count();
    assert!((white as f32 - (tile / 8.0 - 2.0)).abs() <= 1.0, "{tile} {row:?}");
}

/// Screenshots to be checked by eye: `WHENCE_SCREENSHOTS=folder cargo test library_screenshots`.
#[test]
fn library_screenshots() {
    let Ok(folder) = std::env::var("WHENCE_SCREENSHOTS").map(PathBuf::from) else { return };
    std::fs::create_dir_all(&folder).unwrap();
    let save = |scene: &mut Scene, name: &str| scene.window.render().unwrap().save(folder.join(name)).unwrap();
    for (theme, name) in [(Theme::Dark, "dark"), (Theme::Light, "light")] {
        let Some(mut scene) = drawn(theme, 1.0) else { return };
        scene.load(None);
        if let Ok(path) = std::env::var("WHENCE_DATASET") {
            let dataset = Dataset::load(path.as_ref(), &LoadOptions::default(), &mut |_, _| Ok(())).unwrap();
            let state = &mut scene.window.state_mut().state;
            (state.dataset, state.dataset_id) = (Some(dataset), state.dataset_id + 1);
        }
        let mut scene = opened(scene);
        save(&mut scene, &format!("library-1-{name}.png"));
        scene.window.state_mut().state.group = Some(1);
        scene.window.state_mut().state.image = Some(130);
        settle(&mut scene);
        save(&mut scene, &format!("library-2-selected-{name}.png"));
        scene.window.state_mut().library.options.sort = Sort::Similar(130);
        scene.window.state_mut().state.group = None;
        settle(&mut scene);
        save(&mut scene, &format!("library-3-similar-{name}.png"));
        scene.window.state_mut().library.side = 16.0;
        scene.window.state_mut().library.options.sort = Sort::Group;
        settle(&mut scene);
        save(&mut scene, &format!("library-4-small-{name}.png"));
        scene.window.state_mut().library.side = 200.0;
        settle(&mut scene);
        save(&mut scene, &format!("library-5-large-{name}.png"));
        scene.window.state_mut().library.loupe = true;
        settle(&mut scene);
        save(&mut scene, &format!("library-6-loupe-{name}.png"));
        scene.act(Action::Clear);
    }
}
