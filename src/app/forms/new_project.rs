//! What is typed for a new project, and what was found of its parts.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::app::files::{self, PathKind};
use whence_engine::{DataFacts, Field, Inspection, ModelFacts, NewProject, Parts};
use whence_jobs::{JobEstimate, JobId};

/// Seconds without a change before what is typed is looked at.
pub const QUIET: f64 = 0.3;

/// What explaining an image of the new project costs.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum CostEstimate {
    /// Not asked for yet.
    #[default]
    None,
    /// Being measured by a job.
    Running(JobId),
    /// Known.
    Known(JobEstimate),
    /// Not to be found out, with the reason.
    Failed(String),
}

/// A look at the parts that is under way.
#[derive(Clone, Debug)]
pub struct Inspecting {
    id: u64,
    parts: Parts,
    cancel: Arc<AtomicBool>,
    /// Images read so far, and how many there are; 0 where that is unknown.
    pub progress: (usize, usize),
}

/// The contents of the dialog for a new project.
#[derive(Clone, Debug, Default)]
pub struct NewProjectForm {
    /// Whether it is on screen.
    pub open: bool,
    /// Path of the model.
    pub model: String,
    /// Path of the dataset.
    pub data: String,
    /// Column of a parquet dataset that names the group.
    pub column: String,
    /// Name of the project.
    pub name: String,
    /// Its folder.
    pub folder: String,
    /// The class that the user chose for each group.
    pub classes: BTreeMap<String, usize>,
    /// What was found of the parts.
    pub inspection: Inspection,
    /// The look at the parts that is under way.
    pub inspecting: Option<Inspecting>,
    /// What an explanation costs.
    pub cost: CostEstimate,
    /// Whether the project is being made; set to true in order to stop.
    pub creating: Option<Arc<AtomicBool>>,
    /// What is wrong, and where.
    pub error: Option<(Field, String)>,
    /// Whether the first field shall get the cursor.
    pub focus: bool,
    /// The parts that `inspection` is about.
    inspected: Parts,
    /// Whether the user stopped looking at them.
    stopped: bool,
    /// The parts that were typed last, and when they changed.
    typed: (Parts, f64),
    /// The groups and classes that `cost` is about.
    costed: Option<(Parts, Vec<usize>)>,
    /// The suggestions, which follow the parts until the user types something else.
    suggested: (String, String),
    looks: u64,
}

/// What the window does next for the form.
#[derive(Clone, Debug)]
pub enum Step {
    /// Nothing.
    Rest,
    /// Look again after so many seconds.
    Wait(f64),
    /// Inspect these parts.
    Inspect(u64, Parts, Arc<AtomicBool>),
}

impl NewProjectForm {
    /// Opens the form, empty.
    pub fn show(&mut self) {
        *self = Self { open: true, focus: true, looks: self.looks, ..Self::default() };
    }

    /// Closes the form and stops what is under way for it. Returns the job to be cancelled.
    pub fn close(&mut self) -> Option<JobId> {
        self.stop();
        if let Some(creating) = &self.creating {
            creating.store(true, Ordering::Relaxed);
        }
        let job = self.estimate_job();
        *self = Self { looks: self.looks, ..Self::default() };
        job
    }

    /// The job that measures the cost.
    pub fn estimate_job(&self) -> Option<JobId> {
        match self.cost {
            CostEstimate::Running(job) => Some(job),
            _ => None,
        }
    }

    /// Puts a path into its field.
    pub fn set_part(&mut self, kind: PathKind, path: &Path) {
        let text = path.display().to_string();
        match kind {
            PathKind::Model => self.model = text,
            _ => {
                self.data = text;
                self.column.clear();
            }
        }
        self.error = None;
        // Chosen, not typed: nothing more is to come.
        self.inspect_now();
    }

    /// Looks at what is typed without waiting for more.
    pub fn inspect_now(&mut self) {
        self.typed = (self.parts(), f64::NEG_INFINITY);
        self.stopped = false;
    }

    /// The typed paths.
    pub fn parts(&self) -> Parts {
        let path = |text: &str| files::typed(text).map(|path| files::absolute(&path));
        let model = path(&self.model).map(|path| match path.file_name().and_then(|name| name.to_str()) {
            // Its manifest stands for the model.
            Some("config.json" | "model_index.json") => path.parent().map(Path::to_owned).unwrap_or(path),
            _ => path,
        });
        let column = self.column.trim();
        Parts { model, data: path(&self.data), group_column: (!column.is_empty()).then(|| column.to_owned()) }
    }

    /// What to do about what is typed, at this time.
    pub fn next_step(&mut self, now: f64) -> Step {
        if !self.open || self.creating.is_some() {
            return Step::Rest;
        }
        let parts = self.parts();
        if self.typed.0 != parts {
            self.typed = (parts.clone(), now);
            self.stopped = false;
        }
        let known = self.inspected == parts || self.stopped;
        if known || self.inspecting.as_ref().is_some_and(|look| look.parts == parts) {
            return Step::Rest;
        }
        if self.inspecting.is_some() {
            // What it is about is no longer typed.
            self.stop();
            self.stopped = false;
        }
        // What was found of a part that changed is no longer true of it.
        if parts.model != self.inspected.model {
            self.inspection.model = None;
        }
        if parts != self.inspected {
            self.inspection.data = None;
        }
        if parts.model.is_none() && parts.data.is_none() {
            self.inspected = parts;
            return Step::Rest;
        }
        let wait = self.typed.1 + QUIET - now;
        if wait > 0.0 {
            return Step::Wait(wait);
        }
        self.looks += 1;
        let cancel = Arc::<AtomicBool>::default();
        let look = Inspecting { id: self.looks, parts: parts.clone(), cancel: Arc::clone(&cancel), progress: (0, 0) };
        self.inspecting = Some(look);
        Step::Inspect(self.looks, parts, cancel)
    }

    /// Stops looking at the parts until they change.
    pub fn stop(&mut self) {
        if let Some(look) = self.inspecting.take() {
            look.cancel.store(true, Ordering::Relaxed);
            self.stopped = true;
        }
    }

    /// Whether the user stopped looking at the parts.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// So many images were read.
    pub fn reads(&mut self, id: u64, done: usize, total: usize) {
        if let Some(look) = self.inspecting.as_mut().filter(|look| look.id == id) {
            look.progress = (done, total);
        }
    }

    /// The parts were inspected.
    pub fn found(&mut self, id: u64, found: Option<Inspection>) {
        if self.inspecting.as_ref().is_none_or(|look| look.id != id) {
            return;
        }
        let Some(look) = self.inspecting.take() else { return };
        let Some(found) = found else {
            self.stopped = true;
            return;
        };
        self.inspected = look.parts;
        self.inspection = found;
        self.suggest();
    }

    /// The look failed without an answer.
    pub fn inspection_failed(&mut self, text: String) {
        self.inspecting = None;
        self.stopped = true;
        self.error = Some((Field::Data, text));
    }

    /// Whether the user may have to say which column names the group.
    pub fn asks_for_column(&self) -> bool {
        self.inspection.needs_column || !self.column.is_empty()
    }

    /// The model's facts, where it can be used.
    pub fn model_facts(&self) -> Option<&ModelFacts> {
        self.inspection.model.as_ref().and_then(|found| found.as_ref().ok())
    }

    /// The dataset's facts, where it can be used.
    pub fn data_facts(&self) -> Option<&DataFacts> {
        self.inspection.data.as_ref().and_then(|found| found.as_ref().ok())
    }

    /// Whether the user has to say which class each group is.
    pub fn needs_classes(&self) -> bool {
        let (Some(model), Some(data)) = (self.model_facts(), self.data_facts()) else { return false };
        model.classes.is_some() && model.classes_of(&data.group_names(), None).is_err()
    }

    /// The class of each group, chosen or known; only where the user has to choose.
    pub fn class_map(&self) -> Option<BTreeMap<String, usize>> {
        let (Some(model), Some(data), true) = (self.model_facts(), self.data_facts(), self.needs_classes()) else {
            return None;
        };
        let class = |group: &String| self.classes.get(group).copied().or_else(|| model.known_class(group));
        Some(data.groups.iter().filter_map(|(group, _)| Some((group.clone(), class(group)?))).collect())
    }

    /// Numbers the groups in their order. Only at the user's request: which class a group is, is not guessed.
    pub fn number_classes(&mut self) {
        let (Some(model), Some(data)) = (self.model_facts(), self.data_facts()) else { return };
        let last = model.classes.unwrap_or(1).saturating_sub(1);
        self.classes = data.groups.iter().enumerate().map(|(i, (group, _))| (group.clone(), i.min(last))).collect();
    }

    /// The parts and classes whose cost is to be measured now.
    pub fn next_cost(&mut self) -> Option<(Parts, Vec<usize>)> {
        let (model, data) = (self.model_facts()?, self.data_facts()?);
        let map = self.class_map();
        let classes = model.classes_of(&data.group_names(), map.as_ref()).ok()?;
        let wanted = (self.inspected.clone(), classes);
        if self.costed.as_ref() == Some(&wanted) || self.estimate_job().is_some() {
            return None;
        }
        self.costed = Some(wanted.clone());
        Some(wanted)
    }

    /// Fills in name and folder, unless the user typed something else.
    fn suggest(&mut self) {
        let Some(data) = self.data_facts() else { return };
        let name = title(&data.name);
        let mut folder = projects_folder().join(whence_store::folder_name(&name));
        // Another project may have the name already.
        for number in 2..100 {
            let is_free = std::fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_none());
            if !folder.exists() || is_free {
                break;
            }
            folder = projects_folder().join(whence_store::folder_name(&format!("{name} {number}")));
        }
        let folder = folder.display().to_string();
        if self.name.trim().is_empty() || self.name == self.suggested.0 {
            self.name.clone_from(&name);
        }
        if self.folder.trim().is_empty() || self.folder == self.suggested.1 {
            self.folder.clone_from(&folder);
        }
        self.suggested = (name, folder);
    }

    /// The project as it is typed.
    ///
    /// # Errors
    /// What is missing.
    pub fn request(&self) -> Result<NewProject, &'static str> {
        if self.creating.is_some() {
            return Err("The project is being made");
        }
        let parts = self.parts();
        let (Some(model), Some(data)) = (parts.model.clone(), parts.data.clone()) else {
            return Err("Choose a model and a dataset");
        };
        if self.inspected != parts && !self.stopped {
            return Err("The model and the dataset are being read");
        }
        if matches!(self.inspection.model, Some(Err(_))) || matches!(self.inspection.data, Some(Err(_))) {
            return Err("The model or the dataset cannot be used");
        }
        let class_map = self.class_map();
        if let (Some(map), Some(facts)) = (&class_map, self.data_facts())
            && map.len() < facts.groups.len()
        {
            return Err("Choose a class for each group");
        }
        if self.name.trim().is_empty() {
            return Err("Give the project a name");
        }
        let Some(folder) = files::typed(&self.folder) else { return Err("Choose a folder for the project") };
        Ok(NewProject {
            folder: files::absolute(&folder),
            name: self.name.trim().to_owned(),
            model,
            data,
            group_column: parts.group_column,
            class_map,
        })
    }
}

/// Where new projects are suggested: beside the user's documents, or with the program's data where those are elsewhere.
pub fn projects_folder() -> PathBuf {
    let documents = || {
        let dirs = directories::UserDirs::new()?;
        Some(dirs.document_dir().unwrap_or_else(|| dirs.home_dir()).join("Whence"))
    };
    let portable = std::env::var_os("WHENCE_DATA").is_some_and(|v| !v.is_empty());
    let own = || whence_store::user_data_folder().join("projects");
    if portable { own() } else { documents().unwrap_or_else(own) }
}

/// A name for people out of a dataset's.
fn title(name: &str) -> String {
    let name = name.replace(['/', '\\'], " ");
    let mut characters = name.trim().chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => "My project".to_owned(),
    }
}
