//! End-to-end test of the window: the real program on a virtual display, driven by mouse, keys and dropped files, and
//! checked by its pixels and by the files that it writes.
//!
//! Runs where `WHENCE_WINDOW_TEST` is 1 and Xvfb and lavapipe are installed. Screenshots are saved in
//! `tmp/window` of the target folder, to be checked by eye.

mod carry;
mod display;
mod input;
mod later;
mod own;
mod robot;
mod scene;
mod screen;
mod steps;

use std::time::Instant;

use robot::Robot;
use scene::Scene;

/// An interaction with the window and its checks.
type Step = fn(&mut Robot, &Scene);

/// The steps in order. Each begins with the window as the previous one left it.
const STEPS: [(&str, Step); 11] = [
    ("the demo is open", steps::the_demo_is_open),
    ("the tour is skipped", steps::the_tour_is_skipped),
    ("a dropped project opens", steps::a_dropped_project_opens),
    ("a typed path opens", steps::a_typed_path_opens),
    ("mouse and keys select an image", steps::mouse_and_keys_select_an_image),
    ("an image is explained", steps::an_image_is_explained),
    ("mouse and keys select a group", steps::mouse_and_keys_select_a_group),
    ("an explanation is restored", steps::an_explanation_is_restored),
    ("a long job is cancelled", steps::a_long_job_is_cancelled),
    ("an idle window uses no time", steps::an_idle_window_uses_no_time),
    ("the last project is reopened", steps::the_last_project_is_reopened),
];

#[test]
fn a_project_of_ones_own_is_made_explained_restarted_and_shared() {
    if let Some(why) = display::missing() {
        println!("skipped: {why}");
        return;
    }
    let scene = own::OwnScene::new();
    let mut robot = Robot::start(&scene.data());
    for (name, step) in own::STEPS {
        let begun = Instant::now();
        step(&mut robot, &scene);
        let screen = robot.screenshot();
        robot.save_screenshot(&format!("own-{}", name.replace(' ', "-")), &screen);
        println!("{name}: {:.1} s", begun.elapsed().as_secs_f64());
    }
    robot.quit();
}

#[test]
fn a_session_explains_an_image_cancels_a_job_quits_and_restarts() {
    if let Some(why) = display::missing() {
        println!("skipped: {why}");
        return;
    }
    let scene = Scene::new();
    let mut robot = Robot::start(&scene.data());
    // The steps on the explained demo come before those that leave it.
    let (before, after) = STEPS.split_at(8);
    for (name, step) in before.iter().chain(&later::LATER).chain(after) {
        let begun = Instant::now();
        step(&mut robot, &scene);
        let screen = robot.screenshot();
        robot.save_screenshot(&name.replace(' ', "-"), &screen);
        println!("{name}: {:.1} s", begun.elapsed().as_secs_f64());
    }
    robot.quit();
}
