//! One selected result per image: running another method adds one, and the switch shows it.

use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::scenes::Scene;
use crate::app::actions::{Action, Command};
use crate::app::panels::PanelId;
use crate::app::session::Session;
use whence_jobs::{EventKind, JobEstimate, JobId, JobSpec};
use whence_methods::{Attribution, GroupScore};

const HOURS: JobEstimate =
    JobEstimate { models: 8, evaluations: 450, seconds: 6.0 * 3600.0, peak_bytes: Some(480 << 20) };
const SECONDS: JobEstimate = JobEstimate { models: 0, evaluations: 450, seconds: 4.0, peak_bytes: Some(300 << 20) };

/// Scores by another method, the reverse of the usual order.
fn gaussian(scene: &Scene) -> EventKind {
    let score = |(i, name): (usize, &String)| GroupScore::exact(name, i as f64);
    let scores = scene.app().state.groups().iter().enumerate().map(score).collect();
    EventKind::Attributed(vec![Attribution::new("seed-7", "gaussian", scores)])
}

fn method(scene: &Scene) -> String {
    scene.app().state.explanation().unwrap().method.clone()
}

fn command(scene: &mut Scene, command: Command) {
    let ctx = scene.window.ctx.clone();
    scene.window.state_mut().command(&ctx, command);
    scene.settle();
}

/// Two results of the image on screen: by unlearning, which is selected, and by the closed form. Returns the latter's job.
pub fn two_results(scene: &mut Scene) -> JobId {
    scene.finish();
    command(scene, Command::ExplainBy("gaussian"));
    let job = scene.fake.last().0;
    let scores = gaussian(scene);
    scene.emit(scores);
    scene.emit(EventKind::Finished("done".into()));
    job
}

fn two() -> (Scene, JobId) {
    let mut scene = Scene::loaded();
    let job = two_results(&mut scene);
    (scene, job)
}

/// The dialog before a job of hours.
pub fn asked(scene: &mut Scene) {
    scene.window.state_mut().estimates = true;
    answer(scene, HOURS, SECONDS);
    scene.act(Action::Explain);
    answer(scene, HOURS, SECONDS);
    scene.window.state_mut().estimates = false;
}

#[test]
fn another_method_adds_a_result_and_the_view_stays() {
    let (mut scene, _) = two();
    assert_eq!((method(&scene).as_str(), scene.app().forms.settings.method.as_str()), ("guda", "guda"));
    scene.window.get_by_label_contains("ointillism ranks first");
    scene.window.get_by_label("Gaussian (closed form) is ready.");
    scene.window.get_by_label("Show it");
    assert!(scene.window.get_all_by_label("Gaussian (closed form) is ready").count() > 0, "a short message too");
    scene.window.get_by_label("Show").click();
    scene.settle();
    assert_eq!(method(&scene), "gaussian");
    scene.window.get_by_label_contains("Gaussian (closed form), ");
    assert!(scene.window.query_by_label("Show it").is_none());
    // The switch leads back.
    scene.window.get_by_role(egui::accesskit::Role::ComboBox).click();
    scene.settle();
    scene.window.get_by_label("GUDA (unlearning)").click();
    scene.settle();
    assert_eq!(method(&scene), "guda");
    for panel in [PanelId::Wall, PanelId::Compare] {
        scene.act(Action::ShowPanel(panel));
    }
    scene.window.get_by_label("Use Gaussian (closed form) as the reference").click();
    scene.settle();
    scene.window.get_by_label("Show Gaussian (closed form) on all tabs").click();
    scene.settle();
    assert_eq!(method(&scene), "gaussian");
}

#[test]
fn a_cancelled_run_leaves_result_and_method_as_they_were() {
    let mut scene = Scene::done();
    let whole = scene.app().state.explanation().unwrap().complete.clone();
    command(&mut scene, Command::ExplainBy("logo"));
    scene.emit(EventKind::Started);
    scene.emit(EventKind::Cancelled);
    assert_eq!(scene.app().state.explanation().unwrap().complete, whole);
    assert_eq!(scene.app().forms.settings.method, "guda");
    assert_eq!(scene.app().state.query().unwrap().explanations.len(), 1);
}

#[test]
fn a_removed_result_is_gone_for_good_and_the_other_is_shown() {
    let (mut scene, job) = two();
    command(&mut scene, Command::SelectExplanation(job));
    scene.act(Action::ShowPanel(PanelId::Compare));
    scene.window.get_by_label("Agreement of methods over all images");
    scene.window.get_by_label_contains("with Gaussian (closed form): ρ = ");
    scene.window.get_by_label("Remove Gaussian (closed form)").click();
    scene.settle();
    assert_eq!((method(&scene).as_str(), scene.app().state.query().unwrap().explanations.len()), ("guda", 1));
    let session = serde_json::to_string(&Session::capture(&scene.app().state, 0)).unwrap();
    assert!(!session.contains("gaussian"), "{session}");
}

#[test]
fn the_selected_result_is_the_one_that_is_saved() {
    let (scene, _) = two();
    let saved = |scene: &Scene| serde_json::to_value(Session::capture(&scene.app().state, 0)).unwrap();
    let of = |value: serde_json::Value| {
        let queries = value["queries"].as_array().unwrap().clone();
        queries.into_iter().find(|q| q["asked"].as_array().is_some_and(|a| a.len() == 2)).unwrap()
    };
    let query = of(saved(&scene));
    assert_eq!((&query["selected"], &query["asked"][0]["method"]), (&0.into(), &"guda".into()));
}

#[test]
fn agreement_with_the_reference_and_its_choice_are_on_the_heads_of_the_columns() {
    let (mut scene, job) = two();
    scene.act(Action::ShowPanel(PanelId::Compare));
    scene.window.get_by_label("reference, sets the row order");
    scene.window.get_by_label_contains("vs. reference, another first group");
    let first = |scene: &Scene| scene.app().state.query().unwrap().reference().unwrap().job;
    assert_ne!(first(&scene), job);
    scene.window.get_by_label("Use Gaussian (closed form) as the reference").click();
    scene.settle();
    assert_eq!(first(&scene), job);
}

/// The engine answers with these costs, the first for jobs that train models from the start.
fn answer(scene: &mut Scene, long: JobEstimate, short: JobEstimate) {
    scene.settle();
    let (id, spec) = scene.fake.last();
    let JobSpec::Estimate(jobs) = spec else { panic!("{spec:?}") };
    for (index, job) in jobs.iter().enumerate() {
        let is_long = matches!(job, JobSpec::Attribute(job) if job.method == "logo" || job.groups.is_empty());
        scene.push(id, EventKind::Cost { index, cost: Ok(if is_long { long } else { short }) });
    }
    scene.push(id, EventKind::Finished(String::new()));
    scene.settle();
}

#[test]
fn costs_are_on_the_buttons_before_anybody_clicks() {
    let mut scene = Scene::loaded();
    scene.window.state_mut().estimates = true;
    answer(&mut scene, HOURS, SECONDS);
    scene.window.get_by_label("Explain this image, about 6 h, 480 MiB");
    assert!(scene.app().state.history.iter().all(|job| !job.is_estimate()), "nobody's job");
    let asked = scene.fake.count();
    scene.settle();
    assert_eq!(scene.fake.count(), asked, "what is known is not asked again");
    scene.window.state_mut().estimates = false;
}

#[test]
fn hours_are_asked_about_and_a_few_groups_can_be_chosen_instead() {
    let mut scene = Scene::loaded();
    scene.window.state_mut().estimates = true;
    answer(&mut scene, HOURS, SECONDS);
    scene.act(Action::Explain);
    // Cheaper settings are estimated while the dialog is open.
    answer(&mut scene, HOURS, SECONDS);
    scene.window.get_by_label("Explain seed-7");
    scene.window.get_by_label("GUDA (unlearning), 50 evaluations per model: about 6 h, 480 MiB");
    scene.window.get_by_label_contains("Gaussian (closed form): ");
    scene.window.get_by_label("None").click();
    scene.settle();
    assert!(scene.window.get_by_label("Start").accesskit_node().is_disabled(), "no group is chosen");
    scene.window.get_by_label("Score mosaic").click();
    scene.settle();
    scene.window.get_by_label("Score woodcut").click();
    scene.settle();
    answer(&mut scene, HOURS, SECONDS);
    assert_eq!(scene.window.get_all_by_label("2 of 8 groups").count(), 2, "in the dialog and beside Explain");
    scene.window.get_by_label("Start").click();
    scene.settle();
    let (_, spec) = scene.fake.last();
    let JobSpec::Attribute(job) = spec else { panic!("{spec:?}") };
    assert_eq!(job.groups, ["mosaic", "woodcut"]);
    assert!(scene.window.query_by_label("Start").is_none(), "the dialog is closed");
    // The choice is part of the project's session.
    let session = serde_json::to_value(Session::capture(&scene.app().state, 0)).unwrap();
    assert_eq!(session["excluded_groups"].as_array().map(Vec::len), Some(6));
    scene.window.state_mut().estimates = false;
}

#[test]
fn a_job_whose_cost_is_not_known_yet_starts_by_itself_once_it_is_small() {
    let mut scene = Scene::loaded();
    scene.window.state_mut().estimates = true;
    // Nothing was answered yet.
    scene.act(Action::Explain);
    assert!(scene.app().forms.run.is_some());
    scene.window.get_by_label_contains("Starts by itself");
    answer(&mut scene, SECONDS, SECONDS);
    scene.settle();
    assert!(scene.app().forms.run.is_none());
    assert!(scene.app().state.explaining().is_some());
    scene.window.state_mut().estimates = false;
}

#[test]
fn an_unlearning_of_sixty_groups_can_be_searched() {
    let folder = tempfile::tempdir().unwrap();
    for i in 0..60 {
        let group = folder.path().join(format!("artist {i:02}"));
        std::fs::create_dir(&group).unwrap();
        image::RgbImage::from_pixel(8, 8, image::Rgb([i, 9, 90])).save(group.join("0.png")).unwrap();
    }
    let dataset = whence_data::Dataset::load(folder.path(), &whence_data::LoadOptions::default(), &mut |_, _| Ok(()));
    let mut scene = Scene::new();
    scene.many_into(dataset.unwrap(), |_| {});
    scene.window.get_by_label("All 60 groups").click();
    scene.settle();
    scene.window.get_by_label("None").click();
    scene.settle();
    scene.window.get_by_label("Search groups").focus();
    scene.settle();
    scene.window.get_by_label("Search groups").type_text("artist 3");
    scene.settle();
    let shown = scene.window.get_all_by_label_contains("Score artist").count();
    assert!((7..=10).contains(&shown), "as many as have room: {shown}");
    scene.window.get_by_label("Score artist 31").click();
    scene.settle();
    assert_eq!(scene.app().state.chosen_groups(), Ok(vec!["artist 31".to_owned()]));
    assert_eq!(scene.window.get_all_by_label("1 of 60 groups").count(), 2);
    scene.window.key_press(egui::Key::Escape);
    scene.settle();
    assert!(scene.app().forms.run.is_none());
}

#[test]
fn once_explained_the_next_step_is_the_prominent_button() {
    let mut scene = Scene::done();
    scene.window.get_by_label("Regenerate without pointillism").click();
    scene.settle();
    assert!(matches!(scene.fake.last().1, JobSpec::Evidence(job) if job.of.groups == ["pointillism"]));
}
