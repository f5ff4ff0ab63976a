//! Reopens the view that an image was exported from: opens its project, generates or reads its image, then shows
//! everything at once.

use std::path::{Path, PathBuf};

use egui::Context;

use super::portable_path;
use crate::app::files::{is_network_path, path_in_project, stays_inside};
use crate::app::forms::Settings;
use crate::app::panels::PanelId;
use crate::app::shell::Recent;
use crate::app::state::{JobStatus, Query, Slot, State};
use crate::app::window::WhenceApp;
use whence_jobs::{AttributeJob, GenerateQuery, JobId, JobSpec, QueryOrigin};
use whence_methods::{ScoreSettings, methods};
use whence_report::{ViewQuery, ViewRecipe, ViewSettings};

/// Between the names of tabs that lie beside each other.
const BESIDE: &str = ", ";

/// A view on its way back to the screen.
#[derive(Clone, Debug)]
pub struct Reopening {
    recipe: ViewRecipe,
    /// The project it belongs to, once that is open.
    root: Option<PathBuf>,
    step: Step,
}

/// What a view waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Its project, opened by this job.
    Project(JobId),
    /// Model, dataset, queries and recipe of its project.
    Contents,
    /// Its image, generated or read by this job.
    Image(JobId),
}

/// Where the project of a view is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Home {
    /// It is the open one, or the view has none.
    Here,
    /// A recent project, in this folder.
    Recent(PathBuf),
    /// A project of this name that is not known here.
    Unknown(String),
}

/// The outcome of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Pending,
    Done,
    Failed,
    /// The user opened something else meanwhile.
    Dropped,
}

/// What the window shows now, and how to see it again.
pub fn view_recipe(state: &State, tabs: &[PanelId]) -> ViewRecipe {
    let job = state.explanation().and_then(|answer| answer.request.as_deref());
    ViewRecipe {
        project_name: state.project.as_ref().map(|p| p.file.name.clone()),
        query: state.query().map(|q| {
            let (seed, file) = match &q.image.origin {
                QueryOrigin::Seed(seed) => (Some(*seed), None),
                QueryOrigin::File(path) => (None, Some(stored_file(state, path))),
            };
            ViewQuery { name: q.image.name.clone(), seed, file, sampling: q.sampling, blake3: Some(pixels_hash(q)) }
        }),
        settings: job.map(|job| ViewSettings {
            method: job.method.clone(),
            scoring: job.settings,
            recipe: job.recipe.clone(),
            null: job.null,
            confirm: job.confirm,
        }),
        group: state.group.map(|g| state.group_name(g).to_owned()),
        tab: (!tabs.is_empty()).then(|| tabs.iter().map(|t| t.title()).collect::<Vec<_>>().join(BESIDE)),
        ..ViewRecipe::default()
    }
}

/// A query's file as a view names it.
fn stored_file(state: &State, path: &Path) -> PathBuf {
    portable_path(path, state.project.as_ref().map(|p| p.root.as_path()))
}

/// blake3 of an image's values, hexadecimal.
pub(super) fn pixels_hash(query: &Query) -> String {
    blake3::hash(&query.image.pixels).to_hex().to_string()
}

/// Whether this image is identical to that of a view, as far as the view tells.
fn is_same(query: &Query, wanted: &ViewQuery) -> bool {
    wanted.blake3.as_ref().is_none_or(|known| *known == pixels_hash(query))
}

/// The image of a view, where it is listed; where there are several from the same seed or file, the very image.
fn find<'a>(state: &'a State, wanted: &ViewQuery) -> Option<&'a Query> {
    let fits = |q: &&Query| match &q.image.origin {
        QueryOrigin::Seed(seed) => {
            wanted.seed == Some(*seed) && (wanted.sampling.is_none() || q.sampling == wanted.sampling)
        }
        // Earlier versions wrote whole paths.
        QueryOrigin::File(path) => {
            wanted.file.as_ref().is_some_and(|file| file == path || *file == stored_file(state, path))
        }
    };
    let mut all = state.queries.iter().filter(fits);
    all.clone().find(|q| is_same(q, wanted)).or_else(|| all.next_back())
}

/// The warning where the image differs from that of the view.
fn changed(query: &Query) -> String {
    let why = match query.image.origin {
        QueryOrigin::Seed(_) => "the model has changed, or this device computes it differently",
        QueryOrigin::File(_) => "the file has changed",
    };
    let name = &query.image.name;
    format!("{name} is not identical to the image in the view: {why}. Its scores may differ.")
}

/// The job that opens the image of a view again.
///
/// # Errors
/// Why there is none, the end of a sentence.
fn job_for(state: &State, wanted: &ViewQuery) -> Result<JobSpec, String> {
    if let Some(seed) = wanted.seed {
        return Ok(JobSpec::GenerateQuery(GenerateQuery { seed, sampling: wanted.sampling.unwrap_or_default() }));
    }
    let file = wanted.file.as_ref().ok_or("the view names neither its seed nor its file")?;
    stays_inside(file)?;
    match &state.project {
        Some(project) => path_in_project(&project.root, file).map(JobSpec::LoadQuery),
        None if file.is_absolute() && !is_network_path(file) => Ok(JobSpec::LoadQuery(file.clone())),
        None => Err("only the name of its file is known. Open that file first, then the view again".into()),
    }
}

/// Whether a request has the settings of a view.
fn has_settings(request: &AttributeJob, view: &ViewSettings) -> bool {
    let ViewSettings { method, scoring, recipe, null, confirm } = view;
    (&request.method, &request.settings, &request.recipe) == (method, scoring, recipe)
        && (&request.null, &request.confirm) == (null, confirm)
}

/// How a job came out.
fn outcome(state: &State, job: JobId) -> Outcome {
    let known = state.jobs.iter().chain(&state.history).find(|j| j.id == job);
    match known.map(|j| (j.superseded || j.cancelling, &j.status)) {
        Some((false, JobStatus::Finished(_))) => Outcome::Done,
        Some((false, JobStatus::Failed(_))) => Outcome::Failed,
        Some((false, JobStatus::Waiting | JobStatus::Running | JobStatus::Paused)) => Outcome::Pending,
        Some(_) | None => Outcome::Dropped,
    }
}

impl WhenceApp {
    /// Shows a view again: begins with its project where another one is open.
    pub(in crate::app) fn open_view(&mut self, ctx: &Context, recipe: &ViewRecipe) {
        let here = self.state.project.as_ref().map(|p| p.root.clone());
        let step = match self.home_of(recipe) {
            Home::Here => Some(Step::Contents),
            Home::Recent(root) => self.begin(&JobSpec::OpenProject(root)).map(Step::Project),
            Home::Unknown(name) => {
                self.give_up(&format!(
                    "its project \"{name}\" is not among the recent projects. Open that project, then this image again"
                ));
                None
            }
        };
        self.reopening = step.map(|step| Reopening { recipe: recipe.clone(), root: here, step });
        ctx.request_repaint();
    }

    /// Where the project of a view is. An image may come from anybody, so only projects that were opened here before are
    /// opened for it.
    fn home_of(&self, recipe: &ViewRecipe) -> Home {
        let here = self.state.project.as_ref();
        let file = recipe.query.as_ref().and_then(|q| q.file.as_deref());
        match (&recipe.project_name, &recipe.project) {
            (Some(name), _) if here.is_some_and(|p| p.file.name == *name) => Home::Here,
            (Some(name), _) => match self.recent_project(|recent| recent.name == *name, file) {
                Some(root) => Home::Recent(root),
                None => Home::Unknown(name.clone()),
            },
            // Earlier versions wrote the folder, as the project was opened that day.
            (None, Some(root)) if !root.as_os_str().is_empty() => {
                if here.is_some_and(|p| p.root.ends_with(root)) {
                    return Home::Here;
                }
                match self.recent_project(|recent| recent.path.ends_with(root), file) {
                    Some(root) => Home::Recent(root),
                    None => Home::Unknown(portable_path(root, None).display().to_string()),
                }
            }
            (None, _) => Home::Here,
        }
    }

    /// The latest of the recent projects that fit; the one with the image's file where there are several.
    fn recent_project(&self, fits: impl Fn(&Recent) -> bool, file: Option<&Path>) -> Option<PathBuf> {
        let found: Vec<&PathBuf> = self.shell.recent.iter().filter(|r| fits(r)).map(|r| &r.path).collect();
        let with_file = file.filter(|file| found.len() > 1 && file.is_relative() && !is_network_path(file));
        let holds =
            |root: &&&PathBuf| with_file.is_some_and(|file| !is_network_path(root) && root.join(file).is_file());
        found.iter().find(holds).or(found.first()).map(|root| (*root).clone())
    }

    /// Takes the next steps of a view that is opened again, as far as they can be taken now.
    pub(in crate::app) fn follow_view(&mut self, ctx: &Context) {
        self.follow_view_recall();
        while let Some(mut view) = self.reopening.take() {
            let before = view.step;
            match self.advance(&mut view) {
                Outcome::Pending => {
                    let waits = view.step == before;
                    self.reopening = Some(view);
                    if waits {
                        return;
                    }
                }
                Outcome::Done => self.show_view(ctx, &view.recipe),
                // Said already, or no longer wanted.
                Outcome::Failed | Outcome::Dropped => {}
            }
        }
    }

    /// One step. It is done where the view can be shown.
    fn advance(&mut self, view: &mut Reopening) -> Outcome {
        let root = self.state.project.as_ref().map(|p| p.root.clone());
        if !matches!(view.step, Step::Project(_)) && root != view.root {
            return Outcome::Dropped;
        }
        match view.step {
            Step::Project(job) => match outcome(&self.state, job) {
                Outcome::Done => {
                    (view.root, view.step) = (root, Step::Contents);
                    Outcome::Pending
                }
                Outcome::Failed => self.give_up(
                    "its project could not be opened. Open the project where it is now, then this image again",
                ),
                other => other,
            },
            Step::Contents => self.advance_contents(view),
            Step::Image(job) => match outcome(&self.state, job) {
                Outcome::Failed => {
                    let name = view.recipe.query.as_ref().map_or("", |q| q.name.as_str());
                    self.give_up(&format!("its image {name} could not be opened. Open its file, then this image again"))
                }
                other => other,
            },
        }
    }

    fn advance_contents(&mut self, view: &mut Reopening) -> Outcome {
        let state = &self.state;
        let parts = [Slot::Project, Slot::Model, Slot::Dataset, Slot::Query, Slot::Generate];
        if self.forms.reading_recipe
            || state.is_restoring_images()
            || parts.iter().any(|slot| state.busy(*slot).is_some())
        {
            return Outcome::Pending;
        }
        let Some(wanted) = view.recipe.query.as_ref().filter(|wanted| find(state, wanted).is_none()) else {
            return Outcome::Done;
        };
        if state.model.is_none() {
            return self.give_up("its model is not open. Open its project first");
        }
        let spec = match job_for(state, wanted) {
            Ok(spec) => spec,
            Err(why) => {
                let text = format!("its image {} could not be opened: {why}", wanted.name);
                return self.give_up(&text);
            }
        };
        match self.begin(&spec) {
            Some(job) => {
                view.step = Step::Image(job);
                Outcome::Pending
            }
            // Reported by the engine.
            None => Outcome::Failed,
        }
    }

    /// Starts a job, and gives its number; where it cannot be started, that is said.
    fn begin(&mut self, spec: &JobSpec) -> Option<JobId> {
        self.start(spec.clone(), true);
        self.state.jobs.last().filter(|job| job.spec == *spec).map(|job| job.id)
    }

    fn give_up(&mut self, why: &str) -> Outcome {
        self.state.notify_titled(Slot::Query, "Could not open the view", &format!("{why}."));
        Outcome::Failed
    }

    /// Everything is there: shows it. One step back undoes all of what is shown and selected.
    fn show_view(&mut self, ctx: &Context, recipe: &ViewRecipe) {
        self.shell.history.follow(self.snapshot());
        if let Some((query, wanted)) = recipe.query.as_ref().and_then(|q| find(&self.state, q).zip(Some(q))) {
            let (key, text) = (query.key, (!is_same(query, wanted)).then(|| changed(query)));
            self.state.current = Some(key);
            if let Some(text) = text {
                self.state.notify(Slot::Query, None, false, text, None);
            }
        }
        self.state.group = recipe.group.as_ref().and_then(|n| self.state.groups().iter().position(|g| g == n));
        if let Some(name) = recipe.group.as_ref().filter(|_| self.state.group.is_none()) {
            let text = format!(
                "The view shows the group {name}, which the open dataset does not have. Open the dataset that has it."
            );
            self.state.notify(Slot::Dataset, None, false, text, None);
        }
        let named: Vec<&str> = recipe.tab.iter().flat_map(|names| names.split(BESIDE)).collect();
        for tab in PanelId::with_action().filter(|tab| named.contains(&tab.title())) {
            self.dock.show(tab);
        }
        if let Some(settings) = &recipe.settings {
            self.show_result(settings);
        }
        self.shell.history.record(self.snapshot());
        ctx.request_repaint();
    }

    /// Shows the explanation of a view where it is listed or stored, as one of the image's results. The settings of the
    /// next explanation stay as they are.
    fn show_result(&mut self, view: &ViewSettings) {
        if !methods().iter().any(|m| m.name() == view.method) || view.recipe.check().is_err() {
            let text = format!(
                "The view was explained by {} with settings that this version of Whence does not know. Its scores are not \
                 shown.",
                view.method
            );
            return self.state.notify(Slot::Explain, self.state.current, false, text, None);
        }
        let Some(query) = self.state.current.and_then(|key| self.state.query_mut(key)) else { return };
        if query.show_explanation(|request| has_settings(request, view)) || self.state.can_explain().is_err() {
            return;
        }
        let Ok(job) = self.forms.job_with(&Settings::with_recipe(view.recipe.clone()), &self.state) else { return };
        let job = AttributeJob {
            method: view.method.clone(),
            groups: Vec::new(),
            settings: ScoreSettings { batch: job.settings.batch, ..view.scoring },
            recipe: view.recipe.clone(),
            null: view.null,
            confirm: view.confirm,
            ..job
        };
        let recall = AttributeJob { live: false, known_only: true, ..job.clone() };
        self.view_recall = self.begin(&JobSpec::Attribute(Box::new(recall))).map(|id| (id, Box::new(job)));
    }

    /// Says where the scores of a view are not stored on this computer, and offers to compute them.
    fn follow_view_recall(&mut self) {
        let Some((id, job)) = self.view_recall.take() else { return };
        if self.state.jobs.iter().any(|running| running.id == id) {
            self.view_recall = Some((id, job));
            return;
        }
        let found =
            self.state.queries.iter().any(|q| q.explanations.iter().any(|a| a.job == id && a.complete.is_some()));
        if !found {
            let title = methods().iter().find(|m| m.name() == job.method).map_or("", |m| m.info().title);
            let text = format!(
                "The scores in this view are not stored here. They were computed by {title}, with settings of their own. \
                 Try again computes them; your settings stay as they are."
            );
            self.state.notify(Slot::Explain, self.state.current, false, text, Some(JobSpec::Attribute(job)));
        }
    }
}
