//! The demo as it is shipped.

use std::path::Path;

use whence_engine::Engine;
use whence_jobs::{AttributeJob, EventKind, JobSpec, QuerySource};
use whence_store::Project;
use whence_training::unlearning::Recipe;

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
