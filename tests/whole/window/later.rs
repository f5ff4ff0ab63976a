//! Steps on the explained demo: projects, maps and reports. Each leaves the demo explained.

use super::input::{CONTROL, DOWN, ESCAPE, RETURN};
use super::robot::Robot;
use super::scene::Scene;
use super::screen::Screen;
use super::{Step, steps};

/// The steps, in order.
pub const LATER: [(&str, Step); 4] = [
    ("a project is restored after another was open", a_project_is_restored_after_another_was_open),
    ("a region of the map is selected", a_region_of_the_map_is_selected),
    ("a report is exported", a_report_is_exported),
    ("a view is exported while the tab changes", a_view_is_exported_while_the_tab_changes),
];

fn a_project_is_restored_after_another_was_open(robot: &mut Robot, scene: &Scene) {
    let bars = robot.settled().bars();
    robot.press(&[DOWN]);
    robot.until("the group below", 10, |screen| steps::selected(screen, &bars) == [4]);
    let digit = scene.digit();
    let carried = robot.carry(&scene.digits());
    robot.let_go(carried);
    robot.until("the digit", 30, |screen| screen.shows(&digit).is_some());
    robot.settled();
    steps::session_is_saved(scene);
    steps::a_typed_path_opens(robot, scene);
    robot.until("the bars of before", 30, |screen| steps::explained(&screen.bars()));
    assert_eq!(steps::selected(&robot.settled(), &bars), [4], "the selected group");
}

fn a_region_of_the_map_is_selected(robot: &mut Robot, scene: &Scene) {
    let painting = scene.painting("seed-22.png");
    let before = robot.settled();
    robot.press(&[u32::from('2')]);
    robot.until("another tab", 10, |screen| *screen != before);
    // Without a map there is one primary button, which computes it.
    if let Some(button) = robot.settled().primary() {
        robot.click(button.centre());
    }
    robot.until("the end of the job", 120, |screen| screen.progress().is_none() && screen.primary().is_none());
    let mapped = robot.settled();
    robot.save_screenshot("map", &mapped);
    assert!(mapped.shows(&painting).is_none(), "the map lies over the image");
    let (_, spec) = scene.logged("evidence", "finished");
    assert!(!spec.is_null());
    // A region in the upper left of the image.
    let edge = mapped.edge().expect("the edge of the side panel") as i16;
    let (from, to) = ((edge + 80, 200), (edge + 200, 320));
    robot.drag(from, to);
    let selected = robot.until("the selected region", 10, |screen| *screen != mapped);
    robot.save_screenshot("region", &selected);
    assert_ne!(robot.settled().bars(), mapped.bars(), "the ranking is that of the region");
    robot.press(&[ESCAPE]);
    robot.until("the ranking of the whole image", 10, |screen| screen.bars() == mapped.bars());
    robot.press(&[u32::from('1')]);
    robot.until("the query image", 10, |screen| screen.shows(&painting).is_some());
    robot.settled();
}

fn a_report_is_exported(robot: &mut Robot, scene: &Scene) {
    let report = scene.data().join("report.html");
    let before = robot.settled();
    robot.press(&[CONTROL, u32::from('e')]);
    let dialog = robot.until("the dialog", 10, |screen| *screen != before);
    robot.save_screenshot("export", &dialog);
    // The extension sets the type.
    robot.enter(report.to_str().unwrap());
    robot.press(&[RETURN]);
    robot.until("the report", 60, |_| report.is_file());
    let text = std::fs::read_to_string(&report).unwrap();
    assert!(text.contains("hatching") && text.contains("</html>"), "{} bytes", text.len());
    robot.press(&[ESCAPE]);
    robot.until("the window without the dialog", 10, |screen| steps::explained(&screen.bars()));
    robot.settled();
}

/// The image is that of the view as it was when it was saved, and the window keeps its size.
fn a_view_is_exported_while_the_tab_changes(robot: &mut Robot, scene: &Scene) {
    let painting = scene.painting("seed-22.png");
    let path = scene.data().join("view.png");
    let before = robot.settled();
    robot.press(&[CONTROL, u32::from('e')]);
    robot.until("the dialog", 10, |screen| *screen != before);
    robot.settled();
    robot.enter(path.to_str().unwrap());
    robot.settled();
    robot.press(&[RETURN]);
    robot.press(&[ESCAPE]);
    robot.press(&[u32::from('6')]);
    let meanwhile = robot.until("the image of the view", 60, |screen| path.is_file() && screen.size() == before.size());
    robot.save_screenshot("exported-meanwhile", &meanwhile);
    let saved = Screen(image::open(&path).unwrap().to_rgb8());
    assert!(saved.shows(&painting).is_some(), "the view that was on screen");
    assert!(saved.size().0 > before.size().0, "twice as large: {:?}", saved.size());
    // Where the dialog was still saving, it is closed now.
    robot.press(&[ESCAPE]);
    robot.settled();
    robot.press(&[u32::from('1')]);
    robot.until("the query image", 10, |screen| screen.shows(&painting).is_some());
    robot.settled();
}
