//! What of a session is restored, and what stays saved where something is missing.

use super::*;
use crate::app::forms::Forms;
use crate::app::state::{Effect, Job, Slot};
use whence_data::{Dataset, ImageShape, LoadOptions};
use whence_jobs::{Event, EventKind, JobId, ModelInfo, QueryImage};
use whence_methods::{Attribution, GroupScore};
use whence_store::ProjectFile;

const SHAPE: ImageShape = ImageShape { channels: 1, height: 2, width: 2 };

/// A window's state, whose effects become jobs that wait until the test ends them.
#[derive(Default)]
struct Window {
    state: State,
    jobs: JobId,
    /// Most jobs that were in the engine's queue at a time.
    most: usize,
}

impl Window {
    /// A project that was just opened: nothing of it is read.
    fn open(images: &[&str], saved: Option<&Session>) -> Self {
        let file = ProjectFile {
            schema_version: 1,
            name: "Styles".into(),
            model: Some("/p/model".into()),
            data: Some("/p/data".into()),
            queries: images.iter().map(|name| Path::new("/p").join(name)).collect(),
            recipe: None,
            ..ProjectFile::default()
        };
        let session = saved.map(|s| serde_json::to_value(s).unwrap());
        let mut window = Self::default();
        window.start(JobSpec::OpenProject("/p".into()), None);
        let project = Project { root: "/p".into(), file, session };
        window.end(Slot::Project, Some(EventKind::ProjectOpened(Box::new(project))));
        window
    }

    /// The same, where everything can be read.
    fn opened(images: &[&str], saved: Option<&Session>) -> Self {
        let mut window = Self::open(images, saved);
        window.model();
        window.dataset();
        window.images(&[]);
        window
    }

    fn start(&mut self, spec: JobSpec, query: Option<u64>) -> JobId {
        self.start_shown(spec, query, false)
    }

    fn start_shown(&mut self, spec: JobSpec, query: Option<u64>, show: bool) -> JobId {
        self.jobs += 1;
        self.state.started(Job::new(self.jobs, spec, "job".into(), query, show));
        self.most = self.most.max(self.state.jobs.len());
        self.jobs
    }

    fn emit(&mut self, job: JobId, kind: EventKind) {
        for effect in self.state.reduce(Event { job, kind }) {
            match effect {
                Effect::Run(spec, _) => self.start(spec, None),
                _ => continue,
            };
        }
        self.restore();
    }

    /// What the window does in every frame.
    fn restore(&mut self) {
        self.state.recall_on_screen();
        for job in self.state.next_restore_jobs() {
            self.start_shown(job.spec, job.query, job.show);
        }
    }

    /// Ends the first job of a slot: with what it gives, or without anything.
    fn end(&mut self, slot: Slot, gives: Option<EventKind>) {
        let job = self.state.busy(slot).unwrap().id;
        match gives {
            Some(kind) => {
                self.emit(job, kind);
                self.emit(job, EventKind::Finished("done".into()));
            }
            None => self.emit(job, EventKind::Failed("it is not there".into())),
        }
    }

    fn model(&mut self) {
        let model = ModelInfo {
            path: "/p/model".into(),
            name: "m".into(),
            shape: SHAPE,
            parameters: 10,
            timesteps: 1000,
            classes: None,
            hash: "one".into(),
            device: "cpu".into(),
        };
        self.end(Slot::Model, Some(EventKind::ModelLoaded(Box::new(model))));
    }

    fn dataset(&mut self) {
        self.end(Slot::Dataset, Some(EventKind::DatasetLoaded(dataset())));
    }

    /// Ends the jobs that read images; files of these names are missing.
    fn images(&mut self, missing: &[&str]) {
        while let Some(JobSpec::LoadQuery(path)) = self.state.busy(Slot::Query).map(|j| j.spec.clone()) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let there = !missing.contains(&name.as_str());
            let pixels = vec![name.bytes().fold(0, u8::wrapping_add); SHAPE.numel()];
            let origin = QueryOrigin::File(path);
            let image = QueryImage { name, origin, shape: SHAPE, pixels, generated: None, notes: vec![] };
            self.end(Slot::Query, there.then(|| EventKind::QueryReady(Box::new(image))));
        }
    }

    fn key(&self, name: &str) -> u64 {
        self.state.queries.iter().find(|q| q.image.name == name).unwrap().key
    }

    fn name(&self, key: u64) -> Option<String> {
        self.state.queries.iter().find(|q| q.key == key).map(|q| q.image.name.clone())
    }

    /// Puts an image on screen, gives it a star and explains it.
    fn explain(&mut self, name: &str) {
        let key = self.key(name);
        self.state.current = Some(key);
        self.state.queries.iter_mut().filter(|q| q.key == key).for_each(|q| q.rating.stars = 4);
        let job = AttributeJob { live: true, ..Forms::default().current_job(&self.state).unwrap() };
        self.start(JobSpec::Attribute(Box::new(job)), Some(key));
        self.answer(name);
    }

    fn answer(&mut self, name: &str) {
        let scores = vec![GroupScore::exact("ink", 2.0), GroupScore::exact("oil", 1.0)];
        let found = Attribution::new(name, "guda", scores);
        self.end(Slot::Explain, Some(EventKind::Attributed(vec![found])));
    }

    fn session(&self) -> Session {
        Session::capture(&self.state, 41).unwrap()
    }
}

fn dataset() -> Dataset {
    let folder = tempfile::tempdir().unwrap();
    for (group, level) in [("ink", 0u8), ("oil", 200)] {
        std::fs::create_dir(folder.path().join(group)).unwrap();
        image::GrayImage::from_pixel(2, 2, image::Luma([level])).save(folder.path().join(group).join("0.png")).unwrap();
    }
    Dataset::load(folder.path(), &LoadOptions { shape: Some(SHAPE), ..Default::default() }, &mut |_, _| Ok(())).unwrap()
}

/// Images in order.
fn names(session: &Session) -> Vec<&str> {
    let files = session.queries.iter().filter_map(|q| match &q.origin {
        SavedOrigin::File(path) => path.to_str(),
        SavedOrigin::Seed { .. } => None,
    });
    files.collect()
}

/// Three images, of which the second has a star, is explained and on screen.
fn saved() -> Session {
    let mut window = Window::opened(&["a.png", "b.png", "c.png"], None);
    window.explain("b.png");
    let session = window.session();
    assert_eq!((names(&session), session.current), (vec!["a.png", "b.png", "c.png"], Some(1)));
    assert!(session.queries[1].starred && session.queries[1].explanations.len() == 1);
    // As it is read from its file, which has no pixels.
    serde_json::from_value(serde_json::to_value(&session).unwrap()).unwrap()
}

#[test]
fn a_change_is_saved_while_images_are_still_being_read() {
    let saved = Session { group: Some("oil".into()), ..saved() };
    let mut window = Window::open(&["a.png", "b.png", "c.png"], Some(&saved));
    assert_eq!(window.session(), saved, "nothing is read, so nothing has changed");
    window.model();
    window.dataset();
    assert_eq!(window.session(), saved, "three images wait");
    let first = window.state.busy(Slot::Query).unwrap().id;
    let JobSpec::LoadQuery(path) = window.state.busy(Slot::Query).unwrap().spec.clone() else { panic!() };
    let image = QueryImage {
        name: "a.png".into(),
        origin: QueryOrigin::File(path),
        shape: SHAPE,
        pixels: vec![7; SHAPE.numel()],
        generated: None,
        notes: vec![],
    };
    window.emit(first, EventKind::QueryReady(Box::new(image)));
    window.state.queries[0].rating.stars = 5;
    let early = window.session();
    assert_eq!(names(&early), ["a.png", "b.png", "c.png"]);
    assert!(early.queries[0].starred && early.queries[1] == saved.queries[1]);
    assert_eq!((early.current, early.group.as_deref()), (Some(1), Some("oil")), "what was on screen comes back");
}

#[test]
fn an_image_that_is_read_again_at_another_size_keeps_what_is_known_of_it() {
    let mut window = Window::opened(&["a.png", "b.png"], None);
    window.explain("b.png");
    let before = window.session();
    let shape = ImageShape { channels: 1, height: 4, width: 4 };
    let model = ModelInfo {
        path: "/p/other".into(),
        name: "m".into(),
        shape,
        parameters: 10,
        timesteps: 1000,
        classes: None,
        hash: "one".into(),
        device: "cpu".into(),
    };
    let job = window.start(JobSpec::LoadModel("/p/other".into()), None);
    window.emit(job, EventKind::ModelLoaded(Box::new(model)));
    assert!(window.state.queries.is_empty(), "both are being read again");
    assert_eq!(names(&window.session()), ["a.png", "b.png"]);
    assert_eq!(window.session().queries, before.queries);
}

#[test]
fn an_image_that_is_missing_once_keeps_its_position_its_star_and_its_explanations() {
    let saved = saved();
    let mut window = Window::open(&["a.png", "b.png", "c.png"], Some(&saved));
    window.model();
    window.dataset();
    window.images(&["b.png"]);
    assert_eq!(window.state.queries.len(), 2);
    let without = window.session();
    assert_eq!(without.queries, saved.queries);
    assert_eq!(without.current, Some(0), "the place in the whole list");
    window.state.current = Some(window.key("c.png"));
    assert_eq!(window.session().current, Some(2));

    // It comes back at once when it is opened again, and at the next start.
    window.start(JobSpec::LoadQuery("/p/b.png".into()), None);
    window.images(&[]);
    assert!(window.state.queries.iter().any(|q| q.image.name == "b.png" && q.rating.stars == 4));
    let mut next = Window::opened(&["a.png", "b.png", "c.png"], Some(&without));
    assert!(next.state.queries.iter().any(|q| q.image.name == "b.png" && q.rating.stars == 4));
    next.state.current = Some(next.key("b.png"));
    next.restore();
    assert!(next.state.busy(Slot::Explain).is_some(), "its explanation is recalled");
}

#[test]
fn the_first_image_that_is_missing_stays_the_first() {
    let saved = saved();
    let mut window = Window::open(&[], Some(&saved));
    window.model();
    window.dataset();
    window.images(&["a.png", "b.png"]);
    assert_eq!(window.session().queries, saved.queries);
}

#[test]
fn images_that_the_project_names_later_appear_and_removed_ones_do_not() {
    let mut window = Window::opened(&["a.png", "b.png"], None);
    window.state.remove_query(window.key("a.png"));
    let saved = window.session();
    assert_eq!(names(&saved), ["b.png"], "what the user took off the list is not carried");
    let window = Window::opened(&["a.png", "b.png", "d.png"], Some(&saved));
    assert_eq!(names(&window.session()), ["b.png", "d.png"]);

    // A session of an earlier version lists no project images.
    let mut old = serde_json::to_value(&saved).unwrap();
    old.as_object_mut().unwrap().remove("known").unwrap();
    let old: Session = serde_json::from_value(old).unwrap();
    let window = Window::opened(&["a.png", "b.png"], Some(&old));
    assert_eq!(names(&window.session()), ["b.png", "a.png"]);
}

#[test]
fn a_dataset_that_moved_takes_no_explanation_with_it() {
    let saved = saved();
    let mut window = Window::open(&["a.png", "b.png", "c.png"], Some(&saved));
    window.model();
    window.end(Slot::Dataset, None);
    window.images(&[]);
    assert_eq!(window.session().queries, saved.queries, "there is no dataset");
    window.start(JobSpec::LoadDataset("/elsewhere/data".into()), None);
    window.dataset();
    assert_eq!(window.session().queries, saved.queries);
}

#[test]
fn a_restored_explanation_is_saved_as_it_was() {
    let saved = saved();
    let mut window = Window::opened(&["a.png", "b.png", "c.png"], Some(&saved));
    let job = window.state.busy(Slot::Explain).map(|j| j.spec.clone());
    assert!(matches!(job, Some(JobSpec::Attribute(job)) if job.known_only && !job.live));
    assert_eq!(window.session().queries, saved.queries, "while it is looked for");
    window.answer("b.png");
    assert_eq!(window.session().queries, saved.queries, "found");
    window.explain("b.png");
    assert_eq!(window.session().queries[1].explanations.len(), 1, "a new one replaces the earlier");

    let mut window = Window::opened(&["a.png", "b.png", "c.png"], Some(&saved));
    window.end(Slot::Explain, None);
    assert!(window.state.queries.iter().all(|q| q.explanation().is_none()));
    assert_eq!(window.session().queries, saved.queries, "the store could not be read this time");
}

#[test]
fn explanations_of_queries_out_of_sight_are_recalled_when_they_are_wanted() {
    let mut saved = saved();
    saved.current = Some(0);
    let mut window = Window::opened(&["a.png", "b.png", "c.png"], Some(&saved));
    assert!(window.state.busy(Slot::Explain).is_none(), "b.png is not on screen");
    assert_eq!(window.session().queries, saved.queries, "and nothing is lost");
    window.state.current = Some(window.key("b.png"));
    window.restore();
    let job = window.state.busy(Slot::Explain).expect("it is selected");
    assert_eq!(job.query, Some(window.key("b.png")));
    window.answer("b.png");
    window.restore();
    assert!(window.state.busy(Slot::Explain).is_none(), "once");

    let mut window = Window::opened(&["a.png", "b.png", "c.png"], Some(&saved));
    window.state.recall_all_explanations();
    window.restore();
    assert!(window.state.busy(Slot::Explain).is_some(), "a report is about all queries");
    assert!(window.state.is_restoring_explanations());
    window.answer("b.png");
    assert!(!window.state.is_restoring_explanations());
}

/// `session.json` comes with a project folder, which may come from anybody.
#[test]
fn a_restored_explanation_takes_no_path_from_the_session() {
    let mut json = serde_json::to_value(saved()).unwrap();
    let hostile = AttributeJob {
        model: "/evil/model".into(),
        data: "/evil/data".into(),
        group_column: Some("secret".into()),
        counterfactuals: Some("/evil/models".into()),
        keep_in: "/evil/store".into(),
        out: Some("/home/me/out".into()),
        neighbours: usize::MAX,
        settings: ScoreSettings { batch: usize::MAX, ..ScoreSettings::default() },
        known_only: false,
        dry_run: true,
        groups: vec!["ink".into()],
        null: 2,
        ..Forms::default().current_job(&Window::opened(&["a.png"], None).state).unwrap()
    };
    for method in ["gaussian", "guda"] {
        let job = AttributeJob { method: method.into(), ..hostile.clone() };
        json["queries"][1]["asked"] = serde_json::to_value([job]).unwrap();
        let saved: Session = serde_json::from_value(json.clone()).unwrap();
        let window = Window::opened(&["a.png", "b.png", "c.png"], Some(&saved));
        let Some(JobSpec::Attribute(job)) = window.state.busy(Slot::Explain).map(|j| j.spec.clone()) else {
            panic!("{method} is restored")
        };
        assert_eq!((&job.out, &job.counterfactuals, &job.group_column), (&None, &None, &None));
        assert_eq!((job.model, job.keep_in), ("/p/model".into(), PathBuf::from("/p/store")));
        assert_eq!(Some(job.data.as_path()), window.state.dataset.as_ref().map(Dataset::path));
        assert!(job.known_only && !job.dry_run && job.neighbours == 0);
        assert_eq!(job.settings.batch, ScoreSettings::default().batch);
        assert_eq!((job.method.as_str(), job.null, job.groups), (method, 2, vec!["ink".to_owned()]));
    }
}

#[test]
fn a_query_that_is_on_screen_only_until_the_saved_one_is_open_is_not_recalled() {
    let mut saved = saved();
    saved.queries[0].explanations = saved.queries[1].explanations.clone();
    saved.current = Some(2);
    let window = Window::opened(&["a.png", "b.png", "c.png"], Some(&saved));
    assert_eq!(window.state.current, Some(window.key("c.png")));
    assert!(window.state.busy(Slot::Explain).is_none());
}

#[test]
fn explanations_that_this_version_does_not_know_stay_in_the_session() {
    let mut saved = saved();
    let known = saved.queries[1].explanations[0].clone();
    let recipe = Recipe { steps: 0, batch: 0, ..Recipe::default() };
    saved.queries[1].explanations =
        vec![SavedExplanation { method: "tea leaves".into(), ..known.clone() }, SavedExplanation { recipe, ..known }];
    let window = Window::opened(&["a.png", "b.png", "c.png"], Some(&saved));
    assert!(window.state.busy(Slot::Explain).is_none());
    assert_eq!(window.session().queries, saved.queries);
}

#[test]
fn images_elsewhere_are_opened_only_where_that_is_harmless() {
    let mut saved = saved();
    let file = |path: &str| SavedOrigin::File(path.into());
    saved.queries[0].origin = file(r"\\host\share\q.png");
    saved.queries[1].origin = file("../../secret.png");
    saved.queries[2].origin = file("/images/mine.png");
    saved.listed = ["a.png", "../beside.png"].map(PathBuf::from).into();
    let beside = SavedQuery { origin: file("../beside.png"), ..saved.queries[2].clone() };
    saved.queries.push(beside);
    let window = Window::open(&["a.png", "../beside.png"], Some(&saved));
    let opened: Vec<&JobSpec> = window.state.jobs.iter().filter(|j| j.slot == Slot::Query).map(|j| &j.spec).collect();
    let load = |path: &str| JobSpec::LoadQuery(path.into());
    assert_eq!(opened, [&load("/images/mine.png"), &load("/p/../beside.png")]);
    let refused: Vec<&str> = window.state.notifications_of(Slot::Query).map(|n| n.text.as_str()).collect();
    assert!(
        refused[0].contains("another computer") && refused[1].contains("leaves the project's folder"),
        "{refused:?}"
    );
}

#[test]
fn a_long_session_is_restored_a_few_jobs_at_a_time() {
    let names: Vec<String> = (0..120).map(|i| format!("{i:03}.png")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut window = Window::opened(&names, None);
    let one = saved().queries[1].explanations[0].clone();
    let two = SavedExplanation { method: "gaussian".into(), ..one.clone() };
    let mut long = window.session();
    for query in &mut long.queries {
        query.explanations = vec![one.clone(), two.clone()];
    }
    let long: Session = serde_json::from_value(serde_json::to_value(&long).unwrap()).unwrap();

    window = Window::open(&names, Some(&long));
    window.model();
    window.dataset();
    window.images(&[]);
    assert_eq!(window.state.queries.len(), 120);
    window.state.recall_all_explanations();
    window.restore();
    let mut recalled = 0;
    while let Some(name) = window.state.busy(Slot::Explain).and_then(|j| j.query).and_then(|key| window.name(key)) {
        window.answer(&name);
        recalled += 1;
    }
    assert_eq!(recalled, 240);
    assert!(window.state.queries.iter().all(|q| q.scored().count() == 2));
    assert!(window.most <= 12, "{} jobs at a time leave room for the user's own", window.most);
    assert_eq!(window.session().queries, long.queries);
}

#[test]
fn a_session_that_cannot_be_used_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for text in [r#"{"schema_version": 99, "queries": []}"#, "half of"] {
        std::fs::write(at("session.json"), text).unwrap();
        for _ in 0..2 {
            saved().write(folder.path()).unwrap();
            assert_eq!(std::fs::read_to_string(at("session.unused.json")).unwrap(), text);
        }
        let written: Session = serde_json::from_slice(&std::fs::read(at("session.json")).unwrap()).unwrap();
        assert_eq!(written, saved());
    }
}
