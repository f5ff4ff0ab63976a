//! The dialog that saves, by its names.

use egui::Key;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::scenes::Scene;
use crate::app::export::Content;

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
        "--group: #b9ac11",
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
    scene.window.get_by_role_and_label(egui::accesskit::Role::RadioButton, "Unlearning").click();
    scene.settle();
    assert!(scene.window.get_by_label("Save").accesskit_node().is_disabled());
    scene.window.get_by_label("Select a group whose unlearning was watched");
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
