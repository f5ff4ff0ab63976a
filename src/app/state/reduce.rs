//! The one function that turns an event of the engine into a change of what is shown.

use std::path::PathBuf;

use super::super::format;
use super::super::session::Session;
use super::{
    Answer, Drawing, Found, Job, JobStatus, Query, RankingView, Slot, State, looked_through, makes, models, question,
};
use whence_data::Dataset;
use whence_diffusion::elbo::Timesteps;
use whence_jobs::{AttributeJob, Event, EventKind, JobId, JobSpec, ModelInfo, QueryImage, QueryOrigin, Regenerated};
use whence_methods::{Attribution, CounterfactualKind, ScoreSettings};
use whence_store::Project;

/// Ended jobs that stay listed.
const HISTORY: usize = 50;

/// What shall be done after an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Start a job; whether the image that comes out shall be shown at once.
    Run(JobSpec, bool),
    /// Start a job about this query.
    RunFor(JobSpec, u64),
    /// The seed that comes next.
    NextSeed(u64),
    /// Stop a job.
    Cancel(JobId),
    /// Read a recipe file.
    ReadRecipe(PathBuf),
    /// This project is the one to open next time.
    Remember(PathBuf),
}

impl State {
    /// Takes note of a job that was handed to the engine. Gives the jobs that it makes pointless.
    pub fn started(&mut self, job: Job) -> Vec<JobId> {
        let slot = job.slot;
        self.opening = false;
        self.notices.retain(|n| n.slot != slot || (n.query.is_some() && n.query != job.query));
        let mut pointless = Vec::new();
        for old in &mut self.jobs {
            let replaced = slot.is_single() && old.slot == slot;
            // Another project brings its own model, images and images.
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
            let recipe = made(spec);
            query.keep_answer();
            if makes(spec).is_some() && query.found.of.as_deref() != Some(&models(spec)) {
                query.found.about(models(spec));
                query.recalled = false;
            }
            let asked = Some(spec.clone());
            query.answer = Some(Answer { job: id, method, settings, recipe, asked, ..Default::default() });
        }
        if let (JobSpec::Evidence(spec), Some(query)) = (&job.spec, job.query.and_then(|key| self.query_mut(key))) {
            query.found.about(models(&spec.of));
        }
        self.jobs.push(job);
        pointless
    }

    /// Explanations and evidence of another model or dataset are not wanted any more.
    fn supersede_questions(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        for job in &mut self.jobs {
            if matches!(job.slot, Slot::Explain | Slot::Evidence) && !job.superseded {
                job.superseded = true;
                effects.push(Effect::Cancel(job.id));
            }
        }
        effects
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
            EventKind::Unlearning(point) => {
                job.add_point(point);
                let of = looked_through(&job.spec);
                self.found(query, of.as_ref(), EventKind::Unlearning(point));
            }
            kind @ (EventKind::Regenerated { .. }
            | EventKind::Mapped { .. }
            | EventKind::Moved { .. }
            | EventKind::Watched { .. }) => {
                let of = looked_through(&job.spec);
                self.found(query, of.as_ref(), kind);
            }
            EventKind::Estimate(estimate) => job.estimate = Some(estimate),
            EventKind::ProjectOpened(project) => return self.project_opened(*project),
            EventKind::ModelLoaded(model) => return self.model_loaded(*model),
            EventKind::DatasetLoaded(dataset) => return self.dataset_loaded(dataset),
            EventKind::QueryReady(image) => {
                let show = job.show;
                return self.query_ready(*image, show);
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

    /// A job found evidence, which counts where it is about the models that are looked through now.
    fn found(&mut self, query: Option<u64>, of: Option<&AttributeJob>, kind: EventKind) {
        let query = query.and_then(|key| self.query_mut(key));
        if let Some(query) = query.filter(|q| of.is_some() && q.found.of.as_deref() == of) {
            query.found.take(kind);
        }
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
        if let Some(query) = job.query.and_then(|key| self.query_mut(key)) {
            // An explanation that never learned anything leaves no empty ranking behind.
            let barren = |a: &Answer| a.job == job.id && a.board.rows.is_empty() && a.board.waiting.is_empty();
            query.earlier.retain(|a| !barren(a));
            if query.answer.as_ref().is_some_and(barren) {
                query.answer = query.earlier.pop();
            }
            // Nor does one that was broken off take the place of a whole one.
            let broken_off = query.answer.as_ref().filter(|a| a.job == job.id && a.complete.is_none());
            if let Some(asked) = broken_off.and_then(|a| a.asked.as_deref()).map(question)
                && let Some(place) = query.earlier.iter().rposition(|a| a.complete.is_some() && a.is_to(&asked))
            {
                query.answer = Some(query.earlier.remove(place));
            }
            // Half drawn images of a job that was stopped are nothing to compare with.
            query.found.redrawn.retain(|_, r| r.is_done());
            query.found.reference = query.found.reference.take().filter(Regenerated::is_done);
        }
        // Recalling what is kept is nothing that was done.
        if job.recalls() {
            return;
        }
        self.history.insert(0, job);
        self.history.truncate(HISTORY);
    }

    fn project_opened(&mut self, project: Project) -> Vec<Effect> {
        let mut effects = vec![Effect::Remember(project.root.clone())];
        effects.extend(project.file.recipe.clone().map(Effect::ReadRecipe));
        effects.extend(project.file.model.clone().map(|p| Effect::Run(JobSpec::LoadModel(p), false)));
        effects.extend(project.file.data.clone().map(|p| Effect::Run(JobSpec::LoadDataset(p), false)));
        let left = Session::from_project(&project);
        let session = Session::to_open(left.as_ref(), &project);
        effects.extend(session.jobs(&project).into_iter().map(|spec| Effect::Run(spec, false)));
        effects.extend(left.map(|s| Effect::NextSeed(s.seed())));
        self.expected = Some(session);
        self.notices.clear();
        (self.model, self.dataset, self.current, self.group) = (None, None, None, None);
        self.queries.clear();
        self.project = Some(project);
        effects
    }

    fn model_loaded(&mut self, model: ModelInfo) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.model.as_ref().is_some_and(|old| old.hash != model.hash) {
            // Scores and drawn images belong to the model they came from.
            self.queries.retain(|q| matches!(q.image.origin, QueryOrigin::File(_)));
            self.queries.iter_mut().for_each(Query::forget);
            effects.extend(self.supersede_questions());
        }
        if let Some(dataset) = self.dataset.as_ref().filter(|d| d.shape() != model.shape) {
            effects.push(Effect::Run(JobSpec::LoadDataset(dataset.path().to_owned()), false));
        }
        self.queries.retain(|q| match &q.image.origin {
            QueryOrigin::File(path) if q.image.shape != model.shape => {
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

    fn dataset_loaded(&mut self, dataset: Dataset) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.dataset.as_ref().is_none_or(|old| old.hash() != dataset.hash()) {
            for query in &mut self.queries {
                query.forget();
            }
            self.group = None;
            effects = self.supersede_questions();
        }
        self.dataset_number += 1;
        self.image = None;
        self.dataset = Some(dataset);
        effects
    }

    fn query_ready(&mut self, image: QueryImage, show: bool) -> Vec<Effect> {
        let same = |q: &&Query| q.image.origin == image.origin && q.image.pixels == image.pixels;
        let key = match self.queries.iter().find(same) {
            Some(query) => query.key,
            None => {
                let key = self.new_key();
                self.queries.push(Query::new(key, image));
                key
            }
        };
        if show || self.query().is_none() {
            self.current = Some(key);
        }
        self.drawing = None;
        self.come_back(key)
    }

    /// An image is back that was there when the project was left: so are its star and its place on screen, and what was
    /// explained follows from what is kept.
    fn come_back(&mut self, key: u64) -> Vec<Effect> {
        let (Some(session), Some(project)) = (&mut self.expected, &self.project) else { return Vec::new() };
        let Some(query) = self.queries.iter().find(|q| q.key == key) else { return Vec::new() };
        let group = session.group().map(str::to_owned);
        let Some((kept, shown)) = session.take_back(query, &project.root) else { return Vec::new() };
        let jobs = kept.explanations(self, query);
        if let Some(query) = self.query_mut(key) {
            query.starred |= kept.starred();
        }
        if shown {
            self.current = Some(key);
            self.group = group.and_then(|name| self.groups().iter().position(|g| *g == name)).or(self.group);
        }
        jobs.into_iter().map(|job| Effect::RunFor(JobSpec::Attribute(Box::new(job)), key)).collect()
    }

    /// Changes an answer, and orders its rows anew.
    fn answer_changed(&mut self, job: JobId, query: Option<u64>, change: impl FnOnce(&mut Answer)) {
        let groups = self.groups().to_vec();
        let Some(query) = query.and_then(|key| self.query_mut(key)) else { return };
        let key = query.key;
        let Some(answer) = query.answer.iter_mut().chain(&mut query.earlier).find(|a| a.job == job) else { return };
        change(answer);
        let whole = answer.complete.is_some().then(|| answer.asked.as_deref().map(question)).flatten();
        answer.board = RankingView::new(&groups, answer.preview.as_ref(), &answer.scored, answer.complete.as_ref());
        let leader = answer.board.leader();
        // The same answer again takes the place of the earlier one, once it is whole.
        if let Some(asked) = whole {
            query.earlier.retain(|a| a.job == job || !a.is_to(&asked));
        }
        // Something is selected as soon as there is something to say about it.
        if self.group.is_none() && self.current == Some(key) {
            self.group = leader;
        }
    }
}

impl Query {
    fn new(key: u64, image: QueryImage) -> Self {
        let draw = image.drawn.map(|d| d.draw);
        let (nearest, found) = Default::default();
        Self { key, image, draw, nearest, answer: None, earlier: Vec::new(), found, recalled: false, starred: false }
    }

    /// Model or images are others now: nothing that was said of them holds.
    fn forget(&mut self) {
        self.answer = None;
        self.earlier.clear();
        self.nearest.clear();
        (self.found, self.recalled) = (Found::default(), false);
    }

    /// Puts a complete answer aside for comparison.
    fn keep_answer(&mut self) {
        if let Some(answer) = self.answer.take().filter(|a| a.complete.is_some() || a.is_recalled()) {
            self.earlier.push(answer);
        }
    }
}

/// How models without a group are made, in words.
fn made(job: &AttributeJob) -> String {
    if makes(job) != Some(CounterfactualKind::Unlearned) {
        return String::new();
    }
    let recipe = &job.recipe;
    let rate = recipe.learning_rate.map_or_else(String::new, |r| format!(", rate {r}"));
    format!("{}, {}{rate}", recipe.objective, format::plural(recipe.steps, "step"))
}

/// How the ELBO was asked to be evaluated, in words.
fn asked(settings: &ScoreSettings) -> String {
    if let Some(stop) = settings.stop {
        let level = format::level(stop.level);
        return format!("until the ranking is clear ({level}, at most {})", format::plural(stop.budget, "evaluation"));
    }
    let timesteps = match settings.timesteps {
        Timesteps::Count(n) => format!("{n} evaluations per model"),
        range => format!("timesteps {range}"),
    };
    if settings.draws == 1 {
        return timesteps;
    }
    format!("{timesteps}, {} each", format::plural(settings.draws, "noise sample"))
}
