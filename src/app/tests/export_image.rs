//! Images of the view: drawn beside the window, as it was when Save was pressed.

use egui::Key;
use egui_kittest::kittest::Queryable as _;

use super::bench;
use super::scenes::Scene;
use crate::app::actions::Action;
use crate::app::export::{Drawing, Export, ExportRequest, Table};
use crate::app::files::PathKind;
use crate::app::panels::PanelId;
use whence_report::read_recipe_png;

/// An explained window with a software renderer; none where there is no graphics adapter.
fn drawn() -> Option<Scene> {
    let builder = egui_kittest::Harness::builder().with_size([1280.0, 800.0]);
    let mut scene = Scene::build(bench::with_graphics(builder, bench::graphics()?));
    scene.load(None);
    scene.finish();
    Some(scene)
}

fn save_image(scene: &mut Scene, path: &std::path::Path, scale: u8) {
    let ctx = scene.window.ctx.clone();
    let request =
        ExportRequest { what: Export::Image { scale }, path: path.to_owned(), replace: false, create_folder: false };
    scene.window.state_mut().export(&ctx, request);
}

/// The image is drawn beside the window; it opens the view again.
#[test]
fn an_image_of_the_view_carries_its_recipe_and_opens_the_view_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("view.png");
    let Some(mut scene) = drawn() else { return };
    scene.window.get_by_label_contains("pointillism: +41").click();
    scene.settle();
    let (pixels, size) = (scene.window.ctx.pixels_per_point(), scene.window.ctx.content_rect());
    let area = scene.app().forms.export.area.unwrap();
    save_image(&mut scene, &path, 2);
    assert!(!scene.app().forms.export.open, "the dialog is no part of the image");
    // Keys that are pressed right behind it change the window, and not the image.
    scene.window.key_press(Key::Num6);
    scene.settle_until(|scene| !scene.app().forms.export.busy);
    assert_eq!(scene.app().dock.shown(), [PanelId::Compare]);
    assert_eq!((scene.window.ctx.pixels_per_point(), scene.window.ctx.content_rect()), (pixels, size));
    assert_eq!(scene.app().forms.export.saved, Some(path.clone()), "{:?}", scene.app().forms.export.error);
    let expected = (area.size() * 2.0 * pixels).round();
    assert_eq!(image::image_dimensions(&path).unwrap(), (expected.x as u32, expected.y as u32));
    let colours: std::collections::HashSet<_> = image::open(&path).unwrap().to_rgb8().pixels().copied().collect();
    assert!(colours.len() > 100, "bars, text and a painting: {}", colours.len());
    let recipe = read_recipe_png(&path).unwrap().unwrap();
    assert_eq!(recipe.tab.as_deref(), Some("Explain"), "as it was when Save was pressed");
    assert_eq!(recipe.group.as_deref(), Some("pointillism"));
    assert_eq!(recipe.query.as_ref().map(|q| (q.name.as_str(), q.seed)), Some(("seed-7", Some(7))));
    assert_eq!(recipe.settings.as_ref().map(|s| s.method.as_str()), Some("guda"));
    assert_eq!((recipe.project_name.as_deref(), recipe.project), (Some("Eight styles"), None));

    let window = scene.window.state_mut();
    window.forms.export.close();
    (window.state.group, window.state.current) = (None, window.state.queries.first().map(|q| q.key));
    assert_eq!(PathKind::of(&path), PathKind::View);
    let ctx = scene.window.ctx.clone();
    scene.window.state_mut().command(&ctx, crate::app::actions::Command::Open(path));
    scene.settle_until(|scene| scene.app().state.group.is_some());
    assert_eq!(scene.app().state.query().map(|q| q.image.name.as_str()), Some("seed-7"));
}

/// At the window's own scale the image is that of the window.
#[test]
fn an_image_of_the_view_is_what_is_on_screen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("view.png");
    let Some(mut scene) = drawn() else { return };
    for (i, panel) in [PanelId::Ranking, PanelId::Library].into_iter().enumerate() {
        scene.act(Action::ShowPanel(panel));
        scene.settle_until(|scene| !scene.app().library.is_behind() && !scene.app().library.grid.is_loading());
        let area = scene.app().forms.export.area.unwrap();
        let screen = scene.window.render().unwrap();
        save_image(&mut scene, &path.with_extension(format!("{i}.png")), 1);
        scene.settle_until(|scene| !scene.app().forms.export.busy);
        let saved = image::open(path.with_extension(format!("{i}.png"))).unwrap().to_rgb8();
        let (left, top) = (area.left().round() as u32, area.top().round() as u32);
        let differs = |(x, y, pixel): (u32, u32, &image::Rgb<u8>)| {
            let on_screen = screen.get_pixel(x + left, y + top);
            pixel.0.iter().zip(&on_screen.0).any(|(a, b)| a.abs_diff(*b) > 8)
        };
        let others = saved.enumerate_pixels().filter(|p| differs((p.0, p.1, p.2))).count();
        assert!(others * 100 < saved.pixels().count(), "{panel:?}: {others} pixels differ");
        scene.window.state_mut().forms.export.close();
        scene.settle();
    }
}

/// Whatever leaves the program names no folder of this computer.
#[test]
fn exported_files_name_no_folder_of_this_computer() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut scene) = drawn() else { return };
    let key = scene.app().state.current.unwrap();
    let file = folder.path().join("private").join("mine.png");
    scene.window.state_mut().state.query_mut(key).unwrap().image.origin = whence_jobs::QueryOrigin::File(file);
    let format = whence_report::TableFormat::Json;
    for (what, name) in [
        (Export::Image { scale: 1 }, "a.png"),
        (Export::Table { table: Table::Ranking, format }, "a.json"),
        (Export::Drawing(Drawing::Table), "a.svg"),
        (Export::Report, "a.html"),
    ] {
        let path = folder.path().join(name);
        let ctx = scene.window.ctx.clone();
        let request = ExportRequest { what, path: path.clone(), replace: false, create_folder: false };
        scene.window.state_mut().export(&ctx, request);
        scene.settle_until(|scene| !scene.app().forms.export.busy);
        let bytes = std::fs::read(&path).unwrap_or_else(|_| panic!("{name}: {:?}", scene.app().forms.export.error));
        let home = directories::UserDirs::new().map(|dirs| dirs.home_dir().display().to_string());
        let private = [folder.path().display().to_string(), std::env::temp_dir().join("x").display().to_string()];
        for private in
            private.into_iter().chain(home).chain([env!("CARGO_MANIFEST_DIR").to_owned(), "/projects".into()])
        {
            let private = private.trim_end_matches('x').as_bytes();
            assert!(!bytes.windows(private.len()).any(|part| part == private), "{name} names {private:?}");
        }
        scene.window.state_mut().forms.export.close();
    }
}
