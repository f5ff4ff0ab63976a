//! Steps on projects of one's own: made in the window and on the command line, shared by two windows, ended by a signal.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use image::Rgb;
use serde_json::Value;
use tempfile::TempDir;

use super::super::command_line::whence;
use super::super::{copy_folder, fixture};
use super::input::{CONTROL, ESCAPE, RETURN, SHIFT, TAB};
use super::robot::Robot;
use super::screen::Screen;

/// A step and its checks.
type Step = fn(&mut Robot, &OwnScene);

/// The steps in order.
pub const STEPS: [(&str, Step); 7] = [
    ("a project is made in the window", a_project_is_made_in_the_window),
    ("an image is generated and explained", an_image_is_generated_and_explained),
    ("everything is there after a restart", everything_is_there_after_a_restart),
    ("a second window only reads", a_second_window_only_reads),
    ("a star outlives a signal", a_star_outlives_a_signal),
    ("five of sixty groups are explained", five_of_sixty_groups_are_explained),
    ("a closed project leaves the welcome screen", a_closed_project_leaves_the_welcome_screen),
];

/// Names of the groups: digits in Japanese.
const NAMES: [(&str, &str); 10] = [
    ("zero", "零"),
    ("one", "一つ"),
    ("two", "二つ"),
    ("three", "三つ"),
    ("four", "四つ"),
    ("five", "五つ"),
    ("six", "六つ"),
    ("seven", "七つ"),
    ("eight", "八つ"),
    ("nine", "九つ"),
];

/// The dark theme's colour of warnings, as in `src/app/theme.rs`.
const WARN: Rgb<u8> = Rgb([0xE8, 0xB0, 0x4A]);

/// The files of the steps.
pub struct OwnScene {
    folder: TempDir,
}

impl OwnScene {
    /// A dataset with Japanese group names, and one of sixty groups.
    pub fn new() -> Self {
        let scene = Self { folder: tempfile::tempdir().unwrap() };
        for folder in [scene.data(), scene.other_data()] {
            std::fs::create_dir(folder).unwrap();
        }
        for (english, japanese) in NAMES {
            let from = fixture("digits/images").join(english);
            copy_folder(&from, &scene.japanese().join(japanese));
            for (index, entry) in std::fs::read_dir(&from).unwrap().flatten().enumerate() {
                let group = scene.folder.path().join("sixty").join(format!("{english} {}", index % 6));
                std::fs::create_dir_all(&group).unwrap();
                std::fs::copy(entry.path(), group.join(entry.file_name())).unwrap();
            }
        }
        scene
    }

    /// The program's data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// That of a second program.
    fn other_data(&self) -> PathBuf {
        self.folder.path().join("other data")
    }

    fn japanese(&self) -> PathBuf {
        self.folder.path().join("japanese")
    }

    /// The project that is made in the window.
    fn project(&self) -> PathBuf {
        self.data().join("projects/Japanese")
    }

    fn session(&self) -> Value {
        let text = std::fs::read_to_string(self.project().join("session.json")).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Whether an image was explained.
    fn is_explained(&self) -> bool {
        let log = std::fs::read_to_string(self.data().join("jobs.jsonl")).unwrap_or_default();
        let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.any(|line| line["event"] == "finished" && line["spec"].get("attribute").is_some())
    }

    /// The groups of the explanation that finished last.
    fn explained_groups(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.data().join("jobs.jsonl")).unwrap_or_default();
        let lines = log.lines().rev().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut finished = lines.filter(|line| line["event"] == "finished");
        let spec = finished.find_map(|line| line["spec"].get("attribute").cloned()).unwrap_or_default();
        serde_json::from_value(spec["groups"].clone()).unwrap_or_default()
    }

    /// Waits for a line in the job log about a job of this kind with this outcome and this path.
    fn logged(&self, data: &Path, kind: &str, path: &Path) -> String {
        let begun = Instant::now();
        loop {
            let log = std::fs::read_to_string(data.join("jobs.jsonl")).unwrap_or_default();
            for line in log.lines().rev().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
                let of = &line["spec"][kind];
                if line["event"] == "finished" && of.as_str().is_some_and(|p| Path::new(p) == path) {
                    return line["message"].as_str().unwrap_or_default().to_owned();
                }
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "no {kind} of {} ended: {log}", path.display());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Whether the top bar says that the project is read-only.
fn is_read_only(screen: &Screen) -> bool {
    (0..screen.size().0).any(|x| (4..40).any(|y| *screen.0.get_pixel(x, y) == WARN))
}

fn a_project_is_made_in_the_window(robot: &mut Robot, scene: &OwnScene) {
    robot.until("something is drawn", 60, |screen| screen.colours() > 20);
    robot.until("the demo is unpacked", 60, |_| scene.data().join("jobs.jsonl").is_file());
    robot.until("the demo", 60, |screen| screen.colours() > 1000);
    robot.settled();
    // The tour's card goes first.
    robot.press(&[ESCAPE]);
    let before = robot.settled();
    robot.press(&[CONTROL, u32::from('n')]);
    robot.until("the dialog", 10, |screen| *screen != before);
    robot.settled();
    robot.enter(fixture("digits/model").to_str().unwrap());
    robot.settled();
    // Over the button to the next field.
    for _ in 0..2 {
        robot.press(&[TAB]);
        robot.settled();
    }
    robot.enter(scene.japanese().to_str().unwrap());
    robot.settled();
    robot.press(&[TAB]);
    let ready = robot.until("the button that makes the project", 60, |screen| screen.primary().is_some());
    robot.settled();
    robot.save_screenshot("own-new-project", &ready);
    let settled = robot.settled();
    robot.click(settled.primary().expect("the button that makes the project").centre());
    robot.until("the project", 60, |_| scene.project().join("project.json").is_file());
    scene.logged(&scene.data(), "open_project", &scene.project());
    let read = scene.logged(&scene.data(), "load_dataset", &scene.japanese());
    assert!(read.contains("10 groups"), "{read}");
    let file: Value =
        serde_json::from_str(&std::fs::read_to_string(scene.project().join("project.json")).unwrap()).unwrap();
    assert_eq!((file["name"].as_str(), file["queries"].as_array().map(Vec::len)), (Some("Japanese"), Some(0)));
    assert!(file["recipe"].is_null(), "the demo's recipe is the demo's: {file}");
    robot.settled();
}

/// Gives a project a recipe of few steps: they are enough here.
fn shorten(root: &Path) {
    let path = root.join("project.json");
    let mut file: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    file["recipe"] = "recipe.toml".into();
    std::fs::write(&path, file.to_string()).unwrap();
    std::fs::write(root.join("recipe.toml"), "steps = 3\n").unwrap();
}

fn an_image_is_generated_and_explained(robot: &mut Robot, scene: &OwnScene) {
    // Opened again, the project has the recipe.
    shorten(&scene.project());
    robot.quit();
    robot.start_again();
    robot.until("the project", 60, |screen| screen.edge().is_some() && screen.colours() > 20);
    scene.logged(&scene.data(), "load_dataset", &scene.japanese());
    // Away from everything that has a tooltip.
    robot.point((640, 790));
    robot.settled();
    robot.press(&[CONTROL, u32::from('d')]);
    robot.until("the button that explains", 120, |screen| screen.primary().is_some() && screen.progress().is_none());
    robot.settled();
    robot.press(&[CONTROL, RETURN]);
    // Scores near 0 have no bar that could be recognised.
    robot.until("the explanation", 300, |screen| scene.is_explained() && screen.bars().len() >= 3);
    robot.until("the end of the jobs", 60, |screen| screen.progress().is_none());
    let screen = robot.settled();
    robot.save_screenshot("own-explained", &screen);
    assert!(scene.project().join("store").is_dir(), "results are stored in the project");
}

fn everything_is_there_after_a_restart(robot: &mut Robot, scene: &OwnScene) {
    robot.point((640, 790));
    let bars = robot.settled().bars();
    robot.quit();
    assert_eq!(scene.session()["queries"].as_array().map(Vec::len), Some(1));
    robot.start_again();
    robot.until("the bars of before", 60, |screen| screen.bars() == bars);
    robot.settled();
}

fn a_second_window_only_reads(robot: &mut Robot, scene: &OwnScene) {
    assert!(!is_read_only(&robot.settled()));
    let before = scene.session();
    let mut second = Robot::start(&scene.other_data());
    second.until("the demo", 60, |screen| screen.colours() > 1000);
    second.settled();
    second.press(&[ESCAPE]);
    let closed = second.settled();
    second.press(&[CONTROL, u32::from('l')]);
    second.until("the path field", 10, |screen| *screen != closed);
    second.settled();
    second.enter(scene.project().to_str().unwrap());
    second.settled();
    second.press(&[RETURN]);
    let screen = second.until("the read-only project", 60, is_read_only);
    second.save_screenshot("own-read-only", &screen);
    scene.logged(&scene.other_data(), "load_dataset", &scene.japanese());
    second.settled();
    second.press(&[SHIFT, u32::from('*')]);
    second.settled();
    std::thread::sleep(Duration::from_secs(1));
    second.quit();
    assert_eq!(scene.session(), before, "the second window writes nothing");
    assert!(!is_read_only(&robot.settled()));
}

fn a_star_outlives_a_signal(robot: &mut Robot, scene: &OwnScene) {
    assert_eq!(scene.session()["queries"][0]["starred"], false, "{}", scene.session());
    robot.press(&[SHIFT, u32::from('*')]);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(scene.session()["queries"][0]["starred"], true, "a second after the key: {}", scene.session());
    robot.press(&[SHIFT, u32::from('*')]);
    robot.settled();
    robot.press(&[SHIFT, u32::from('*')]);
    // At once: what is not written yet is written while the window closes.
    robot.terminate();
    assert_eq!(scene.session()["queries"][0]["starred"], true, "{}", scene.session());
    robot.start_again();
    robot.until("the project", 60, |screen| screen.bars().len() >= 3);
    assert!(!is_read_only(&robot.settled()), "the lock of a process that ended is none");
}

/// The choice of groups is the project's: a restart finds it, and an explanation keeps to it.
fn five_of_sixty_groups_are_explained(robot: &mut Robot, scene: &OwnScene) {
    let (data, root) = (scene.folder.path().join("sixty"), scene.folder.path().join("Sixty groups"));
    let mut command = whence();
    command.args(["project", "new", "--model"]).arg(fixture("digits/model"));
    command.arg("--data").arg(&data).arg("--out").arg(&root).assert().success();
    shorten(&root);
    let names = std::fs::read_dir(&data).unwrap().flatten().map(|e| e.file_name().into_string().unwrap());
    let (chosen, others): (Vec<String>, Vec<String>) =
        names.partition(|name| name.ends_with(" 3") && name.as_str() < "seven");
    assert_eq!((chosen.len(), others.len()), (5, 55), "{chosen:?}");
    let session = serde_json::json!({
        "schema_version": 1, "queries": [], "current": null, "group": null, "seed": 0, "excluded_groups": others,
    });
    std::fs::write(root.join("session.json"), session.to_string()).unwrap();
    let carried = robot.carry(&root);
    robot.let_go(carried);
    let read = scene.logged(&scene.data(), "load_dataset", &data.canonicalize().unwrap());
    assert!(read.contains("60 groups"), "{read}");
    robot.settled();
    robot.press(&[CONTROL, u32::from('d')]);
    robot.until("the button that explains", 120, |screen| screen.primary().is_some() && screen.progress().is_none());
    robot.settled();
    robot.press(&[CONTROL, RETURN]);
    let mut explained = Vec::new();
    robot.until("the explanation", 300, |screen| {
        explained = scene.explained_groups();
        explained.len() == 5 && screen.progress().is_none()
    });
    explained.sort_unstable();
    let mut chosen = chosen;
    chosen.sort_unstable();
    assert_eq!(explained, chosen);
    robot.settled();
}

fn a_closed_project_leaves_the_welcome_screen(robot: &mut Robot, _: &OwnScene) {
    assert!(robot.settled().edge().is_some());
    robot.press(&[CONTROL, u32::from('w')]);
    robot.until("the welcome screen", 10, |screen| screen.primary().is_some() && screen.edge().is_none());
    robot.settled();
    robot.quit();
    robot.start_again();
    robot.until("the welcome screen", 60, |screen| screen.primary().is_some() && screen.edge().is_none());
    robot.settled();
}
