//! What a project looked like when it was left: images, stars, what was explained, what was selected.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::state::{Query, State};
use whence_jobs::Priority;
use whence_jobs::{AttributeJob, GenerateQuery, JobSpec, QueryOrigin, QuerySource, SampleSettings};
use whence_store::{Project, SESSION, write_json};

/// Version of `session.json` that this program writes and reads.
const VERSION: u32 = 1;

/// `session.json` in the project's folder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Session {
    schema_version: u32,
    queries: Vec<KeptQuery>,
    /// Number of the image on screen.
    current: Option<usize>,
    /// Name of the selected group.
    group: Option<String>,
    /// Seed of the next image.
    seed: u64,
    /// Images that `project.json` has named so far: one that was taken off the list is not asked for again.
    #[serde(default)]
    known: Vec<PathBuf>,
}

/// An image asked about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptQuery {
    origin: KeptOrigin,
    starred: bool,
    /// What was asked of it, the oldest first. Model, dataset and images are those of the project.
    asked: Vec<AttributeJob>,
    /// Whether it came back since the project was opened. What did not is carried into the next session.
    #[serde(skip)]
    back: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KeptOrigin {
    /// Relative to the project where it is inside.
    File(PathBuf),
    Seed {
        seed: u64,
        draw: SampleSettings,
    },
}

impl Session {
    /// What is on screen now, with what did not come back; none where no project is open, or it is not read yet.
    pub fn of(state: &State, seed: u64) -> Option<Self> {
        let root = &state.project.as_ref()?.root;
        // What is being read belongs to it; an image that somebody draws meanwhile is lost with the window only.
        let own = |j: &&super::state::Job| !j.show && !j.recalls() && !j.superseded;
        let reads = state.jobs.iter().filter(own).any(|j| j.spec.priority() == Priority::Prompt);
        if state.model.is_none() || state.dataset.is_none() || reads {
            return None;
        }
        let left = state.expected.as_ref();
        let mut queries: Vec<KeptQuery> = state.queries.iter().map(|q| KeptQuery::of(q, root, left)).collect();
        left.into_iter().for_each(|left| left.carry_into(&mut queries));
        let current = state.query().map(|q| KeptOrigin::of(q, root));
        Some(Self {
            schema_version: VERSION,
            current: current.and_then(|origin| queries.iter().position(|q| q.origin == origin)),
            queries,
            group: state.group.map(|g| state.group_name(g).to_owned()),
            seed,
            known: left.map(|s| s.known.clone()).unwrap_or_default(),
        })
    }

    /// Adds the images that did not come back, each behind the one that it followed.
    fn carry_into(&self, queries: &mut Vec<KeptQuery>) {
        for (place, kept) in self.queries.iter().enumerate().filter(|(_, q)| !q.back) {
            let before = self.queries.iter().take(place).rev();
            let place_of = |q: &KeptQuery| queries.iter().position(|other| other.origin == q.origin);
            let at = before.into_iter().find_map(place_of).map_or(0, |p| p + 1);
            queries.insert(at, kept.clone());
        }
    }

    /// What a project that is opened shall show: the images that were there when it was left, and those that
    /// `project.json` names since.
    pub fn to_open(left: Option<&Self>, project: &Project) -> Self {
        let mut session = left.cloned().unwrap_or_else(|| Self { schema_version: VERSION, ..Self::default() });
        for path in &project.file.queries {
            let path = path.strip_prefix(&project.root).unwrap_or(path).to_owned();
            if session.known.contains(&path) {
                continue;
            }
            let origin = KeptOrigin::File(path.clone());
            session.known.push(path);
            if !session.queries.iter().any(|q| q.origin == origin) {
                session.queries.push(KeptQuery { origin, starred: false, asked: Vec::new(), back: false });
            }
        }
        session
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
    pub fn write(&self, root: &Path) -> whence_base::Result<()> {
        write_json(&root.join(SESSION), self)
    }

    /// The jobs that bring the images back.
    pub fn jobs(&self, project: &Project) -> Vec<JobSpec> {
        let job = |query: &KeptQuery| match &query.origin {
            KeptOrigin::File(path) => JobSpec::LoadQuery(project.root.join(path)),
            KeptOrigin::Seed { seed, draw } => JobSpec::GenerateQuery(GenerateQuery { seed: *seed, draw: *draw }),
        };
        self.queries.iter().map(job).collect()
    }

    /// Seed of the next image.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Name of the selected group.
    pub fn group(&self) -> Option<&str> {
        self.group.as_deref()
    }

    /// An image is back: what is remembered of it, and whether it was on screen. Said once.
    pub fn take_back(&mut self, query: &Query, root: &Path) -> Option<(KeptQuery, bool)> {
        let origin = KeptOrigin::of(query, root);
        let place = self.queries.iter().position(|q| q.origin == origin && !q.back)?;
        let kept = self.queries.get(place).cloned();
        // A file that changed while it was open is listed twice, and comes back as one.
        self.queries.iter_mut().filter(|q| q.origin == origin).for_each(|q| q.back = true);
        kept.map(|kept| (kept, self.current == Some(place)))
    }
}

impl KeptQuery {
    fn of(query: &Query, root: &Path, left: Option<&Session>) -> Self {
        let origin = KeptOrigin::of(query, root);
        // What was asked before stays until it is asked anew: it may be about to come back, or come back another time.
        let before = left.into_iter().flat_map(|s| &s.queries).filter(|q| q.origin == origin);
        let mut asked: Vec<AttributeJob> = before.flat_map(|q| &q.asked).cloned().collect();
        let all = query.earlier.iter().chain(&query.answer).filter(|a| a.complete.is_some() || a.is_recalled());
        for job in all.filter_map(|a| a.asked.as_deref()) {
            let was = asked.iter().position(|old| same_question(old, job)).map(|place| asked.remove(place));
            // An answer that was brought back is kept as it was asked for in the first place.
            let again = was.filter(|_| job.known_only);
            asked.push(again.unwrap_or_else(|| AttributeJob { known_only: false, ..job.clone() }));
        }
        Self { origin, starred: query.starred, asked, back: false }
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
            queries: vec![QuerySource::Image { name: query.image.name.clone(), pixels: query.image.pixels.clone() }],
            keep_in: state.store(),
            live: false,
            known_only: true,
            ..asked.clone()
        };
        self.asked.iter().map(again).collect()
    }
}

/// Whether the later of two jobs about an image takes the place of the earlier.
fn same_question(a: &AttributeJob, b: &AttributeJob) -> bool {
    (&a.method, &a.settings, &a.recipe) == (&b.method, &b.settings, &b.recipe)
}

impl KeptOrigin {
    fn of(query: &Query, root: &Path) -> Self {
        match (&query.image.origin, query.draw) {
            (QueryOrigin::File(path), _) => Self::File(path.strip_prefix(root).unwrap_or(path).to_owned()),
            (QueryOrigin::Seed(seed), draw) => Self::Seed { seed: *seed, draw: draw.unwrap_or_default() },
        }
    }
}
