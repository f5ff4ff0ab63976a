//! The demo as it is shipped.

use std::path::Path;

use whence::engine::api::{AttributeJob, EventKind, JobSpec, QuerySource};
use whence::store::Project;
use whence::unlearning::Recipe;

use super::{digits, run};

#[test]
fn the_shipped_models_are_those_of_the_demos_recipe() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo");
    let project = Project::open(&demo).unwrap();
    let (model, data) = (project.file.model.clone().unwrap(), project.file.data.clone().unwrap());
    let recipe = Recipe::load(project.file.recipe.as_ref().unwrap()).unwrap();
    let keep = folder.path().join("store");
    // The store is locked and may be written to.
    copy(&project.store(), &keep);
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
    let models = events.iter().find_map(|e| if let EventKind::Forecast(f) = e { Some(f.models) } else { None });
    assert_eq!(models, Some(0), "a new user sees a ranking without unlearning first");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
