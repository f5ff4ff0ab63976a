//! Projects whose window is restored, and sessions that are saved as things change.

use std::time::{Duration, Instant};

use super::scenes::{Scene, paintings};
use crate::app::actions::Action;
use crate::app::export::{Content, Table};
use crate::app::session::Session;
use crate::app::state::Slot;
use whence_data::Dataset;
use whence_jobs::{EventKind, GenerateQuery, JobId, JobSpec, ModelInfo, QueryImage, QueryOrigin, SampleSettings};
use whence_methods::{Attribution, GroupScore};
use whence_store::{Project, ProjectFile};

const QUERIES: u64 = 120;

fn model(data: &Dataset) -> EventKind {
    EventKind::ModelLoaded(Box::new(ModelInfo {
        path: "/projects/demo/model".into(),
        name: "m".into(),
        shape: data.shape(),
        parameters: 1,
        timesteps: 1000,
        classes: None,
        hash: "abc".into(),
        device: "cpu".into(),
    }))
}

/// What a job of the engine answers.
fn answer(spec: &JobSpec, data: &Dataset) -> EventKind {
    match spec {
        JobSpec::LoadModel(_) => model(data),
        JobSpec::LoadDataset(_) => EventKind::DatasetLoaded(data.clone()),
        JobSpec::GenerateQuery(draw) => EventKind::QueryReady(Box::new(QueryImage {
            name: format!("seed-{}", draw.seed),
            origin: QueryOrigin::Seed(draw.seed),
            shape: data.shape(),
            pixels: data.pixels(draw.seed as usize % data.len()).to_vec(),
            generated: Some(*draw),
            notes: vec![],
        })),
        JobSpec::Attribute(job) => {
            let scores = data.groups().iter().map(|g| GroupScore::exact(g, 1.0)).collect();
            EventKind::Attributed(vec![Attribution::new("q", &job.method, scores)])
        }
        other => panic!("nobody asked for {other:?}"),
    }
}

/// Ends the jobs that the window started, until it starts no more.
fn serve(scene: &mut Scene, data: &Dataset) {
    loop {
        let jobs: Vec<(JobId, JobSpec)> = scene.app().state.jobs.iter().map(|j| (j.id, j.spec.clone())).collect();
        if jobs.is_empty() {
            break;
        }
        for (job, spec) in jobs {
            scene.push(job, EventKind::Started);
            scene.push(job, answer(&spec, data));
            scene.push(job, EventKind::Finished("done".into()));
        }
        scene.window.run();
    }
    scene.settle();
}

/// A project of many queries with two explanations each, as its session is on disk.
fn long_project() -> Project {
    let explanation = |method: &str| {
        serde_json::json!({
            "method": method,
            "settings": whence_methods::ScoreSettings::default(),
            "recipe": whence_training::unlearning::Recipe::default(),
        })
    };
    let query = |seed: u64| {
        serde_json::json!({
            "origin": { "seed": { "seed": seed, "draw": SampleSettings::default() } },
            "starred": seed == 7,
            "asked": [explanation("gaussian"), explanation("guda")],
        })
    };
    let session = serde_json::json!({
        "schema_version": 1,
        "queries": (0..QUERIES).map(query).collect::<Vec<_>>(),
        "current": 3, "group": null, "seed": 5, "known": [],
    });
    let file = ProjectFile {
        schema_version: 1,
        name: "Eight styles".into(),
        model: Some("/projects/demo/model".into()),
        data: Some("/data".into()),
        queries: vec![],
        recipe: None,
        ..ProjectFile::default()
    };
    Project { root: "/projects/demo".into(), file, session: Some(session) }
}

#[test]
fn a_session_of_120_explained_queries_is_restored_within_the_bound_of_a_job_queue() {
    let data = paintings();
    let mut scene = Scene::new();
    let open = scene.start(JobSpec::OpenProject("/projects/demo".into()));
    scene.push(open, EventKind::ProjectOpened(Box::new(long_project())));
    scene.push(open, EventKind::Finished("open".into()));
    scene.window.run();
    serve(&mut scene, &data);
    let state = &scene.app().state;
    assert!(state.notifications.is_empty(), "{:?}", state.notifications);
    assert_eq!(state.queries.len() as u64, QUERIES);
    assert_eq!(state.query().map(|q| (q.image.name.as_str(), q.scored().count())), Some(("seed-3", 2)));
    let explained = |scene: &Scene| scene.app().state.queries.iter().filter(|q| q.scored().count() == 2).count();
    assert_eq!(explained(&scene), 1, "the others come when they are selected");
    scene.act(Action::NextQuery);
    serve(&mut scene, &data);
    assert_eq!(explained(&scene), 2);
    // A report is about all of them, and waits until they are there.
    scene.act(Action::Export);
    let form = &mut scene.window.state_mut().forms.export;
    (form.what, form.table, form.path) = (Content::Report, Table::All, "/report.html".into());
    let request = |scene: &Scene| scene.app().forms.export.request(&scene.app().state);
    assert!(request(&scene).unwrap_err().contains("being restored"));
    serve(&mut scene, &data);
    assert_eq!(explained(&scene) as u64, QUERIES);
    assert!(request(&scene).is_ok());
    let session = Session::capture(&scene.app().state, 5).unwrap();
    assert_eq!(
        Some(serde_json::to_value(&session).unwrap()["queries"].as_array().unwrap().len() as u64),
        Some(QUERIES)
    );
}

#[test]
fn a_recall_does_not_wait_behind_work_in_progress() {
    let mut scene = Scene::running(1);
    let job = JobSpec::Attribute(Box::new(whence_jobs::AttributeJob {
        known_only: true,
        ..scene.app().forms.current_job(&scene.app().state).unwrap()
    }));
    scene.fake.queue_calls();
    scene.window.state_mut().start(job, false);
    scene.settle();
    let id = scene.fake.last().0;
    let expected = super::scenes::QueueCall::Priority(id, whence_jobs::Priority::Prompt);
    assert_eq!(scene.fake.queue_calls(), [expected], "and it stays so");
}

/// A loaded window over a project folder that exists.
fn in_folder(folder: &std::path::Path) -> Scene {
    let mut scene = Scene::loaded();
    let app = scene.window.state_mut();
    app.recalls = true;
    app.state.project.as_mut().unwrap().root = folder.to_owned();
    scene
}

#[test]
fn a_change_is_saved_within_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let mut scene = in_folder(folder.path());
    let path = folder.path().join("session.json");
    let saved = || std::fs::read_to_string(&path).unwrap_or_default();
    let wait_for = |scene: &mut Scene, done: &dyn Fn(&str) -> bool| {
        let (start, clock) = (Instant::now(), scene.window.ctx.input(|i| i.time));
        // The window's clock goes on with every frame; the writer has a real one.
        while !done(&saved()) {
            if scene.window.ctx.input(|i| i.time) - clock < 0.7 {
                scene.window.step();
            }
            assert!(start.elapsed() < Duration::from_secs(20), "{}", saved());
            std::thread::sleep(Duration::from_millis(2));
        }
    };
    wait_for(&mut scene, &|text| text.contains("\"schema_version\""));
    assert!(!saved().contains("\"starred\": true") && !saved().contains("\"starred\":true"));
    scene.act(Action::Star);
    wait_for(&mut scene, &|text| text.replace(' ', "").contains("\"starred\":true"));
    scene.rests();
}

#[test]
fn a_project_that_is_opened_again_finds_its_latest_session() {
    let folder = tempfile::tempdir().unwrap();
    let mut scene = in_folder(folder.path());
    scene.act(Action::Star);
    let app = scene.window.state_mut();
    app.start(JobSpec::OpenProject(folder.path().to_owned()), true);
    let text = std::fs::read_to_string(folder.path().join("session.json")).unwrap();
    assert!(text.replace(' ', "").contains("\"starred\":true"), "before the engine reads it");
}

#[test]
fn restoring_clears_no_failure() {
    let mut scene = Scene::loaded();
    scene.start(JobSpec::LoadQuery("/gone.png".into()));
    scene.emit(EventKind::Failed("it is not there".into()));
    let draw = GenerateQuery { seed: 99, sampling: SampleSettings::default() };
    let app = scene.window.state_mut();
    app.state.restore_queue.push_back(crate::app::state::RestoreJob {
        spec: JobSpec::LoadQuery("/other.png".into()),
        query: None,
        show: false,
    });
    app.state.restore_queue.push_back(crate::app::state::RestoreJob {
        spec: JobSpec::GenerateQuery(draw),
        query: None,
        show: false,
    });
    scene.window.run();
    assert_eq!(scene.app().state.notifications_of(Slot::Query).count(), 1);
}
