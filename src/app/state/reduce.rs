//! The one function that turns an event of the engine into a change of what is shown.

use std::path::PathBuf;

use super::super::format;
use super::{Answer, Board, Drawing, Job, JobStatus, Query, Slot, State};
use crate::attribution::{Attribution, ScoreSettings};
use crate::dataset::Dataset;
use crate::elbo::Timesteps;
use crate::engine::api::{Event, EventKind, JobId, JobSpec, ModelInfo, QueryOrigin, QueryPicture};
use crate::store::Project;

/// Ended jobs that stay listed.
const HISTORY: usize = 50;

/// What shall be done after an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Start a job; whether the picture that comes out shall be shown at once.
    Run(JobSpec, bool),
    /// Read a recipe file.
    ReadRecipe(PathBuf),
    /// This project is the one to open next time.
    Remember(PathBuf),
}

impl State {
    /// Takes note of a job that was handed to the engine. Gives the jobs that it makes pointless.
    pub fn started(&mut self, job: Job) -> Vec<JobId> {
        let slot = job.slot;
        self.notices.retain(|n| n.slot != slot || (n.query.is_some() && n.query != job.query));
        let mut pointless = Vec::new();
        for old in &mut self.jobs {
            let replaced = slot.is_single() && old.slot == slot;
            // Another project brings its own model, images and pictures.
            if (replaced || slot == Slot::Project) && !old.superseded {
                old.superseded = true;
                pointless.push(old.id);
            }
        }
        if slot == Slot::Draw {
            self.drawing = None;
        }
        if let (JobSpec::Attribute(spec), Some(query)) = (&job.spec, job.query.and_then(|key| self.query_mut(key))) {
            let (id, method) = (job.id, spec.method.clone());
            let settings = asked(&spec.settings);
            query.answer = Some(Answer { job: id, method, settings, ..Default::default() });
        }
        self.jobs.push(job);
        pointless
    }

    /// Applies an event. Events of unknown, ended and superseded jobs change nothing.
    pub fn reduce(&mut self, event: Event) -> Vec<Effect> {
        let Some(place) = self.jobs.iter().position(|j| j.id == event.job) else { return Vec::new() };
        if matches!(event.kind, EventKind::Finished(_) | EventKind::Cancelled | EventKind::Failed(_)) {
            let job = self.jobs.remove(place);
            self.ended(job, event.kind);
            return Vec::new();
        }
        // Random groups have the numbers behind the dataset's own; they are no bars and have no course on screen.
        let groups = self.groups().len();
        let Some(job) = self.jobs.get_mut(place).filter(|j| !j.superseded) else { return Vec::new() };
        let (id, query, slot) = (job.id, job.query, job.slot);
        match event.kind {
            EventKind::Started => job.placed(JobStatus::Running),
            EventKind::Waiting => job.placed(JobStatus::Waiting),
            EventKind::Paused => job.placed(JobStatus::Paused),
            EventKind::Progress(progress) => job.progress = Some(progress),
            EventKind::Unlearning(point) if point.group >= groups => {}
            EventKind::Unlearning(point) => job.add_point(point),
            EventKind::Forecast(forecast) => job.forecast = Some(forecast),
            EventKind::ProjectOpened(project) => return self.project_opened(*project),
            EventKind::ModelLoaded(model) => return self.model_loaded(*model),
            EventKind::DatasetLoaded(dataset) => self.dataset_loaded(dataset),
            EventKind::QueryReady(picture) => {
                let (spec, show) = (job.spec.clone(), job.show);
                self.query_ready(&spec, *picture, show);
            }
            EventKind::Preview { step, steps, pixels } => {
                if let Some(shape) = self.model.as_ref().map(|m| m.shape).filter(|s| s.numel() == pixels.len()) {
                    self.drawing = Some(Drawing { job: id, step, steps, pixels, shape });
                }
            }
            EventKind::Neighbours(nearest) => {
                if let Some(query) = query.and_then(|key| self.query_mut(key)) {
                    query.nearest.extend(nearest.into_iter().map(|g| (g.group, g.nearest)));
                }
            }
            EventKind::PreviewRanking(ranking) => self.answer_changed(id, query, |a| a.preview = Some(*ranking)),
            EventKind::GroupScored { group, .. } if group >= groups => {}
            EventKind::GroupScored { group, score } => {
                self.answer_changed(id, query, |a| {
                    a.scored.insert(group, *score);
                });
            }
            EventKind::Attributed(all) => {
                let first: Option<Attribution> = all.into_iter().next();
                self.answer_changed(id, query, |a| a.complete = first);
            }
            EventKind::Warning(text) => self.notify(slot, query, false, text, None),
            // Handled above.
            EventKind::Finished(_) | EventKind::Cancelled | EventKind::Failed(_) => {}
        }
        Vec::new()
    }

    fn ended(&mut self, mut job: Job, kind: EventKind) {
        if self.drawing.as_ref().is_some_and(|d| d.job == job.id) {
            self.drawing = None;
        }
        job.status = match kind {
            EventKind::Finished(summary) => JobStatus::Finished(summary),
            EventKind::Failed(text) => {
                if !job.superseded {
                    self.notify(job.slot, job.query, true, text.clone(), Some(job.spec.clone()));
                }
                JobStatus::Failed(text)
            }
            _ => JobStatus::Cancelled,
        };
        // An explanation that never learned anything leaves no empty ranking behind.
        if let Some(query) = job.query.and_then(|key| self.query_mut(key)) {
            let barren = |a: &Answer| a.job == job.id && a.board.rows.is_empty() && a.board.waiting.is_empty();
            if query.answer.as_ref().is_some_and(barren) {
                query.answer = None;
            }
        }
        self.history.insert(0, job);
        self.history.truncate(HISTORY);
    }

    fn project_opened(&mut self, project: Project) -> Vec<Effect> {
        let mut effects = vec![Effect::Remember(project.root.clone())];
        effects.extend(project.file.recipe.clone().map(Effect::ReadRecipe));
        effects.extend(project.file.model.clone().map(|p| Effect::Run(JobSpec::LoadModel(p), false)));
        effects.extend(project.file.data.clone().map(|p| Effect::Run(JobSpec::LoadDataset(p), false)));
        effects.extend(project.file.queries.iter().map(|p| Effect::Run(JobSpec::LoadQuery(p.clone()), false)));
        self.notices.clear();
        (self.model, self.dataset, self.current, self.group) = (None, None, None, None);
        self.queries.clear();
        self.project = Some(project);
        effects
    }

    fn model_loaded(&mut self, model: ModelInfo) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.model.as_ref().is_some_and(|old| old.hash != model.hash) {
            // Scores and drawn pictures belong to the model they came from.
            self.queries.retain(|q| matches!(q.picture.origin, QueryOrigin::File(_)));
            self.queries.iter_mut().for_each(|q| q.answer = None);
        }
        if let Some(dataset) = self.dataset.as_ref().filter(|d| d.shape() != model.shape) {
            effects.push(Effect::Run(JobSpec::LoadDataset(dataset.path().to_owned()), false));
        }
        self.queries.retain(|q| match &q.picture.origin {
            QueryOrigin::File(path) if q.picture.shape != model.shape => {
                effects.push(Effect::Run(JobSpec::LoadQuery(path.clone()), false));
                false
            }
            _ => true,
        });
        if self.query().is_none() {
            self.current = self.queries.first().map(|q| q.key);
        }
        self.model = Some(model);
        effects
    }

    fn dataset_loaded(&mut self, dataset: Dataset) {
        if self.dataset.as_ref().is_none_or(|old| old.hash() != dataset.hash()) {
            for query in &mut self.queries {
                query.answer = None;
                query.nearest.clear();
            }
            self.group = None;
        }
        self.dataset_number += 1;
        self.image = None;
        self.dataset = Some(dataset);
    }

    fn query_ready(&mut self, spec: &JobSpec, picture: QueryPicture, show: bool) {
        let draw = match spec {
            JobSpec::DrawQuery(job) => Some(job.draw),
            _ => None,
        };
        let same = |q: &&Query| q.picture.origin == picture.origin && q.picture.pixels == picture.pixels;
        let key = match self.queries.iter().find(same) {
            Some(query) => query.key,
            None => {
                let key = self.new_key();
                self.queries.push(Query { key, picture, draw, nearest: Default::default(), answer: None });
                key
            }
        };
        if show || self.query().is_none() {
            self.current = Some(key);
        }
        self.drawing = None;
    }

    /// Changes an answer, and orders its rows anew.
    fn answer_changed(&mut self, job: JobId, query: Option<u64>, change: impl FnOnce(&mut Answer)) {
        let groups = self.groups().to_vec();
        let Some(query) = query.and_then(|key| self.query_mut(key)) else { return };
        let key = query.key;
        let Some(answer) = query.answer.as_mut().filter(|a| a.job == job) else { return };
        change(answer);
        answer.board = Board::new(&groups, answer.preview.as_ref(), &answer.scored, answer.complete.as_ref());
        let leader = answer.board.leader();
        // Something is selected as soon as there is something to say about it.
        if self.group.is_none() && self.current == Some(key) {
            self.group = leader;
        }
    }
}

/// How the ELBO was asked to be evaluated, in words.
fn asked(settings: &ScoreSettings) -> String {
    if let Some(stop) = settings.stop {
        let level = format::level(stop.level);
        return format!("until the leader is clear ({level}, {} at most)", format::plural(stop.budget, "evaluation"));
    }
    let timesteps = match settings.timesteps {
        Timesteps::Count(n) => format!("{n} evaluations"),
        range => format!("timesteps {range}"),
    };
    format!("{timesteps}, {}", format::plural(settings.draws, "draw"))
}
