//! An image of a view becomes the view again, step by step: its project is opened, its image is drawn or read again,
//! and then all is shown at once.

use std::path::PathBuf;

use egui::Context;

use crate::app::files::Kind;
use crate::app::panels::PanelId;
use crate::app::state::{JobStatus, Query, Slot, State};
use crate::app::window::WhenceApp;
use whence_jobs::{AttributeJob, GenerateQuery, JobId, JobSpec, QueryOrigin};
use whence_methods::methods;
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
    /// Its project, which this job opens.
    Project(JobId),
    /// Model, images, images and recipe of its project.
    Contents,
    /// Its image, which this job draws or reads.
    Image(JobId),
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Pending,
    Done,
    Failed,
    /// The user wanted something else since.
    Dropped,
}

/// What the window shows now, and how to see it again.
pub fn view_recipe(state: &State, tabs: &[PanelId]) -> ViewRecipe {
    let job = state.answer().and_then(|answer| answer.asked.as_deref());
    ViewRecipe {
        project: state.project.as_ref().map(|p| p.root.clone()),
        query: state.query().map(|q| {
            let (seed, file) = match &q.image.origin {
                QueryOrigin::Seed(seed) => (Some(*seed), None),
                QueryOrigin::File(path) => (None, Some(path.clone())),
            };
            ViewQuery { name: q.image.name.clone(), seed, file, draw: q.draw, blake3: Some(hash(q)) }
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

/// blake3 of an image's values, hexadecimal.
fn hash(query: &Query) -> String {
    blake3::hash(&query.image.pixels).to_hex().to_string()
}

/// Whether this is the very image of a view, as far as the view says.
fn is_same(query: &Query, wanted: &ViewQuery) -> bool {
    wanted.blake3.as_ref().is_none_or(|known| *known == hash(query))
}

/// The image of a view, where it is listed; where there are several from the same seed or file, the very image.
fn find<'a>(state: &'a State, wanted: &ViewQuery) -> Option<&'a Query> {
    let fits = |q: &&Query| match &q.image.origin {
        QueryOrigin::Seed(seed) => wanted.seed == Some(*seed) && (wanted.draw.is_none() || q.draw == wanted.draw),
        QueryOrigin::File(path) => wanted.file.as_ref() == Some(path),
    };
    let mut all = state.queries.iter().filter(fits);
    all.clone().find(|q| is_same(q, wanted)).or_else(|| all.next_back())
}

/// What to say where the image is another one than that of the view.
fn changed(query: &Query) -> String {
    let why = match query.image.origin {
        QueryOrigin::Seed(_) => "the model is another one now, or this device draws it otherwise",
        QueryOrigin::File(_) => "the file is another one now",
    };
    let name = &query.image.name;
    format!(
        "{name} is not the very image that the view was saved with: {why}. Its scores may differ from those in the view"
    )
}

/// The job that brings the image of a view back.
fn job_for(wanted: &ViewQuery) -> Option<JobSpec> {
    let draw = |seed| JobSpec::GenerateQuery(GenerateQuery { seed, draw: wanted.draw.unwrap_or_default() });
    wanted.seed.map(draw).or_else(|| wanted.file.clone().map(JobSpec::LoadQuery))
}

/// Whether an explanation was asked for in this way.
fn explains(asked: &AttributeJob, view: &ViewSettings) -> bool {
    let ViewSettings { method, scoring, recipe, null, confirm } = view;
    (&asked.method, &asked.settings, &asked.recipe) == (method, scoring, recipe)
        && (&asked.null, &asked.confirm) == (null, confirm)
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
        let wanted = recipe.project.clone().filter(|root| Some(root) != here.as_ref());
        let step = match wanted {
            None => Some(Step::Contents),
            Some(root) => self.begin(&JobSpec::OpenProject(Kind::Project.root(&root))).map(Step::Project),
        };
        self.reopening = step.map(|step| Reopening { recipe: recipe.clone(), root: here, step });
        ctx.request_repaint();
    }

    /// Takes the next steps of a view that is opened again, as far as they can be taken now.
    pub(in crate::app) fn follow_view(&mut self, ctx: &Context) {
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
                Outcome::Failed => {
                    let root = view.recipe.project.as_ref().map_or_else(String::new, |r| r.display().to_string());
                    self.give_up(&format!(
                        "its project cannot be opened from {root}. Put its folder back there, then open the image again"
                    ))
                }
                other => other,
            },
            Step::Contents => self.advance_contents(view),
            Step::Image(job) => match outcome(&self.state, job) {
                Outcome::Failed => {
                    let name = view.recipe.query.as_ref().map_or("", |q| q.name.as_str());
                    self.give_up(&format!("its image {name} is not to be had. Put its file back and try again"))
                }
                other => other,
            },
        }
    }

    fn advance_contents(&mut self, view: &mut Reopening) -> Outcome {
        let state = &self.state;
        let parts = [Slot::Project, Slot::Model, Slot::Dataset, Slot::Query, Slot::Draw];
        if self.forms.reading_recipe || parts.iter().any(|slot| state.busy(*slot).is_some()) {
            return Outcome::Pending;
        }
        let Some(wanted) = view.recipe.query.as_ref().filter(|wanted| find(state, wanted).is_none()) else {
            return Outcome::Done;
        };
        if state.model.is_none() {
            return self.give_up("the model that it was made with is not open. Open its project first");
        }
        match job_for(wanted).and_then(|spec| self.begin(&spec)) {
            Some(job) => {
                view.step = Step::Image(job);
                Outcome::Pending
            }
            None => Outcome::Failed,
        }
    }

    /// Starts a job, and gives its number; where it cannot be started, that is said.
    fn begin(&mut self, spec: &JobSpec) -> Option<JobId> {
        self.start(spec.clone(), true);
        self.state.jobs.last().filter(|job| job.spec == *spec).map(|job| job.id)
    }

    fn give_up(&mut self, why: &str) -> Outcome {
        self.state.notify(Slot::Query, None, true, format!("The view is not opened: {why}"), None);
        Outcome::Failed
    }

    /// Everything is there: shows it. One step back undoes all of what is shown and selected.
    fn show_view(&mut self, ctx: &Context, recipe: &ViewRecipe) {
        self.shell.history.follow(self.moment());
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
                "The view shows the group {name}, which the training images that are open do not have. Open the dataset \
                 that has it to see it selected"
            );
            self.state.notify(Slot::Dataset, None, false, text, None);
        }
        let named: Vec<&str> = recipe.tab.iter().flat_map(|names| names.split(BESIDE)).collect();
        PanelId::with_action().filter(|tab| named.contains(&tab.title())).for_each(|tab| self.dock.show(tab));
        if let Some(settings) = &recipe.settings {
            self.take_settings(settings);
        }
        self.shell.history.record(self.moment());
        ctx.request_repaint();
    }

    /// Takes over how the image was explained, and puts that explanation on screen where it is known or kept.
    fn take_settings(&mut self, view: &ViewSettings) {
        if !methods().iter().any(|m| m.name() == view.method) || view.recipe.check().is_err() {
            let text = format!(
                "The view was explained by {}, in a way that this version of Whence does not know. The settings stay as \
                 they were",
                view.method
            );
            return self.state.notify(Slot::Explain, self.state.current, false, text, None);
        }
        self.forms.settings.take(view);
        if let Some(class) = view.scoring.class {
            self.forms.class = class;
        }
        let Some(query) = self.state.current.and_then(|key| self.state.query_mut(key)) else { return };
        if query.bring_forward(|asked| explains(asked, view)) || self.state.can_explain().is_err() {
            return;
        }
        let Ok(job) = self.forms.job_of(&self.state) else { return };
        let kept = AttributeJob {
            settings: view.scoring,
            null: view.null,
            confirm: view.confirm,
            live: false,
            known_only: true,
            ..job
        };
        self.start(JobSpec::Attribute(Box::new(kept)), false);
    }
}
