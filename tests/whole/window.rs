//! The program as people meet it: a real window on a display of its own, driven with mouse, keys and dropped files, and
//! judged by its pixels and by the files that it leaves.
//!
//! Runs where `WHENCE_WINDOW_TEST` is 1 and Xvfb and lavapipe are installed. What the window showed is kept in
//! `tmp/window` of the target folder, for people to look at.

mod carry;
mod display;
mod input;
mod later;
mod robot;
mod scene;
mod screen;
mod steps;

use std::time::Instant;

use robot::Robot;
use scene::Scene;

/// Something done in the window, and what has to be seen then.
type Step = fn(&mut Robot, &Scene);

/// What is done, in order; each step begins where the one before left the window.
const STEPS: [(&str, Step); 12] = [
    ("the demo is open", steps::the_demo_is_open),
    ("the tour is skipped", steps::the_tour_is_skipped),
    ("a dropped project opens", steps::a_dropped_project_opens),
    ("a typed path opens", steps::a_typed_path_opens),
    ("mouse and keys choose an image", steps::mouse_and_keys_choose_a_image),
    ("settings unfold and scroll", steps::settings_unfold_and_scroll),
    ("an image is explained", steps::a_image_is_explained),
    ("mouse and keys choose a group", steps::mouse_and_keys_choose_a_group),
    ("an explanation is there again", steps::an_explanation_is_there_again),
    ("a long job is cancelled", steps::a_long_job_is_cancelled),
    ("an idle window rests", steps::an_idle_window_rests),
    ("what was open is open again", steps::what_was_open_is_open_again),
];

#[test]
fn a_person_explains_a_image_cancels_quits_and_comes_back() {
    if let Some(why) = display::missing() {
        println!("skipped: {why}");
        return;
    }
    let scene = Scene::new();
    let mut robot = Robot::start(&scene.data());
    // Those that begin on the explained demo come before it is left.
    let (before, after) = STEPS.split_at(9);
    for (name, step) in before.iter().chain(&later::LATER).chain(after) {
        let begun = Instant::now();
        step(&mut robot, &scene);
        let screen = robot.look();
        robot.keep(&name.replace(' ', "-"), &screen);
        println!("{name}: {:.1} s", begun.elapsed().as_secs_f64());
    }
    robot.quit();
}
