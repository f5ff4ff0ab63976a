//! Carries out the user's commands.

mod annotations;
mod embedding;
mod results;
mod shell;
mod workspaces;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use egui::Context;
use egui::text_edit::TextEditState;

use super::actions::{self, Action, Command};
use super::background_tasks::Message;
use super::files::{self, PathKind, Pick};
use super::format;
use super::forms::RunForm;
use super::projects::ProjectCommand;
use super::state::{Job, JobStatus, Slot};
use super::task_failures;
use super::window::WhenceApp;
use whence_jobs::Priority;
use whence_jobs::{Evidence, JobId, JobSpec, QuerySource};

/// How long the window waits for its session to be written, where it has to.
pub(super) const WRITING: Duration = Duration::from_secs(5);

impl WhenceApp {
    /// Carries out a command. Changes of view and selection become a step that can be undone.
    pub(super) fn command(&mut self, ctx: &Context, command: Command) {
        self.shell.history.follow(self.snapshot());
        self.carry(ctx, command);
        self.shell.history.record(self.snapshot());
    }

    fn carry(&mut self, ctx: &Context, command: Command) {
        if self.refuses(ctx, &command) {
            return;
        }
        match command {
            Command::Project(command) => self.carry_project_command(ctx, command),
            Command::Act(action) => self.act(ctx, action),
            Command::SelectGroup(group) => self.state.group = group,
            Command::SelectImage(image) => {
                if self.state.image != image {
                    self.library.previous = self.state.image.or(self.library.previous);
                }
                self.state.image = image;
            }
            Command::SelectQuery(key) if self.state.queries.iter().all(|q| q.key != key) => {}
            Command::SelectQuery(key) => self.state.current = Some(key),
            Command::RemoveQuery(key) => {
                let scoring: Vec<_> = self.state.jobs.iter().filter(|j| j.query == Some(key)).map(|j| j.id).collect();
                for job in scoring {
                    self.cancel(job);
                }
                self.state.remove_query(key);
            }
            Command::Pick(what) => self.pick(what),
            Command::Open(path) => {
                self.forms.path_error = None;
                self.background_tasks.run(task_failures::INSPECT, move || {
                    let path = files::absolute(&path);
                    Message::PathInspected(PathKind::of(&path), path)
                });
            }
            Command::OpenAs(kind, path) => self.open_as(kind, path),
            Command::Retry(spec) => self.start(spec, true),
            Command::ExplainBy(method) => self.explain_with(self.forms.settings_by(method)),
            Command::SelectExplanation(job) => {
                if let Some(query) = self.state.current.and_then(|key| self.state.query_mut(key)) {
                    query.select_explanation(job);
                }
            }
            Command::RemoveExplanation(job) => self.remove_explanation(job),
            Command::SetReference(job) => {
                if let Some(query) = self.state.current.and_then(|key| self.state.query_mut(key)) {
                    query.reference = Some(job);
                }
            }
            Command::ExcludeGroups(names) => {
                self.state.excluded_groups = names;
                // Whoever chooses presses Start.
                if let Some(form) = &mut self.forms.run {
                    form.awaits_cost = false;
                }
            }
            Command::ChooseGroups => {
                self.forms.run = Some(RunForm::explanation(self.forms.settings.clone(), self.state.current));
            }
            Command::StartRun => self.start_run(),
            Command::CloseRun => self.forms.run = None,
            Command::ComputeEvidence(what, group) => self.compute_evidence(what, group),
            Command::Cancel(job) => self.cancel(job),
            Command::Pause(job) => self.pause(job),
            Command::Resume(job) => self.resume(job),
            Command::Raise(job) => self.raise(job),
            Command::Dismiss(key) => self.state.dismiss(key),
            Command::DismissToast(key) => self.shell.log.dismiss(key),
            Command::TourCard(card) => self.shell.tour = card,
            Command::Define(term) => self.shell.glossary = Some(Some(term)),
            Command::OpenRecent(path) => self.open_recent(path),
            Command::Embed(choice) => self.embed(choice),
            Command::Note(subject, note) => self.note(&subject, &note),
            Command::Rate(subject, rating) => self.set_rating(&subject, rating),
            Command::SaveFilter(name) => self.save_filter(ctx, &name),
            Command::UseFilter(name) => self.use_filter(&name),
            Command::DeleteFilter(name) => self.state.annotations.delete_filter(&name),
            Command::SaveWorkspace(name) => self.save_workspace(ctx, &name),
            Command::UseWorkspace(name) => self.use_workspace(ctx, &name),
            Command::DeleteWorkspace(name) => self.delete_workspace(ctx, &name),
            Command::Export(request) => self.export(ctx, request),
            Command::Copy(what) => self.copy(ctx, what),
            Command::OpenView(recipe) => {
                self.state.opening = false;
                self.open_view(ctx, &recipe);
            }
            Command::ResetSettings => {
                self.forms.settings = super::forms::Settings::with_recipe(self.forms.settings.project_recipe.clone());
            }
        }
    }

    fn act(&mut self, ctx: &Context, action: Action) {
        ctx.request_repaint();
        if self.act_on_window(ctx, action) {
            return;
        }
        match action {
            Action::OpenFolder => self.pick(Pick::Folder),
            Action::OpenImage => self.pick(Pick::Query),
            Action::TypePath => self.type_path(ctx),
            Action::NewProject => self.carry_project_command(ctx, ProjectCommand::New),
            Action::SaveProjectAs => {
                if let Some(project) = &self.state.project {
                    self.forms.save_as.show(project);
                }
            }
            Action::CloseProject if self.state.project.is_some() => self.close_project(ctx),
            Action::Generate if self.state.model.is_some() => {
                let job = self.forms.generate_job(&self.state);
                self.start(JobSpec::GenerateQuery(job), true);
                self.forms.seed = self.forms.seed.wrapping_add(1);
            }
            Action::Explain => self.explain_with(self.forms.settings.clone()),
            Action::CancelJob => {
                if let Some(job) = self.state.active().map(|j| j.id) {
                    self.cancel(job);
                }
            }
            Action::PauseJob => match self.state.active().map(|j| (j.id, j.status == JobStatus::Paused, j.can_pause()))
            {
                Some((job, true, _)) => self.resume(job),
                Some((job, false, true)) => self.pause(job),
                _ => {}
            },
            Action::Jobs => self.forms.toggle_jobs = true,
            Action::Clear => self.clear(ctx),
            Action::NextGroup => self.state.move_selection(1),
            Action::PreviousGroup => self.state.move_selection(-1),
            Action::NextQuery => self.state.move_query(1),
            Action::PreviousQuery => self.state.move_query(-1),
            // Not possible now, or the window's own and done above.
            _ => {}
        }
    }

    /// Leads to the path field. It has the focus before it is drawn, and is known as a text field, so that what is typed in
    /// the next frame is text and no shortcut.
    fn type_path(&mut self, ctx: &Context) {
        let id = actions::path_field();
        if TextEditState::load(ctx, id).is_none() {
            TextEditState::default().store(ctx, id);
        }
        ctx.memory_mut(|m| m.request_focus(id));
        self.forms.focus_path = true;
    }

    fn pick(&mut self, what: Pick) {
        if self.forms.dialog_open {
            return;
        }
        let picker = Arc::clone(&self.picker);
        self.forms.dialog_open = true;
        self.background_tasks.run(task_failures::DIALOG, move || Message::Picked(what, picker.pick(what)));
    }

    pub(super) fn open_as(&mut self, kind: PathKind, path: PathBuf) {
        let root = kind.root(&path);
        let spec = match kind {
            PathKind::Project => JobSpec::OpenProject(root),
            PathKind::Model | PathKind::Dataset => return self.open_part(kind, root),
            PathKind::Images => return self.open_loose(root),
            PathKind::Query => JobSpec::LoadQuery(root),
            PathKind::View => {
                self.background_tasks.run(task_failures::VIEW, move || Message::View(super::export::read_view(&path)));
                return;
            }
            PathKind::Missing => {
                let text = format!("{} does not exist. Check the path.", path.display());
                (self.state.opening, self.forms.path_error) = (false, Some(text));
                return;
            }
        };
        self.forms.path.clear();
        self.forms.path_error = None;
        self.start(spec, true);
    }

    /// Hands a job to the engine and lists it; reports a failure beside what the job concerns.
    pub(super) fn start(&mut self, spec: JobSpec, show: bool) {
        let about_query = matches!(Slot::of(&spec), Slot::Explain | Slot::Evidence);
        let query = if about_query { self.state.current } else { None };
        self.start_for(spec, query, show);
    }

    /// The same about a query that may not be on screen.
    pub(super) fn start_for(&mut self, spec: JobSpec, query: Option<u64>, show: bool) {
        let slot = Slot::of(&spec);
        if slot == Slot::Project {
            self.submit_session();
            if let (JobSpec::OpenProject(root), true) = (&spec, self.recalls) {
                // Before it is read, so that nobody changes it from then on.
                self.access.prepare(root);
            }
            // Its session is read on another thread: the latest has to be there by then.
            let same = |p: &whence_store::Project| JobSpec::OpenProject(p.root.clone()) == spec;
            if self.state.project.as_ref().is_some_and(same) {
                self.session_writer.flush(WRITING);
            }
        }
        let recalls = matches!(&spec, JobSpec::Attribute(job) if job.known_only);
        // A recall computes nothing, so it does not wait behind jobs that do.
        let own = if recalls { Priority::Prompt } else { spec.priority() };
        // Among prompt jobs the order of arrival counts, whatever is on screen.
        let on_screen = query.is_some() && query == self.state.current && own != Priority::Prompt;
        let priority = if on_screen { Priority::Front } else { own };
        let Some(backend) = self.backend.as_mut() else {
            return self.state.notify(slot, query, true, "The engine is not running. Restart Whence.".into(), None);
        };
        match backend.run(spec.clone(), priority) {
            Ok(id) => {
                let title = self.title(&spec);
                let estimate = self.state.cost(spec.clone());
                let job = Job { priority, estimate, ..Job::new(id, spec, title, query, show) };
                for pointless in self.state.started(job) {
                    self.cancel(pointless);
                }
            }
            Err(error) => self.state.notify_failure(slot, query, &error.failure(), Some(spec)),
        }
    }

    pub(super) fn cancel(&mut self, job: JobId) {
        if let Some(backend) = self.backend.as_mut() {
            backend.cancel(job);
        }
        if let Some(job) = self.state.jobs.iter_mut().find(|j| j.id == job) {
            job.cancelling = true;
        }
    }

    fn pause(&mut self, job: JobId) {
        if let Some(backend) = self.backend.as_mut() {
            backend.pause(job);
        }
        if let Some(job) = self.state.jobs.iter_mut().find(|j| j.id == job) {
            job.pausing = true;
        }
    }

    fn resume(&mut self, job: JobId) {
        if let Some(backend) = self.backend.as_mut() {
            backend.resume(job);
        }
    }

    fn raise(&mut self, job: JobId) {
        if let Some(backend) = self.backend.as_mut() {
            backend.prioritise(job, Priority::Front);
        }
        if let Some(job) = self.state.jobs.iter_mut().find(|j| j.id == job) {
            (job.priority, job.raised) = (Priority::Front, true);
        }
    }

    /// The query on screen goes first; and the list of jobs shows the order in which they will run.
    pub(super) fn follow_queue(&mut self) {
        let Some(backend) = self.backend.as_mut() else { return };
        for (job, priority) in self.state.follow_screen() {
            backend.prioritise(job, priority);
        }
        self.state.arrange(&backend.order());
    }

    /// A job's name on screen.
    fn title(&self, spec: &JobSpec) -> String {
        let last = |path: &std::path::Path| {
            path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned())
        };
        match spec {
            JobSpec::OpenProject(path) => format!("Open project {}", last(path)),
            JobSpec::LoadModel(path) => format!("Load model {}", last(path)),
            JobSpec::LoadDataset(path) => format!("Read dataset {}", last(path)),
            JobSpec::LoadQuery(path) => format!("Open {}", last(path)),
            JobSpec::GenerateQuery(job) => format!("Generate seed {}", job.seed),
            JobSpec::Attribute(job) => {
                let name = match job.queries.first() {
                    Some(QuerySource::Image { name, .. }) => name.as_str(),
                    _ => "",
                };
                format!("{} {name}", if job.known_only { "Restore the explanation of" } else { "Explain" })
            }
            JobSpec::Evidence(job) => {
                let name = self.state.query().map_or("", |q| q.image.name.as_str());
                let one = job.of.groups.first().map_or_else(|| "each group".to_owned(), Clone::clone);
                match job.what {
                    Evidence::Regenerate => format!("Regenerate {name} without {one}"),
                    Evidence::Map => format!("Map the score of {name}"),
                    Evidence::MostAffected => format!("Most-affected images of {one}"),
                    Evidence::Known => "Restore evidence".into(),
                    Evidence::Watch => format!("Unlearning of {one}, step by step"),
                }
            }
            JobSpec::Embed(_) => "Embedding map".into(),
            JobSpec::Sample(job) => format!("Generate {}", format::plural(job.seeds.len(), "image")),
            JobSpec::Train(_) => "Train a model".into(),
            JobSpec::Unlearn(_) => "Unlearn groups".into(),
            JobSpec::Benchmark(_) => "Compare methods".into(),
            JobSpec::Removal(_) => "Check by removal".into(),
            JobSpec::Retrain(_) => "Retrain without each group".into(),
            JobSpec::Estimate(_) => "Estimate time and memory".into(),
        }
    }
}
