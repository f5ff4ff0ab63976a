//! What a job says beforehand that it takes, beside what it then takes, on the demo: for every kind of job.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use whence_engine::Engine;
use whence_jobs::{
    AttributeJob, EventKind, Evidence, EvidenceJob, JobEstimate, JobSpec, QuerySource, RetrainJob, TrainJob, UnlearnJob,
};
use whence_store::Project;
use whence_training::TrainingConfig;
use whence_training::unlearning::Recipe;

use super::digits;

/// Seconds that opening, reading and writing take beside the work.
const ASIDE: f64 = 3.0;

/// Estimates and jobs by one engine, as in the window.
struct Clock(Engine);

impl Clock {
    fn run(&self, spec: JobSpec) -> (Vec<EventKind>, f64) {
        let begun = Instant::now();
        let id = self.0.run(spec).unwrap();
        let mut events = Vec::new();
        loop {
            let event = self.0.events().recv_timeout(Duration::from_secs(600)).expect("the job answers");
            if event.job != id {
                continue;
            }
            assert!(!matches!(event.kind, EventKind::Failed(_)), "{:?}", event.kind);
            let end = matches!(event.kind, EventKind::Finished(_));
            events.push(event.kind);
            if end {
                return (events, begun.elapsed().as_secs_f64());
            }
        }
    }

    fn estimate(&self, spec: &JobSpec) -> JobEstimate {
        let (events, _) = self.run(JobSpec::Estimate(vec![spec.clone()]));
        let cost = events.into_iter().find_map(|event| match event {
            EventKind::Cost { index: 0, cost } => Some(cost),
            _ => None,
        });
        cost.expect("an answer").unwrap_or_else(|why| panic!("{why}: {spec:?}"))
    }

    /// Runs the job after asking for its cost, and compares.
    fn check(&self, what: &str, spec: JobSpec) -> JobEstimate {
        let estimate = self.estimate(&spec);
        let (_, seconds) = self.run(spec);
        println!("{what}: estimated {:.1} s, took {seconds:.1} s", estimate.seconds);
        let (low, high) = (estimate.seconds / 2.0, estimate.seconds * 2.0 + ASIDE);
        assert!(
            seconds > low - ASIDE && seconds < high,
            "{what}: estimated {:.1} s, took {seconds:.1} s",
            estimate.seconds
        );
        estimate
    }
}

/// Other programs that start or end between an estimate and its job change the speed of the machine. Then both are measured again,
/// twice at most: an estimate that is wrong by itself stays wrong.
fn on_a_steady_machine(test: impl Fn()) {
    for _ in 0..2 {
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(&test)).is_ok() {
            return;
        }
        println!("measured again");
    }
    test();
}

/// The demo's model and dataset with a store of its own, where nothing is known yet.
fn demo(keep_in: PathBuf) -> AttributeJob {
    let project = Project::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo")).unwrap();
    let recipe = Recipe::load(project.file.recipe.as_ref().unwrap()).unwrap();
    AttributeJob {
        model: project.file.model.clone().unwrap(),
        data: project.file.data.clone().unwrap(),
        recipe,
        queries: vec![QuerySource::File(project.file.queries[0].clone())],
        groups: vec!["hatching".into(), "mosaic".into()],
        counterfactuals: None,
        settings: whence_methods::ScoreSettings { timesteps: "50".parse().unwrap(), ..Default::default() },
        neighbours: 12,
        ..digits::job(keep_in)
    }
}

fn attribute(job: &AttributeJob, method: &str) -> JobSpec {
    JobSpec::Attribute(Box::new(AttributeJob { method: method.into(), ..job.clone() }))
}

#[test]
fn every_method_takes_about_as_long_as_it_says() {
    on_a_steady_machine(|| {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock(Engine::start("cpu", || {}).unwrap());
        let job = demo(folder.path().join("store"));
        for method in whence_methods::methods() {
            if method.name() != "logo" {
                clock.check(method.name(), attribute(&job, method.name()));
            }
        }
        // Everything is stored now.
        let again = clock.estimate(&attribute(&job, "guda"));
        assert_eq!((again.models, again.seconds), (0, 0.0));
    });
}

#[test]
fn evidence_takes_about_as_long_as_it_says() {
    on_a_steady_machine(|| {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock(Engine::start("cpu", || {}).unwrap());
        let of = demo(folder.path().join("store"));
        let look = |what| JobSpec::Evidence(Box::new(EvidenceJob { of: of.clone(), seed: Some(38), what }));
        // The first one unlearns both groups.
        let first = clock.check("regenerating, with unlearning", look(Evidence::Regenerate));
        assert_eq!(first.models, 2);
        assert_eq!(clock.estimate(&look(Evidence::Regenerate)).seconds, 0.0, "stored");
        clock.check("map", look(Evidence::Map));
        clock.check("most affected", look(Evidence::MostAffected));
        let watch = AttributeJob { groups: vec!["mosaic".into()], ..of.clone() };
        clock.check(
            "watch",
            JobSpec::Evidence(Box::new(EvidenceJob { of: watch, seed: Some(38), what: Evidence::Watch })),
        );
    });
}

#[test]
fn models_take_about_as_long_as_they_say() {
    on_a_steady_machine(|| {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock(Engine::start("cpu", || {}).unwrap());
        let of = demo(folder.path().join("store"));
        let unlearn = UnlearnJob {
            model: of.model.clone(),
            data: of.data.clone(),
            group_column: None,
            class_map: None,
            groups: vec!["neon".into()],
            recipe: of.recipe.clone(),
            out: folder.path().join("unlearned"),
        };
        clock.check("unlearn", JobSpec::Unlearn(Box::new(unlearn)));
        // The demo's own training takes hours; its rate shows in a few steps.
        let network = whence_diffusion::Pipeline::config_of(&of.model).unwrap();
        let record: serde_json::Value =
            serde_json::from_slice(&std::fs::read(of.model.join("training.json")).unwrap()).unwrap();
        let recorded: TrainingConfig = serde_json::from_value(record["config"].clone()).unwrap();
        let steps = |steps| TrainingConfig { steps, network: Some(network.clone()), ..recorded.clone() };
        let retrain = |config: TrainingConfig, out: &str| {
            JobSpec::Retrain(Box::new(RetrainJob {
                model: of.model.clone(),
                data: of.data.clone(),
                group_column: None,
                class_map: None,
                groups: vec!["neon".into()],
                config: Some(config),
                seed: None,
                out: folder.path().join(out),
            }))
        };
        let short = clock.check("retrain", retrain(steps(40), "short"));
        let long = clock.estimate(&retrain(recorded.clone(), "long"));
        let factor = recorded.steps as f64 / 40.0;
        let ratio = long.seconds / (short.seconds * factor);
        assert!(
            (0.5..2.0).contains(&ratio),
            "40 steps {:.1} s, {} steps {:.0} s",
            short.seconds,
            recorded.steps,
            long.seconds
        );
        // Retraining in an explanation costs as many steps for each group: not those of the unlearning.
        let logo = clock.estimate(&attribute(&of, "logo"));
        assert_eq!(logo.models, 2);
        let ratio = logo.seconds / (2.0 * long.seconds);
        assert!((0.5..2.0).contains(&ratio), "logo {:.0} s, two models {:.0} s", logo.seconds, 2.0 * long.seconds);
    });
}

#[test]
fn what_cannot_be_done_says_so_instead_of_a_cost() {
    let folder = tempfile::tempdir().unwrap();
    let job = AttributeJob { groups: vec!["nobody".into()], ..demo(folder.path().join("store")) };
    let specs = vec![
        attribute(&job, "guda"),
        JobSpec::Train(Box::new(TrainJob {
            data: job.data.clone(),
            group_column: None,
            config: TrainingConfig::default(),
            exclude_group: None,
            out: folder.path().join("out"),
        })),
    ];
    let events = super::run(JobSpec::Estimate(specs));
    let costs: Vec<_> = events
        .into_iter()
        .filter_map(|event| match event {
            EventKind::Cost { index, cost } => Some((index, cost)),
            _ => None,
        })
        .collect();
    assert!(matches!(&costs[0], (0, Err(why)) if why.contains("nobody")), "{costs:?}");
    assert!(matches!(&costs[1], (1, Err(_))), "{costs:?}");
    assert!(!folder.path().join("out").exists(), "nothing is done");
}
