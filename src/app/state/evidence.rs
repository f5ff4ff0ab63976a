//! What else is known of a query: it drawn again without groups, maps, moved images, courses of unlearning.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::State;
use whence_diffusion::elbo::ScoreMap;
use whence_jobs::{AttributeJob, EventKind, Evidence, JobSpec, Moved, Regenerated, UnlearningPoint};

/// Evidence for and against a query's scores, by group.
#[derive(Clone, Debug, Default)]
pub struct QueryEvidence {
    /// The models and the noise it was found with.
    pub of: Option<Box<AttributeJob>>,
    /// The query drawn again by the full model; only of images that no seed is known of.
    pub reference: Option<Regenerated>,
    /// The query drawn again without the group.
    pub redrawn: BTreeMap<usize, Regenerated>,
    /// Where and when the score arises.
    pub maps: BTreeMap<usize, Arc<ScoreMap>>,
    /// The group's images that moved, most first.
    pub moved: BTreeMap<usize, Vec<Moved>>,
    /// Courses of unlearning.
    pub curves: BTreeMap<usize, UnlearningCurve>,
}

/// The course of a group's unlearning.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UnlearningCurve {
    /// Losses and scores.
    pub points: Vec<UnlearningPoint>,
    /// The query drawn again on the way: training steps done and planar bytes.
    pub images: Vec<(usize, Vec<u8>)>,
}

impl UnlearningCurve {
    /// Whether images were drawn on the way, to the end.
    pub fn is_watched(&self) -> bool {
        let last = self.points.last().map(|p| p.steps);
        last.is_some() && self.images.last().map(|(step, _)| *step) == last
    }

    /// Adds a point; a group that is begun again replaces its course.
    pub fn add(&mut self, point: UnlearningPoint) {
        self.points.retain(|p| p.step < point.step);
        self.images.retain(|(step, _)| *step < point.step);
        self.points.push(point);
    }

    /// Number of the image nearest to a training step.
    pub fn image_at(&self, step: usize) -> Option<usize> {
        (0..self.images.len()).min_by_key(|i| self.images.get(*i).map_or(usize::MAX, |(at, _)| at.abs_diff(step)))
    }
}

impl QueryEvidence {
    /// From here on it is about these models; what was found with others is let go.
    pub fn about(&mut self, models: AttributeJob) {
        if self.of.as_deref() != Some(&models) {
            *self = Self { of: Some(Box::new(models)), ..Self::default() };
        }
    }

    /// How different the image looks without a group, as the mean share of a channel's range by which its values differ; 0 to
    /// 1. `original` is what the full model draws where that was not drawn again.
    pub fn change(&self, original: &[u8], group: usize) -> Option<f64> {
        let without = &self.redrawn.get(&group).filter(|r| r.is_done())?.pixels;
        let with = self.reference.as_ref().map_or(original, |r| &r.pixels);
        let sum: u64 = with.iter().zip(without).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        (with.len() == without.len() && !with.is_empty()).then(|| sum as f64 / (255.0 * with.len() as f64))
    }

    /// Takes in what a look at the query gave. False where the event is something else.
    pub fn take(&mut self, kind: EventKind) -> bool {
        match kind {
            EventKind::Regenerated { group: None, image } => self.reference = Some(image),
            EventKind::Regenerated { group: Some(group), image } => {
                self.redrawn.insert(group, image);
            }
            EventKind::Mapped { group, map } => {
                self.maps.insert(group, Arc::new(*map));
            }
            EventKind::Moved { group, images } => {
                self.moved.insert(group, images);
            }
            EventKind::Watched { group, step, pixels } => {
                let images = &mut self.curves.entry(group).or_default().images;
                images.retain(|(at, _)| *at < step);
                images.push((step, pixels));
            }
            EventKind::Unlearning(point) => self.curves.entry(point.group).or_default().add(point),
            _ => return false,
        }
        true
    }
}

impl State {
    /// The job that looks for this evidence for the query on screen, of this group or of all.
    pub fn running_evidence(&self, what: Evidence, group: Option<usize>) -> Option<&super::Job> {
        let name = group.map(|g| self.group_name(g));
        self.jobs.iter().find(|job| {
            let JobSpec::Evidence(spec) = &job.spec else { return false };
            let about = spec.of.groups.is_empty() || name.is_none_or(|n| spec.of.groups.iter().any(|g| g == n));
            job.query == self.current && spec.what == what && about
        })
    }

    /// Whether evidence can be looked for now; the reason where it cannot.
    pub fn can_compute_evidence(&self) -> Result<(), &'static str> {
        match (self.query(), &self.model, &self.dataset) {
            (None, ..) => Err("Draw an image from a seed or open one first"),
            (_, None, _) => Err("Open a model first"),
            (.., None) => Err("Open its dataset first"),
            (Some(query), Some(model), Some(dataset))
                if query.image.shape != model.shape || dataset.shape() != model.shape =>
            {
                Err("The dataset or the image has another size than the model: open it again")
            }
            _ => Ok(()),
        }
    }
}
