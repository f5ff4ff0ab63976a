//! The reducer: every event, stale events, and what follows from opening things.

use std::path::PathBuf;

use super::*;
use whence_data::LoadOptions;
use whence_diffusion::elbo::Estimate;
use whence_jobs::JobSpec;
use whence_jobs::{Event, EventKind, GenerateQuery, Progress, QueryOrigin, UnlearningPoint};
use whence_store::ProjectFile;

const SHAPE: ImageShape = ImageShape { channels: 1, height: 2, width: 2 };

fn model(hash: &str, shape: ImageShape) -> EventKind {
    EventKind::ModelLoaded(Box::new(ModelInfo {
        path: "/models/m".into(),
        name: "m".into(),
        shape,
        parameters: 10,
        timesteps: 1000,
        classes: None,
        hash: hash.into(),
        device: "cpu".into(),
    }))
}

fn image_ready(name: &str, origin: QueryOrigin) -> EventKind {
    let pixels = vec![name.len() as u8; SHAPE.numel()];
    let generated = match origin {
        QueryOrigin::Seed(seed) => Some(GenerateQuery { seed, sampling: SampleSettings::default() }),
        QueryOrigin::File(_) => None,
    };
    let name = name.into();
    EventKind::QueryReady(Box::new(QueryImage { name, origin, shape: SHAPE, pixels, generated, notes: vec![] }))
}

fn dataset() -> Dataset {
    let folder = tempfile::tempdir().unwrap();
    for (group, level) in [("ink", 0u8), ("oil", 200), ("wash", 90)] {
        std::fs::create_dir(folder.path().join(group)).unwrap();
        image::GrayImage::from_pixel(2, 2, image::Luma([level])).save(folder.path().join(group).join("0.png")).unwrap();
    }
    Dataset::load(folder.path(), &LoadOptions { shape: Some(SHAPE), ..Default::default() }, &mut |_, _| Ok(())).unwrap()
}

fn score(group: &str, nats: f64) -> GroupScore {
    let estimate = Estimate::new(nats, 0.5);
    GroupScore { estimate, evaluations: 50, ..GroupScore::exact(group, nats) }
}

/// A state and a counter of jobs.
#[derive(Default)]
struct Desk {
    state: State,
    jobs: JobId,
}

impl Desk {
    fn start(&mut self, spec: JobSpec) -> JobId {
        self.jobs += 1;
        let query = matches!(spec, JobSpec::Attribute(_)).then_some(self.state.current).flatten();
        self.state.started(Job::new(self.jobs, spec, "job".into(), query, true));
        self.jobs
    }

    fn emit(&mut self, job: JobId, kind: EventKind) -> Vec<Effect> {
        self.state.reduce(Event { job, kind })
    }

    /// Runs a job of one event.
    fn done(&mut self, spec: JobSpec, kind: EventKind) -> Vec<Effect> {
        let job = self.start(spec);
        self.emit(job, EventKind::Started);
        let effects = self.emit(job, kind);
        self.emit(job, EventKind::Finished("done".into()));
        effects
    }

    /// A model, a dataset and two images, from a file and from a seed.
    fn ready() -> Self {
        let mut fixture = Self::default();
        fixture.done(JobSpec::LoadModel("/models/m".into()), model("one", SHAPE));
        fixture.done(JobSpec::LoadDataset("/data".into()), EventKind::DatasetLoaded(dataset()));
        fixture.done(JobSpec::LoadQuery("/a.png".into()), image_ready("a.png", QueryOrigin::File("/a.png".into())));
        let draw = GenerateQuery { seed: 7, sampling: SampleSettings::default() };
        fixture.done(JobSpec::GenerateQuery(draw), image_ready("seed-7", QueryOrigin::Seed(7)));
        fixture
    }

    fn explain(&mut self) -> JobId {
        let job = crate::app::forms::Forms::default().current_job(&self.state).unwrap();
        let id = self.start(JobSpec::Attribute(Box::new(job)));
        self.emit(id, EventKind::Started);
        id
    }

    fn explanation(&self) -> &Explanation {
        self.state.explanation().unwrap()
    }
}

fn attribution(scores: &[(&str, f64)]) -> Attribution {
    let scores = scores.iter().map(|(g, s)| score(g, *s)).collect();
    Attribution::new("seed-7", "guda", scores)
}

#[test]
fn an_opened_project_asks_for_its_parts_and_forgets_the_last() {
    let mut fixture = Desk::ready();
    let file = ProjectFile {
        schema_version: 1,
        name: "Eight styles".into(),
        model: Some("/p/model".into()),
        data: Some("/p/data".into()),
        queries: vec!["/p/q.png".into()],
        recipe: Some("/p/recipe.toml".into()),
        ..ProjectFile::default()
    };
    let project = Project { root: "/p".into(), file, session: None };
    let effects = fixture.done(JobSpec::OpenProject("/p".into()), EventKind::ProjectOpened(Box::new(project)));
    assert_eq!(
        effects,
        [
            Effect::AddRecent("/p".into()),
            Effect::ReadRecipe("/p/recipe.toml".into()),
            Effect::Run(JobSpec::LoadModel("/p/model".into()), false),
            Effect::Run(JobSpec::LoadDataset("/p/data".into()), false),
        ]
    );
    let image = RestoreJob { spec: JobSpec::LoadQuery("/p/q.png".into()), query: None, show: false };
    assert_eq!(fixture.state.next_restore_jobs(), [image], "after the model, whose size it takes");
    assert!(fixture.state.queries.is_empty() && fixture.state.model.is_none() && fixture.state.dataset.is_none());
    assert_eq!(fixture.state.store(), PathBuf::from("/p/store"));
}

#[test]
fn scores_replace_the_preview_one_by_one_until_all_are_known() {
    let mut fixture = Desk::ready();
    assert_eq!(fixture.state.query().unwrap().image.name, "seed-7", "what was drawn is shown");
    let job = fixture.explain();
    assert!(fixture.state.can_explain().is_err(), "one at a time");
    assert_eq!(fixture.explanation().ranking.stage, Stage::Empty);
    let preview = attribution(&[("ink", 3.0), ("oil", 9.0), ("wash", 1.0)]);
    fixture.emit(job, EventKind::PreviewRanking(Box::new(preview)));
    assert_eq!(fixture.explanation().ranking.stage, Stage::Preview);
    assert_eq!(fixture.state.group, Some(1), "the leader is selected as long as nobody chose");
    fixture.emit(job, EventKind::GroupScored { group: 0, score: Box::new(score("ink", 20.0)) });
    let board = &fixture.explanation().ranking;
    assert_eq!((board.stage, board.rows.len(), board.waiting.len()), (Stage::Partial, 1, 2));
    assert_eq!(board.waiting[0].name, "oil");
    fixture.emit(job, EventKind::Attributed(vec![attribution(&[("ink", 20.0), ("oil", 2.0), ("wash", 1.9)])]));
    fixture.emit(job, EventKind::Finished("three groups".into()));
    let board = &fixture.explanation().ranking;
    assert_eq!((board.stage, board.waiting.len()), (Stage::Complete, 0));
    assert!(board.verdict.starts_with("ink ranks first"), "{}", board.verdict);
    assert!(board.rows[2].tied && !board.rows[1].tied);
    assert!(fixture.state.jobs.is_empty() && fixture.state.can_explain().is_ok());
}

#[test]
fn events_of_unknown_ended_and_other_jobs_change_nothing() {
    let mut fixture = Desk::ready();
    let job = fixture.explain();
    fixture.emit(job + 1, EventKind::Attributed(vec![attribution(&[("ink", 1.0)])]));
    assert_eq!(fixture.explanation().ranking.stage, Stage::Empty);
    fixture.emit(job, EventKind::PreviewRanking(Box::new(attribution(&[("ink", 1.0)]))));
    fixture.emit(job, EventKind::Cancelled);
    fixture.emit(job, EventKind::GroupScored { group: 0, score: Box::new(score("ink", 20.0)) });
    assert_eq!(fixture.explanation().ranking.stage, Stage::Preview, "what was known before the cancel is kept");
    let again = fixture.explain();
    assert_eq!(fixture.explanation().ranking.stage, Stage::Empty);
    fixture.emit(job, EventKind::GroupScored { group: 0, score: Box::new(score("ink", 20.0)) });
    assert_eq!(fixture.explanation().ranking.stage, Stage::Empty, "an older job of the same image");
    fixture.emit(again, EventKind::Cancelled);
    assert!(fixture.state.explanation().is_none(), "nothing was learned");
}

#[test]
fn a_newer_load_makes_the_older_pointless() {
    let mut fixture = Desk::default();
    let old = fixture.start(JobSpec::LoadModel("/old".into()));
    let pointless = fixture.state.started(Job::new(9, JobSpec::LoadModel("/new".into()), "job".into(), None, true));
    assert_eq!(pointless, [old]);
    fixture.emit(9, model("new", SHAPE));
    fixture.emit(old, model("old", SHAPE));
    assert_eq!(fixture.state.model.as_ref().unwrap().hash, "new");
    fixture.emit(old, EventKind::Failed("late".into()));
    assert!(fixture.state.notifications.is_empty(), "nobody waits for it any more");
}

#[test]
fn another_model_takes_its_own_images_and_sizes() {
    let mut fixture = Desk::ready();
    let job = fixture.explain();
    fixture.emit(job, EventKind::Attributed(vec![attribution(&[("ink", 1.0)])]));
    fixture.emit(job, EventKind::Finished(String::new()));
    fixture.done(JobSpec::LoadModel("/same".into()), model("two", SHAPE));
    let names: Vec<_> = fixture.state.queries.iter().map(|q| q.image.name.as_str()).collect();
    assert_eq!(names, ["a.png"], "drawn images belong to their model");
    assert!(fixture.state.explanation().is_none());
    let larger = ImageShape { height: 4, width: 4, ..SHAPE };
    let effects = fixture.done(JobSpec::LoadModel("/larger".into()), model("three", larger));
    let path = fixture.state.dataset.as_ref().unwrap().path().to_owned();
    let expected =
        [Effect::Run(JobSpec::LoadDataset(path), false), Effect::Run(JobSpec::LoadQuery("/a.png".into()), false)];
    assert_eq!(effects, expected);
    assert!(fixture.state.can_explain().is_err());
}

#[test]
fn failures_are_told_once_near_their_place_and_can_be_retried() {
    let mut fixture = Desk::ready();
    let spec = JobSpec::LoadQuery("/bad.png".into());
    let job = fixture.start(spec.clone());
    fixture.emit(job, EventKind::Warning("odd".into()));
    fixture.emit(job, EventKind::Warning("odd".into()));
    fixture.emit(job, EventKind::Failed("it is cut short. Restore it from a copy".into()));
    let notices: Vec<_> = fixture.state.notifications_of(Slot::Query).collect();
    assert_eq!(notices.len(), 2);
    assert_eq!((notices[1].failed, notices[1].retry.as_ref()), (true, Some(&spec)));
    fixture.start(spec);
    assert_eq!(fixture.state.notifications_of(Slot::Query).count(), 0, "a new attempt clears the old failure");
}

#[test]
fn progress_previews_curves_and_neighbours_are_taken_in() {
    let mut fixture = Desk::ready();
    let draw = JobSpec::GenerateQuery(GenerateQuery { seed: 1, sampling: SampleSettings::default() });
    let job = fixture.start(draw);
    fixture.emit(job, EventKind::Preview { step: 3, steps: 50, pixels: vec![0; SHAPE.numel()] });
    assert_eq!(fixture.state.generation.as_ref().unwrap().step, 3);
    fixture.emit(job, EventKind::Preview { step: 4, steps: 50, pixels: vec![0; 99] });
    assert_eq!(fixture.state.generation.as_ref().unwrap().step, 3, "bytes of another size are not shown");
    fixture.emit(job, EventKind::Cancelled);
    assert!(fixture.state.generation.is_none());

    let job = fixture.explain();
    fixture.emit(
        job,
        EventKind::Progress(Progress {
            phase: "unlearning".into(),
            fraction: 0.5,
            seconds_left: None,
            queue_seconds_left: None,
        }),
    );
    for (group, step) in [(0, 1), (0, 2), (1, 1)] {
        let point = UnlearningPoint { group, step, steps: 2, forget_loss: 1.0, retain_loss: 1.0, query_score: None };
        fixture.emit(job, EventKind::Unlearning(point));
    }
    let nearest = vec![Neighbour { index: 0, distance: 1.0 }];
    fixture.emit(job, EventKind::Neighbours(vec![whence_jobs::GroupNeighbours { group: 2, nearest: nearest.clone() }]));
    let shown = fixture.state.explaining().unwrap();
    assert_eq!(shown.curves.iter().map(|c| c.points.len()).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(shown.progress.as_ref().unwrap().fraction, 0.5);
    assert_eq!(fixture.state.query().unwrap().nearest[&2], nearest);
}

#[test]
fn the_selection_moves_in_the_order_on_screen() {
    let mut fixture = Desk::ready();
    fixture.state.move_selection(1);
    assert_eq!(fixture.state.group, Some(0));
    let job = fixture.explain();
    fixture.emit(job, EventKind::Attributed(vec![attribution(&[("ink", 1.0), ("oil", 9.0), ("wash", 5.0)])]));
    fixture.state.group = Some(1);
    fixture.state.move_selection(1);
    assert_eq!(fixture.state.group, Some(2));
    fixture.state.move_selection(5);
    assert_eq!(fixture.state.group, Some(0), "stops at the last");
    fixture.state.remove_query(fixture.state.current.unwrap());
    assert_eq!(fixture.state.query().unwrap().image.name, "a.png");
}
