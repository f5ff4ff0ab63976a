//! Projects, maps and reports: each begins on the explained demo and leaves it so.

use super::input::{CONTROL, DOWN, ESCAPE, RETURN};
use super::robot::Robot;
use super::scene::Scene;
use super::{Step, steps};

/// In the order they are done.
pub const LATER: [(&str, Step); 3] = [
    ("a project left for another is as it was", a_project_left_for_another_is_as_it_was),
    ("a part of the map is brushed", a_part_of_the_map_is_brushed),
    ("a report is exported", a_report_is_exported),
];

fn a_project_left_for_another_is_as_it_was(robot: &mut Robot, scene: &Scene) {
    let bars = robot.settled().bars();
    robot.press(&[DOWN]);
    robot.until("the group below", 10, |screen| steps::chosen(screen, &bars) == [4]);
    let digit = scene.digit();
    let carried = robot.carry(&scene.digits());
    robot.let_go(carried);
    robot.until("the digit", 30, |screen| screen.shows(&digit).is_some());
    robot.settled();
    steps::as_it_was_left(scene);
    steps::a_typed_path_opens(robot, scene);
    robot.until("the bars of before", 30, |screen| steps::explained(&screen.bars()));
    assert_eq!(steps::chosen(&robot.settled(), &bars), [4], "the group that was chosen");
}

fn a_part_of_the_map_is_brushed(robot: &mut Robot, scene: &Scene) {
    let painting = scene.painting("seed-0.png");
    let before = robot.settled();
    robot.press(&[u32::from('2')]);
    robot.until("another tab", 10, |screen| *screen != before);
    // The one thing that helps is the one primary button, until there is a map.
    if let Some(button) = robot.settled().primary() {
        robot.click(button.middle());
    }
    robot.until("the end of the job", 120, |screen| screen.progress().is_none() && screen.primary().is_none());
    let mapped = robot.settled();
    robot.keep("map", &mapped);
    assert!(mapped.shows(&painting).is_none(), "the map lies over the image");
    let (_, spec) = scene.logged("evidence", "finished");
    assert!(!spec.is_null());
    // The upper left quarter of what lies at the left of the middle.
    let edge = mapped.edge().expect("the edge of the side panel") as i16;
    let (from, to) = ((edge + 80, 200), (edge + 200, 320));
    robot.drag(from, to);
    let brushed = robot.until("the brushed part", 10, |screen| *screen != mapped);
    robot.keep("brushed", &brushed);
    assert_ne!(robot.settled().bars(), mapped.bars(), "the ranking is of the brushed part");
    robot.press(&[ESCAPE]);
    robot.until("the whole again", 10, |screen| screen.bars() == mapped.bars());
    robot.press(&[u32::from('1')]);
    robot.until("the image asked about", 10, |screen| screen.shows(&painting).is_some());
    robot.settled();
}

fn a_report_is_exported(robot: &mut Robot, scene: &Scene) {
    let report = scene.data().join("report.html");
    let before = robot.settled();
    robot.press(&[CONTROL, u32::from('e')]);
    let dialog = robot.until("the dialog", 10, |screen| *screen != before);
    robot.keep("export", &dialog);
    // The ending says what is wanted.
    robot.enter(report.to_str().unwrap());
    robot.press(&[RETURN]);
    robot.until("the report", 60, |_| report.is_file());
    let text = std::fs::read_to_string(&report).unwrap();
    assert!(text.contains("hatching") && text.contains("</html>"), "{} bytes", text.len());
    robot.press(&[ESCAPE]);
    robot.until("the window without the dialog", 10, |screen| steps::explained(&screen.bars()));
    robot.settled();
}
