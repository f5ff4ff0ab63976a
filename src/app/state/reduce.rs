//! Applies the engine's events to the state of the window.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::super::files::path_in_project;
use super::super::format;
use super::super::session::Session;
use super::{
    Embeddings, Explanation, GenerationPreview, Job, JobStatus, Query, QueryEvidence, RankingView, Rating, RestoreJob,
    Slot, State, counterfactual_kind, evidence_source, job_evidence_source,
};
use whence_data::Dataset;
use whence_diffusion::elbo::Timesteps;
use whence_jobs::{AttributeJob, Event, EventKind, JobId, JobSpec, ModelInfo, QueryImage, QueryOrigin, Regenerated};
use whence_methods::{Attribution, CounterfactualKind, ScoreSettings};
use whence_store::Project;

/// Ended jobs that stay listed.
const HISTORY: usize = 50;

/// What the window does after an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Start a job; whether the image that comes out shall be shown at once.
    Run(JobSpec, bool),
    /// The seed that comes next.
    NextSeed(u64),
    /// Stop a job.
    Cancel(JobId),
    /// Read a recipe file.
    ReadRecipe(PathBuf),
    /// Add this project to the recent ones; it is opened at the next start.
    AddRecent(PathBuf),
}

impl State {
    /// Lists a job that was handed to the engine. Returns the jobs that it supersedes.
    pub fn started(&mut self, job: Job) -> Vec<JobId> {
        let slot = job.slot;
        self.opening = false;
        // Restoring is no new attempt at what failed.
        if !job.is_restoring() {
            self.hide_for_attempt(&job);
        }
        let mut pointless = Vec::new();
        for old in &mut self.jobs {
            let replaced = slot.is_single() && old.slot == slot;
            // Another project brings its own model, dataset and images.
            if (replaced || slot == Slot::Project) && !old.superseded {
                old.superseded = true;
                pointless.push(old.id);
            }
        }
        if slot == Slot::Project {
            self.restore_queue.clear();
        }
        if slot == Slot::Generate {
            self.generation = None;
        }
        if let (JobSpec::Attribute(spec), Some(query)) = (&job.spec, job.query.and_then(|key| self.query_mut(key))) {
            let (id, method) = (job.id, spec.method.clone());
            let settings = settings_text(&spec.settings);
            let recipe = recipe_text(spec);
            let request = Some(spec.clone());
            let explanation = Explanation { job: id, method, settings, recipe, request, ..Default::default() };
            query.add_explanation(explanation, job.show && spec.known_only);
        }
        if let (JobSpec::Evidence(spec), Some(query)) = (&job.spec, job.query.and_then(|key| self.query_mut(key))) {
            query.evidence.about(evidence_source(&spec.of));
        }
        self.jobs.push(job);
        pointless
    }

    /// Cancels explanations and evidence of another model or dataset.
    fn supersede_explanations(&mut self) -> Vec<Effect> {
        self.supersede(|slot| matches!(slot, Slot::Explain | Slot::Evidence))
    }

    /// Cancels the jobs of these slots; what they still report changes nothing.
    fn supersede(&mut self, of: impl Fn(Slot) -> bool) -> Vec<Effect> {
        let mut effects = Vec::new();
        for job in &mut self.jobs {
            if of(job.slot) && !job.superseded {
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
        // Random control groups have the indices after the dataset's own; they have no bars and no curves on screen.
        let groups = self.groups().len();
        let Some(job) = self.jobs.get_mut(place).filter(|j| !j.superseded) else { return Vec::new() };
        let (id, query, slot) = (job.id, job.query, job.slot);
        match event.kind {
            EventKind::Started => job.set_status(JobStatus::Running),
            EventKind::Waiting => job.set_status(JobStatus::Waiting),
            EventKind::Paused => job.set_status(JobStatus::Paused),
            EventKind::Progress(progress) => job.progress = Some(progress),
            EventKind::Unlearning(point) if point.group >= groups => {}
            EventKind::Unlearning(point) => {
                job.add_point(point);
                let of = job_evidence_source(&job.spec);
                self.add_evidence(query, of.as_ref(), EventKind::Unlearning(point));
            }
            kind @ (EventKind::Regenerated { .. }
            | EventKind::RegeneratedByRetrained { .. }
            | EventKind::Mapped { .. }
            | EventKind::MostAffected { .. }
            | EventKind::Watched { .. }) => {
                let of = job_evidence_source(&job.spec);
                self.add_evidence(query, of.as_ref(), kind);
            }
            EventKind::Cost { index, cost } => {
                let JobSpec::Estimate(jobs) = &job.spec else { return Vec::new() };
                if let Some(spec) = jobs.get(index).cloned() {
                    self.costs.insert(spec, cost);
                }
            }
            EventKind::Estimate(estimate) => {
                job.estimate = Some(estimate);
                if let JobSpec::Embed(embed) = &job.spec {
                    let choice = embed.choice;
                    self.embeddings.set_estimate(choice, estimate);
                }
            }
            EventKind::Embedded(embedding) => {
                if let JobSpec::Embed(embed) = job.spec.clone() {
                    self.take_embedding(&embed, *embedding);
                }
            }
            EventKind::ProjectOpened(project) => return self.project_opened(*project),
            EventKind::ModelLoaded(model) => return self.model_loaded(*model),
            EventKind::DatasetLoaded(dataset) => return self.dataset_loaded(dataset),
            EventKind::QueryReady(image) => {
                let show = job.show;
                self.query_ready(*image, show);
            }
            EventKind::Preview { step, steps, pixels } => {
                if let Some(shape) = self.model.as_ref().map(|m| m.shape).filter(|s| s.numel() == pixels.len()) {
                    self.generation = Some(GenerationPreview { job: id, step, steps, pixels, shape });
                }
            }
            EventKind::Neighbours(nearest) => {
                if let Some(query) = query.and_then(|key| self.query_mut(key)) {
                    // A job without neighbours reports empty lists.
                    let known = nearest.into_iter().filter(|g| !g.nearest.is_empty());
                    query.nearest.extend(known.map(|g| (g.group, g.nearest)));
                }
            }
            EventKind::PreviewRanking(ranking) => self.update_explanation(id, query, |a| a.preview = Some(*ranking)),
            EventKind::GroupScored { group, .. } if group >= groups => {}
            EventKind::GroupScored { group, score } => {
                self.update_explanation(id, query, |a| {
                    a.scored.insert(group, *score);
                });
            }
            EventKind::Attributed(all) => {
                let first: Option<Attribution> = all.into_iter().next();
                self.update_explanation(id, query, |a| a.complete = first);
            }
            EventKind::Warning(text) => self.notify(slot, query, false, text, None),
            // Handled above.
            EventKind::Finished(_) | EventKind::Cancelled | EventKind::Failed(_) => {}
        }
        Vec::new()
    }

    /// Adds evidence of a job, unless other models are on screen by now.
    fn add_evidence(&mut self, query: Option<u64>, of: Option<&AttributeJob>, kind: EventKind) {
        let query = query.and_then(|key| self.query_mut(key));
        if let Some(query) = query.filter(|q| of.is_some() && q.evidence.of.as_deref() == of) {
            query.evidence.take(kind);
        }
    }

    fn ended(&mut self, mut job: Job, kind: EventKind) {
        if let (JobSpec::Estimate(jobs), false) = (&job.spec, job.superseded) {
            // What was not answered is not asked for again and again.
            for spec in jobs {
                if self.costs.of(spec.clone()).is_none() {
                    self.costs.insert(spec.clone(), Err("The time and memory of this job are not known".into()));
                }
            }
            return;
        }
        if self.generation.as_ref().is_some_and(|d| d.job == job.id) {
            self.generation = None;
        }
        job.status = match kind {
            EventKind::Finished(summary) => JobStatus::Finished(summary),
            EventKind::Failed(failure) => {
                if !job.superseded {
                    self.notify_failure(job.slot, job.query, &failure, Some(job.spec.clone()));
                }
                JobStatus::Failed(failure.to_string())
            }
            _ => JobStatus::Cancelled,
        };
        self.clear_after_attempt(job.slot, job.id);
        if let Some(query) = job.query.and_then(|key| self.query_mut(key)) {
            query.ended(job.id);
            // Unfinished images of a job that was stopped cannot be compared.
            query.evidence.regenerated.retain(|_, r| r.is_done());
            query.evidence.reference = query.evidence.reference.take().filter(Regenerated::is_done);
        }
        if let JobSpec::Embed(embed) = &job.spec {
            self.embeddings.ended(embed.choice);
        }
        // Restoring is not listed among the finished jobs.
        if job.recalls() {
            return;
        }
        // What it made is stored now, so that other jobs cost less.
        if matches!(job.slot, Slot::Explain | Slot::Evidence | Slot::Other) {
            self.costs.clear();
        }
        self.history.insert(0, job);
        self.history.truncate(HISTORY);
    }

    fn project_opened(&mut self, project: Project) -> Vec<Effect> {
        self.notifications.clear();
        (self.model, self.dataset, self.current, self.group) = (None, None, None, None);
        self.queries.clear();
        self.costs.clear();
        self.embeddings = Embeddings::default();
        let mut effects = vec![Effect::AddRecent(project.root.clone())];
        for (path, effect) in [
            (&project.file.recipe, Effect::ReadRecipe as fn(PathBuf) -> Effect),
            (&project.file.model, |path| Effect::Run(JobSpec::LoadModel(path), false)),
            (&project.file.data, |path| Effect::Run(JobSpec::LoadDataset(path), false)),
        ] {
            let Some(path) = path else { continue };
            match path_in_project(&project.root, path) {
                Ok(path) => effects.push(effect(path)),
                Err(reason) => self.notify(
                    Slot::Project,
                    None,
                    true,
                    format!("The project names {}, which was not opened: {reason}", path.display()),
                    None,
                ),
            }
        }
        let last = Session::from_project(&project);
        effects.extend(last.as_ref().map(|s| Effect::NextSeed(s.seed())));
        self.annotations = last.as_ref().map(Session::annotations).unwrap_or_default();
        let session = Session::to_restore(last.as_ref(), &project);
        self.excluded_groups = session.excluded_groups().iter().cloned().collect();
        let (jobs, refused) = session.image_jobs(&project);
        for text in refused {
            self.notify(Slot::Query, None, true, text, None);
        }
        self.restore_queue = jobs.into_iter().map(|spec| RestoreJob { spec, query: None, show: false }).collect();
        self.saved_session = Some(session);
        self.project = Some(project);
        // Whether it may be written is found out by the window, which holds its lock.
        self.read_only = None;
        effects
    }

    fn model_loaded(&mut self, model: ModelInfo) -> Vec<Effect> {
        self.costs.clear();
        let mut effects = Vec::new();
        if self.model.as_ref().is_some_and(|old| old.hash != model.hash) {
            // Scores and generated images belong to the model they came from.
            self.queries.retain(|q| matches!(q.image.origin, QueryOrigin::File(_)));
            for query in &mut self.queries {
                query.forget();
            }
            effects.extend(self.supersede(|slot| matches!(slot, Slot::Explain | Slot::Evidence | Slot::Embedding)));
            self.embeddings.forget_features();
        }
        if let Some(dataset) = self.dataset.as_ref().filter(|d| d.shape() != model.shape) {
            effects.push(Effect::Run(JobSpec::LoadDataset(dataset.path().to_owned()), false));
        }
        // What belongs to an image is restored once it is read again.
        let mut reopened = Vec::new();
        self.queries.retain(|q| match &q.image.origin {
            QueryOrigin::File(path) if q.image.shape != model.shape => {
                reopened.push(q.clone());
                effects.push(Effect::Run(JobSpec::LoadQuery(path.clone()), false));
                false
            }
            _ => true,
        });
        if let (Some(session), Some(project)) = (&mut self.saved_session, &self.project) {
            reopened.iter().for_each(|query| session.set_aside(query, &project.root));
        }
        if self.query().is_none() {
            self.current = self.queries.first().map(|q| q.key);
        }
        self.model = Some(model);
        effects
    }

    fn dataset_loaded(&mut self, dataset: Dataset) -> Vec<Effect> {
        self.costs.clear();
        let mut effects = Vec::new();
        if self.dataset.as_ref().is_none_or(|old| old.hash() != dataset.hash()) {
            for query in &mut self.queries {
                query.forget();
            }
            self.group = None;
            self.embeddings = Embeddings::default();
            effects = self.supersede_explanations();
        }
        self.dataset_id += 1;
        self.image = None;
        self.dataset = Some(dataset);
        effects
    }

    fn query_ready(&mut self, image: QueryImage, show: bool) {
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
        self.generation = None;
        self.restore_query(key);
    }

    /// Changes an explanation, and ranks its groups again.
    fn update_explanation(&mut self, job: JobId, query: Option<u64>, change: impl FnOnce(&mut Explanation)) {
        let groups = self.groups().to_vec();
        let Some(query) = query.and_then(|key| self.query_mut(key)) else { return };
        let key = query.key;
        let Some(answer) = query.explanations.iter_mut().find(|a| a.job == job) else { return };
        let was_complete = answer.complete.is_some();
        change(answer);
        answer.ranking = RankingView::new(&groups, answer.preview.as_ref(), &answer.scored, answer.complete.as_ref());
        if answer.complete.is_some() && !was_complete {
            query.completed(job);
        }
        let leader = query.explanation().and_then(|a| a.ranking.leader());
        // The leader is selected as soon as there is one, unless the user selected a group.
        if self.group.is_none() && self.current == Some(key) {
            self.group = leader;
        }
    }
}

impl Query {
    fn new(key: u64, image: QueryImage) -> Self {
        let sampling = image.generated.map(|d| d.sampling);
        Self {
            key,
            image,
            sampling,
            nearest: BTreeMap::new(),
            explanations: Vec::new(),
            selected: None,
            reference: None,
            ready: None,
            awaited: None,
            saved_explanations: Vec::new(),
            saved_selection: None,
            evidence: QueryEvidence::default(),
            recalled: false,
            rating: Rating::default(),
            note: String::new(),
        }
    }

    /// The model or the dataset changed: no result holds any more.
    fn forget(&mut self) {
        self.explanations.clear();
        (self.selected, self.reference, self.ready, self.awaited) = (None, None, None, None);
        self.nearest.clear();
        (self.evidence, self.recalled) = (QueryEvidence::default(), false);
    }
}

/// How models without a group are made, in words.
fn recipe_text(job: &AttributeJob) -> String {
    if counterfactual_kind(job) != Some(CounterfactualKind::Unlearned) {
        return String::new();
    }
    let recipe = &job.recipe;
    let rate = recipe.learning_rate.map_or_else(String::new, |r| format!(", rate {r}"));
    format!("{}, {}{rate}", recipe.objective, format::plural(recipe.steps, "step"))
}

/// How the ELBO is evaluated, in words.
fn settings_text(settings: &ScoreSettings) -> String {
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
