//! The saved state of a project's window, `session.json`: its query images, their ratings and explanations, notes, and what was
//! selected.
//!
//! The file travels with a project folder, so it is read as untrusted input: explanations are rebuilt from a whitelist of
//! scoring settings, and paths are checked before they are opened.

mod annotations;
#[cfg(test)]
mod tests;
mod writer;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use annotations::SavedAnnotations;
pub use writer::SessionWriter;

use super::files::{path_in_project, stays_inside};
use super::state::{Annotations, Query, Rating, STARS, State, bounded_note};
use whence_jobs::{AttributeJob, GenerateQuery, JobSpec, QueryOrigin, QuerySource, SampleSettings};
use whence_methods::{ScoreSettings, method};
use whence_store::{Project, SESSION, write_json};
use whence_training::unlearning::Recipe;

/// Name of a session that could not be used.
const UNUSED: &str = "session.unused.json";

/// Version of `session.json` that this program writes and reads.
const VERSION: u32 = 1;

/// `session.json` in the project's folder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Session {
    schema_version: u32,
    queries: Vec<SavedQuery>,
    /// Index of the query on screen.
    current: Option<usize>,
    /// Name of the selected group.
    group: Option<String>,
    /// Seed of the next image.
    seed: u64,
    /// Images that `project.json` has listed so far: one that the user removed is not opened again.
    #[serde(default, rename = "known")]
    listed: Vec<PathBuf>,
    /// Names of the groups that explanations leave out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    excluded_groups: Vec<String>,
    /// What the user says of training images and groups.
    #[serde(default, deserialize_with = "annotations::lenient")]
    annotations: SavedAnnotations,
}

/// A query image as it is saved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedQuery {
    origin: SavedOrigin,
    /// Whether it has stars: all that earlier versions know of ratings. Their star is read as five.
    #[serde(default)]
    starred: bool,
    #[serde(default, deserialize_with = "annotations::lenient")]
    rating: Rating,
    #[serde(default, skip_serializing_if = "String::is_empty", deserialize_with = "annotations::lenient")]
    note: String,
    /// Its explanations, the oldest first.
    #[serde(rename = "asked")]
    explanations: Vec<SavedExplanation>,
    /// Index of the one that was selected; the latest where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    selected: Option<usize>,
    /// Whether the image was restored since the project was opened. The others are carried into the next session.
    #[serde(skip)]
    restored: bool,
}

/// Where a saved query image comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SavedOrigin {
    /// A file; relative to the project's folder where it lies inside.
    File(PathBuf),
    /// An image that was generated.
    Seed {
        seed: u64,
        #[serde(rename = "draw")]
        sampling: SampleSettings,
    },
}

/// How a query was explained. Model, dataset, store and image are those that are open, and a restored explanation writes
/// no files: other entries of `session.json` are ignored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedExplanation {
    method: String,
    settings: ScoreSettings,
    recipe: Recipe,
    /// Number of random control groups.
    #[serde(default, rename = "null")]
    control_groups: usize,
    /// Whether the unlearning was repeated with another seed.
    #[serde(default)]
    confirm: bool,
    /// Names of the scored groups; all where empty.
    #[serde(default)]
    groups: Vec<String>,
}

impl Session {
    /// The state of the window, including saved queries that were not restored. None where no project is open. While a
    /// project is being read, what is not restored yet is as it was saved: a star given meanwhile is saved at once.
    pub fn capture(state: &State, seed: u64) -> Option<Self> {
        let root = &state.project.as_ref()?.root;
        let saved = state.saved_session.as_ref();
        let mut queries: Vec<SavedQuery> = state.queries.iter().map(|q| SavedQuery::capture(q, root, saved)).collect();
        if let Some(saved) = saved {
            saved.insert_unrestored(&mut queries);
        }
        let own = state.query().map(|q| SavedOrigin::of(q, root));
        let awaited = saved.filter(|s| s.awaits_current() && (state.is_reading() || own.is_none()));
        let current = awaited.and_then(|s| s.queries.get(s.current?)).map(|q| q.origin.clone()).or(own);
        // No group is known before the training images are there; the saved one is selected with its image.
        let awaited_group = awaited.or(saved.filter(|_| state.dataset.is_none())).and_then(|s| s.group.clone());
        let group = state.group.map(|g| state.group_name(g).to_owned()).or(awaited_group);
        Some(Self {
            schema_version: VERSION,
            current: current.and_then(|origin| queries.iter().position(|q| q.origin == origin)),
            queries,
            group,
            seed,
            listed: saved.map(|s| s.listed.clone()).unwrap_or_default(),
            excluded_groups: state.excluded_groups.iter().cloned().collect(),
            annotations: SavedAnnotations::of(&state.annotations),
        })
    }

    /// Inserts the queries that were not restored, each behind the one that it followed.
    fn insert_unrestored(&self, queries: &mut Vec<SavedQuery>) {
        for (index, saved) in self.queries.iter().enumerate().filter(|(_, q)| !q.restored) {
            let mut position = 0;
            for before in self.queries.iter().take(index).rev() {
                if let Some(found) = queries.iter().position(|q| q.origin == before.origin) {
                    position = found + 1;
                    break;
                }
            }
            queries.insert(position, saved.clone());
        }
    }

    /// What to restore when a project is opened: the queries of its last session, and those that `project.json` lists
    /// since.
    pub fn to_restore(last: Option<&Self>, project: &Project) -> Self {
        let mut session = last.cloned().unwrap_or_else(|| Self { schema_version: VERSION, ..Self::default() });
        for path in &project.file.queries {
            let path = path.strip_prefix(&project.root).unwrap_or(path).to_owned();
            if session.listed.contains(&path) {
                continue;
            }
            let origin = SavedOrigin::File(path.clone());
            session.listed.push(path);
            if !session.queries.iter().any(|q| q.origin == origin) {
                session.queries.push(SavedQuery::new(origin));
            }
        }
        session
    }

    /// The saved session of a project; none where there is none, or it cannot be used.
    pub fn from_project(project: &Project) -> Option<Self> {
        let session = serde_json::from_value::<Self>(project.session.clone()?);
        match session {
            Ok(session) if session.schema_version == VERSION => Some(session),
            Ok(later) => {
                tracing::warn!(
                    "{SESSION} has layout {}, which this version does not know: ignored",
                    later.schema_version
                );
                None
            }
            Err(error) => {
                tracing::warn!("{SESSION} cannot be read ({error}): ignored");
                None
            }
        }
    }

    /// Writes it into a project's folder. A session there that this version cannot use (of a later version, or damaged) is kept
    /// beside it under another name: ratings and notes are nowhere else.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn write(&self, root: &Path) -> whence_base::Result<()> {
        let path = root.join(SESSION);
        if let Ok(text) = std::fs::read(&path)
            && !serde_json::from_slice::<Self>(&text).is_ok_and(|last| last.schema_version == VERSION)
        {
            let unused = root.join(UNUSED);
            std::fs::rename(&path, &unused).map_err(whence_base::Error::io("rename", &path))?;
            tracing::warn!("the {SESSION} that could not be used is now {}", unused.display());
        }
        write_json(&path, self)
    }

    /// The jobs that restore the query images, and why others are not opened.
    pub fn image_jobs(&self, project: &Project) -> (Vec<JobSpec>, Vec<String>) {
        let (mut jobs, mut refused) = (Vec::new(), Vec::new());
        for query in &self.queries {
            match &query.origin {
                SavedOrigin::File(path) => {
                    // `project.json` may list images beside its folder; what else leaves the folder was not saved here.
                    let listed = project.file.queries.contains(&project.root.join(path));
                    let checked = if listed { Ok(()) } else { stays_inside(path) };
                    match checked.and_then(|()| path_in_project(&project.root, path)) {
                        Ok(path) => jobs.push(JobSpec::LoadQuery(path)),
                        Err(reason) => refused.push(format!("The image {} was not opened: {reason}", path.display())),
                    }
                }
                SavedOrigin::Seed { seed, sampling } => {
                    jobs.push(JobSpec::GenerateQuery(GenerateQuery { seed: *seed, sampling: *sampling }));
                }
            }
        }
        (jobs, refused)
    }

    /// Seed of the next image.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Names of the groups that explanations leave out.
    pub fn excluded_groups(&self) -> &[String] {
        &self.excluded_groups
    }

    /// Forgets an explanation that the user removed.
    pub fn remove_explanation(&mut self, query: &Query, root: &Path, job: &AttributeJob) {
        let (origin, removed) = (SavedOrigin::of(query, root), SavedExplanation::of(job));
        for query in self.queries.iter_mut().filter(|q| q.origin == origin) {
            query.explanations.retain(|saved| !removed.replaces(saved));
            query.selected = None;
        }
    }

    /// What the user said of training images and groups.
    pub fn annotations(&self) -> Annotations {
        self.annotations.restore()
    }

    /// Name of the selected group.
    pub fn group(&self) -> Option<&str> {
        self.group.as_deref()
    }

    /// Whether the query that was on screen is not restored yet.
    pub fn awaits_current(&self) -> bool {
        self.current.and_then(|index| self.queries.get(index)).is_some_and(|query| !query.restored)
    }

    /// A query leaves the window until it is read again: what is known of it is restored then.
    pub fn set_aside(&mut self, query: &Query, root: &Path) {
        let now = SavedQuery::capture(query, root, Some(self));
        match self.queries.iter_mut().find(|q| q.origin == now.origin) {
            Some(saved) => *saved = now,
            None => self.queries.push(now),
        }
    }

    /// Marks a query as restored. Returns what was saved of it and whether it was on screen; none the second time.
    pub fn restore_query(&mut self, query: &Query, root: &Path) -> Option<(SavedQuery, bool)> {
        let origin = SavedOrigin::of(query, root);
        let index = self.queries.iter().position(|q| q.origin == origin && !q.restored)?;
        let saved = self.queries.get(index)?.clone();
        // A file that changed while it was open is listed twice, and is restored as one.
        for query in self.queries.iter_mut().filter(|q| q.origin == origin) {
            query.restored = true;
        }
        Some((saved, self.current == Some(index)))
    }
}

impl SavedQuery {
    fn new(origin: SavedOrigin) -> Self {
        let (rating, note, explanations) = (Rating::default(), String::new(), Vec::new());
        Self { origin, starred: false, rating, note, explanations, selected: None, restored: false }
    }

    fn capture(query: &Query, root: &Path, last: Option<&Session>) -> Self {
        let origin = SavedOrigin::of(query, root);
        // Explanations of the last session stay until they are replaced: they may not have been restored yet.
        let mut explanations = Vec::new();
        for saved in last.into_iter().flat_map(|s| &s.queries).filter(|q| q.origin == origin) {
            explanations.extend(saved.explanations.iter().cloned());
        }
        for answer in &query.explanations {
            if answer.complete.is_none() && !answer.is_recalled() {
                continue;
            }
            let Some(job) = answer.request.as_deref() else { continue };
            let explanation = SavedExplanation::of(job);
            explanations.retain(|old| !explanation.replaces(old));
            explanations.push(explanation);
        }
        // What was not recalled yet is still selected.
        let own = query.explanation().and_then(|a| a.request.as_deref()).map(SavedExplanation::of);
        let selected = query.saved_selection.clone().or(own);
        let selected = selected.and_then(|selected| explanations.iter().position(|saved| selected.replaces(saved)));
        let selected = selected.filter(|index| index + 1 != explanations.len());
        let (rating, note) = (query.rating, query.note.clone());
        Self { origin, starred: rating.stars > 0, rating, note, explanations, selected, restored: false }
    }

    /// The explanation that was selected.
    pub fn selection(&self) -> Option<SavedExplanation> {
        self.selected.and_then(|index| self.explanations.get(index)).filter(|saved| saved.is_usable()).cloned()
    }

    /// Its rating. The one star of earlier versions counts as five.
    pub fn rating(&self) -> Rating {
        let rating = annotations::checked(self.rating);
        if self.starred && rating == Rating::default() { Rating { stars: STARS, ..rating } } else { rating }
    }

    /// Its note.
    pub fn note(&self) -> String {
        bounded_note(&self.note)
    }

    /// Its explanations that this version of the program can restore, the oldest first.
    pub fn explanations(&self) -> Vec<SavedExplanation> {
        self.explanations.iter().filter(|saved| saved.is_usable()).cloned().collect()
    }
}

impl SavedExplanation {
    fn of(job: &AttributeJob) -> Self {
        Self {
            method: job.method.clone(),
            settings: job.settings,
            recipe: job.recipe.clone(),
            control_groups: job.null,
            confirm: job.confirm,
            groups: job.groups.clone(),
        }
    }

    /// Whether it takes the place of an earlier explanation of the same query.
    fn replaces(&self, old: &Self) -> bool {
        (&self.method, &self.settings, &self.recipe, &self.groups)
            == (&old.method, &old.settings, &old.recipe, &old.groups)
    }

    fn is_usable(&self) -> bool {
        let usable = method(&self.method).and(self.recipe.check());
        if let Err(error) = &usable {
            tracing::warn!("an explanation in {SESSION} cannot be restored: {error}");
        }
        usable.is_ok()
    }

    /// The job that restores it from the store of the open project, without computing anything. None where no model or no
    /// dataset is open.
    pub fn recall_job(&self, state: &State, query: &Query) -> Option<AttributeJob> {
        let (model, dataset) = (state.model.as_ref()?, state.dataset.as_ref()?);
        Some(AttributeJob {
            model: model.path.clone(),
            data: dataset.path().to_owned(),
            group_column: state.group_column(),
            class_map: state.class_map(),
            queries: vec![QuerySource::Image { name: query.image.name.clone(), pixels: query.image.pixels.clone() }],
            sampling: query.sampling.unwrap_or_default(),
            method: self.method.clone(),
            groups: self.groups.clone(),
            // How many images share a pass is a matter of this computer's memory.
            settings: ScoreSettings { batch: ScoreSettings::default().batch, ..self.settings },
            null: self.control_groups,
            confirm: self.confirm,
            recipe: self.recipe.clone(),
            counterfactuals: None,
            keep_in: state.store(),
            out: None,
            // The window looks for nearest images itself, for the group on screen.
            neighbours: 0,
            live: false,
            dry_run: false,
            known_only: true,
        })
    }
}

impl SavedOrigin {
    fn of(query: &Query, root: &Path) -> Self {
        match (&query.image.origin, query.sampling) {
            (QueryOrigin::File(path), _) => Self::File(path.strip_prefix(root).unwrap_or(path).to_owned()),
            (QueryOrigin::Seed(seed), sampling) => Self::Seed { seed: *seed, sampling: sampling.unwrap_or_default() },
        }
    }
}
