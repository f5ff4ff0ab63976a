//! The engine: cancelling in every phase, recovering, queueing.

use std::time::{Duration, Instant};

use whence_diffusion::SamplerKind;
use whence_engine::Engine;
use whence_jobs::{Event, EventKind, GenerateQuery, JobId, JobSpec, SampleJob, SampleSettings, TrainJob, UnlearnJob};
use whence_training::TrainingConfig;
use whence_training::unlearning::Recipe;

use super::digits::job;
use super::fixture;

/// Waits for the first event of a job that `pick` accepts.
fn wait(engine: &Engine, job: JobId, pick: impl Fn(&EventKind) -> bool) -> EventKind {
    loop {
        let Event { job: from, kind } = engine.events().recv_timeout(Duration::from_secs(120)).expect("an event");
        if from == job && pick(&kind) {
            return kind;
        }
        assert!(!(from == job && matches!(kind, EventKind::Failed(_))), "{kind:?}");
    }
}

/// Starts a job, waits until `phase` is reported, cancels, and expects the answer within a second or two.
fn cancel_in(spec: JobSpec, phase: &str) {
    let engine = Engine::start("cpu", || {}).unwrap();
    let id = engine.run(spec).unwrap();
    wait(&engine, id, |kind| match kind {
        EventKind::Progress(p) => p.phase.contains(phase),
        EventKind::Finished(_) => panic!("it was over before {phase}"),
        _ => false,
    });
    let asked = Instant::now();
    engine.cancel(id);
    wait(&engine, id, |kind| matches!(kind, EventKind::Cancelled));
    assert!(asked.elapsed() < Duration::from_secs(3), "{phase}: {:?}", asked.elapsed());
}

#[test]
fn every_phase_can_be_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name);
    let mut scoring = job(out("keep"));
    scoring.settings.draws = 50;
    cancel_in(JobSpec::Attribute(Box::new(scoring.clone())), "full model");
    scoring.settings.draws = 8;
    cancel_in(JobSpec::Attribute(Box::new(scoring.clone())), "scoring without");
    scoring.counterfactuals = None;
    scoring.settings.draws = 1;
    scoring.settings.timesteps = "4".parse().unwrap();
    scoring.recipe = Recipe { steps: 5000, ..Recipe::default() };
    cancel_in(JobSpec::Attribute(Box::new(scoring)), "unlearning");
    let unlearn = UnlearnJob {
        model: fixture("digits/model"),
        data: fixture("digits/images"),
        group_column: None,
        class_map: None,
        groups: vec![],
        recipe: Recipe { steps: 5000, ..Recipe::default() },
        out: out("unlearned"),
    };
    cancel_in(JobSpec::Unlearn(Box::new(unlearn)), "unlearning");
    assert!(!out("unlearned").join("eight/config.json").exists(), "half a model is not kept");
    let sampling = SampleSettings { sampler: SamplerKind::Ddpm, steps: 1000, ..SampleSettings::default() };
    let sample = SampleJob {
        model: fixture("digits/model"),
        seeds: (0..64).collect(),
        sampling,
        batch: 64,
        tensors: false,
        out: out("samples"),
    };
    cancel_in(JobSpec::Sample(sample), "generating");
    let config = TrainingConfig { steps: 100_000, batch: 8, ..TrainingConfig::default() };
    let train = TrainJob {
        data: fixture("digits/images"),
        group_column: None,
        config,
        exclude_group: None,
        out: out("trained"),
    };
    cancel_in(JobSpec::Train(Box::new(train)), "loss");
    assert!(out("trained/checkpoint/state.json").is_file(), "a cancelled training can be taken up again");
}

#[test]
fn waiting_jobs_can_be_cancelled_and_a_failed_job_leaves_the_engine_usable() {
    let engine = Engine::start("cpu", || {}).unwrap();
    let bad = engine.run(JobSpec::LoadModel("/nowhere".into())).unwrap();
    let good = engine.run(JobSpec::LoadModel(fixture("digits/model"))).unwrap();
    let sampling = SampleSettings { steps: 500, ..SampleSettings::default() };
    let waiting = engine.run(JobSpec::GenerateQuery(GenerateQuery { seed: 1, sampling })).unwrap();
    engine.cancel(waiting);
    let kinds: Vec<_> = std::iter::from_fn(|| engine.events().recv_timeout(Duration::from_secs(30)).ok())
        .filter(|e| matches!(e.kind, EventKind::Failed(_) | EventKind::Finished(_) | EventKind::Cancelled))
        .take(3)
        .collect();
    // The waiting one need not wait for the others.
    let of = |wanted: JobId| kinds.iter().find(|e| e.job == wanted).map(|e| &e.kind);
    assert!(matches!(of(bad), Some(EventKind::Failed(failure)) if failure.to_string().contains("/nowhere")));
    assert!(matches!(of(good), Some(EventKind::Finished(_))));
    assert!(matches!(of(waiting), Some(EventKind::Cancelled)));
}

#[test]
fn too_many_jobs_are_refused_not_lost() {
    let engine = Engine::start("cpu", || {}).unwrap();
    let mut refused = 0;
    for _ in 0..200 {
        refused += usize::from(engine.run(JobSpec::LoadModel("/nowhere".into())).is_err());
    }
    // Nobody reads events, so the thread may wait; dropping the engine must still end it.
    let begun = Instant::now();
    drop(engine);
    assert!(begun.elapsed() < Duration::from_secs(10));
    let _ = refused;
}

#[test]
fn a_generated_query_is_the_same_every_time_and_shows_itself_on_the_way() {
    let generate = || {
        let engine = Engine::start("cpu", || {}).unwrap();
        engine.run(JobSpec::LoadModel(fixture("digits/model"))).unwrap();
        let settings = SampleSettings { steps: 20, ..SampleSettings::default() };
        let id = engine.run(JobSpec::GenerateQuery(GenerateQuery { seed: 3, sampling: settings })).unwrap();
        let mut previews = 0;
        loop {
            let event = engine.events().recv_timeout(Duration::from_secs(60)).unwrap();
            match event.kind {
                EventKind::Preview { .. } => previews += 1,
                EventKind::QueryReady(query) => {
                    assert!(previews > 0);
                    return query.pixels;
                }
                EventKind::Failed(text) if event.job == id => panic!("{text}"),
                _ => {}
            }
        }
    };
    let (a, b) = (generate(), generate());
    assert_eq!(a, b);
    let (low, high) = (a.iter().min().unwrap(), a.iter().max().unwrap());
    assert!(*low < 60 && *high > 190, "a digit has ink and paper: {low} {high}");
}
