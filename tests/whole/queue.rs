//! The queue with real jobs: pausing, resuming, overtaking, bounds, and the log.

use std::path::Path;
use std::time::{Duration, Instant};

use whence_engine::{Engine, JobEvent, JobLine};
use whence_jobs::Priority;
use whence_jobs::{AttributeJob, Event, EventKind, GenerateQuery, JobId, JobSpec, SampleSettings, TrainJob};
use whence_methods::Attribution;
use whence_store::{Kind, Store};
use whence_training::TrainingConfig;
use whence_training::unlearning::Recipe;

use super::digits::{attribute, job};
use super::fixture;

/// All events up to the first of a job that `pick` accepts. Fails at once where the job ends without one.
fn until(engine: &Engine, job: JobId, pick: impl Fn(&EventKind) -> bool) -> Vec<Event> {
    let mut seen = Vec::new();
    loop {
        let event = engine.events().recv_timeout(Duration::from_secs(120)).expect("an event");
        assert!(!matches!(event.kind, EventKind::Failed(_)), "{event:?}");
        let found = event.job == job && pick(&event.kind);
        let over = matches!(event.kind, EventKind::Finished(_) | EventKind::Cancelled);
        assert!(found || event.job != job || !over, "it was over before: {event:?}");
        seen.push(event);
        if found {
            return seen;
        }
    }
}

fn phase(word: &str) -> impl Fn(&EventKind) -> bool {
    move |kind| matches!(kind, EventKind::Progress(p) if p.phase.contains(word))
}

fn finished(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Finished(_))
}

/// Jobs that started, waited, paused or ended, in order.
fn course(events: &[Event]) -> Vec<(JobId, &'static str)> {
    let word = |kind: &EventKind| match kind {
        EventKind::Started => Some("started"),
        EventKind::Waiting => Some("waiting"),
        EventKind::Paused => Some("paused"),
        EventKind::Finished(_) => Some("finished"),
        EventKind::Cancelled => Some("cancelled"),
        _ => None,
    };
    events.iter().filter_map(|e| Some((e.job, word(&e.kind)?))).collect()
}

fn train(out: &Path, steps: usize) -> JobSpec {
    JobSpec::Train(Box::new(TrainJob {
        data: fixture("digits/images"),
        group_column: None,
        config: TrainingConfig { steps, batch: 2, ..TrainingConfig::default() },
        exclude_group: None,
        out: out.to_owned(),
    }))
}

/// Two groups unlearned in steps enough that a fast machine is caught in the middle.
fn unlearning(keep_in: &Path) -> AttributeJob {
    let mut job = job(keep_in.to_owned());
    job.counterfactuals = None;
    job.settings.timesteps = "4".parse().unwrap();
    job.recipe = Recipe { steps: 30, batch: 4, ..Recipe::default() };
    job
}

#[test]
fn a_paused_explanation_goes_on_where_it_was_and_scores_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let whole = attribute(unlearning(&folder.path().join("whole")));

    let engine = Engine::start("cpu", || {}).unwrap();
    let keep = folder.path().join("parts");
    let id = engine.run(JobSpec::Attribute(Box::new(unlearning(&keep)))).unwrap();
    until(&engine, id, phase("unlearning seven"));
    engine.pause(id);
    let asked = Instant::now();
    until(&engine, id, |kind| matches!(kind, EventKind::Paused));
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    let store = Store::read_only(&keep).unwrap();
    assert_eq!(store.keys(Kind::Counterfactual).len(), 1, "four is made");
    assert_eq!(store.keys(Kind::Unfinished).len(), 1, "seven is half made");
    let other = engine.run(JobSpec::LoadModel(fixture("digits/model"))).unwrap();
    assert_eq!(course(&until(&engine, other, finished)), [(other, "started"), (other, "finished")]);

    engine.resume(id);
    let events = until(&engine, id, finished);
    assert_eq!(course(&events), [(id, "waiting"), (id, "started"), (id, "finished")]);
    assert!(!events.iter().any(|e| phase("unlearning four")(&e.kind)), "what was finished is not made again");
    let parts: Vec<&Vec<Attribution>> = events
        .iter()
        .filter_map(|e| match &e.kind {
            EventKind::Attributed(all) => Some(all),
            _ => None,
        })
        .collect();
    assert_eq!(parts, [&whole]);
}

#[test]
fn a_job_in_front_overtakes_a_training_which_goes_on_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let (out, alone) = (folder.path().join("model"), folder.path().join("alone"));
    let engine = Engine::start("cpu", || {}).unwrap();
    let background = engine.run(train(&out, 300)).unwrap();
    until(&engine, background, phase("step "));
    let mut front = job(folder.path().join("keep"));
    front.settings.timesteps = "4".parse().unwrap();
    let front = engine.run_at(JobSpec::Attribute(Box::new(front)), Priority::Front).unwrap();
    let events = until(&engine, background, finished);
    let expected = [
        (background, "waiting"),
        (front, "started"),
        (front, "finished"),
        (background, "started"),
        (background, "finished"),
    ];
    assert_eq!(course(&events), expected);
    assert!(events.iter().any(|e| phase("resuming at step")(&e.kind)), "it kept its steps");
    let id = engine.run(train(&alone, 300)).unwrap();
    until(&engine, id, finished);
    let weights = |folder: &Path| std::fs::read(folder.join("diffusion_pytorch_model.safetensors")).unwrap();
    assert!(weights(&out) == weights(&alone), "the same model as without the interruption");
}

#[test]
fn a_waiting_job_is_cancelled_at_once_and_a_full_queue_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::start("cpu", || {}).unwrap();
    let running = engine.run(train(&folder.path().join("a"), 100_000)).unwrap();
    until(&engine, running, phase("step"));
    let second = engine.run(train(&folder.path().join("b"), 100_000)).unwrap();
    let third = engine.run(train(&folder.path().join("c"), 100_000)).unwrap();
    engine.pause(third);
    let asked = Instant::now();
    engine.cancel(second);
    engine.cancel(third);
    let events = until(&engine, third, |kind| matches!(kind, EventKind::Cancelled));
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    assert_eq!(course(&events), [(third, "paused"), (second, "cancelled"), (third, "cancelled")]);
    until(&engine, running, phase("step"));

    let mut waiting = Vec::new();
    let refusal = loop {
        match engine.run(train(&folder.path().join("d"), 100_000)) {
            Ok(job) => waiting.push(job),
            Err(error) => break error.to_string(),
        }
        assert!(waiting.len() < 10_000, "the queue is bounded");
    };
    assert!(refusal.contains("too many jobs are waiting"), "{refusal}");
    assert_eq!(engine.order(), waiting);
    engine.cancel(waiting[3]);
    engine.run(train(&folder.path().join("d"), 100_000)).unwrap();
    let asked = Instant::now();
    engine.cancel_all();
    until(&engine, running, |kind| matches!(kind, EventKind::Cancelled));
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
}

#[test]
fn images_are_drawn_from_the_model_that_was_opened_whatever_ran_since() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::start("cpu", || {}).unwrap();
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo/model");
    engine.run(JobSpec::LoadModel(demo)).unwrap();
    let mut scoring = job(folder.path().join("keep"));
    scoring.settings.timesteps = "2".parse().unwrap();
    let id = engine.run(JobSpec::Attribute(Box::new(scoring))).unwrap();
    until(&engine, id, finished);
    let sampling = SampleSettings { steps: 2, ..SampleSettings::default() };
    let id = engine.run(JobSpec::GenerateQuery(GenerateQuery { seed: 1, sampling })).unwrap();
    let events = until(&engine, id, finished);
    let channels = events.iter().find_map(|e| match &e.kind {
        EventKind::QueryReady(query) => Some(query.shape.channels),
        _ => None,
    });
    assert_eq!(channels, Some(3), "the digits' model has one");
}

#[test]
fn every_start_pause_and_end_is_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("data/jobs.jsonl");
    let engine = Engine::start_logged("cpu", log.clone(), || {}).unwrap();
    let bad = engine.run(JobSpec::LoadModel("/nowhere".into())).unwrap();
    let spec = train(&folder.path().join("model"), 120);
    let long = engine.run(spec.clone()).unwrap();
    let never = engine.run(train(&folder.path().join("other"), 12)).unwrap();
    engine.cancel(never);
    let mut paused = 0;
    loop {
        let event = engine.events().recv_timeout(Duration::from_secs(120)).unwrap();
        match event.kind {
            EventKind::Progress(p) if p.phase.contains("step") && paused == 0 => {
                paused = 1;
                engine.pause(long);
            }
            EventKind::Paused => engine.resume(long),
            EventKind::Finished(_) if event.job == long => break,
            _ => {}
        }
    }
    drop(engine);
    let text = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<JobLine<'_>> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let of = |job: JobId| lines.iter().filter(|l| l.job == job).collect::<Vec<_>>();
    let events = |job: JobId| of(job).iter().map(|l| l.event).collect::<Vec<_>>();
    assert_eq!(events(bad), [JobEvent::Started, JobEvent::Failed]);
    assert!(of(bad)[1].message.contains("/nowhere"));
    assert_eq!(events(never), [JobEvent::Cancelled]);
    let course = [JobEvent::Started, JobEvent::Paused, JobEvent::Resumed, JobEvent::Started, JobEvent::Finished];
    assert_eq!(events(long), course);
    let seconds: Vec<f64> = of(long).iter().map(|l| l.seconds).collect();
    assert!(seconds[0] == 0.0 && seconds.is_sorted() && seconds[1] > 0.0 && seconds[4] > seconds[3], "{seconds:?}");
    assert!(of(long).iter().all(|l| *l.spec == spec) && of(long)[4].message.contains("The model is in"));
}

#[test]
#[should_panic(expected = "it was over before")]
fn waiting_for_what_a_finished_job_never_told_fails_at_once() {
    let engine = Engine::start("cpu", || {}).unwrap();
    let id = engine.run(JobSpec::LoadModel(fixture("digits/model"))).unwrap();
    until(&engine, id, phase("unlearning"));
}
