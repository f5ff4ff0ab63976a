//! The dialog for a new project, and that for a copy: what happens when the user asks.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use egui::Context;

use super::ProjectMessage;
use crate::app::background_tasks::Message;
use crate::app::files::PathKind;
use crate::app::forms::{CostEstimate, NewProjectStep};
use crate::app::task_failures;
use crate::app::window::WhenceApp;
use whence_base::{Error, Result};
use whence_engine::{Field, Parts, copy_project, inspect, new_project};
use whence_jobs::{AttributeJob, Event, EventKind, JobSpec, Priority, QuerySource, SampleSettings};
use whence_methods::ScoreSettings;
use whence_training::unlearning::Recipe;

/// Time between two reports of progress.
const REPORT: Duration = Duration::from_millis(100);

/// Passes progress on now and then, and stops where `cancel` is set.
fn reporting(cancel: Arc<AtomicBool>, mut report: impl FnMut(usize, usize)) -> impl FnMut(usize, usize) -> Result<()> {
    let mut last: Option<Instant> = None;
    move |done, total| {
        if cancel.load(Ordering::Relaxed) {
            return Err(Error::Cancelled);
        }
        if last.is_none_or(|at| at.elapsed() >= REPORT) {
            last = Some(Instant::now());
            report(done, total);
        }
        Ok(())
    }
}

impl WhenceApp {
    /// Looks at the parts of the new project where they changed, and measures what an explanation costs.
    pub(in crate::app) fn follow_new_project(&mut self, ctx: &Context) {
        if !self.forms.new_project.open {
            return;
        }
        match self.forms.new_project.next_step(ctx.input(|i| i.time)) {
            NewProjectStep::Rest => {}
            NewProjectStep::Wait(seconds) => ctx.request_repaint_after(Duration::from_secs_f64(seconds + 0.01)),
            NewProjectStep::Inspect(id, parts, cancel) => self.inspect_parts(id, parts, cancel),
        }
        if let Some((parts, classes)) = self.forms.new_project.next_cost() {
            self.measure_cost(parts, &classes);
        }
    }

    fn inspect_parts(&mut self, id: u64, parts: Parts, cancel: Arc<AtomicBool>) {
        let post = self.background_tasks.post();
        self.background_tasks.run(task_failures::NEW_PROJECT, move || {
            let mut progress =
                reporting(cancel, |done, all| post(Message::Project(ProjectMessage::Inspecting(id, done, all))));
            let found = inspect(&parts, &mut progress).ok().map(Box::new);
            Message::Project(ProjectMessage::Inspected(id, found))
        });
    }

    /// Has the engine measure what explaining one image of the new project takes.
    fn measure_cost(&mut self, parts: Parts, classes: &[usize]) {
        let form = &mut self.forms.new_project;
        let (Some(model), Some(data), Some(facts)) = (parts.model, parts.data, form.model_facts().cloned()) else {
            return;
        };
        let job = AttributeJob {
            model,
            data,
            group_column: parts.group_column,
            class_map: form.class_map(),
            // What the image shows makes no difference.
            queries: vec![QuerySource::Image { name: "any image".into(), pixels: vec![128; facts.shape.numel()] }],
            sampling: SampleSettings::default(),
            method: crate::app::forms::Settings::default().method,
            groups: Vec::new(),
            settings: ScoreSettings {
                timesteps: whence_diffusion::elbo::Timesteps::Count(50),
                class: classes.first().copied(),
                ..ScoreSettings::default()
            },
            null: 0,
            confirm: false,
            recipe: Recipe::default(),
            counterfactuals: None,
            keep_in: whence_store::user_data_folder().join("store"),
            out: None,
            neighbours: 0,
            live: false,
            dry_run: true,
            known_only: false,
        };
        let started = match self.backend.as_mut() {
            Some(backend) => backend.run(JobSpec::Attribute(Box::new(job)), Priority::Front).map_err(|e| e.to_string()),
            None => Err("The engine is not running. Restart Whence.".into()),
        };
        form.cost = match started {
            Ok(id) => CostEstimate::Running(id),
            Err(text) => CostEstimate::Failed(text),
        };
    }

    /// Takes in an event of the job that measures the cost. False where it is another's.
    pub(in crate::app) fn take_estimate(&mut self, event: &Event) -> bool {
        let form = &mut self.forms.new_project;
        if form.estimate_job() != Some(event.job) {
            return false;
        }
        match &event.kind {
            EventKind::Estimate(estimate) => form.cost = CostEstimate::Known(*estimate),
            EventKind::Failed(failure) => form.cost = CostEstimate::Failed(failure.to_string()),
            EventKind::Finished(_) | EventKind::Cancelled => form.cost = CostEstimate::None,
            _ => {}
        }
        true
    }

    /// Closes the dialog for a new project.
    pub(in crate::app) fn cancel_new_project(&mut self) {
        if let (Some(job), Some(backend)) = (self.forms.new_project.close(), self.backend.as_mut()) {
            backend.cancel(job);
        }
    }

    /// Makes the project that is typed.
    pub(super) fn create_project(&mut self) {
        let form = &mut self.forms.new_project;
        let Ok(request) = form.request() else { return };
        let cancel = Arc::<AtomicBool>::default();
        (form.creating, form.error) = (Some(Arc::clone(&cancel)), None);
        self.background_tasks.run(task_failures::CREATE_PROJECT, move || {
            let made = new_project(&request, &mut reporting(cancel, |_, _| {}));
            let made = made.map(|_| request.folder.clone()).map_err(|e| (e.field, e.error.to_string()));
            Message::Project(ProjectMessage::Created(made))
        });
    }

    /// The project was made: opens it.
    pub(super) fn project_created(&mut self, result: std::result::Result<PathBuf, (Field, String)>) {
        // The user may have closed the dialog meanwhile.
        if self.forms.new_project.creating.take().is_none() {
            return;
        }
        match result {
            Ok(root) => {
                self.cancel_new_project();
                self.open_as(PathKind::Project, root);
            }
            Err(error) => self.forms.new_project.error = Some(error),
        }
    }

    /// Copies the project as is typed.
    pub(super) fn copy_project(&mut self) {
        let Some(root) = self.state.project.as_ref().map(|p| p.root.clone()) else { return };
        let Ok(request) = self.forms.save_as.request(&root) else { return };
        // The copy holds what is on screen.
        self.submit_session();
        self.session_writer.flush(crate::app::commands::WRITING);
        let cancel = Arc::<AtomicBool>::default();
        let form = &mut self.forms.save_as;
        (form.copying, form.error, form.progress) = (Some(Arc::clone(&cancel)), None, None);
        let post = self.background_tasks.post();
        self.background_tasks.run(task_failures::COPY_PROJECT, move || {
            let mut progress =
                reporting(cancel, |done, all| post(Message::Project(ProjectMessage::Copying(done, all))));
            let copied = match copy_project(&request, &mut progress) {
                Ok(()) => Ok(Some(request.to.clone())),
                Err(Error::Cancelled) => Ok(None),
                Err(error) => Err(error.to_string()),
            };
            Message::Project(ProjectMessage::Copied(copied))
        });
    }

    /// The project was copied: opens the copy.
    pub(super) fn project_copied(&mut self, ctx: &Context, result: std::result::Result<Option<PathBuf>, String>) {
        if self.forms.save_as.copying.take().is_none() {
            return;
        }
        self.forms.save_as.progress = None;
        match result {
            Ok(Some(root)) => {
                self.forms.save_as.close();
                self.toast(ctx, format!("Saved a copy in {}", root.display()));
                self.open_as(PathKind::Project, root);
            }
            Ok(None) => {}
            Err(text) => self.forms.save_as.error = Some(text),
        }
    }
}
