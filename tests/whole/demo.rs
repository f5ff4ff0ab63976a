//! The demo as it is shipped.

use std::path::Path;

use whence_engine::Engine;
use whence_jobs::{AttributeJob, EventKind, Evidence, EvidenceJob, JobSpec, QuerySource};
use whence_store::Project;
use whence_training::unlearning::Recipe;

use super::style_classifier::{Picture, StyleClassifier};
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
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo");
    let project = Project::open(&demo).unwrap();
    let paintings = project.file.data.clone().unwrap();
    // The judge never saw a fifth of the paintings, and names nearly all of them rightly.
    let judge = StyleClassifier::train(&paintings, |index| index % 5 != 0);
    let accuracy = judge.accuracy(&paintings, |index| index % 5 == 0);
    assert!(accuracy > 0.97, "{accuracy}");
    let keep = folder.path().join("store");
    copy_folder(&project.store(), &keep);
    let mut of = AttributeJob {
        model: project.file.model.clone().unwrap(),
        data: paintings,
        recipe: Recipe::load(project.file.recipe.as_ref().unwrap()).unwrap(),
        groups: vec![],
        counterfactuals: None,
        neighbours: 0,
        ..digits::job(keep)
    };
    of.settings.timesteps = "24".parse().unwrap();
    let mut shown = 0;
    for path in &project.file.queries {
        of.queries = vec![QuerySource::File(path.clone())];
        let first = run(JobSpec::Attribute(Box::new(of.clone()))).into_iter().find_map(|kind| match kind {
            EventKind::Attributed(all) => all.into_iter().next(),
            EventKind::Failed(failure) => panic!("{failure}"),
            _ => None,
        });
        let scores = first.unwrap().scores;
        let leader = scores.iter().max_by(|a, b| a.estimate.score.total_cmp(&b.estimate.score)).unwrap();
        let seed: u64 = path.file_stem().unwrap().to_string_lossy().replace("seed-", "").parse().unwrap();
        let job = EvidenceJob {
            of: AttributeJob { groups: vec![leader.group.clone()], ..of.clone() },
            seed: Some(seed),
            what: Evidence::Regenerate,
        };
        let image = run(JobSpec::Evidence(Box::new(job))).into_iter().find_map(|kind| match kind {
            EventKind::Regenerated { group: Some(_), image } if image.is_done() => Some(image.pixels),
            _ => None,
        });
        let before = judge.style(&Picture::open(path)).to_owned();
        let without = judge.style(&Picture::planar(&image.unwrap())).to_owned();
        eprintln!("seed {seed}: {} {:+.1}, shows {before}, without it {without}", leader.group, leader.estimate.score);
        if before == leader.group && without != leader.group && shown < CONVINCING {
            shown += 1;
        } else {
            assert!(shown >= CONVINCING, "seed {seed}: {} ranks first, {before} became {without}", leader.group);
        }
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
