//! Retraining, the table against it, and checks by removal: on a network small enough to train here.

use std::path::{Path, PathBuf};

use whence_base::Error;
use whence_data::{Dataset, LoadOptions};
use whence_diffusion::{Pipeline, SampleSettings};
use whence_engine::Engine;
use whence_evaluation::benchmark::{MethodPlan, OraclePlan, Plan, SumPlan};
use whence_evaluation::{Agreement, Matching, Options, Pairing, ScoreTable};
use whence_jobs::{
    AttributeJob, BenchmarkJob, EventKind, Evidence, EvidenceJob, JobSpec, QuerySource, RemovalJob, Remove, RetrainJob,
    TrainJob,
};
use whence_training::unlearning::Recipe;
use whence_training::{LeftOut, Training, TrainingConfig};

use super::{copy_folder, digits, failure, fixture, run};

fn config() -> TrainingConfig {
    TrainingConfig { steps: 30, batch: 8, learning_rate: 2e-3, checkpoint_every: 4, ..TrainingConfig::default() }
}

/// A model trained a little on the small digits.
fn model(folder: &Path) -> PathBuf {
    let out = folder.join("model");
    let job = TrainJob {
        data: fixture("digits/images"),
        group_column: None,
        config: config(),
        exclude_group: None,
        out: out.clone(),
    };
    assert!(matches!(run(JobSpec::Train(Box::new(job))).pop(), Some(EventKind::Finished(_))));
    out
}

fn retrain(model: &Path, out: &Path) -> RetrainJob {
    RetrainJob {
        model: model.to_owned(),
        data: fixture("digits/images"),
        group_column: None,
        class_map: None,
        groups: vec!["four".into(), "seven".into()],
        config: None,
        seed: None,
        out: out.to_owned(),
    }
}

fn load(folder: &Path) -> Pipeline {
    Pipeline::load(folder, &burn::tensor::Device::flex()).unwrap()
}

fn finished(spec: JobSpec) -> String {
    match run(spec).pop() {
        Some(EventKind::Finished(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn retraining_is_the_same_run_without_the_group_and_goes_on_where_it_was_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let model = model(folder.path());
    let out = folder.path().join("retrained");
    // Stopped in the middle.
    let engine = Engine::start("cpu", || {}).unwrap();
    let id = engine.run(JobSpec::Retrain(Box::new(retrain(&model, &out)))).unwrap();
    loop {
        match engine.events().recv_timeout(std::time::Duration::from_secs(120)).unwrap().kind {
            EventKind::Progress(p) if p.phase.contains("without seven, step") => engine.cancel(id),
            EventKind::Cancelled => break,
            end @ (EventKind::Finished(_) | EventKind::Failed(_)) => panic!("not cancelled: {end:?}"),
            _ => {}
        }
    }
    assert!(out.join("four/config.json").is_file() && !out.join("seven/config.json").exists());
    let text = finished(JobSpec::Retrain(Box::new(retrain(&model, &out))));
    assert!(text.contains("1 trained now"), "{text}");
    let text = finished(JobSpec::Retrain(Box::new(retrain(&model, &out))));
    assert!(text.contains("0 trained now"), "{text}");

    // The same weights as an uninterrupted training without the group.
    let dataset = Dataset::load(&fixture("digits/images"), &LoadOptions::default(), &mut |_, _| Ok(())).unwrap();
    let seven = dataset.groups().iter().position(|g| g == "seven").unwrap();
    let (left_out, again) = (LeftOut::groups([seven]), folder.path().join("again"));
    let device = burn::tensor::Device::flex();
    let config = config();
    let training = Training {
        dataset: &dataset,
        config: &config,
        left_out: &left_out,
        conditions: None,
        out: &again,
        device: &device,
    };
    training.run(&mut |_| Ok::<(), Error>(())).unwrap();
    assert_eq!(load(&again).hash(), load(&out.join("seven")).hash());
    assert_ne!(load(&out.join("four")).hash(), load(&out.join("seven")).hash());

    // Another seed is another oracle; the kept models are then made again, not taken for it.
    let other = RetrainJob { seed: Some(7), groups: vec!["four".into()], ..retrain(&model, &out) };
    assert!(finished(JobSpec::Retrain(Box::new(other))).contains("1 trained now"));

    // The method logo makes what is missing and scores with it; imported, the same models give the same numbers.
    let mut job = digits::job(folder.path().join("counterfactuals"));
    (job.model, job.counterfactuals, job.method) = (model.clone(), None, "logo".into());
    job.settings.timesteps = "100..1000/100".parse().unwrap();
    job.queries.truncate(2);
    job.groups = vec!["seven".into(), "four".into()];
    let made = digits::attribute(job.clone());
    assert!(folder.path().join("retrained/seven/training.json").is_file());
    unlearned_images_come_with_those_of_the_retrained_models(AttributeJob { method: "guda".into(), ..job.clone() });
    (job.counterfactuals, job.method) = (Some(folder.path().join("retrained")), "guda".into());
    let imported = digits::attribute(job);
    let scores = |a: &whence_methods::Attribution| a.scores.iter().map(|s| s.estimate).collect::<Vec<_>>();
    assert_eq!(made.iter().map(scores).collect::<Vec<_>>(), imported.iter().map(scores).collect::<Vec<_>>());
    assert!(made.iter().all(|a| a.method == "logo"));
}

/// A query regenerated by unlearned models comes with the images by the retrained models that exist.
fn unlearned_images_come_with_those_of_the_retrained_models(mut of: AttributeJob) {
    of.groups = vec!["seven".into()];
    of.sampling = SampleSettings { steps: 5, ..SampleSettings::default() };
    of.queries = vec![QuerySource::Seed(5)];
    of.recipe = Recipe { steps: 2, batch: 2, warmup_steps: 1, held_out: 0.0, ..Recipe::default() };
    let image = |method: &str, retrained: bool, what| {
        let of = AttributeJob { method: method.into(), ..of.clone() };
        let events = run(JobSpec::Evidence(Box::new(EvidenceJob { of, seed: Some(5), what })));
        assert!(matches!(events.last(), Some(EventKind::Finished(_))), "{:?}", events.last());
        events.into_iter().find_map(|kind| match kind {
            EventKind::Regenerated { group: Some(_), image } if !retrained && image.is_done() => Some(image.pixels),
            EventKind::RegeneratedByRetrained { image, .. } if retrained && image.is_done() => Some(image.pixels),
            _ => None,
        })
    };
    let exact = image("logo", false, Evidence::Regenerate).unwrap();
    assert_eq!(image("logo", true, Evidence::Regenerate), None, "there is nothing to compare it with");
    let approximate = image("guda", false, Evidence::Regenerate).unwrap();
    assert_ne!(approximate, exact);
    assert_eq!(image("guda", true, Evidence::Regenerate).as_ref(), Some(&exact));
    assert_eq!(image("guda", true, Evidence::Known), Some(exact));
}

#[test]
fn a_model_that_cannot_be_trained_again_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let foreign = retrain(&fixture("digits/model"), &folder.path().join("out"));
    let text = failure(JobSpec::Retrain(Box::new(foreign.clone())));
    assert!(text.contains("training.json") && text.contains("training settings"), "{text}");
    // A record that is damaged is not called missing.
    let damaged = folder.path().join("damaged");
    copy_folder(&fixture("digits/model"), &damaged);
    std::fs::write(damaged.join("training.json"), "{\"schema_version\": ").unwrap();
    let text = failure(JobSpec::Retrain(Box::new(RetrainJob { model: damaged, ..foreign })));
    assert!(text.contains("training.json") && !text.contains("does not say"), "{text}");
    let model = model(folder.path());
    let other = RetrainJob { data: folder.path().join("few"), ..retrain(&model, &folder.path().join("out")) };
    for (group, file) in [("four", "a"), ("seven", "b")] {
        let to = folder.path().join("few").join(group);
        std::fs::create_dir_all(&to).unwrap();
        let from = std::fs::read_dir(fixture("digits/images").join(group)).unwrap().next().unwrap().unwrap().path();
        std::fs::copy(from, to.join(format!("{file}.png"))).unwrap();
    }
    let text = failure(JobSpec::Retrain(Box::new(other)));
    assert!(text.contains("other images"), "{text}");
    let nothing = RetrainJob { groups: vec!["eleven".into()], ..retrain(&model, &folder.path().join("out")) };
    assert!(failure(JobSpec::Retrain(Box::new(nothing))).contains("eleven"));
}

fn plan() -> Plan {
    let oracle = |name: &str, seed| OraclePlan { name: name.into(), seed, ..OraclePlan::default() };
    let recipe = Recipe { steps: 2, batch: 4, ..Recipe::default() };
    let mut plan = Plan {
        training: Some(TrainingConfig { steps: 6, ..config() }),
        oracles: vec![oracle("first", None), oracle("second", Some(3))],
        methods: vec![
            MethodPlan { name: "hinge".into(), recipe, seeds: vec![0, 1], ..MethodPlan::default() },
            MethodPlan { name: "closed form".into(), method: "gaussian".into(), ..MethodPlan::default() },
        ],
        sums: vec![SumPlan { name: "sum".into(), of: vec!["hinge, mean of 2".into(), "closed form".into()] }],
        versus: "closed form".into(),
        ..Plan::default()
    };
    plan.queries.count = 24;
    plan.queries.sampling = SampleSettings { steps: 4, ..SampleSettings::default() };
    plan.reference.timesteps = "100../200".parse().unwrap();
    plan.scoring.timesteps = "3".parse().unwrap();
    plan
}

#[test]
fn a_benchmark_is_one_command_and_its_table_is_that_of_its_scores() {
    let folder = tempfile::tempdir().unwrap();
    let job = |plan: Plan| BenchmarkJob {
        data: fixture("digits/images"),
        group_column: None,
        plan,
        command: "whence benchmark".into(),
        out: folder.path().to_owned(),
    };
    finished(JobSpec::Benchmark(Box::new(job(plan()))));
    let table = std::fs::read_to_string(folder.path().join("table.md")).unwrap();
    let document: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("benchmark.json")).unwrap()).unwrap();
    let lines = document["table"]["lines"].as_array().unwrap();
    let names: Vec<&str> = lines.iter().map(|l| l["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "first",
            "first, other noise",
            "second",
            "the usual order",
            "nearest images",
            "hinge, seed 0",
            "hinge, seed 1",
            "hinge, mean of 2",
            "closed form",
            "sum"
        ]
    );
    for name in names.iter().skip(1) {
        assert!(table.contains(name), "{name}");
    }
    // The printed agreement is that of the written scores, found again by file and name.
    let read = |row: &str| ScoreTable::read(&folder.path().join(format!("scores/{row}.csv")), None).unwrap();
    let pairing =
        Pairing::new(&read("hinge, seed 1".replace(", ", "%2C ").as_str()), &read("first"), &Matching::default());
    let again = Agreement::of(&pairing.unwrap(), &Options::default());
    let line = lines.iter().find(|l| l["name"] == "hinge, seed 1").unwrap();
    for metric in ["top1", "ndcg@3_exp", "spearman"] {
        let value = line["all"]["metrics"][metric]["value"].as_f64().unwrap();
        assert!((again.metric(metric).unwrap().value - value).abs() < 1e-12, "{metric}");
    }
    assert_eq!(line["reported"]["queries"], 12);
    assert_eq!(line["cost"]["trained_pictures"], 10 * 2 * 4 * 2);
    assert_eq!(line["cost"]["evaluations_per_query"], 3 * 11);

    // A second run trains nothing and says the same, but for the seconds of what is quick.
    let stamp = |p: &str| std::fs::metadata(folder.path().join(p)).unwrap().modified().unwrap();
    let oracles: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|n| n.starts_with("oracle-"))
        .collect();
    assert_eq!(oracles.len(), 2);
    let weights = format!("{}/four/diffusion_pytorch_model.safetensors", oracles[0]);
    let before = (stamp(&weights), table);
    finished(JobSpec::Benchmark(Box::new(job(plan()))));
    assert_eq!(before, (stamp(&weights), std::fs::read_to_string(folder.path().join("table.md")).unwrap()));
    let rows = || std::fs::read_dir(folder.path().join("rows")).unwrap().count();
    let kept = rows();
    // Another scoring grid scores again with the same models.
    let mut other = plan();
    other.scoring.timesteps = "4".parse().unwrap();
    let unlearned = || std::fs::read_dir(folder.path().join("unlearned")).unwrap().count();
    let models = unlearned();
    finished(JobSpec::Benchmark(Box::new(job(other))));
    assert!(rows() > kept);
    assert_eq!(unlearned(), models);
}

#[test]
fn plans_that_cannot_be_run_are_refused_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |change: &dyn Fn(&mut Plan)| {
        let mut plan = plan();
        change(&mut plan);
        plan.check().unwrap_err().to_string()
    };
    assert!(refused(&|p| p.oracles.clear()).contains("oracle"));
    assert!(refused(&|p| p.sums[0].of[0] = "nobody".into()).contains("nobody"));
    assert!(refused(&|p| p.versus = "nobody".into()).contains("nobody"));
    assert!(refused(&|p| p.methods[0].method = "magic".into()).contains("magic"));
    assert!(refused(&|p| p.methods[0].method = "logo".into()).contains("oracle"));
    assert!(refused(&|p| p.reference.seed = p.scoring.seed).contains("noise"));
    assert!(refused(&|p| p.methods[1].weightings = vec![whence_diffusion::elbo::Weighting::Uniform]).contains("weigh"));
    assert!(refused(&|p| p.methods[1].name = "nearest images".into()).contains("used twice"));
    assert!(refused(&|p| p.methods[1].name = "hinge, seed 0".into()).contains("used twice"));
    let file = folder.path().join("plan.toml");
    std::fs::write(&file, "titel = \"x\"").unwrap();
    let text = Plan::load(&file).unwrap_err().to_string();
    assert!(text.contains("titel") && text.contains("plan.toml"), "{text}");
    // Methods of one's own do not meet the sums of the default ones.
    std::fs::write(&file, "[reference]\nseed = 5\n[[methods]]\nname = \"mine\"").unwrap();
    let own = Plan::load(&file).unwrap();
    assert_eq!((own.methods.len(), own.sums.len(), own.versus.as_str()), (1, 0, ""));
}

#[test]
fn removal_trains_without_the_top_and_without_as_much_at_random() {
    let folder = tempfile::tempdir().unwrap();
    let model = model(folder.path());
    let scores = folder.path().join("scores.csv");
    // "seven" is called first for the drawn query.
    let rows: String = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
        .iter()
        .map(|g| format!("seed-4,{g},{}\n", if *g == "seven" { 9.0 } else { 1.0 }))
        .collect();
    std::fs::write(&scores, format!("query,group,score\n{rows}")).unwrap();
    let job = |remove, out: &str| RemovalJob {
        model: model.clone(),
        data: fixture("digits/images"),
        group_column: None,
        class_map: None,
        queries: vec![QuerySource::Seed(4)],
        sampling: SampleSettings { steps: 5, ..SampleSettings::default() },
        counterfactuals: None,
        scores: Some(scores.clone()),
        remove,
        random: 2,
        config: None,
        settings: whence_methods::ScoreSettings { timesteps: "100../300".parse().unwrap(), ..Default::default() },
        out: folder.path().join(out),
    };
    finished(JobSpec::Removal(Box::new(job(Remove::Groups(1), "groups"))));
    let read = |out: &str| -> Vec<Vec<String>> {
        let mut reader = csv::Reader::from_path(folder.path().join(out).join("removal.csv")).unwrap();
        reader.records().map(|r| r.unwrap().iter().map(str::to_owned).collect()).collect()
    };
    let groups = read("groups");
    assert_eq!(groups.len(), 3);
    assert_eq!((groups[0][1].as_str(), groups[0][2].as_str()), ("top", "seven"));
    assert!(groups[1][1] == "random" && groups[1][2] != "seven" && groups[2][2] != "seven");
    assert!(folder.path().join("groups/regenerated/seed-4.png").is_file());
    finished(JobSpec::Removal(Box::new(job(Remove::Images(5), "images"))));
    let images = read("images");
    assert!(images.iter().all(|r| r[3] == "5"), "{images:?}");
    // The same models are not trained twice.
    let trained = || {
        let mut all: Vec<_> = std::fs::read_dir(folder.path().join("images/trained"))
            .unwrap()
            .map(|e| e.unwrap().path().join("training.json"))
            .map(|p| (p.clone(), p.metadata().unwrap().modified().unwrap()))
            .collect();
        all.sort();
        all
    };
    let before = trained();
    assert_eq!(before.len(), 3);
    finished(JobSpec::Removal(Box::new(job(Remove::Images(5), "images"))));
    assert_eq!((before, images), (trained(), read("images")));
    assert!(failure(JobSpec::Removal(Box::new(job(Remove::Groups(6), "most")))).contains("half"));
    let mut without = job(Remove::Groups(1), "groups");
    without.scores = None;
    assert!(failure(JobSpec::Removal(Box::new(without))).contains("(scores)"));
}
