//! What a project remembers when some of it was not there.

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
struct Desk {
    state: State,
    jobs: JobId,
}

impl Desk {
    /// A project that was just opened: nothing of it is read.
    fn open(images: &[&str], left: Option<&Session>) -> Self {
        let file = ProjectFile {
            schema_version: 1,
            name: "Styles".into(),
            model: Some("/p/model".into()),
            data: Some("/p/data".into()),
            queries: images.iter().map(|name| Path::new("/p").join(name)).collect(),
            recipe: None,
        };
        let session = left.map(|s| serde_json::to_value(s).unwrap());
        let mut desk = Self::default();
        desk.start(JobSpec::OpenProject("/p".into()), None);
        let project = Project { root: "/p".into(), file, session };
        desk.end(Slot::Project, Some(EventKind::ProjectOpened(Box::new(project))));
        desk
    }

    /// The same, where everything that is asked for comes.
    fn opened(images: &[&str], left: Option<&Session>) -> Self {
        let mut desk = Self::open(images, left);
        desk.model();
        desk.dataset();
        desk.images(&[]);
        desk
    }

    fn start(&mut self, spec: JobSpec, query: Option<u64>) -> JobId {
        self.jobs += 1;
        self.state.started(Job::new(self.jobs, spec, "job".into(), query, false));
        self.jobs
    }

    fn tell(&mut self, job: JobId, kind: EventKind) {
        for effect in self.state.reduce(Event { job, kind }) {
            match effect {
                Effect::Run(spec, _) => self.start(spec, None),
                Effect::RunFor(spec, query) => self.start(spec, Some(query)),
                _ => continue,
            };
        }
    }

    /// Ends the first job of a slot: with what it gives, or without anything.
    fn end(&mut self, slot: Slot, gives: Option<EventKind>) {
        let job = self.state.busy(slot).unwrap().id;
        match gives {
            Some(kind) => {
                self.tell(job, kind);
                self.tell(job, EventKind::Finished("done".into()));
            }
            None => self.tell(job, EventKind::Failed("it is not there".into())),
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
            let image = QueryImage { name, origin, shape: SHAPE, pixels, drawn: None, notes: vec![] };
            self.end(Slot::Query, there.then(|| EventKind::QueryReady(Box::new(image))));
        }
    }

    fn key(&self, name: &str) -> u64 {
        self.state.queries.iter().find(|q| q.image.name == name).unwrap().key
    }

    /// Puts an image on screen, gives it a star and explains it.
    fn explain(&mut self, name: &str) {
        let key = self.key(name);
        self.state.current = Some(key);
        self.state.queries.iter_mut().filter(|q| q.key == key).for_each(|q| q.starred = true);
        let job = AttributeJob { live: true, ..Forms::default().attribute_job(&self.state).unwrap() };
        self.start(JobSpec::Attribute(Box::new(job)), Some(key));
        self.answer(name);
    }

    fn answer(&mut self, name: &str) {
        let scores = vec![GroupScore::exact("ink", 2.0), GroupScore::exact("oil", 1.0)];
        let found = Attribution::new(name, "guda", scores);
        self.end(Slot::Explain, Some(EventKind::Attributed(vec![found])));
    }

    fn session(&self) -> Session {
        Session::of(&self.state, 41).unwrap()
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
        KeptOrigin::File(path) => path.to_str(),
        KeptOrigin::Seed { .. } => None,
    });
    files.collect()
}

/// Three images, of which the second has a star, is explained and on screen.
fn left() -> Session {
    let mut desk = Desk::opened(&["a.png", "b.png", "c.png"], None);
    desk.explain("b.png");
    let session = desk.session();
    assert_eq!((names(&session), session.current), (vec!["a.png", "b.png", "c.png"], Some(1)));
    assert!(session.queries[1].starred && session.queries[1].asked.len() == 1);
    // As it is read from its file, which has no pixels.
    serde_json::from_value(serde_json::to_value(&session).unwrap()).unwrap()
}

#[test]
fn nothing_is_kept_while_images_are_still_being_read() {
    let mut desk = Desk::open(&["a.png", "b.png"], None);
    desk.model();
    desk.dataset();
    assert_eq!(Session::of(&desk.state, 41), None, "two images wait");
    desk.images(&[]);
    assert_eq!(names(&desk.session()), ["a.png", "b.png"]);
    let job = desk.start(JobSpec::LoadQuery("/p/c.png".into()), None);
    assert_eq!(Session::of(&desk.state, 41), None, "one that the user opens");
    desk.tell(job, EventKind::Cancelled);
    desk.state.current = Some(desk.key("a.png"));
    let job = Forms::default().attribute_job(&desk.state).unwrap();
    desk.start(JobSpec::Attribute(Box::new(job)), desk.state.current);
    assert_eq!(names(&desk.session()), ["a.png", "b.png"], "an explanation keeps nobody waiting");
}

#[test]
fn a_image_that_is_missing_once_keeps_its_place_its_star_and_what_was_asked() {
    let left = left();
    let mut desk = Desk::open(&["a.png", "b.png", "c.png"], Some(&left));
    desk.model();
    desk.dataset();
    desk.images(&["b.png"]);
    assert_eq!(desk.state.queries.len(), 2);
    let without = desk.session();
    assert_eq!(without.queries, left.queries);
    assert_eq!(without.current, Some(0), "the place in the whole list");
    desk.state.current = Some(desk.key("c.png"));
    assert_eq!(desk.session().current, Some(2));

    // It comes back at once when it is opened again, and at the next start.
    desk.start(JobSpec::LoadQuery("/p/b.png".into()), None);
    desk.images(&[]);
    assert!(desk.state.queries.iter().any(|q| q.image.name == "b.png" && q.starred));
    let next = Desk::opened(&["a.png", "b.png", "c.png"], Some(&without));
    assert!(next.state.queries.iter().any(|q| q.image.name == "b.png" && q.starred));
    assert!(next.state.busy(Slot::Explain).is_some(), "what was explained is asked for");
}

#[test]
fn the_first_image_that_is_missing_stays_the_first() {
    let left = left();
    let mut desk = Desk::open(&[], Some(&left));
    desk.model();
    desk.dataset();
    desk.images(&["a.png", "b.png"]);
    assert_eq!(desk.session().queries, left.queries);
}

#[test]
fn images_that_the_project_names_later_appear_and_removed_ones_do_not() {
    let mut desk = Desk::opened(&["a.png", "b.png"], None);
    desk.state.remove_query(desk.key("a.png"));
    let left = desk.session();
    assert_eq!(names(&left), ["b.png"], "what the user took off the list is not carried");
    let desk = Desk::opened(&["a.png", "b.png", "d.png"], Some(&left));
    assert_eq!(names(&desk.session()), ["b.png", "d.png"]);

    // A session of before this was kept knows only what it lists.
    let mut old = serde_json::to_value(&left).unwrap();
    old.as_object_mut().unwrap().remove("known").unwrap();
    let old: Session = serde_json::from_value(old).unwrap();
    let desk = Desk::opened(&["a.png", "b.png"], Some(&old));
    assert_eq!(names(&desk.session()), ["b.png", "a.png"]);
}

#[test]
fn a_dataset_that_moved_takes_no_explanation_with_it() {
    let left = left();
    let mut desk = Desk::open(&["a.png", "b.png", "c.png"], Some(&left));
    desk.model();
    desk.end(Slot::Dataset, None);
    desk.images(&[]);
    assert_eq!(Session::of(&desk.state, 41), None, "there is no dataset");
    desk.start(JobSpec::LoadDataset("/elsewhere/data".into()), None);
    desk.dataset();
    assert_eq!(desk.session().queries, left.queries);
}

#[test]
fn what_was_brought_back_is_kept_as_it_was_asked() {
    let left = left();
    assert!(left.queries[1].asked[0].live && !left.queries[1].asked[0].known_only);
    let mut desk = Desk::opened(&["a.png", "b.png", "c.png"], Some(&left));
    let job = desk.state.busy(Slot::Explain).map(|j| j.spec.clone());
    assert!(matches!(job, Some(JobSpec::Attribute(job)) if job.known_only && !job.live));
    assert_eq!(desk.session().queries, left.queries, "while it is looked for");
    desk.answer("b.png");
    assert_eq!(desk.session().queries, left.queries, "found");
    desk.explain("b.png");
    assert_eq!(desk.session().queries[1].asked.len(), 1, "asked anew, it takes the place of the earlier");

    let mut desk = Desk::opened(&["a.png", "b.png", "c.png"], Some(&left));
    desk.end(Slot::Explain, None);
    assert!(desk.state.queries.iter().all(|q| q.answer.is_none()));
    assert_eq!(desk.session().queries, left.queries, "what is kept could not be read this time");
}
