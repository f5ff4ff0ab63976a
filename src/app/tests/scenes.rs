//! States of the window, created from engine events and the demo's images.

use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use egui_kittest::{Harness, HarnessBuilder};
use parking_lot::Mutex;

use crate::app::WhenceApp;
use crate::app::actions::{Action, Command};
use crate::app::backend::Backend;
use crate::app::files::{FilePicker, Pick};
use whence_data::{Dataset, LoadOptions};
use whence_diffusion::elbo::Estimate;
use whence_jobs::Priority;
use whence_jobs::{
    Event, EventKind, GenerateQuery, JobId, JobSpec, ModelInfo, Progress, QueryImage, QueryOrigin, SampleSettings,
    UnlearningPoint,
};
use whence_methods::{Attribution, GroupScore};

/// A request to the job queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueCall {
    Pause(JobId),
    Resume(JobId),
    Priority(JobId, Priority),
}

/// A fake engine that accepts jobs and emits the events of the test, and fake file dialogs that the test answers.
#[derive(Clone)]
pub struct Fake {
    jobs: Arc<Mutex<Vec<(JobId, JobSpec)>>>,
    /// Jobs that have not ended.
    unfinished: Arc<Mutex<HashSet<JobId>>>,
    cancelled: Arc<Mutex<Option<JobId>>>,
    queue_calls: Arc<Mutex<Vec<QueueCall>>>,
    /// The order of the queue, where a test sets one.
    pub order: Arc<Mutex<Vec<JobId>>>,
    events: Arc<Mutex<VecDeque<Event>>>,
    answers: (Sender<Option<PathBuf>>, Receiver<Option<PathBuf>>),
}

impl Default for Fake {
    fn default() -> Self {
        Self {
            jobs: Arc::default(),
            unfinished: Arc::default(),
            cancelled: Arc::default(),
            queue_calls: Arc::default(),
            order: Arc::default(),
            events: Arc::default(),
            answers: bounded(1),
        }
    }
}

impl Fake {
    pub fn last(&self) -> (JobId, JobSpec) {
        self.jobs.lock().last().cloned().expect("a job was started")
    }

    pub fn count(&self) -> usize {
        self.jobs.lock().len()
    }

    pub fn cancelled(&self) -> Option<JobId> {
        *self.cancelled.lock()
    }

    /// The requests since the last call.
    pub fn queue_calls(&self) -> Vec<QueueCall> {
        std::mem::take(&mut *self.queue_calls.lock())
    }

    pub fn answer_dialog(&self, path: Option<PathBuf>) {
        self.answers.0.send(path).unwrap();
    }
}

impl Backend for Fake {
    fn run(&mut self, spec: JobSpec, priority: Priority) -> whence_base::Result<JobId> {
        let mut jobs = self.jobs.lock();
        let mut unfinished = self.unfinished.lock();
        // Far fewer than the engine takes: the window must not depend on its bound.
        if unfinished.len() >= 32 {
            return Err(whence_base::Error::input("too many jobs are waiting", "job queue", "wait for one to end"));
        }
        let id = jobs.len() as JobId + 1;
        unfinished.insert(id);
        jobs.push((id, spec));
        self.queue_calls.lock().push(QueueCall::Priority(id, priority));
        Ok(id)
    }

    fn pause(&mut self, job: JobId) {
        self.queue_calls.lock().push(QueueCall::Pause(job));
    }

    fn resume(&mut self, job: JobId) {
        self.queue_calls.lock().push(QueueCall::Resume(job));
    }

    fn prioritise(&mut self, job: JobId, priority: Priority) {
        self.queue_calls.lock().push(QueueCall::Priority(job, priority));
    }

    fn order(&self) -> Vec<JobId> {
        self.order.lock().clone()
    }

    fn cancel(&mut self, job: JobId) {
        *self.cancelled.lock() = Some(job);
    }

    fn next_event(&mut self) -> Option<Event> {
        self.events.lock().pop_front()
    }
}

impl FilePicker for Fake {
    fn pick(&self, _what: Pick) -> Option<PathBuf> {
        self.answers.1.recv_timeout(Duration::from_secs(20)).ok().flatten()
    }
}

/// A window with a fake engine.
pub struct Scene {
    pub window: Harness<'static, WhenceApp>,
    pub fake: Fake,
}

/// The demo's dataset.
pub fn paintings() -> Dataset {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo/paintings");
    Dataset::load(&path, &LoadOptions::default(), &mut |_, _| Ok(())).unwrap()
}

impl Scene {
    pub fn new() -> Self {
        Self::build(Harness::builder().with_size([1280.0, 800.0]))
    }

    pub fn build(builder: HarnessBuilder<WhenceApp>) -> Self {
        let fake = Fake::default();
        let (engine, picker) = (Box::new(fake.clone()), Arc::new(fake.clone()));
        let window = builder
            .with_max_steps(16)
            .without_cursor()
            .build_eframe(move |creation| WhenceApp::for_test(&creation.egui_ctx, engine, picker));
        Self { window, fake }
    }

    pub fn app(&self) -> &WhenceApp {
        self.window.state()
    }

    /// Runs frames until the window is idle.
    pub fn settle(&mut self) {
        self.settle_until(|scene| !scene.app().is_finding_nearest());
    }

    pub fn settle_until(&mut self, done: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        loop {
            self.window.run();
            if done(self) {
                break;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "the window never settled");
            std::thread::sleep(Duration::from_millis(5));
        }
        self.window.run();
    }

    /// Emits an event of the last job.
    pub fn emit(&mut self, kind: EventKind) {
        let job = self.fake.last().0;
        self.push(job, kind);
        self.settle();
    }

    /// Emits an event of any job.
    pub fn tell_of(&mut self, job: JobId, kind: EventKind) {
        self.push(job, kind);
        self.settle();
    }

    pub fn push(&mut self, job: JobId, kind: EventKind) {
        if matches!(kind, EventKind::Finished(_) | EventKind::Cancelled | EventKind::Failed(_)) {
            self.fake.unfinished.lock().remove(&job);
        }
        self.fake.events.lock().push_back(Event { job, kind });
    }

    /// Starts a job without the user interface, and returns its id.
    pub fn start(&mut self, spec: JobSpec) -> JobId {
        self.window.state_mut().start(spec, true);
        let job = self.fake.last().0;
        self.push(job, EventKind::Started);
        job
    }

    /// Runs a job with one event.
    pub fn done_at_once(&mut self, spec: JobSpec, kind: EventKind) {
        let job = self.start(spec);
        self.push(job, kind);
        self.push(job, EventKind::Finished("done".into()));
        self.settle();
    }

    pub fn act(&mut self, action: Action) {
        let ctx = self.window.ctx.clone();
        self.window.state_mut().command(&ctx, Command::Act(action));
        self.settle();
    }

    pub fn loaded() -> Self {
        let mut scene = Self::new();
        scene.load(None);
        scene
    }

    pub fn conditional(classes: usize) -> Self {
        let mut scene = Self::new();
        scene.load(Some(classes));
        scene
    }

    pub fn running(scored: usize) -> Self {
        let mut scene = Self::loaded();
        scene.run(scored);
        scene
    }

    pub fn done() -> Self {
        let mut scene = Self::loaded();
        scene.finish();
        scene
    }

    pub fn load_model(&mut self, dataset: &Dataset, classes: Option<usize>) {
        let file = whence_store::ProjectFile {
            schema_version: 1,
            name: "Eight styles".into(),
            model: None,
            data: None,
            queries: vec![],
            recipe: None,
            ..whence_store::ProjectFile::default()
        };
        let project = whence_store::Project { root: "/projects/demo".into(), file, session: None };
        self.done_at_once(JobSpec::OpenProject("/projects/demo".into()), EventKind::ProjectOpened(Box::new(project)));
        let model = ModelInfo {
            path: "/projects/demo/model".into(),
            name: "paintings-32".into(),
            shape: dataset.shape(),
            parameters: 1_240_000,
            timesteps: 1000,
            classes,
            hash: "abc".into(),
            device: "cpu".into(),
        };
        self.done_at_once(JobSpec::LoadModel("/projects/demo/model".into()), EventKind::ModelLoaded(Box::new(model)));
    }

    /// Project, model, dataset and seven images.
    pub fn load(&mut self, classes: Option<usize>) {
        let dataset = paintings();
        self.load_model(&dataset, classes);
        self.done_at_once(JobSpec::LoadDataset("/data".into()), EventKind::DatasetLoaded(dataset.clone()));
        for (seed, group) in [(3u64, 6usize), (5, 5), (8, 1), (11, 2), (12, 7), (7, 4)] {
            let index = dataset.indices_of(group % dataset.groups().len()).get(seed as usize).copied().unwrap_or(0);
            let image = QueryImage {
                name: format!("seed-{seed}"),
                origin: QueryOrigin::Seed(seed),
                shape: dataset.shape(),
                pixels: dataset.pixels(index).to_vec(),
                generated: Some(GenerateQuery { seed, sampling: SampleSettings::default() }),
                notes: vec![],
            };
            let spec = JobSpec::GenerateQuery(GenerateQuery { seed, sampling: SampleSettings::default() });
            self.done_at_once(spec, EventKind::QueryReady(Box::new(image)));
        }
    }

    /// Explains the image on screen until `scored` groups are scored and the next is half unlearned.
    pub fn run(&mut self, scored: usize) {
        self.act(Action::Explain);
        let job = self.fake.last().0;
        self.push(job, EventKind::Started);
        let names = self.app().state.groups().to_vec();
        let preview = scores(&names, &CLOSED, 0.0);
        let preview = Attribution::new("seed-7", "gaussian", preview);
        self.push(job, EventKind::PreviewRanking(Box::new(preview)));
        let known = scores(&names, &NATS, 1.0);
        let order = [4usize, 0, 6, 2, 1, 3, 5, 7];
        for &group in order.iter().take(scored) {
            self.push(job, EventKind::GroupScored { group, score: Box::new(known[group].clone()) });
        }
        if let Some(&group) = order.get(scored) {
            for step in 1..=34usize {
                let x = step as f32 / 60.0;
                let wave = (step as f32 * 1.7).sin() * 0.002;
                self.push(
                    job,
                    EventKind::Unlearning(UnlearningPoint {
                        group,
                        step,
                        steps: 60,
                        forget_loss: 0.031 + 0.05 * x * x + wave,
                        retain_loss: 0.030 + 0.003 * x - wave,
                        query_score: (step % 5 == 0).then_some(f64::from(11.0 * x * x - 0.6 * x)),
                    }),
                );
            }
        }
        let fraction = (scored as f64 + 0.57) / 8.0;
        let progress = Progress {
            phase: format!("unlearning group {} of 8", scored + 1),
            fraction,
            seconds_left: Some(110.0 * (1.0 - fraction)),
            queue_seconds_left: None,
        };
        self.push(job, EventKind::Progress(progress));
        self.settle();
    }

    /// Explains the image on screen.
    pub fn finish(&mut self) {
        self.finish_with(|_| {});
    }

    /// The same, with a change of the attribution.
    pub fn finish_with(&mut self, change: impl FnOnce(&mut Attribution)) {
        self.run(8);
        let names = self.app().state.groups().to_vec();
        let mut all = Attribution::new("seed-7", "guda", scores(&names, &NATS, 1.0));
        change(&mut all);
        self.emit(EventKind::Attributed(vec![all]));
        self.emit(EventKind::Finished("8 groups scored for 1 image in 1 min 48 s".into()));
    }

    /// More groups than fit the window, with names that do not fit either.
    pub fn many(groups: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for i in 0..groups {
            let name = format!("{i:04} an artist with a very long name, born in a town whose name is longer still");
            let group = folder.path().join(name);
            std::fs::create_dir(&group).unwrap();
            image::RgbImage::from_pixel(8, 8, image::Rgb([(i % 251) as u8, (i / 7 % 256) as u8, 90]))
                .save(group.join("0.png"))
                .unwrap();
        }
        let dataset = Dataset::load(folder.path(), &LoadOptions::default(), &mut |_, _| Ok(())).unwrap();
        let mut scene = Self::new();
        scene.many_into(dataset, |_| {});
        scene
    }

    pub fn many_into(&mut self, dataset: Dataset, change: impl FnOnce(&mut Attribution)) {
        self.load_model(&dataset, None);
        self.done_at_once(JobSpec::LoadDataset("/data".into()), EventKind::DatasetLoaded(dataset.clone()));
        let image = QueryImage {
            name: "an image whose file has a name that is far too long for its place on screen.png".into(),
            origin: QueryOrigin::File("/home/someone/a very long path/that goes on/and on/image.png".into()),
            shape: dataset.shape(),
            pixels: dataset.pixels(0).to_vec(),
            generated: None,
            notes: vec![format!("resized from 640 × 480 to {0} × {0}, the middle of the image", dataset.shape().width)],
        };
        self.done_at_once(JobSpec::LoadQuery("/q.png".into()), EventKind::QueryReady(Box::new(image)));
        self.act(Action::Explain);
        let names = dataset.groups().to_vec();
        let values: Vec<f64> = (0..names.len()).map(|i| 900.0 / (1.0 + i as f64) - 20.0).collect();
        let mut all = Attribution::new("q", "guda", scores(&names, &values, 4.0));
        change(&mut all);
        self.emit(EventKind::Attributed(vec![all]));
        self.emit(EventKind::Finished(String::new()));
    }
}

/// Scores of the demo's eight groups, nats, in the dataset's order.
const NATS: [f64; 8] = [14.0, 9.8, 1.1, -0.4, 41.2, 3.9, 9.1, -2.6];
/// Scores of the same groups by the closed form.
const CLOSED: [f64; 8] = [61.0, 44.0, -3.0, 12.0, 95.0, 30.0, 52.0, -8.0];

fn scores(names: &[String], values: &[f64], noise: f64) -> Vec<GroupScore> {
    names
        .iter()
        .zip(values.iter().cycle())
        .enumerate()
        .map(|(i, (name, &score))| GroupScore {
            estimate: Estimate::new(score, noise * (0.7 + 0.2 * (i % 4) as f64)),
            evaluations: 50,
            ..GroupScore::exact(name, score)
        })
        .collect()
}

/// Hides the mouse pointer in screenshots.
trait NoCursor {
    fn without_cursor(self) -> Self;
}

impl NoCursor for HarnessBuilder<WhenceApp> {
    fn without_cursor(self) -> Self {
        self.with_render_cursor(false)
    }
}
