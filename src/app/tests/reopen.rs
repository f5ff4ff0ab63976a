//! Images of a view that become the view again, step by step.

use std::path::{Path, PathBuf};

use egui_kittest::kittest::Queryable as _;

use super::scenes::{Scene, paintings};
use crate::app::actions::Command;
use crate::app::background_tasks::Message;
use crate::app::export::view_recipe;
use crate::app::panels::PanelId;
use crate::app::state::Slot;
use whence_diffusion::SamplerKind;
use whence_diffusion::elbo::Timesteps;
use whence_jobs::{EventKind, GenerateQuery, JobId, JobSpec, ModelInfo, QueryImage, QueryOrigin, SampleSettings};
use whence_methods::{Attribution, GroupScore, ScoreSettings};
use whence_report::{ViewQuery, ViewRecipe, ViewSettings};
use whence_store::{Project, ProjectFile};
use whence_training::unlearning::Recipe;

const DRAW: SampleSettings = SampleSettings { sampler: SamplerKind::Ddim, steps: 20, eta: 0.5, class: None };

fn open(scene: &mut Scene, recipe: &ViewRecipe) {
    scene.window.state_mut().shell.add_recent(Path::new("/projects/other"), "Other");
    let ctx = scene.window.ctx.clone();
    scene.window.state_mut().command(&ctx, Command::OpenView(Box::new(recipe.clone())));
    scene.settle();
}

/// A view of seed 42 in another project, explained in a way of its own.
fn elsewhere() -> ViewRecipe {
    let scoring = ScoreSettings { timesteps: Timesteps::Count(20), draws: 3, ..ScoreSettings::default() };
    let recipe = Recipe { steps: 17, learning_rate: Some(2e-5), ..Recipe::default() };
    ViewRecipe {
        project_name: Some("Other".into()),
        query: Some(ViewQuery {
            name: "seed-42".into(),
            seed: Some(42),
            file: None,
            sampling: Some(DRAW),
            blake3: None,
        }),
        settings: Some(ViewSettings { method: "guda".into(), scoring, recipe, null: 2, confirm: true }),
        group: Some("mosaic".into()),
        tab: Some("Where and when".into()),
        ..ViewRecipe::default()
    }
}

/// The job of this kind that was started and has not ended.
fn job(scene: &Scene, fits: impl Fn(&JobSpec) -> bool) -> Option<JobId> {
    scene.app().state.jobs.iter().find(|j| !j.superseded && fits(&j.spec)).map(|j| j.id)
}

fn finish(scene: &mut Scene, job: JobId, kind: EventKind) {
    scene.tell_of(job, EventKind::Started);
    scene.tell_of(job, kind);
    scene.tell_of(job, EventKind::Finished("done".into()));
}

/// The other project is open; its model and images are not there yet.
fn other_opened(scene: &mut Scene) {
    let file = ProjectFile {
        schema_version: 1,
        name: "Other".into(),
        model: Some("/projects/other/model".into()),
        data: Some("/projects/other/data".into()),
        queries: vec![],
        recipe: None,
        ..ProjectFile::default()
    };
    let project = Project { root: "/projects/other".into(), file, session: None };
    let opening = job(scene, |s| *s == JobSpec::OpenProject("/projects/other".into())).expect("it is opened");
    finish(scene, opening, EventKind::ProjectOpened(Box::new(project)));
}

fn contents(scene: &mut Scene) {
    let data = paintings();
    let model = ModelInfo {
        path: "/projects/other/model".into(),
        name: "other".into(),
        shape: data.shape(),
        parameters: 1,
        timesteps: 1000,
        classes: None,
        hash: "other".into(),
        device: "cpu".into(),
    };
    let loading = job(scene, |s| matches!(s, JobSpec::LoadModel(_))).unwrap();
    finish(scene, loading, EventKind::ModelLoaded(Box::new(model)));
    assert!(job(scene, |s| matches!(s, JobSpec::GenerateQuery(_))).is_none(), "the images are still being read");
    let reading = job(scene, |s| matches!(s, JobSpec::LoadDataset(_))).unwrap();
    finish(scene, reading, EventKind::DatasetLoaded(data));
}

fn image(scene: &Scene, name: &str, origin: QueryOrigin) -> EventKind {
    let data = scene.app().state.dataset.as_ref().unwrap();
    let pixels = data.pixels(9).to_vec();
    let generated = match origin {
        QueryOrigin::Seed(seed) => Some(GenerateQuery { seed, sampling: DRAW }),
        QueryOrigin::File(_) => None,
    };
    EventKind::QueryReady(Box::new(QueryImage {
        name: name.into(),
        origin,
        shape: data.shape(),
        pixels,
        generated,
        notes: vec![],
    }))
}

/// blake3 of what `image` gives.
fn drawn_hash(scene: &Scene) -> String {
    blake3::hash(scene.app().state.dataset.as_ref().unwrap().pixels(9)).to_hex().to_string()
}

fn notice(scene: &Scene, slot: Slot) -> String {
    let all = scene.app().state.notifications.iter().filter(|n| n.slot == slot).map(|n| n.text.clone());
    all.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_view_of_another_project_opens_it_draws_its_image_and_is_shown() {
    let mut scene = Scene::done();
    open(&mut scene, &elsewhere());
    other_opened(&mut scene);
    assert_eq!(scene.app().dock.shown(), [PanelId::Ranking], "nothing is shown before all is there");
    contents(&mut scene);
    let drawing =
        job(&scene, |s| *s == JobSpec::GenerateQuery(GenerateQuery { seed: 42, sampling: DRAW })).expect("it is drawn");
    let ready = image(&scene, "seed-42", QueryOrigin::Seed(42));
    finish(&mut scene, drawing, ready);
    let app = scene.app();
    assert!(app.reopening.is_none());
    assert_eq!(app.state.query().map(|q| q.image.name.as_str()), Some("seed-42"));
    assert_eq!(app.state.group.map(|g| app.state.group_name(g)), Some("mosaic"));
    assert_eq!(app.dock.shown(), [PanelId::ScoreMap]);
    let settings = &app.forms.settings;
    assert_eq!(
        (settings.timesteps.as_str(), settings.draws, settings.control_groups, settings.confirm),
        ("50", 1, 0, false),
        "the user's settings stay"
    );
    let JobSpec::Attribute(kept) = scene.fake.last().1 else { panic!("{:?}", scene.fake.last()) };
    let view = elsewhere().settings.unwrap();
    assert!(kept.known_only && !kept.live, "only what is kept is put on screen; nothing is computed");
    assert_eq!((kept.settings, kept.recipe, kept.sampling), (view.scoring, view.recipe, DRAW));
    // What the window shows now is that view.
    let now = view_recipe(&scene.app().state, &scene.app().dock.shown());
    let mut view = elsewhere();
    view.query = view.query.map(|query| ViewQuery { blake3: Some(drawn_hash(&scene)), ..query });
    assert_eq!(now, view);
    assert!(!notice(&scene, Slot::Query).contains("another one"), "it said nothing of its image's values");
}

#[test]
fn a_recipe_that_is_being_read_does_not_replace_the_views() {
    let mut scene = Scene::loaded();
    scene.window.state_mut().forms.reading_recipe = true;
    let query = Some(ViewQuery { name: "seed-3".into(), seed: Some(3), file: None, sampling: None, blake3: None });
    open(&mut scene, &ViewRecipe { project_name: Some("Eight styles".into()), query, ..elsewhere() });
    assert!(scene.app().reopening.is_some());
    let recipe = Recipe { steps: 99, ..Recipe::default() };
    let post = scene.app().background_tasks.post();
    post(Message::Recipe(Ok(recipe)));
    scene.settle_until(|scene| scene.app().reopening.is_none());
    let settings = &scene.app().forms.settings;
    assert_eq!((settings.recipe.steps, settings.project_recipe.steps), (99, 99));
    let JobSpec::Attribute(recall) = scene.fake.last().1 else { panic!("{:?}", scene.fake.last()) };
    assert_eq!(recall.recipe.steps, 17, "the view's own");
    // Nothing is stored: that is said, with a button.
    scene.emit(EventKind::Finished(String::new()));
    assert!(notice(&scene, Slot::Explain).contains("not stored here"), "{}", notice(&scene, Slot::Explain));
}

#[test]
fn an_answer_that_is_known_comes_forward_and_one_step_back_undoes_the_view() {
    let mut scene = Scene::done();
    let first = view_recipe(&scene.app().state, &[PanelId::Wall, PanelId::Library]);
    assert_eq!(first.tab.as_deref(), Some("Wall, Library"));
    // The same image by another method.
    let ctx = scene.window.ctx.clone();
    scene.window.state_mut().command(&ctx, Command::ExplainBy("gaussian"));
    let scores = vec![GroupScore::exact("mosaic", 2.0), GroupScore::exact("woodcut", 1.0)];
    scene.emit(EventKind::Attributed(vec![Attribution::new("seed-7", "gaussian", scores)]));
    scene.emit(EventKind::Finished("done".into()));
    let other = scene.app().state.queries[0].key;
    scene.window.state_mut().command(&ctx, Command::SelectQuery(other));
    scene.settle();
    let (before, jobs) = (scene.app().snapshot(), scene.fake.count());
    open(&mut scene, &first);
    let answers: Vec<&str> = scene.app().state.query().unwrap().scored().map(|a| a.method.as_str()).collect();
    assert_eq!(answers, ["guda", "gaussian"]);
    assert_eq!(scene.app().state.explanation().map(|a| a.method.as_str()), Some("guda"));
    assert_eq!((scene.app().forms.settings.method.as_str(), scene.fake.count()), ("guda", jobs));
    scene.act(crate::app::actions::Action::Undo);
    assert_eq!(scene.app().snapshot(), before);
}

#[test]
fn an_image_that_is_another_one_now_is_said_and_shown() {
    for (file, words) in [(None, "the model has changed"), (Some(PathBuf::from("/a.png")), "the file has changed")] {
        let mut scene = Scene::loaded();
        let right = drawn_hash(&scene);
        for (blake3, reported) in [(right, false), ("0".repeat(64), true)] {
            let seed = file.is_none().then_some(42);
            let (sampling, blake3) = (seed.map(|_| DRAW), Some(blake3));
            let query = ViewQuery { name: "it".into(), seed, file: file.clone(), sampling, blake3 };
            let project_name = Some("Eight styles".into());
            open(&mut scene, &ViewRecipe { project_name, query: Some(query), settings: None, ..elsewhere() });
            if !reported {
                let origin = file.clone().map_or(QueryOrigin::Seed(42), QueryOrigin::File);
                let (job, ready) = (scene.fake.last().0, image(&scene, "it", origin));
                finish(&mut scene, job, ready);
            }
            assert_eq!(
                notice(&scene, Slot::Query).contains(words),
                reported,
                "{words}: {}",
                notice(&scene, Slot::Query)
            );
            assert!(scene.app().reopening.is_none());
            assert_eq!(
                scene.app().state.query().map(|q| q.image.name.as_str()),
                Some("it"),
                "it is shown all the same"
            );
            assert_eq!(scene.app().dock.shown(), [PanelId::ScoreMap]);
        }
    }
}

#[test]
fn a_project_that_is_gone_is_said() {
    let mut scene = Scene::loaded();
    open(&mut scene, &elsewhere());
    scene.emit(EventKind::Failed("there is no folder".into()));
    assert!(scene.app().reopening.is_none());
    let text = notice(&scene, Slot::Query);
    assert!(text.contains("where it is now"), "{text}");
    assert!(scene.window.query_all_by_label_contains("ts project could not be opened").next().is_some());
    assert_eq!(scene.app().forms.settings.recipe.steps, Recipe::default().steps);
}

#[test]
fn a_file_and_a_group_that_are_gone_are_said() {
    let mut scene = Scene::loaded();
    let file = PathBuf::from("/images/gone.png");
    let query =
        Some(ViewQuery { name: "gone".into(), seed: None, file: Some(file.clone()), sampling: None, blake3: None });
    let here = ViewRecipe {
        project_name: Some("Eight styles".into()),
        query,
        group: Some("fresco".into()),
        settings: None,
        ..elsewhere()
    };
    open(&mut scene, &here);
    assert_eq!(scene.fake.last().1, JobSpec::LoadQuery(file.clone()));
    scene.emit(EventKind::Failed("could not read".into()));
    assert!(
        scene.app().reopening.is_none() && notice(&scene, Slot::Query).contains("ts image gone could not be opened")
    );
    assert_eq!(scene.app().dock.shown(), [PanelId::Ranking]);
    // The file is back; the group is not.
    open(&mut scene, &here);
    let (again, ready) = (scene.fake.last().0, image(&scene, "gone", QueryOrigin::File(file)));
    finish(&mut scene, again, ready);
    assert_eq!(scene.app().state.query().map(|q| q.image.name.as_str()), Some("gone"));
    assert!(notice(&scene, Slot::Dataset).contains("the group fresco"));
    assert_eq!((scene.app().state.group, scene.app().dock.shown()), (None, vec![PanelId::ScoreMap]));
}

#[test]
fn a_view_is_dropped_where_something_else_is_wanted_or_known_by_nobody() {
    let mut scene = Scene::loaded();
    open(&mut scene, &elsewhere());
    let opening = job(&scene, |s| matches!(s, JobSpec::OpenProject(_))).unwrap();
    scene.start(JobSpec::OpenProject("/projects/third".into()));
    scene.tell_of(opening, EventKind::Cancelled);
    assert!(scene.app().reopening.is_none() && scene.app().state.notifications.is_empty());

    let mut scene = Scene::loaded();
    let before = scene.app().forms.settings.clone();
    let settings = elsewhere().settings.map(|s| ViewSettings { method: "tea leaves".into(), ..s });
    let query = Some(ViewQuery { name: "seed-3".into(), seed: Some(3), file: None, sampling: None, blake3: None });
    open(&mut scene, &ViewRecipe { project_name: Some("Eight styles".into()), query, settings, ..elsewhere() });
    assert_eq!(scene.app().forms.settings, before);
    assert!(notice(&scene, Slot::Explain).contains("tea leaves"));
    assert_eq!(scene.app().state.query().map(|q| q.image.name.as_str()), Some("seed-3"));
}

#[test]
fn a_view_names_no_folder_of_this_computer() {
    let mut scene = Scene::loaded();
    let inside = PathBuf::from("/projects/demo/queries/q.png");
    let outside = PathBuf::from("/home/somebody/pictures/q2.png");
    for (path, stored) in [(inside, "queries/q.png"), (outside, "q2.png")] {
        let ready = image(&scene, "q", QueryOrigin::File(path.clone()));
        scene.done_at_once(JobSpec::LoadQuery(path.clone()), ready);
        let recipe = view_recipe(&scene.app().state, &[PanelId::Ranking]);
        assert_eq!(recipe.query.as_ref().and_then(|q| q.file.clone()), Some(PathBuf::from(stored)));
        let text = serde_json::to_string(&recipe).unwrap();
        assert!(text.contains("Eight styles") && !text.contains("/projects") && !text.contains("somebody"), "{text}");
        // It is found again all the same.
        let other = scene.app().state.queries[0].key;
        let ctx = scene.window.ctx.clone();
        scene.window.state_mut().command(&ctx, Command::SelectQuery(other));
        let before = scene.fake.count();
        open(&mut scene, &recipe);
        let shown = scene.app().state.query().map(|q| q.image.origin.clone());
        assert_eq!((shown, scene.fake.count()), (Some(QueryOrigin::File(path)), before));
    }
}

#[test]
fn a_file_inside_the_project_is_opened_from_where_the_project_is_now() {
    let mut scene = Scene::loaded();
    let view = |file: &str| ViewRecipe {
        project_name: Some("Eight styles".into()),
        query: Some(ViewQuery { name: "q".into(), seed: None, file: Some(file.into()), sampling: None, blake3: None }),
        settings: None,
        ..elsewhere()
    };
    open(&mut scene, &view("queries/q.png"));
    assert_eq!(scene.fake.last().1, JobSpec::LoadQuery("/projects/demo/queries/q.png".into()));
    scene.emit(EventKind::Cancelled);
    let before = scene.fake.count();
    for (file, why) in [("../../secret.png", "leaves the project"), (r"\\host\share\q.png", "another computer")] {
        open(&mut scene, &view(file));
        assert_eq!(scene.fake.count(), before, "{file}");
        assert!(notice(&scene, Slot::Query).contains(why), "{}", notice(&scene, Slot::Query));
    }
}

#[test]
fn only_projects_that_were_opened_here_before_are_opened_for_an_image() {
    for (project_name, project) in [(Some("Elsewhere".to_owned()), None), (None, Some(PathBuf::from("/evil/project")))]
    {
        let mut scene = Scene::loaded();
        let before = scene.fake.count();
        open(&mut scene, &ViewRecipe { project_name, project, ..elsewhere() });
        assert_eq!(scene.fake.count(), before);
        assert!(notice(&scene, Slot::Query).contains("is not among the recent projects"));
    }
    // Images of earlier versions name the folder, relative to the folder of that day.
    for root in ["/projects/other", "other"] {
        let mut scene = Scene::loaded();
        open(&mut scene, &ViewRecipe { project_name: None, project: Some(root.into()), ..elsewhere() });
        assert_eq!(scene.fake.last().1, JobSpec::OpenProject("/projects/other".into()), "{root}");
    }
}

#[test]
fn of_several_projects_of_one_name_the_one_with_the_image_is_opened() {
    let mut scene = Scene::loaded();
    let (empty, right) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(right.path().join("q.png"), "").unwrap();
    for folder in [&right, &empty] {
        scene.window.state_mut().shell.add_recent(folder.path(), "Twice");
    }
    let query =
        Some(ViewQuery { name: "q".into(), seed: None, file: Some("q.png".into()), sampling: None, blake3: None });
    open(&mut scene, &ViewRecipe { project_name: Some("Twice".into()), query, ..elsewhere() });
    assert_eq!(scene.fake.last().1, JobSpec::OpenProject(right.path().to_owned()));
}
