//! The main steps of the test.

use std::time::{Duration, Instant};

use image::Rgb;

use super::input::{CONTROL, DOWN, ESCAPE, PAGE_DOWN, PAGE_UP, RETURN};
use super::robot::Robot;
use super::scene::Scene;
use super::screen::{Bar, Screen};

/// Groups of the demo; hatching is the first, see `assets/demo/paintings`.
const GROUPS: usize = 8;
/// The dark theme's background of selected rows, as in `src/app/theme.rs`.
const SELECTED: Rgb<u8> = Rgb([54; 3]);

pub fn the_demo_is_open(robot: &mut Robot, scene: &Scene) {
    let screen = robot.until("something is drawn", 60, |screen| screen.colours() > 20);
    robot.save_screenshot("first-frame", &screen);
    robot.until("the demo is unpacked", 60, |_| scene.data().join("jobs.jsonl").is_file());
    let first = scene.painting("seed-22.png");
    robot.until("the demo's first image", 60, |screen| screen.shows(&first).is_some());
    let screen = robot.settled();
    assert_eq!(screen.size(), (1280, 800));
    assert!(screen.colours() > 1000, "{} colours", screen.colours());
    for name in ["seed-21.png", "seed-40.png", "seed-12.png"] {
        let other = scene.painting(name);
        assert!(screen.tile(&other).is_some() && screen.shows(&other).is_none(), "{name} is one of the choices");
    }
    // The tour points at a finished explanation.
    robot.until("a bar of each group", 120, |screen| explained(&screen.bars()));
    let (verdict, _) = scene.logged("attribute", "finished");
    assert!(verdict.starts_with("neon"), "{verdict}");
}

pub fn the_tour_is_skipped(robot: &mut Robot, scene: &Scene) {
    let toured = robot.settled();
    robot.press(&[ESCAPE]);
    robot.until("the window without a card over it", 10, |screen| *screen != toured);
    let screen = robot.settled();
    let rect = screen.shows(&scene.painting("seed-22.png")).expect("the demo's first image");
    // The card covered part of the middle.
    let changed = (0..1280).filter(|x| (0..800).any(|y| screen.0.get_pixel(*x, y) != toured.0.get_pixel(*x, y)));
    assert!(changed.count() > 300, "the card has disappeared");
    assert!(rect.width > 200);
}

pub fn a_dropped_project_opens(robot: &mut Robot, scene: &Scene) {
    let (painting, digit) = (scene.painting("seed-22.png"), scene.digit());
    let carried = robot.carry(&scene.digits());
    let overlay = robot.until("the overlay that announces the drop", 10, |s| s.shows(&painting).is_none());
    robot.save_screenshot("carried", &overlay);
    assert!(overlay.shows(&digit).is_none(), "nothing is opened before it is dropped");
    robot.let_go(carried);
    robot.until("the digit", 30, |screen| screen.shows(&digit).is_some());
    let screen = robot.settled();
    assert_eq!(screen.bars(), []);
    assert_eq!(scene.logged("open_project", "finished").1, scene.digits().to_str().unwrap());
    assert_eq!(scene.logged("load_model", "finished").1.as_str().map(|p| p.ends_with("digits/model")), Some(true));
}

pub fn a_typed_path_opens(robot: &mut Robot, scene: &Scene) {
    let painting = scene.painting("seed-22.png");
    let before = robot.settled();
    robot.press(&[CONTROL, u32::from('l')]);
    // The field accepts text once it has the focus, some frames later.
    robot.until("the path field", 10, |screen| *screen != before);
    robot.settled();
    robot.enter(scene.demo().to_str().unwrap());
    let typed = robot.settled();
    robot.save_screenshot("typed", &typed);
    robot.press(&[RETURN]);
    robot.until("the demo's first image", 30, |screen| screen.shows(&painting).is_some());
    robot.settled();
    assert_eq!(scene.logged("open_project", "finished").1, scene.demo().to_str().unwrap());
}

pub fn mouse_and_keys_select_an_image(robot: &mut Robot, scene: &Scene) {
    let (first, second) = (scene.painting("seed-22.png"), scene.painting("seed-21.png"));
    let tile = robot.screenshot().tile(&second).expect("a tile to click");
    robot.click(tile.centre());
    robot.until("the image that was clicked", 10, |screen| screen.shows(&second).is_some());
    robot.press(&[PAGE_UP]);
    robot.until("the image before", 10, |screen| screen.shows(&first).is_some());
    let edge = robot.screenshot().edge().expect("the edge of the side panel");
    let (from, to) = ((edge as i16, 400), (edge as i16 + 96, 400));
    robot.drag(from, to);
    let moved = |screen: &Screen, x: i16| screen.edge().is_some_and(|now| (now as i16 - x).abs() <= 3);
    let wide = robot.until("a wider side panel", 10, |screen| moved(screen, to.0));
    robot.save_screenshot("wide", &wide);
    robot.drag(to, from);
    robot.until("the side panel as it was", 10, |screen| moved(screen, from.0));
}

/// Whether each group of the demo has a bar.
pub fn explained(bars: &[Bar]) -> bool {
    let groups: std::collections::BTreeSet<_> = bars.iter().map(|b| b.group).collect();
    groups.into_iter().eq(0..GROUPS)
}

pub fn an_image_is_explained(robot: &mut Robot, scene: &Scene) {
    let [first, second] = ["seed-22.png", "seed-21.png"].map(|name| scene.painting(name));
    robot.press(&[PAGE_DOWN]);
    robot.until("the second image", 10, |screen| screen.shows(&second).is_some() && screen.bars().is_empty());
    robot.press(&[CONTROL, RETURN]);
    // Scores near 0 have no bar that could be recognised.
    robot.until("bars", 120, |screen| screen.bars().len() >= 3);
    robot.until("the end of the job", 120, |screen| screen.progress().is_none());
    let bars = robot.settled().bars();
    let longest = bars.iter().max_by_key(|bar| bar.rect.width);
    assert!(longest == bars.first(), "the longest first: {bars:?}");
    let (verdict, spec) = scene.logged("attribute", "finished");
    assert!(verdict.starts_with("stained-glass") && bars[0].group == 5, "{verdict}: {bars:?}");
    assert_eq!(spec["queries"].as_array().map(Vec::len), Some(1));
    robot.press(&[PAGE_UP]);
    robot.until("the first image", 10, |screen| screen.shows(&first).is_some() && explained(&screen.bars()));
    let bars = robot.settled().bars();
    assert!(bars.len() == GROUPS && bars.is_sorted_by(|a, b| a.rect.width >= b.rect.width), "{bars:?}");
}

/// The indices of bars whose rows have the background of a selected row, sampled between the row's upper edge and the bar.
pub fn selected(screen: &Screen, bars: &[Bar]) -> Vec<usize> {
    let ground = |bar: &Bar| *screen.0.get_pixel(bar.rect.x + 4, bar.rect.y - 4);
    bars.iter().enumerate().filter(|(_, bar)| ground(bar) == SELECTED).map(|(i, _)| i).collect()
}

pub fn mouse_and_keys_select_a_group(robot: &mut Robot, _: &Scene) {
    let bars = robot.screenshot().bars();
    robot.click(bars[2].rect.centre());
    robot.until("the group that was clicked", 10, |screen| selected(screen, &bars) == [2]);
    robot.press(&[DOWN]);
    robot.until("the group below", 10, |screen| selected(screen, &bars) == [3]);
    // Away from the bars, so that no tooltip covers them.
    robot.point((640, 790));
    robot.settled();
}

/// An explanation is restored after a restart, without a new job by the user.
pub fn an_explanation_is_restored(robot: &mut Robot, scene: &Scene) {
    let bars = robot.screenshot().bars();
    robot.quit();
    session_is_saved(scene);
    robot.start_again();
    robot.until("the bars of before", 60, |screen| explained(&screen.bars()));
    let screen = robot.settled();
    assert_eq!(screen.bars(), bars);
    assert_eq!(selected(&screen, &bars), [3], "the selected group");
    assert!(screen.shows(&scene.painting("seed-22.png")).is_some());
}

/// Checks the saved session of the demo: its images, and that the first was explained.
pub fn session_is_saved(scene: &Scene) {
    let session = std::fs::read_to_string(scene.demo().join("session.json")).unwrap();
    let session: serde_json::Value = serde_json::from_str(&session).unwrap();
    let count = |list: &serde_json::Value| list.as_array().map(Vec::len);
    assert_eq!(count(&session["queries"]), Some(8), "{session}");
    assert_eq!(count(&session["queries"][0]["asked"]), Some(1), "{session}");
}

pub fn a_long_job_is_cancelled(robot: &mut Robot, scene: &Scene) {
    let digit = scene.digit();
    let carried = robot.carry(&scene.digits());
    robot.let_go(carried);
    robot.until("the digit", 30, |screen| screen.shows(&digit).is_some());
    robot.settled();
    let button = robot.until("the button that explains", 30, |screen| screen.primary().is_some());
    let button = button.primary().unwrap();
    robot.click(button.centre());
    // It would take more than five minutes: that is asked about.
    let asked = robot.until("the dialog that asks", 60, |screen| screen.primary().is_some_and(|start| start != button));
    robot.save_screenshot("asked", &asked);
    robot.click(asked.primary().unwrap().centre());
    let running = robot.until("a job under way", 60, |screen| screen.progress().is_some_and(|p| p.width > 60));
    let mut last = running;
    let mut moves = 0;
    let running = robot.until("progress, and a button that stays", 60, |screen| {
        let button = |s: &Screen| s.cancel_button().map(|rect| s.cut(rect));
        let still = button(screen).is_some() && button(screen) == button(&last);
        moves = if !still { 0 } else { moves + usize::from(*screen != last) };
        last = screen.clone();
        moves >= 5
    });
    robot.save_screenshot("long-job", &running);
    let rect = running.cancel_button().unwrap();
    let cancelled = Instant::now();
    robot.press(&[CONTROL, u32::from('.')]);
    let stopping = robot.until("the job strip while it stops", 5, |screen| screen.cut(rect) != running.cut(rect));
    let after = cancelled.elapsed();
    robot.save_screenshot("stopping", &stopping);
    robot.until("the end of the job", 20, |screen| screen.progress().is_none());
    println!(
        "cancelled: shown after {:.2} s, ended after {:.2} s",
        after.as_secs_f64(),
        cancelled.elapsed().as_secs_f64()
    );
    // One second as promised, and one for a processor that renders the window as well.
    assert!(after < Duration::from_secs(2), "{after:?}");
    let (_, spec) = scene.logged("attribute", "cancelled");
    assert_eq!(spec["recipe"]["steps"], 50000);
}

/// An idle window draws no frames.
pub fn an_idle_window_uses_no_time(robot: &mut Robot, _: &Scene) {
    robot.settled();
    let before = cpu_time(robot.process());
    std::thread::sleep(Duration::from_secs(3));
    let idle = cpu_time(robot.process()) - before;
    // One frame takes a few hundredths of a second with this renderer.
    assert!(idle <= 10, "an idle window works for {idle} hundredths of a second in three seconds");
    println!("idle: {idle} hundredths of a second of work in three seconds");
}

/// The CPU time of a process, in hundredths of a second.
fn cpu_time(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The process name before the parenthesis may contain spaces.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

pub fn the_last_project_is_reopened(robot: &mut Robot, scene: &Scene) {
    let digit = scene.digit();
    robot.quit();
    assert!(scene.data().join("window.ron").is_file());
    robot.start_again();
    robot.until("the digit", 60, |screen| screen.shows(&digit).is_some());
    let screen = robot.settled();
    assert_eq!(screen.bars(), [], "a cancelled job leaves no bars");
}
