//! What a project looked like when it was left: pictures, stars, what was explained, what was selected.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::state::{Query, State};
use crate::engine::api::{AttributeJob, DrawQuery, DrawSettings, JobSpec, QueryOrigin, QuerySource};
use crate::store::{Project, SESSION, write_json};

/// Version of `session.json` that this program writes and reads.
const VERSION: u32 = 1;

/// `session.json` in the project's folder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Session {
    schema_version: u32,
    queries: Vec<KeptQuery>,
    /// Number of the picture on screen.
    current: Option<usize>,
    /// Name of the selected group.
    group: Option<String>,
    /// Seed of the next picture.
    seed: u64,
}

/// A picture asked about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptQuery {
    origin: KeptOrigin,
    starred: bool,
    /// What was asked of it, the oldest first. Model, dataset and pictures are those of the project.
    asked: Vec<AttributeJob>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KeptOrigin {
    /// Relative to the project where it is inside.
    File(PathBuf),
    Seed {
        seed: u64,
        draw: DrawSettings,
    },
}

impl Session {
    /// What is on screen now; none where no project is open, or it is not read yet.
    pub fn of(state: &State, seed: u64) -> Option<Self> {
        let root = &state.project.as_ref()?.root;
        if state.model.is_none() || state.dataset.is_none() || state.expected.is_some() {
            return None;
        }
        let kept = state.queries.iter().map(|q| KeptQuery::of(q, root));
        Some(Self {
            schema_version: VERSION,
            queries: kept.collect(),
            current: state.queries.iter().position(|q| Some(q.key) == state.current),
            group: state.group.map(|g| state.group_name(g).to_owned()),
            seed,
        })
    }

    /// What a project remembers; none where nothing, or by a later version.
    pub fn from_project(project: &Project) -> Option<Self> {
        let session = serde_json::from_value::<Self>(project.session.clone()?);
        match session {
            Ok(session) if session.schema_version == VERSION => Some(session),
            Ok(later) => {
                tracing::warn!(
                    "{SESSION} has layout {}, which is not known here: it is left out",
                    later.schema_version
                );
                None
            }
            Err(error) => {
                tracing::warn!("{SESSION} cannot be read ({error}): it is left out");
                None
            }
        }
    }

    /// Writes it into a project's folder.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn write(&self, root: &Path) -> crate::Result<()> {
        write_json(&root.join(SESSION), self)
    }

    /// The jobs that bring the pictures back.
    pub fn jobs(&self, project: &Project) -> Vec<JobSpec> {
        let job = |query: &KeptQuery| match &query.origin {
            KeptOrigin::File(path) => JobSpec::LoadQuery(project.root.join(path)),
            KeptOrigin::Seed { seed, draw } => JobSpec::DrawQuery(DrawQuery { seed: *seed, draw: *draw }),
        };
        self.queries.iter().map(job).collect()
    }

    /// Seed of the next picture.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Name of the selected group.
    pub fn group(&self) -> Option<&str> {
        self.group.as_deref()
    }

    /// What is remembered of a picture, and whether it was on screen.
    pub fn find(&self, query: &Query, root: &Path) -> Option<(&KeptQuery, bool)> {
        let origin = KeptOrigin::of(query, root);
        let place = self.queries.iter().position(|q| q.origin == origin)?;
        Some((self.queries.get(place)?, self.current == Some(place)))
    }
}

impl KeptQuery {
    fn of(query: &Query, root: &Path) -> Self {
        // What is about to come back is not forgotten when the window is closed before.
        let all = query.earlier.iter().chain(&query.answer).filter(|a| a.complete.is_some() || a.is_recalled());
        let asked = all.filter_map(|a| a.asked.as_deref().cloned());
        Self { origin: KeptOrigin::of(query, root), starred: query.starred, asked: asked.collect() }
    }

    /// Whether it had a star.
    pub fn starred(&self) -> bool {
        self.starred
    }

    /// The explanations that were there, for what is open now. They only take up what is kept.
    pub fn explanations(&self, state: &State, query: &Query) -> Vec<AttributeJob> {
        let (Some(model), Some(dataset)) = (&state.model, &state.dataset) else { return Vec::new() };
        let again = |asked: &AttributeJob| AttributeJob {
            model: model.path.clone(),
            data: dataset.path().to_owned(),
            queries: vec![QuerySource::Picture {
                name: query.picture.name.clone(),
                pixels: query.picture.pixels.clone(),
            }],
            keep_in: state.store(),
            live: false,
            known_only: true,
            ..asked.clone()
        };
        self.asked.iter().map(again).collect()
    }
}

impl KeptOrigin {
    fn of(query: &Query, root: &Path) -> Self {
        match (&query.picture.origin, query.draw) {
            (QueryOrigin::File(path), _) => Self::File(path.strip_prefix(root).unwrap_or(path).to_owned()),
            (QueryOrigin::Seed(seed), draw) => Self::Seed { seed: *seed, draw: draw.unwrap_or_default() },
        }
    }
}
