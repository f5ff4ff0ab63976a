//! The demo as it is shipped.

use std::path::{Path, PathBuf};

use whence_diffusion::SampleSettings;
use whence_engine::Engine;
use whence_jobs::{AttributeJob, EventKind, Evidence, EvidenceJob, GenerateQuery, JobSpec, QuerySource};
use whence_store::Project;
use whence_training::unlearning::Recipe;

use super::style_classifier::{StyleClassifier, StyleImage};
use super::{copy_folder, digits, run};

#[test]
fn the_shipped_models_are_those_of_the_demos_recipe() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo");
    let project = Project::open(&demo).unwrap();
    let (model, data) = (project.file.model.clone().unwrap(), project.file.data.clone().unwrap());
    let recipe = Recipe::load(project.file.recipe.as_ref().unwrap()).unwrap();
    let keep = folder.path().join("store");
    // The store is locked and may be written to.
    copy_folder(&project.store(), &keep);
    let job = AttributeJob {
        model,
        data,
        recipe,
        queries: vec![QuerySource::File(project.file.queries[0].clone())],
        groups: vec![],
        counterfactuals: None,
        dry_run: true,
        ..digits::job(keep)
    };
    let events = run(JobSpec::Attribute(Box::new(job)));
    let models = events.iter().find_map(|e| if let EventKind::Estimate(f) = e { Some(f.models) } else { None });
    assert_eq!(models, Some(0), "a new user sees a ranking without unlearning first");
}

/// The first images of the demo, of which each loses the style that the ranking names.
const CONVINCING: usize = 6;

#[test]
fn the_demos_first_images_lose_their_style_with_their_first_group() {
    let folder = tempfile::tempdir().unwrap();
    let project = Project::open(&demo()).unwrap();
    // The judge never saw a fifth of the paintings, and names nearly all of them rightly.
    let paintings = demo().join("paintings");
    let judge = StyleClassifier::train(&paintings, |index| index % 5 != 0);
    let accuracy = judge.accuracy(&paintings, |index| index % 5 == 0);
    assert!(accuracy > 0.97, "{accuracy}");
    let of = job_of(&project, folder.path());
    for path in project.file.queries.iter().take(CONVINCING) {
        let seed = path.file_stem().unwrap().to_string_lossy().replace("seed-", "").parse().unwrap();
        let found = Removal::of(&of, seed, &judge);
        assert_eq!(found.before, found.first, "seed {seed} shows the style of its first group");
        assert_ne!(found.without, found.first, "seed {seed} loses it");
    }
}

/// Prints what becomes of the images of the first seeds, as many as `WHENCE_DEMO_SEEDS` says: from this list the demo's images
/// were chosen.
#[test]
fn most_images_that_show_their_first_group_lose_it() {
    let Some(seeds) = std::env::var("WHENCE_DEMO_SEEDS").ok().and_then(|text| text.parse::<u64>().ok()) else {
        println!("skipped: WHENCE_DEMO_SEEDS is not set");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let project = Project::open(&demo()).unwrap();
    let judge = StyleClassifier::train(&demo().join("paintings"), |_| true);
    let of = job_of(&project, folder.path());
    let found: Vec<Removal> = (0..seeds).map(|seed| Removal::of(&of, seed, &judge)).collect();
    for (seed, Removal { first, score, before, without }) in found.iter().enumerate() {
        println!("seed {seed}: {first} {score:+.1} nats, shows {before}, without it {without}");
    }
    let shown: Vec<&Removal> = found.iter().filter(|f| f.before == f.first).collect();
    let lost = shown.iter().filter(|f| f.without != f.first).count();
    println!("{lost} of {} images that show the style of their first group lose it", shown.len());
    assert!(4 * lost > 3 * shown.len());
}

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo")
}

/// A job about the demo with the models that it ships, in a copy of its store.
fn job_of(project: &Project, folder: &Path) -> AttributeJob {
    let keep = folder.join("store");
    copy_folder(&project.store(), &keep);
    let mut of = AttributeJob {
        model: project.file.model.clone().unwrap(),
        data: project.file.data.clone().unwrap(),
        recipe: Recipe::load(project.file.recipe.as_ref().unwrap()).unwrap(),
        groups: vec![],
        counterfactuals: None,
        neighbours: 0,
        ..digits::job(keep)
    };
    of.settings.timesteps = "24".parse().unwrap();
    of
}

/// What becomes of the style of an image without its first group.
struct Removal {
    first: String,
    score: f64,
    before: String,
    without: String,
}

impl Removal {
    fn of(of: &AttributeJob, seed: u64, judge: &StyleClassifier) -> Self {
        let of = AttributeJob { queries: vec![QuerySource::Seed(seed)], ..of.clone() };
        let mut scores = run(JobSpec::Attribute(Box::new(of.clone())))
            .into_iter()
            .find_map(|kind| match kind {
                EventKind::Attributed(all) => all.into_iter().next(),
                EventKind::Failed(failure) => panic!("{failure}"),
                _ => None,
            })
            .unwrap()
            .scores;
        scores.sort_by(|a, b| b.estimate.score.total_cmp(&a.estimate.score));
        let first = scores[0].group.clone();
        let job = EvidenceJob {
            of: AttributeJob { groups: vec![first.clone()], ..of },
            seed: Some(seed),
            what: Evidence::Regenerate,
        };
        let regenerated = run(JobSpec::Evidence(Box::new(job))).into_iter().find_map(|kind| match kind {
            EventKind::Regenerated { group: Some(_), image } if image.is_done() => Some(image.pixels),
            _ => None,
        });
        let engine = Engine::start("cpu", || {}).unwrap();
        engine.run(JobSpec::LoadModel(demo().join("model"))).unwrap();
        engine.run(JobSpec::GenerateQuery(GenerateQuery { seed, sampling: SampleSettings::default() })).unwrap();
        let original = loop {
            let event = engine.events().recv_timeout(std::time::Duration::from_secs(120)).expect("an event");
            if let EventKind::QueryReady(image) = event.kind {
                break image.pixels;
            }
        };
        let style = |pixels: &[u8]| judge.style(&StyleImage::planar(pixels)).to_owned();
        let (before, without) = (style(&original), style(&regenerated.unwrap()));
        Self { first, score: scores[0].estimate.score, before, without }
    }
}

#[test]
fn the_demos_images_know_their_seeds() {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo");
    let project = Project::open(&demo).unwrap();
    let engine = Engine::start("cpu", || {}).unwrap();
    engine.run(JobSpec::LoadModel(project.file.model.clone().unwrap())).unwrap();
    for path in &project.file.queries {
        engine.run(JobSpec::LoadQuery(path.clone())).unwrap();
    }
    let mut first = None;
    for path in &project.file.queries {
        let image = loop {
            let event = engine.events().recv_timeout(std::time::Duration::from_secs(60)).expect("an event");
            assert!(!matches!(event.kind, EventKind::Failed(_)), "{event:?}");
            if let EventKind::QueryReady(image) = event.kind {
                break image;
            }
        };
        let stem = path.file_stem().unwrap().to_string_lossy();
        let drawn = image.generated.expect("the file says how it was drawn");
        assert_eq!(stem, format!("seed-{}", drawn.seed));
        first.get_or_insert((drawn, image.pixels));
    }
    // And it is the truth: the same image comes again, up to the rounding of another machine.
    let (drawn, pixels) = first.unwrap();
    engine.run(JobSpec::GenerateQuery(drawn)).unwrap();
    let again = loop {
        let event = engine.events().recv_timeout(std::time::Duration::from_secs(120)).expect("an event");
        if let EventKind::QueryReady(image) = event.kind {
            break image.pixels;
        }
    };
    let far = again.iter().zip(&pixels).filter(|(a, b)| a.abs_diff(**b) > 3).count();
    assert!(far < pixels.len() / 100, "{far} of {} values differ", pixels.len());
}
