//! What is stored between runs, and that it changes no score: terms, models, early stopping, random groups, the gate.

use std::path::Path;

use whence_diffusion::elbo::anytime::{Decision, Settings};
use whence_jobs::{AttributeJob, EventKind, JobEstimate, JobSpec};
use whence_methods::{Attribution, rank};
use whence_store::{Kind, Store};
use whence_training::unlearning::Recipe;

use super::digits::job;
use super::run;

/// Scores of a job, and what it said it would take.
fn attribute(job: &AttributeJob) -> (Vec<Attribution>, JobEstimate) {
    let (scores, estimate) = run_attribution(job);
    (scores.expect("scores"), estimate)
}

/// The same of a job that may end without scores.
fn run_attribution(job: &AttributeJob) -> (Option<Vec<Attribution>>, JobEstimate) {
    let (mut scores, mut estimate) = (None, None);
    for event in run(JobSpec::Attribute(Box::new(job.clone()))) {
        match event {
            EventKind::Attributed(attributions) => scores = Some(attributions),
            EventKind::Estimate(cost) => estimate = Some(cost),
            EventKind::Failed(text) => panic!("{text}"),
            _ => {}
        }
    }
    (scores, estimate.expect("a forecast"))
}

fn estimates(all: &[Attribution]) -> Vec<(String, f64, f64)> {
    let each = all.iter().flat_map(|a| a.scores.iter().map(move |s| (a, s)));
    each.map(|(a, s)| (format!("{} {}", a.query, s.group), s.estimate.score, s.estimate.std_err)).collect()
}

/// Over all ten groups, unlearned in a few steps.
fn all_groups(job: AttributeJob, steps: usize) -> AttributeJob {
    let recipe = Recipe { steps, ..Recipe::default() };
    AttributeJob { groups: vec![], counterfactuals: None, recipe, ..job }
}

fn results(folder: &Path, kind: Kind) -> usize {
    Store::read_only(folder).unwrap().keys(kind).len()
}

#[test]
fn scores_do_not_depend_on_batch_order_or_subset_to_the_last_bit() {
    let folder = tempfile::tempdir().unwrap();
    let base = |name: &str| all_groups(job(folder.path().join(name)), 2);
    let whole = {
        let mut job = base("a");
        job.settings.batch = 256;
        estimates(&attribute(&job).0)
    };
    let mut small = base("b");
    small.settings.batch = 1;
    assert_eq!(whole, estimates(&attribute(&small).0), "a batch of 1");
    let mut few = base("c");
    few.groups = vec!["seven".into()];
    few.queries.reverse();
    few.settings.batch = 24;
    for row in estimates(&attribute(&few).0) {
        assert!(whole.contains(&row), "{row:?} of a subset in another order");
    }
}

#[test]
fn known_terms_are_not_evaluated_again_on_any_grid() {
    let folder = tempfile::tempdir().unwrap();
    let keep = folder.path().join("store");
    let mut fine = job(keep.clone());
    let (whole, cost) = attribute(&fine);
    assert!(cost.evaluations >= 3 * 100 * whole.len(), "{cost:?}");
    let tables = results(&keep, Kind::Terms);
    assert_eq!(tables, whole.len() * 2);
    let (again, cost) = attribute(&fine);
    assert_eq!(estimates(&whole), estimates(&again));
    assert_eq!(cost.evaluations, 0, "everything is known");
    // Every second timestep is known too, and counts as a grid of its own.
    fine.settings.timesteps = "5..1000/20".parse().unwrap();
    let (coarse, cost) = attribute(&fine);
    assert_eq!(cost.evaluations, 0, "a part of a known grid");
    let mut fresh = job(folder.path().join("other"));
    fresh.settings.timesteps = fine.settings.timesteps;
    assert_eq!(estimates(&coarse), estimates(&attribute(&fresh).0));
    // A damaged table is set aside and made again.
    let store = Store::open(&keep).unwrap();
    let key = store.keys(Kind::Terms).remove(0);
    std::fs::write(store.path(Kind::Terms, &key), b"whence01 nonsense").unwrap();
    drop(store);
    fine.settings.timesteps = "5..1000/10".parse().unwrap();
    let (mended, cost) = attribute(&fine);
    assert_eq!(estimates(&whole), estimates(&mended));
    assert_eq!(cost.evaluations, 200, "one group of one query, and the full model");
}

#[test]
fn stopping_early_keeps_the_leader_and_the_budget() {
    let folder = tempfile::tempdir().unwrap();
    let mut full = all_groups(job(folder.path().join("a")), 20);
    full.settings.timesteps = "10../10".parse().unwrap();
    full.settings.draws = 4;
    let (truth, _) = attribute(&full);
    let grid = 11 * 99;
    let budget = grid / 4;
    let mut early = all_groups(job(folder.path().join("a")), 20);
    early.settings.stop = Some(Settings { budget, ..Settings::default() });
    let (found, _) = attribute(&early);
    let leader = |a: &Attribution| a.scores[rank(&a.scores)[0].index].clone();
    let (mut separated, mut spent) = (0, 0);
    for (truth, found) in truth.iter().zip(&found) {
        let evaluations: usize = found.scores.iter().map(|s| s.evaluations).sum();
        let places = found.scores.iter().map(|s| s.evaluations).max().unwrap();
        assert!(evaluations + places <= budget, "{evaluations} and {places}");
        spent += evaluations + places;
        let first = leader(found);
        if first.side == Some(Decision::Top) {
            separated += 1;
            assert_eq!(first.group, leader(truth).group, "{} is separated", found.query);
        }
        for (a, b) in found.scores.iter().zip(&truth.scores) {
            let gap = (a.estimate.score - b.estimate.score).abs();
            assert!(gap < 6.0 * a.estimate.std_err.hypot(b.estimate.std_err), "{} {}: {gap}", found.query, a.group);
        }
    }
    assert!(separated >= 1, "none of {} is separated", found.len());
    assert!(spent * 4 <= grid * found.len(), "{spent} evaluations against {}", grid * found.len());
    // Terms of the early run are part of what a finer one needs.
    early.settings.stop = Some(Settings { budget: 2 * budget, ..Settings::default() });
    attribute(&early);
}

#[test]
fn random_groups_a_second_seed_and_the_gate_come_with_the_scores() {
    let folder = tempfile::tempdir().unwrap();
    let keep = folder.path().join("store");
    let mut job = job(keep.clone());
    job.queries.truncate(2);
    job.counterfactuals = None;
    job.settings.timesteps = "12".parse().unwrap();
    job.recipe = Recipe { steps: 3, ..Recipe::default() };
    (job.null, job.confirm) = (4, true);
    let (scores, estimate) = attribute(&job);
    assert_eq!(estimate.models, 2 + 4 + 2);
    // Twelve timesteps of two queries, each group's model beside the full one; eight noises an image of the gate, which has
    // two images of the group, before and after, and two of each other group.
    let (of_query, gate) = (|groups: usize| 2 * 12 * (groups + 1), 8 * (2 + 2 + 9 * 2));
    // And eight timesteps of sixteen reference images, under the random groups' models and the two groups'.
    let references = 16 * 8 * (4 + 2 + 1);
    assert_eq!(estimate.evaluations, of_query(2) + of_query(4) + of_query(2) + references + 2 * gate);
    assert_eq!(results(&keep, Kind::Counterfactual), 8);
    assert_eq!(results(&keep, Kind::Unfinished), 0);
    for attribution in &scores {
        let trust = attribution.trust.as_ref().expect("what speaks for the leader");
        let null = trust.null.as_ref().expect("random groups");
        assert_eq!(null.scores.len(), 4);
        assert!(null.threshold > null.mean && null.sd > 0.0 && null.references == 16, "{null:?}");
        let names = ["four", "seven"].map(|n| Some(n.to_owned()));
        assert!(names.contains(&trust.closed_form) && names.contains(&trust.second_seed), "{trust:?}");
        for score in &attribution.scores {
            let gate = score.gate.expect("each model is judged");
            assert!(gate.forget.before > 0.0 && gate.others.after > 0.0);
        }
    }
    // The models are there: nothing is unlearned again.
    let (again, estimate) = attribute(&job);
    assert_eq!((estimate.models, estimate.evaluations), (0, 0));
    assert_eq!(scores, again);
    // Another query: its own evaluations alone, the random groups' among them; the references are known.
    job.queries = super::digits::queries()[2..3].to_vec();
    job.dry_run = true;
    let (_, estimate) = run_attribution(&job);
    assert_eq!((estimate.models, estimate.evaluations), (0, (of_query(2) + of_query(4) + of_query(2)) / 2));
    job.dry_run = false;
    // Ready models cannot be set against random groups.
    job.counterfactuals = Some(super::fixture("digits/retrained"));
    assert!(super::failure(JobSpec::Attribute(Box::new(job))).contains("random control groups"));
}

#[test]
fn random_groups_without_references_say_that_they_tell_less() {
    let folder = tempfile::tempdir().unwrap();
    let mut job = job(folder.path().join("store"));
    job.queries.truncate(1);
    job.counterfactuals = None;
    job.settings.timesteps = "4".parse().unwrap();
    job.recipe = Recipe { steps: 2, batch: 4, held_out: 0.0, ..Recipe::default() };
    job.null = 4;
    let (mut warned, mut references) = (false, None);
    for event in run(JobSpec::Attribute(Box::new(job))) {
        match event {
            EventKind::Warning(text) => warned |= text.contains("too few images are held out"),
            EventKind::Attributed(all) => {
                references = all[0].trust.as_ref().and_then(|t| t.null.as_ref()).map(|n| n.references);
            }
            EventKind::Failed(text) => panic!("{text}"),
            _ => {}
        }
    }
    assert!(warned && references == Some(0), "{warned} {references:?}");
}

#[test]
fn two_writers_do_not_meet() {
    let folder = tempfile::tempdir().unwrap();
    let keep = folder.path().join("store");
    let held = Store::open(&keep).unwrap();
    let refused = super::failure(JobSpec::Attribute(Box::new(job(keep.clone()))));
    assert!(refused.contains("another run"), "{refused}");
    drop(held);
    assert!(!attribute(&job(keep)).0.is_empty(), "once it is free, the next one works");
}
