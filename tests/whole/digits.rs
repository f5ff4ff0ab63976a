//! A small part of a real dataset, with a model and retrained models from PyTorch and their true scores. The whole of it
//! is checked by `.ci/run` where it is at hand.

use std::collections::BTreeMap;
use std::path::PathBuf;

use whence_jobs::{AttributeJob, EventKind, JobSpec, QuerySource, SampleSettings};
use whence_methods::{Attribution, ScoreSettings};
use whence_store::{Kind, Store};
use whence_training::unlearning::Recipe;

use super::{fixture, run};

pub fn queries() -> Vec<QuerySource> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(fixture("digits/queries")).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(QuerySource::File).collect()
}

pub fn job(keep_in: PathBuf) -> AttributeJob {
    AttributeJob {
        model: fixture("digits/model"),
        data: fixture("digits/images"),
        group_column: None,
        class_map: None,
        queries: queries(),
        sampling: SampleSettings::default(),
        method: "guda".into(),
        null: 0,
        confirm: false,
        groups: vec!["four".into(), "seven".into()],
        settings: ScoreSettings { timesteps: "5..1000/10".parse().unwrap(), ..ScoreSettings::default() },
        recipe: Recipe::default(),
        counterfactuals: Some(fixture("digits/retrained")),
        keep_in,
        out: None,
        neighbours: 3,
        live: false,
        dry_run: false,
        known_only: false,
    }
}

/// Scores of a job, which keeps what it makes nowhere unless it says where.
pub fn attribute(mut job: AttributeJob) -> Vec<Attribution> {
    let folder = tempfile::tempdir().unwrap();
    if job.keep_in.as_os_str().is_empty() {
        job.keep_in = folder.path().join("store");
    }
    for event in run(JobSpec::Attribute(Box::new(job))) {
        match event {
            EventKind::Attributed(attributions) => return attributions,
            EventKind::Failed(text) => panic!("{text}"),
            _ => {}
        }
    }
    panic!("no scores came")
}

/// Mean and standard error by query and group.
fn truth() -> BTreeMap<(String, String), (f64, f64)> {
    let mut reader = csv::Reader::from_path(fixture("digits/true_scores.csv")).unwrap();
    reader
        .deserialize::<(String, String, f64, f64, f64)>()
        .map(|row| {
            let (image, group, mean, sd, draws) = row.unwrap();
            ((image, group), (mean, sd / draws.sqrt()))
        })
        .collect()
}

#[test]
fn scores_of_retrained_models_are_those_of_pytorch_within_their_errors() {
    let mut job = job(PathBuf::new());
    job.settings.draws = 4;
    let truth = truth();
    let mut squares = Vec::new();
    for attribution in attribute(job) {
        for score in &attribution.scores {
            let (mean, error) = truth[&(attribution.query.clone(), score.group.clone())];
            let z = (score.estimate.score - mean) / score.estimate.std_err.hypot(error);
            assert!(z.abs() < 4.0, "{} {}: {:?} for {mean}", attribution.query, score.group, score.estimate);
            squares.push(z * z);
        }
    }
    assert_eq!(squares.len(), 16);
    let mean = squares.iter().sum::<f64>() / 16.0;
    assert!((0.2..2.5).contains(&mean), "mean square {mean}");
}

#[test]
fn scores_do_not_depend_on_order_or_other_groups_to_the_last_bit() {
    let base = attribute(job(PathBuf::new()));
    let mut other = job(PathBuf::new());
    other.queries.reverse();
    other.groups = vec!["seven".into()];
    let mut changed = attribute(other);
    changed.reverse();
    for (a, b) in base.iter().zip(&changed) {
        assert_eq!(a.query, b.query);
        let (a, b) = (a.scores[1].estimate, b.scores[0].estimate);
        assert_eq!(a.score.to_bits(), b.score.to_bits(), "{a:?} {b:?}");
    }
}

#[test]
fn drawn_timesteps_estimate_the_grid() {
    let whole = attribute(AttributeJob {
        settings: ScoreSettings { draws: 2, ..ScoreSettings::default() },
        ..job(PathBuf::new())
    });
    let drawn = attribute(AttributeJob {
        settings: ScoreSettings { timesteps: "60".parse().unwrap(), seed: 5, ..ScoreSettings::default() },
        ..job(PathBuf::new())
    });
    let mut squares = Vec::new();
    for (a, b) in whole.iter().zip(&drawn) {
        for (a, b) in a.scores.iter().zip(&b.scores) {
            let z = (a.estimate.score - b.estimate.score) / a.estimate.std_err.hypot(b.estimate.std_err);
            squares.push(z * z);
            assert_eq!(b.evaluations, 60);
        }
    }
    let mean = squares.iter().sum::<f64>() / squares.len() as f64;
    assert!(mean < 3.0, "mean square {mean}");
}

#[test]
fn unlearning_finds_the_digit_a_image_shows() {
    // Eight images that LOGO gives to four or seven, or to others.
    let keep = tempfile::tempdir().unwrap();
    let mut job = job(keep.path().to_owned());
    job.counterfactuals = None;
    job.settings.timesteps = "20".parse().unwrap();
    job.recipe = Recipe { steps: 40, batch: 16, ..Recipe::default() };
    let unlearned = attribute(job.clone());
    let truth = truth();
    let (mut right, mut clear) = (0, 0);
    for a in &unlearned {
        let margin = |group: &str| truth[&(a.query.clone(), group.to_owned())].0;
        // Only images that the truth tells apart.
        if (margin("four") - margin("seven")).abs() > 1.0 {
            clear += 1;
            let ours = a.scores[0].estimate.score > a.scores[1].estimate.score;
            right += usize::from(ours == (margin("four") > margin("seven")));
        }
    }
    assert!(clear >= 2 && right == clear, "{right} of {clear}");
    // A second run finds the kept models and the same numbers.
    assert_eq!(Store::read_only(keep.path()).unwrap().keys(Kind::Counterfactual).len(), 2);
    let again = attribute(job);
    assert_eq!(unlearned, again);
}
