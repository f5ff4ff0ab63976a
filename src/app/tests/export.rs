//! The dialog that saves, by its names.

use egui::Key;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::bench;
use super::scenes::Scene;
use crate::app::actions::Action;
use crate::app::export::{Content, Drawing, Export, ExportRequest, Table};
use crate::app::files::PathKind;
use crate::app::panels::PanelId;
use whence_report::read_recipe_png;

fn open(scene: &mut Scene) {
    scene.window.state_mut().forms.export.open = true;
    scene.settle();
}

fn write_to(scene: &mut Scene, path: &std::path::Path) {
    scene.window.state_mut().forms.export.path = path.display().to_string();
    scene.settle();
}

fn press_save(scene: &mut Scene) {
    scene.window.get_by_label("Save").click();
    scene.window.run();
    scene.settle_until(|scene| !scene.app().forms.export.busy);
}

#[test]
fn nothing_to_export_is_said_and_save_is_off() {
    let mut scene = Scene::loaded();
    open(&mut scene);
    for choice in ["Table", "Report"] {
        scene.window.get_by_label(choice).click();
        scene.settle();
        assert!(scene.window.get_by_label("Save").accesskit_node().is_disabled(), "{choice}");
        scene.window.get_by_label_contains("explained yet");
    }
    scene.window.get_by_label("Image of this view").click();
    scene.settle();
    assert!(!scene.window.get_by_label("Save").accesskit_node().is_disabled());
    scene.window.get_by_label_contains("includes settings to reopen this view");
    scene.window.get_by_label("Cancel").click();
    scene.settle();
    assert!(scene.window.query_by_label("Save").is_none());
    open(&mut scene);
    scene.window.key_press(Key::Escape);
    scene.settle();
    assert!(scene.window.query_by_label("Save").is_none(), "Esc closes it");
}

#[test]
fn what_is_typed_before_the_field_is_there_goes_in() {
    let mut scene = Scene::done();
    let key = |key, modifiers| egui::Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers };
    let text = |text: &str| egui::Event::Text(text.into());
    let slash = key(Key::Slash, egui::Modifiers::NONE);
    // In the frame of the keys that open the dialog, and in each one after it.
    let export = key(Key::E, egui::Modifiers::COMMAND);
    scene.window.input_mut().events.extend([export, slash.clone(), text("/")]);
    scene.window.step();
    for letter in ["t", "m", "p", "/", "a.", "html"] {
        scene.window.input_mut().events.push(text(letter));
        scene.window.step();
    }
    scene.settle();
    assert_eq!(scene.app().forms.export.path, "/tmp/a.html");
    assert_eq!(scene.app().forms.export.what, Content::Report);
    // The next time all of it is selected, to be typed over.
    scene.window.key_press(Key::Escape);
    scene.settle();
    scene.window.input_mut().events.push(key(Key::E, egui::Modifiers::COMMAND));
    scene.settle();
    scene.window.input_mut().events.push(text("/b.csv"));
    scene.settle();
    assert_eq!(scene.app().forms.export.path, "/b.csv");
}

#[test]
fn what_is_typed_before_the_palette_is_there_goes_in() {
    let mut scene = Scene::done();
    let keys = egui::Event::Key {
        key: Key::K,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers: egui::Modifiers::COMMAND,
    };
    scene.window.input_mut().events.extend([keys, egui::Event::Text("l".into())]);
    scene.window.step();
    // A slip, mended at once, and what a paste brings along.
    scene.window.input_mut().events.extend([
        egui::Event::Text("x".into()),
        egui::Event::Key {
            key: Key::Backspace,
            physical_key: None,
            pressed: true,
            repeat: false,
            modifiers: egui::Modifiers::NONE,
        },
    ]);
    scene.window.step();
    for letter in ["i", "g", "h", "t"] {
        scene.window.input_mut().events.push(egui::Event::Text(letter.into()));
        scene.window.step();
    }
    scene.settle();
    assert_eq!(scene.app().shell.palette.as_ref().map(|p| p.text.as_str()), Some("light"));
}

#[test]
fn a_table_is_written_and_an_old_file_is_replaced_only_when_agreed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scores.csv");
    let mut scene = Scene::done();
    open(&mut scene);
    scene.window.get_by_label("Table").click();
    scene.settle();
    scene.window.get_by_label("This image");
    scene.window.get_by_label("CSV");
    write_to(&mut scene, &path);
    press_save(&mut scene);
    scene.window.get_by_label(&format!("Saved: {}", path.display()));
    scene.window.get_by_label("Close");
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 9);
    assert!(text.starts_with("query,group,score_nats") && text.contains("seed-7,pointillism,41.2,"));
    std::fs::write(&path, "mine").unwrap();
    scene.window.get_by_label("JSON").click();
    scene.settle();
    press_save(&mut scene);
    scene.window.get_by_label_contains("Press Save again to replace it");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    press_save(&mut scene);
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(json["attributions"][0]["scores"][4]["estimate"]["score"], 41.2);
}

/// The field can be typed in while something is being saved.
#[test]
fn a_path_typed_while_saving_is_not_the_one_that_was_agreed_to() {
    let folder = tempfile::tempdir().unwrap();
    let (refused, typed) = (folder.path().join("refused.csv"), folder.path().join("typed.csv"));
    for path in [&refused, &typed] {
        std::fs::write(path, "mine").unwrap();
    }
    let mut scene = Scene::done();
    open(&mut scene);
    scene.window.get_by_label("Table").click();
    scene.settle();
    write_to(&mut scene, &refused);
    let request = scene.app().forms.export.request(&scene.app().state).unwrap();
    let ctx = scene.window.ctx.clone();
    scene.window.state_mut().export(&ctx, request);
    scene.window.state_mut().forms.export.path = typed.display().to_string();
    scene.settle_until(|scene| !scene.app().forms.export.busy);
    scene.window.get_by_label_contains("Nothing was saved");
    press_save(&mut scene);
    assert_eq!(std::fs::read_to_string(&typed).unwrap(), "mine");
    scene.window.get_by_label_contains("Press Save again to replace it");
    press_save(&mut scene);
    assert!(std::fs::read_to_string(&typed).unwrap().starts_with("query,group"));
    assert_eq!(std::fs::read_to_string(&refused).unwrap(), "mine");
}

#[test]
fn a_report_says_what_was_explained_and_how_to_make_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    let mut scene = Scene::done();
    open(&mut scene);
    scene.window.get_by_label("Report").click();
    scene.settle();
    write_to(&mut scene, &path);
    press_save(&mut scene);
    scene.window.get_by_label(&format!("Saved: {}", path.display()));
    let html = std::fs::read_to_string(&path).unwrap();
    for words in [
        "<h1><bdi>Eight styles</bdi></h1>",
        "pointillism ranks first",
        "generated from seed 7",
        "whence report demo --out report.html ",
        "--seeds 7 ",
        "--timesteps 50 ",
        "objective = &#34;hinge&#34;",
        "<data value=\"41.2\"",
        "--group: #d55e00",
    ] {
        assert!(html.contains(words), "{words}");
    }
    assert_eq!(html.matches("A training image of").count(), 3 * 8);
    assert!(!html.contains("://"));
    for path in ["/projects", env!("CARGO_MANIFEST_DIR"), &*folder.path().to_string_lossy()] {
        assert!(!html.contains(path), "a report names no folder of this computer: {path}");
    }
}

#[test]
fn errors_stay_in_the_dialog() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let mut scene = Scene::done();
    open(&mut scene);
    scene.window.get_by_label("Table").click();
    scene.settle();
    write_to(&mut scene, &file.join("below a file.csv"));
    press_save(&mut scene);
    scene.window.get_by_label_contains("does not exist");
    scene.window.get_by_label("Create folder").click();
    scene.window.run();
    scene.settle_until(|scene| !scene.app().forms.export.busy);
    scene.window.get_by_label_contains("could not create");
    scene.window.get_by_label("File to save");
    write_to(&mut scene, "relative.csv".as_ref());
    scene.window.get_by_label("Enter an absolute path");
}

#[test]
fn browse_asks_the_system_and_takes_its_answer() {
    let mut scene = Scene::done();
    let jobs = scene.fake.count();
    open(&mut scene);
    scene.window.get_by_label("Report").click();
    scene.settle();
    scene.window.get_by_label("Browse…").click();
    scene.settle();
    assert!(scene.app().forms.dialog_open);
    scene.fake.answer_dialog(Some("/somewhere/mine".into()));
    scene.settle_until(|scene| !scene.app().forms.dialog_open);
    assert_eq!(scene.app().forms.export.path, "/somewhere/mine.html");
    assert_eq!(scene.fake.count(), jobs, "nothing is opened");
}

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

#[test]
fn folders_are_created_only_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new").join("scores.csv");
    let mut scene = Scene::done();
    open(&mut scene);
    scene.window.get_by_label("Table").click();
    scene.settle();
    write_to(&mut scene, &path);
    press_save(&mut scene);
    scene.window.get_by_label(&format!("The folder {} does not exist.", folder.path().join("new").display()));
    assert!(!folder.path().join("new").exists());
    scene.window.get_by_label("Create folder").click();
    scene.window.run();
    scene.settle_until(|scene| !scene.app().forms.export.busy);
    assert!(path.is_file());
    scene.window.get_by_label(&format!("Saved: {}", path.display()));
}

#[test]
fn bars_tables_and_curves_are_vector_graphics_with_real_text() {
    let folder = tempfile::tempdir().unwrap();
    let mut scene = Scene::done();
    open(&mut scene);
    scene.window.get_by_label("Vector graphic").click();
    scene.settle();
    for (choice, words) in [("Ranking", "pointillism"), ("Numbers", "GUDA (unlearning)")] {
        let path = folder.path().join(format!("{choice}.svg"));
        scene.window.get_by_label(choice).click();
        scene.settle();
        write_to(&mut scene, &path);
        press_save(&mut scene);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("<svg ") && text.contains(words) && text.contains("+41.2</text>"), "{text}");
    }
    scene.window.get_by_label("Unlearning").click();
    scene.settle();
    assert!(scene.window.get_by_label("Save").accesskit_node().is_disabled());
    scene.window.get_by_label("Select a group whose unlearning was watched");
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
        for private in private.into_iter().chain(home).chain([env!("CARGO_MANIFEST_DIR").to_owned(), "/projects".into()]) {
            let private = private.trim_end_matches('x').as_bytes();
            assert!(!bytes.windows(private.len()).any(|part| part == private), "{name} names {private:?}");
        }
        scene.window.state_mut().forms.export.close();
    }
}

#[test]
fn a_table_is_copied_to_the_clipboard() {
    let mut scene = Scene::done();
    open(&mut scene);
    scene.window.get_by_label("Table").click();
    scene.settle();
    scene.window.get_by_label("Copy table").click();
    let mut copied = None;
    for _ in 0..4 {
        scene.window.step();
        for command in &scene.window.output().platform_output.commands {
            if let egui::OutputCommand::CopyText(text) = command {
                copied = Some(text.clone());
            }
        }
    }
    let copied = copied.expect("a text");
    assert_eq!(copied.lines().count(), 9);
    assert!(copied.contains("seed-7\tGUDA (unlearning)\tpointillism\t41.2\t"), "{copied}");
}

#[test]
fn export_has_a_button() {
    let mut scene = Scene::done();
    scene.window.get_by_label("Export").click();
    scene.settle();
    scene.window.get_by_label("File to save");
}

#[test]
fn a_damaged_image_of_a_view_says_so_beside_the_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("view.png");
    whence_report::write_recipe_png(&path, &[0; 300], (10, 10), &whence_report::ViewRecipe::default()).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 9]).unwrap();
    let mut scene = Scene::new();
    let ctx = scene.window.ctx.clone();
    scene.window.state_mut().command(&ctx, crate::app::actions::Command::Open(path));
    scene.settle_until(|scene| scene.app().forms.path_error.is_some());
    scene.window.get_by_label_contains("this PNG cannot be read");
}

#[test]
fn an_open_dialog_asks_for_no_frames() {
    let mut scene = Scene::done();
    scene.window.state_mut().forms.export.what = Content::Report;
    open(&mut scene);
    // Nearest images may still be on their way.
    scene.settle();
    scene.rests();
}
