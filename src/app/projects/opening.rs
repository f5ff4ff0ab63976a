//! Opening models, datasets and loose images: each belongs to a project, so where one is open the user says which.

use std::path::PathBuf;

use super::{OpenChoice, ProjectMessage, Replacement};
use crate::app::background_tasks::Message;
use crate::app::files::PathKind;
use crate::app::state::{RestoreJob, Slot};
use crate::app::task_failures;
use crate::app::window::WhenceApp;
use whence_jobs::JobSpec;

impl WhenceApp {
    /// A model or a dataset is to be opened.
    pub(in crate::app) fn open_part(&mut self, kind: PathKind, path: PathBuf) {
        self.state.opening = false;
        self.forms.path.clear();
        self.forms.path_error = None;
        if self.forms.new_project.open {
            self.forms.new_project.set_part(kind, &path);
        } else if self.state.project.is_some() {
            self.forms.choice = Some(OpenChoice::Part(kind, path));
        } else {
            self.new_project_with(kind, &path);
        }
    }

    /// Opens the dialog for a new project with this part.
    pub(super) fn new_project_with(&mut self, kind: PathKind, path: &std::path::Path) {
        self.cancel_new_project();
        self.forms.new_project.show();
        self.forms.new_project.set_part(kind, path);
    }

    /// A folder of images without groups is to be opened.
    pub(in crate::app) fn open_loose(&mut self, folder: PathBuf) {
        self.state.opening = false;
        self.forms.path.clear();
        self.forms.path_error = None;
        self.background_tasks.run(task_failures::INSPECT, move || {
            let images = whence_data::loose_images(&folder);
            Message::Project(ProjectMessage::Loose(folder, images))
        });
    }

    /// The images of a folder without groups are known.
    pub(super) fn choose_loose(&mut self, folder: PathBuf, images: Vec<PathBuf>) {
        if self.forms.new_project.open {
            // Its field says what is wrong with it as a dataset.
            return self.forms.new_project.set_part(PathKind::Dataset, &folder);
        }
        self.forms.choice = Some(OpenChoice::Loose { folder, images });
    }

    /// Puts a model or a dataset into the open project.
    pub(super) fn replace_part(&mut self, kind: PathKind, path: PathBuf) {
        let slot = if kind == PathKind::Model { Slot::Model } else { Slot::Dataset };
        self.replacement = Some(Replacement { slot, path: path.clone() });
        let spec = if slot == Slot::Model { JobSpec::LoadModel(path) } else { JobSpec::LoadDataset(path) };
        self.start(spec, true);
    }

    /// Notes in `project.json` the part that replaces another, once it is read: a path that cannot be read replaces
    /// nothing.
    pub(in crate::app) fn follow_replacement(&mut self) {
        let Some(replacement) = &self.replacement else { return };
        let open = match replacement.slot {
            Slot::Model => self.state.model.as_ref().map(|model| model.path.clone()),
            _ => self.state.dataset.as_ref().map(|dataset| dataset.path().to_owned()),
        };
        if self.state.busy(replacement.slot).is_some() {
            return;
        }
        let Some(replacement) = self.replacement.take().filter(|r| open.as_ref() == Some(&r.path)) else { return };
        let lock = self.access.lock();
        let Some(project) = self.state.project.as_mut().filter(|_| self.state.read_only.is_none()) else { return };
        match replacement.slot {
            Slot::Model => project.file.model = Some(replacement.path),
            _ => (project.file.data, project.file.group_column) = (Some(replacement.path), None),
        }
        // It was about the groups and classes before.
        project.file.class_map = None;
        let project = project.clone();
        self.background_tasks.run(task_failures::SAVE_PROJECT, move || {
            let saved = project.save().map_err(|e| format!("The project still names the old part: {e}"));
            drop(lock);
            Message::Project(ProjectMessage::Saved(saved))
        });
    }

    /// Opens images as queries, a few at a time.
    pub(super) fn open_queries(&mut self, images: Vec<PathBuf>) {
        let jobs =
            images.into_iter().map(|path| RestoreJob { spec: JobSpec::LoadQuery(path), query: None, show: false });
        self.state.restore_queue.extend(jobs);
    }
}
