//! Checks of scores, and estimates of jobs.

use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::scenes::Scene;
use crate::app::actions::Action;
use whence_diffusion::elbo::anytime::Decision;
use whence_diffusion::elbo::{Estimate, Timesteps};
use whence_jobs::{AttributeJob, EventKind, JobEstimate, JobSpec, Progress, UnlearningPoint};
use whence_methods::{Attribution, GroupScore, NullTest, Trust};
use whence_training::unlearning::{Change, Forgetting, Judgement, Retention};

fn change(before: f64, rise: f64) -> Change {
    Change { images: 12, before, after: before * (1.0 + rise), rise, std_err: Some(0.01) }
}

/// A judgement of the unlearning check: the rise of the error on the group, on other groups, and of a retrained model.
fn judgement(forgot: f64, others: f64, retrained_rise: Option<f64>) -> Judgement {
    Judgement {
        forget: change(0.0312, forgot),
        others: change(0.0301, others),
        retrained_rise,
        forgetting: if forgot > 0.1 { Forgetting::ForgotEnough } else { Forgetting::ForgotTooLittle },
        retention: if others > 0.05 { Retention::Damaged } else { Retention::Retained },
    }
}

/// Every model was checked. That of the seventh group failed, and that of the leader where `leader` is set.
pub fn checked(all: &mut Attribution, leader: bool) {
    let best = all.scores.iter().map(|s| s.estimate.score).fold(f64::MIN, f64::max);
    for (i, score) in all.scores.iter_mut().enumerate() {
        score.gate = Some(match i {
            _ if leader && score.estimate.score == best => judgement(0.02, 0.12, None),
            6 => judgement(0.04, 0.006, Some(0.38)),
            _ => judgement(0.41, 0.006, Some(0.38)),
        });
    }
}

/// Random control groups score up to `mean + 3.2`, and other methods name other leaders.
pub fn doubted(all: &mut Attribution, mean: f64) {
    let scores: Vec<f64> = (0..16).map(|i| mean + f64::from(i % 4) - 1.5).collect();
    all.trust = Some(Trust {
        null: NullTest::of(scores, all.scores.len(), None),
        lead: Some(5.0),
        closed_form: all.scores.get(4).map(|s| s.group.clone()),
        second_seed: all.scores.first().map(|s| s.group.clone()),
    });
}

/// One group is decided, two are undecided, the others were eliminated at the first interim analysis.
pub fn early(score: &mut GroupScore, nats: f64) {
    (score.side, score.evaluations) = match nats {
        n if n > 20.0 => (Some(Decision::Top), 41),
        n if n > 9.5 => (Some(Decision::Undecided), 41),
        _ => (Some(Decision::Eliminated), 6),
    };
    let wide = if score.evaluations < 10 { 2.5 } else { 1.2 };
    score.estimate = Estimate::with_interval(nats, wide, (nats - 2.4 * wide, nats + 2.4 * wide));
}

/// The estimate of the demo.
pub const ESTIMATE: JobEstimate =
    JobEstimate { models: 8, evaluations: 450, seconds: 118.0, peak_bytes: Some(643_000_000) };

/// Hovers a widget and waits for its tooltip.
pub fn hover(scene: &mut Scene, label: &str) {
    scene.window.get_by_label_contains(label).hover();
    for _ in 0..8 {
        scene.window.step();
    }
}

fn current_job(scene: &Scene) -> AttributeJob {
    match scene.fake.last().1 {
        JobSpec::Attribute(job) => *job,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_model_that_failed_its_check_is_marked_with_the_reason() {
    let mut scene = Scene::loaded();
    scene.finish_with(|all| checked(all, false));
    assert_eq!(scene.window.get_all_by_label_contains("unlearning check failed").count(), 1);
    let failed = scene.app().state.groups()[6].clone();
    scene.window.get_by_label_contains(&format!("{failed}: +9.1"));
    hover(&mut scene, "unlearning check failed: forgot too little");
    scene.window.get_by_label("Unlearning check: failed");
    scene.window.get_by_label(&format!(
        "Error on {failed} +4.0% (retrained: +38%), on other groups +0.6% (check failed: forgot too little)."
    ));
    scene.window.get_by_label("Error on held-out images of the group: 0.0312 before, 0.0324 after");
    scene.window.get_by_label("Unlearning overshoots retraining: trust the order, not the absolute values.");
    // A passed check is shown only in the tooltip, and that of the selected group in its panel.
    assert!(scene.window.query_by_label("Unlearning check: passed").is_none());
    scene.window.get_by_label_contains("Unlearned model: error on pointillism +41%");
    hover(&mut scene, "pointillism: +41");
    scene.window.get_by_label("Unlearning check: passed");
}

#[test]
fn a_failed_check_of_the_first_group_is_shown_in_the_headline() {
    let mut scene = Scene::loaded();
    scene.finish_with(|all| checked(all, true));
    scene.window.get_by_label(
        "The unlearned model of pointillism failed its check: forgot too little and also harmed other groups.",
    );
}

#[test]
fn random_control_groups_have_a_line_and_support_the_first_group() {
    let mut scene = Scene::loaded();
    scene.finish_with(|all| doubted(all, 1.0));
    scene.window.get_by_label_contains("Pointillism ranks first");
    scene.window.get_by_label_contains("Removing pointillism matters more than removing random images");
    scene.window.get_by_label("The closed form ranks pointillism first too");
    scene.window.get_by_label_contains("A second unlearning with another seed ranks");
    hover(&mut scene, "random control groups score up to here: +");
    scene.window.get_by_label_contains("16 groups of randomly drawn training images");
}

#[test]
fn no_group_is_significant_where_random_control_groups_score_as_high() {
    let mut scene = Scene::loaded();
    scene.finish_with(|all| doubted(all, 50.0));
    scene.window.get_by_label("No group is significant: random control groups could score as much as pointillism");
    scene.window.get_by_label_contains("16 random control groups could reach");
    assert!(scene.window.query_by_label_contains(" ranks first;").is_none(), "no group is claimed to");
    scene.window.get_by_label_contains("random control groups score up to here");
}

#[test]
fn no_line_without_random_control_groups() {
    let scene = Scene::done();
    assert!(scene.window.query_by_label_contains("random control groups").is_none());
    scene.window.get_by_label_contains("Drop in log-likelihood when unlearned");
}

#[test]
fn early_stopping_control_groups_and_seeds_become_fields_of_the_job() {
    let mut scene = Scene::loaded();
    scene.act(Action::Explain);
    let usual = current_job(&scene);
    assert_eq!((usual.settings.stop, usual.null, usual.confirm), (None, 0, false));
    scene.emit(EventKind::Cancelled);
    scene.window.get_by_label("Advanced").click();
    scene.settle();
    assert!(scene.window.query_by_label("Budget").is_none(), "unfolds with its checkbox");
    scene.window.get_by_label("Stop early once the ranking is clear").click();
    scene.settle();
    assert!(
        scene
            .window
            .get_by_role_and_label(egui::accesskit::Role::TextInput, "Timesteps")
            .accesskit_node()
            .is_disabled()
    );
    scene.window.get_by_label("both are chosen adaptively");
    scene.window.get_by_label("Repeat with another seed").click_accesskit();
    scene.settle();
    let settings = &mut scene.window.state_mut().forms.settings;
    (settings.control_groups, settings.recipe.seed, settings.top) = (16, 3, 9);
    "no timesteps".clone_into(&mut settings.timesteps);
    scene.act(Action::Explain);
    let job = current_job(&scene);
    let stop = job.settings.stop.expect("it stops early");
    assert_eq!((stop.level, stop.top, stop.budget), (0.95, 7, 1000 / 10 * 9 / 4), "one group at least is left out");
    assert_eq!(job.settings.timesteps, Timesteps::OFFICIAL, "what is typed there does not matter");
    assert_eq!((job.null, job.confirm, job.recipe.seed), (16, true, 3));
    // Methods without unlearning ignore these.
    scene.emit(EventKind::Cancelled);
    let settings = &mut scene.window.state_mut().forms.settings;
    "gaussian".clone_into(&mut settings.method);
    "50".clone_into(&mut settings.timesteps);
    scene.act(Action::Explain);
    let job = current_job(&scene);
    assert_eq!((job.settings.stop, job.null, job.confirm), (None, 0, false));
    assert_eq!(job.settings.timesteps, Timesteps::Count(50));
}

#[test]
fn groups_eliminated_early_are_labelled() {
    let mut scene = Scene::loaded();
    scene.window.state_mut().forms.settings.stop = true;
    scene.finish_with(|all| {
        let nats: Vec<f64> = all.scores.iter().map(|s| s.estimate.score).collect();
        all.scores.iter_mut().zip(nats).for_each(|(score, nats)| early(score, nats));
    });
    assert_eq!(scene.window.get_all_by_label_contains("eliminated early").count(), 5 + 1, "bars and caption");
    scene.window.get_by_label_contains("rank 3, tied with the group above");
    scene.window.get_by_label_contains("until the ranking is clear (95%, at most 225 evaluations)");
    hover(&mut scene, "rank 8, tied with the group above, eliminated early");
    scene.window.get_by_label("Eliminated early: no further evaluations");
}

#[test]
fn a_partial_ranking_is_not_shown_as_complete() {
    let mut scene = Scene::running(8);
    scene.window.get_by_label("\u{201c}pointillism\u{201d} ranks first so far");
    scene.window.get_by_label("All groups are scored. The checks of these scores follow.");
    let mut score = GroupScore::exact(&scene.app().state.groups()[0].clone(), 3.0);
    early(&mut score, 3.0);
    scene.emit(EventKind::GroupScored { group: 0, score: Box::new(score) });
    scene.window.get_by_label("All groups are scored. Those that may still rank first are evaluated further.");
}

#[test]
fn the_estimate_is_shown_while_the_job_runs() {
    let mut scene = Scene::running(0);
    assert!(scene.window.query_by_label_contains("about 2 min").is_none());
    scene.emit(EventKind::Estimate(ESTIMATE));
    assert!(scene.window.query_by_label("about 2 min, 610 MiB").is_none(), "one time at once: that left is known");
    scene.emit(EventKind::Progress(Progress {
        phase: "unlearning".into(),
        fraction: 0.1,
        seconds_left: None,
        queue_seconds_left: None,
    }));
    scene.window.get_by_label("about 2 min, 610 MiB");
    hover(&mut scene, "about 2 min, 610 MiB");
    scene.window.get_by_label_contains("8 models to create, at most 450 network evaluations");
    scene.emit(EventKind::Estimate(JobEstimate { peak_bytes: None, ..ESTIMATE }));
    scene.window.get_by_label("about 2 min");
    scene.emit(EventKind::Finished("pointillism ranks first".into()));
    scene.window.get_by_label("Explain seed-7: pointillism ranks first");
}

#[test]
fn events_of_random_control_groups_are_not_shown() {
    let mut scene = Scene::running(2);
    let groups = scene.app().state.groups().len();
    let before = scene.app().state.active().map(|j| j.curves.clone());
    let point =
        UnlearningPoint { group: groups, step: 1, steps: 60, forget_loss: 0.1, retain_loss: 0.1, query_score: None };
    scene.emit(EventKind::Unlearning(point));
    let score = GroupScore::exact("random 1", 99.0);
    scene.emit(EventKind::GroupScored { group: groups + 3, score: Box::new(score) });
    assert_eq!(scene.app().state.active().map(|j| j.curves.clone()), before);
    assert!(scene.window.query_by_label_contains("random 1").is_none());
    scene.window.get_by_label("2 of 8 groups scored; \u{201c}pointillism\u{201d} ranks first so far");
}

#[test]
fn allowances_of_the_control_test_are_shown_in_tooltips() {
    let mut scene = Scene::loaded();
    scene.finish_with(|all| {
        doubted(all, 1.0);
        let group = all.scores[4].group.clone();
        let null = all.trust.as_mut().and_then(|t| t.null.as_mut()).unwrap();
        (null.references, _) = (16, null.allowances.insert(group, 3.25));
    });
    hover(&mut scene, "random control groups score up to here");
    scene.window.get_by_label_contains("exceeds this line for one image in twenty");
    hover(&mut scene, "pointillism: +41");
    scene.window.get_by_label_contains("its score is significant only +3.2 nats beyond the line");
    let mut scene = Scene::loaded();
    scene.finish_with(|all| doubted(all, 1.0));
    hover(&mut scene, "random control groups score up to here");
    scene.window.get_by_label_contains("exceeds this line for about one image in six");
}
