//! What the window knows: plain data, changed by the engine's events in one pure function and by the user's commands.

mod annotations;
mod costs;
mod embedding;
mod evidence;
mod jobs;
mod notifications;
mod ranking_view;
mod reduce;
mod request;
mod restore;
mod results;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;

pub use annotations::{Annotations, NAME_LENGTH, NOTE_LENGTH, Rating, STARS, SavedFilter, Subject, bounded_note};
pub use costs::{ASK_ABOVE, Cost, Costs};
pub use embedding::{Embeddings, ShownMap};
pub use evidence::{QueryEvidence, UnlearningCurve};
pub use jobs::{Curve, Job, JobStatus, Slot};
pub use notifications::Notification;
pub use ranking_view::{RankingView, Row, Stage};
pub use reduce::Effect;
pub use request::{counterfactual_kind, evidence_source, job_evidence_source, scoring_request};
pub use restore::RestoreJob;

use super::session::{SavedExplanation, Session};
use whence_data::{Dataset, ImageShape, Neighbour};
use whence_jobs::Priority;
use whence_jobs::{AttributeJob, JobId, ModelInfo, QueryImage, SampleSettings};
use whence_methods::{Attribution, GroupScore, Unit, methods};
use whence_store::{Project, ReadOnly};

/// Everything the window shows.
#[derive(Debug, Default)]
pub struct State {
    /// Whether the window is about to open the last project, or the demo, by itself.
    pub opening: bool,
    /// The project, where one is open.
    pub project: Option<Project>,
    /// Why the project is only read; none where its changes are saved.
    pub read_only: Option<ReadOnly>,
    /// The model, where one is open.
    pub model: Option<ModelInfo>,
    /// The training images, where they are in memory.
    pub dataset: Option<Dataset>,
    /// Id of the dataset in this window, so that textures of an earlier one are not shown.
    pub dataset_id: u64,
    /// The query images.
    pub queries: Vec<Query>,
    /// Key of the query on screen.
    pub current: Option<u64>,
    /// The selected group.
    pub group: Option<usize>,
    /// The selected training image.
    pub image: Option<usize>,
    /// Jobs that run, wait or are paused, in this order.
    pub jobs: Vec<Job>,
    /// Jobs that ended, latest first.
    pub history: Vec<Job>,
    /// Warnings and failures, oldest first.
    pub notifications: Vec<Notification>,
    /// The project's last session; what of it is not restored is carried into the next one.
    pub saved_session: Option<Session>,
    /// Jobs that restore it, before the engine has them.
    pub restore_queue: VecDeque<RestoreJob>,
    /// The image that is being generated.
    pub generation: Option<GenerationPreview>,
    /// Names of the groups that explanations leave out.
    pub excluded_groups: BTreeSet<String>,
    /// What jobs would cost.
    pub costs: Costs,
    /// What the user says of training images and groups.
    pub annotations: Annotations,
    /// The embedding maps.
    pub embeddings: Embeddings,
    next_key: u64,
}

/// A query image, and what is known of it.
#[derive(Clone, Debug)]
pub struct Query {
    /// Unique while the program runs.
    pub key: u64,
    /// The image.
    pub image: QueryImage,
    /// How it was generated, where it was.
    pub sampling: Option<SampleSettings>,
    /// Nearest training images, by group.
    pub nearest: BTreeMap<usize, Vec<Neighbour>>,
    /// Its explanations by methods and settings, finished or being computed, the oldest first.
    pub explanations: Vec<Explanation>,
    /// Job of the selected explanation, which all panels show.
    pub selected: Option<JobId>,
    /// Job of the explanation that others are compared with; the first where absent.
    pub reference: Option<JobId>,
    /// Job of an explanation that was completed while another one was on screen.
    pub ready: Option<JobId>,
    /// Job of an explanation that is being recalled, and selected once it is there.
    pub awaited: Option<JobId>,
    /// Explanations of an earlier session that were not recalled yet, the oldest first.
    pub saved_explanations: Vec<SavedExplanation>,
    /// The one of them that was selected.
    pub saved_selection: Option<SavedExplanation>,
    /// Evidence for and against the explanation.
    pub evidence: QueryEvidence,
    /// Whether its stored evidence was requested.
    pub recalled: bool,
    /// The user's rating.
    pub rating: Rating,
    /// The user's note.
    pub note: String,
}

/// The scores of one query, as far as they are known.
#[derive(Clone, Debug, Default)]
pub struct Explanation {
    /// The job that finds them.
    pub job: JobId,
    /// Name of the method.
    pub method: String,
    /// The scoring settings, in words.
    pub settings: String,
    /// The job's description.
    pub request: Option<Box<AttributeJob>>,
    /// How models without a group were made, in words; empty where the method makes none.
    pub recipe: String,
    /// The closed form's ranking.
    pub preview: Option<Attribution>,
    /// Scores known so far, by group.
    pub scored: BTreeMap<usize, GroupScore>,
    /// All scores.
    pub complete: Option<Attribution>,
    /// The same in order, with ties and a headline.
    pub ranking: RankingView,
}

/// An image while it is generated.
#[derive(Clone, Debug)]
pub struct GenerationPreview {
    /// The job that generates it.
    pub job: JobId,
    /// Steps done.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// Planar bytes.
    pub pixels: Vec<u8>,
    /// Their shape.
    pub shape: ImageShape,
}

impl Explanation {
    /// Whether it is the result of this request, as [`scoring_request`] reduces it.
    pub fn answers(&self, request: &AttributeJob) -> bool {
        self.request.as_deref().is_some_and(|own| scoring_request(own) == *request)
    }

    /// What its scores are measured in. Until all are known it is what the method says of itself; settings can change it.
    pub fn unit(&self) -> Unit {
        let of_method = || methods().iter().find(|m| m.name() == self.method).map_or(Unit::Nats, |m| m.info().unit);
        self.complete.as_ref().map_or_else(of_method, |all| all.unit)
    }

    /// Whether it is only recalled from the store.
    pub fn is_recalled(&self) -> bool {
        self.request.as_ref().is_some_and(|job| job.known_only)
    }
}

impl State {
    /// Empty, while something is about to be opened.
    pub fn at_start() -> Self {
        Self { opening: true, ..Self::default() }
    }

    /// The query on screen.
    pub fn query(&self) -> Option<&Query> {
        self.current.and_then(|key| self.queries.iter().find(|q| q.key == key))
    }

    pub(crate) fn query_mut(&mut self, key: u64) -> Option<&mut Query> {
        self.queries.iter_mut().find(|q| q.key == key)
    }

    /// The explanation on screen.
    pub fn explanation(&self) -> Option<&Explanation> {
        self.query().and_then(Query::explanation)
    }

    /// Names of the groups.
    pub fn groups(&self) -> &[String] {
        self.dataset.as_ref().map_or(&[], Dataset::groups)
    }

    /// Name of a group.
    pub fn group_name(&self, group: usize) -> &str {
        self.groups().get(group).map_or("", String::as_str)
    }

    /// The job that runs, else the first that waits, else the first that is paused. Estimates of costs are nobody's jobs.
    pub fn active(&self) -> Option<&Job> {
        let wanted = || self.jobs.iter().filter(|j| !j.is_estimate());
        let first = |status| wanted().find(|j| j.status == status);
        first(JobStatus::Running).or_else(|| first(JobStatus::Waiting)).or_else(|| wanted().next())
    }

    /// Explanations whose priority changes, because another query is on screen now.
    pub fn follow_screen(&mut self) -> Vec<(JobId, Priority)> {
        let mut changes = Vec::new();
        let moves = |j: &&mut Job| j.slot == Slot::Explain && !j.raised && j.priority != Priority::Prompt;
        for job in self.jobs.iter_mut().filter(moves) {
            let wanted = if job.query == self.current { Priority::Front } else { Priority::Normal };
            if job.priority != wanted {
                job.priority = wanted;
                changes.push((job.id, wanted));
            }
        }
        changes
    }

    /// Orders the jobs: what runs, what waits in this order, what is paused.
    pub fn arrange(&mut self, waiting: &[JobId]) {
        self.jobs.sort_by_key(|job| match job.status {
            JobStatus::Waiting => (1, waiting.iter().position(|id| *id == job.id).unwrap_or(usize::MAX)),
            JobStatus::Paused => (2, 0),
            _ => (0, 0),
        });
    }

    /// The job of a slot that waits or runs and is still wanted.
    pub fn busy(&self, slot: Slot) -> Option<&Job> {
        self.jobs.iter().find(|j| j.slot == slot && !j.superseded)
    }

    /// The job that computes an explanation, while it does.
    pub fn job_of(&self, explanation: &Explanation) -> Option<&Job> {
        self.jobs.iter().find(|j| j.id == explanation.job)
    }

    /// The job that explains the query on screen: that of the selected explanation, else of another one.
    pub fn explaining(&self) -> Option<&Job> {
        let query = self.query()?;
        let other =
            |j: &&Job| j.slot == Slot::Explain && j.query == Some(query.key) && !j.superseded && !j.is_restoring();
        query.explanation().and_then(|a| self.job_of(a)).or_else(|| self.jobs.iter().find(other))
    }

    /// Names of the groups that are scored next, as a job takes them: none where all are.
    ///
    /// # Errors
    /// Where every group is left out.
    pub fn chosen_groups(&self) -> Result<Vec<String>, &'static str> {
        let groups = self.groups();
        let chosen: Vec<String> = groups.iter().filter(|g| !self.excluded_groups.contains(*g)).cloned().collect();
        match chosen.len() {
            0 if !groups.is_empty() => Err("No group is chosen. Choose at least one under Groups."),
            n if n == groups.len() => Ok(Vec::new()),
            _ => Ok(chosen),
        }
    }

    /// Whether the query on screen can be explained now; the reason where it cannot.
    pub fn can_explain(&self) -> Result<(), &'static str> {
        if self.opening {
            return Err("Opening…");
        }
        let (Some(model), Some(dataset)) = (&self.model, &self.dataset) else {
            let loading = |slot| self.busy(slot).or_else(|| self.busy(Slot::Project)).is_some();
            return Err(match (self.model.is_none(), loading(Slot::Model), loading(Slot::Dataset)) {
                (true, true, _) => "The model is being loaded",
                (true, false, _) => "Open a model first",
                (false, _, true) => "The training images are being read",
                (false, _, false) => "Open its dataset first",
            });
        };
        if let Some(why) = self.read_only {
            return Err(read_only_reason(why));
        }
        if self.generation.is_some() {
            return Err("An image is being generated");
        }
        let Some(query) = self.query() else { return Err("Generate an image from a seed or open one first") };
        if dataset.shape() != model.shape || query.image.shape != model.shape {
            return Err("The dataset or the image does not have the model's size. Open it again.");
        }
        if self.explaining().is_some() {
            return Err("This image is already being explained");
        }
        self.chosen_groups().map(|_| ())
    }

    /// Selects the group that is `by` places further in the order on screen.
    pub fn move_selection(&mut self, by: isize) {
        let board: Vec<usize> = self
            .explanation()
            .map(|a| a.ranking.rows.iter().chain(&a.ranking.waiting).filter_map(|r| r.group).collect())
            .unwrap_or_default();
        let order = if board.is_empty() { (0..self.groups().len()).collect() } else { board };
        let place = self.group.and_then(|g| order.iter().position(|o| *o == g));
        let next = match place {
            Some(place) => place.saturating_add_signed(by).min(order.len().saturating_sub(1)),
            None if by < 0 => order.len().saturating_sub(1),
            None => 0,
        };
        self.group = order.get(next).copied();
    }

    /// Shows the query that is `by` places further.
    pub fn move_query(&mut self, by: isize) {
        let place = self.queries.iter().position(|q| Some(q.key) == self.current).unwrap_or(0);
        let next = place.saturating_add_signed(by).min(self.queries.len().saturating_sub(1));
        self.current = self.queries.get(next).map(|q| q.key);
    }

    /// Removes a query from the list.
    pub fn remove_query(&mut self, key: u64) {
        let Some(place) = self.queries.iter().position(|q| q.key == key) else { return };
        self.queries.remove(place);
        self.embeddings.forget_query(key);
        self.notifications.retain(|n| n.query != Some(key));
        if self.current == Some(key) {
            self.current = self.queries.get(place.min(self.queries.len().saturating_sub(1))).map(|q| q.key);
        }
    }

    /// Whether the project is an example that comes with the program: those are unpacked into the user's data folder.
    pub fn is_example(&self) -> bool {
        let folder = whence_store::user_data_folder();
        let inside = self.project.as_ref().and_then(|p| p.root.strip_prefix(folder).ok());
        inside.is_some_and(|path| path.to_string_lossy().starts_with("demo"))
    }

    /// Closes the project with all that belongs to it. Returns its jobs, to be cancelled.
    pub fn close_project(&mut self) -> Vec<JobId> {
        let mut jobs = Vec::new();
        for job in self.jobs.iter_mut().filter(|job| !job.superseded) {
            job.superseded = true;
            jobs.push(job.id);
        }
        *self = Self {
            jobs: std::mem::take(&mut self.jobs),
            history: std::mem::take(&mut self.history),
            dataset_id: self.dataset_id + 1,
            next_key: self.next_key,
            ..Self::default()
        };
        jobs
    }

    /// Whether nothing is open, and nothing is being opened.
    pub fn is_empty(&self) -> bool {
        let nothing = self.project.is_none() && self.model.is_none() && self.dataset.is_none();
        nothing && self.queries.is_empty() && !self.opening && self.busy(Slot::Project).is_none()
    }

    /// The column of the project's dataset that names the group, where the project says so.
    pub fn group_column(&self) -> Option<String> {
        self.project.as_ref().and_then(|p| p.file.group_column.clone())
    }

    /// The classes that the project gives to the groups.
    pub fn class_map(&self) -> Option<BTreeMap<String, usize>> {
        self.project.as_ref().and_then(|p| p.file.class_map.clone())
    }

    /// The folder of the store for what is open.
    pub fn store(&self) -> PathBuf {
        self.project.as_ref().map_or_else(|| whence_store::user_data_folder().join("store"), Project::store)
    }

    fn new_key(&mut self) -> u64 {
        self.next_key += 1;
        self.next_key
    }
}

/// Why a project is only read, in a sentence.
pub fn read_only_reason(why: ReadOnly) -> &'static str {
    match why {
        ReadOnly::OpenElsewhere => "This project is open in another window of Whence, so it is read-only here",
        ReadOnly::Unwritable | ReadOnly::Missing => "This project's folder cannot be written, so it is read-only",
    }
}
