//! Trust checks of the leading group: random control groups, another unlearning seed, the closed form.

use crate::cache::{FitInMemory, StoreCache};
use crate::counterfactuals::{Resident, SourceParts, Unlearned};
use crate::progress_bridge::ProgressBridge;
use crate::workspace::Workspace;
use whence_base::Result;
use whence_data::Dataset;
use whence_diffusion::GroupConditions;
use whence_diffusion::elbo::Timesteps;
use whence_jobs::AttributeJob;
use whence_methods::{
    Attribution, Counterfactuals as _, Method, NullTest, Offsets, Query, Report as _, Request, Resolver, ScoreSettings,
    Trust, Work, rank,
};
use whence_training::unlearning::{Recipe, references};

/// Number of timesteps on which random groups are scored if the ranking chose its own.
const NULL_TIMESTEPS: usize = 30;

/// Number of reference images that measure the damage to each model. Twice as many, or four times the timesteps,
/// improve the measurement little on the digits.
const REFERENCES: usize = 16;

/// Number of timesteps on which each reference image is scored.
const REFERENCE_TIMESTEPS: usize = 8;

/// Training images that no unlearning uses, scored under every model that is compared: once per project, as their terms
/// are cached.
#[derive(Default)]
pub(super) struct References {
    images: Vec<Query>,
    /// The group of each image.
    shown: Vec<String>,
}

impl References {
    /// The images, if random groups are requested.
    pub(super) fn new(
        job: &AttributeJob,
        dataset: &Dataset,
        conditions: &GroupConditions,
        recipe: &Recipe,
    ) -> Result<Self> {
        let chosen = if job.null > 0 { references(dataset, recipe.held_out, REFERENCES) } else { Vec::new() };
        let (mut images, mut shown) = (Vec::with_capacity(chosen.len()), Vec::with_capacity(chosen.len()));
        for index in chosen {
            let group = dataset.group_of(index);
            images.push(Query {
                name: dataset.image_name(index).into(),
                pixels: dataset.pixels(index).to_vec(),
                // The condition is the class of the image's group, not that of the query.
                condition: conditions.of_group(group)?,
            });
            shown.push(group.map_or("", |g| dataset.group_name(g)).to_owned());
        }
        Ok(Self { images, shown })
    }
}

/// The requested checks and their inputs.
#[derive(Clone, Copy)]
pub(super) struct TrustChecks<'a> {
    pub(super) job: &'a AttributeJob,
    pub(super) method: &'static dyn Method,
    /// What models are made from.
    pub(super) parts: SourceParts<'a>,
    pub(super) groups: &'a [usize],
    pub(super) queries: &'a [Query],
    pub(super) settings: ScoreSettings,
    pub(super) device: &'a str,
    pub(super) references: &'a References,
}

/// Images scored under some groups' models.
struct Part<'a> {
    recipe: Recipe,
    groups: Vec<usize>,
    images: &'a [Query],
    settings: ScoreSettings,
}

impl<'a> TrustChecks<'a> {
    /// Adds to each attribution the checks of its leader.
    pub(super) fn run(
        &self,
        workspace: &mut Workspace,
        attributions: &mut [Attribution],
        bridge: &mut ProgressBridge<'_, '_, '_>,
    ) -> Result<()> {
        bridge.show_events(false);
        let null = self.scores(workspace, &self.random(), bridge)?;
        let referred = self.scores(workspace, &self.referred(), bridge)?;
        let offsets = Offsets::of(&referred, self.job.null, &self.references.shown);
        if self.job.null > 0 && offsets.is_none() {
            bridge.warn(
                "too few images are held out to measure how much the random control groups' models are damaged: by chance \
                 alone, some group is significant for about one image in six; use a recipe with a larger held_out"
                    .into(),
            );
        }
        let again = self.scores(workspace, &self.again(), bridge)?;
        let closed = {
            let part = Part { images: self.queries, ..self.random() };
            let mut unlearned = self.models(&part.recipe, &mut workspace.resident);
            let mut cache = self.cache(&mut workspace.fit);
            let request = self.request(&part);
            Resolver { request, counterfactuals: &mut unlearned, cache: &mut cache, report: bridge }.gaussian()?
        };
        let values = |a: &Attribution| a.scores.iter().map(|s| s.estimate.score).collect::<Vec<f64>>();
        for (number, (attribution, query)) in attributions.iter_mut().zip(self.queries).enumerate() {
            let of = |all: &[Attribution]| all.get(number).cloned();
            let closed =
                closed.scores(&query.pixels, self.parts.model.schedule(), self.settings.timesteps, self.groups)?;
            let best = only_largest(&closed);
            let null = of(&null).and_then(|a| NullTest::of(values(&a), self.groups.len(), offsets.as_ref()));
            let ranked = rank(&attribution.scores);
            let score =
                |rank: usize| ranked.get(rank).and_then(|r| attribution.scores.get(r.index)).map(|s| s.estimate.score);
            attribution.trust = Some(Trust {
                lead: null.as_ref().filter(|n| n.sd > 0.0).and_then(|n| Some((score(0)? - score(1)?) / n.sd)),
                null,
                closed_form: best
                    .and_then(|i| self.groups.get(i))
                    .map(|g| self.parts.dataset.group_name(*g).to_owned()),
                second_seed: of(&again).and_then(|a| {
                    let leader = rank(&a.scores).first()?.index;
                    a.scores.get(leader).map(|s| s.group.clone())
                }),
            });
        }
        Ok(())
    }

    /// The queries under the models of random groups, whose indices follow those of the dataset's groups.
    fn random(&self) -> Part<'a> {
        let first = self.parts.dataset.groups().len();
        let timesteps = match self.settings.stop {
            Some(_) => Timesteps::Count(NULL_TIMESTEPS),
            None => self.settings.timesteps,
        };
        Part {
            recipe: self.parts.recipe.clone(),
            groups: (first..first + self.job.null).collect(),
            images: self.queries,
            settings: ScoreSettings { stop: None, timesteps, ..self.settings },
        }
    }

    /// The reference images under the same models, followed by those of the scored groups.
    fn referred(&self) -> Part<'a> {
        let timesteps = Timesteps::Count(REFERENCE_TIMESTEPS);
        let settings = ScoreSettings { stop: None, timesteps, draws: 1, ..self.settings };
        let mut part = Part { images: &self.references.images, settings, ..self.random() };
        if self.job.null > 0 {
            part.groups.extend(self.groups);
        }
        part
    }

    /// The queries under the groups' models of another seed.
    fn again(&self) -> Part<'a> {
        let recipe = Recipe { seed: self.parts.recipe.seed.wrapping_add(1), ..self.parts.recipe.clone() };
        let groups = if self.job.confirm { self.groups.to_vec() } else { Vec::new() };
        Part { recipe, groups, images: self.queries, settings: self.settings }
    }

    /// Models and evaluations that the checks require.
    ///
    /// # Errors
    /// Those of the models' identities.
    pub(super) fn work(&self, fit: &mut FitInMemory, bridge: &mut ProgressBridge<'_, '_, '_>) -> Result<(usize, Work)> {
        let (mut models, mut work) = (0, Work::default());
        // The references need no models beyond those that score the queries.
        for (part, makes) in [(self.random(), true), (self.referred(), false), (self.again(), true)] {
            let mut memory = Resident::default();
            let mut unlearned = self.models(&part.recipe, &mut memory);
            models += part.groups.iter().filter(|g| makes && !unlearned.is_ready(**g)).count();
            let mut cache = self.cache(fit);
            let request = self.request(&part);
            let mut resolver = Resolver { request, counterfactuals: &mut unlearned, cache: &mut cache, report: bridge };
            work += resolver.work(self.method)?;
        }
        Ok((models, work))
    }

    fn models<'m>(&self, recipe: &'m Recipe, resident: &'m mut Resident) -> Unlearned<'m>
    where
        Self: 'm,
    {
        let SourceParts { model, dataset, conditions, store, neighbours, .. } = self.parts;
        Unlearned::new(model, dataset, conditions, recipe, store, resident).sharing(neighbours)
    }

    fn cache<'c>(&'c self, fit: &'c mut FitInMemory) -> StoreCache<'c> {
        StoreCache {
            store: self.parts.store,
            model: self.parts.model,
            seed: self.settings.seed,
            device: self.device,
            fit,
        }
    }

    fn request<'c>(&'c self, part: &'c Part<'_>) -> Request<'c> {
        Request {
            model: self.parts.model,
            dataset: self.parts.dataset,
            conditions: self.parts.conditions,
            groups: &part.groups,
            queries: part.images,
            settings: &part.settings,
        }
    }

    /// The scores of a part; empty if it has no groups.
    fn scores(
        &self,
        workspace: &mut Workspace,
        part: &Part<'_>,
        bridge: &mut ProgressBridge<'_, '_, '_>,
    ) -> Result<Vec<Attribution>> {
        if part.groups.is_empty() {
            return Ok(Vec::new());
        }
        let mut unlearned = self.models(&part.recipe, &mut workspace.resident);
        bridge.to_make = part.groups.iter().filter(|g| !unlearned.is_ready(**g)).count();
        let mut cache = self.cache(&mut workspace.fit);
        let request = self.request(part);
        Resolver { request, counterfactuals: &mut unlearned, cache: &mut cache, report: bridge }.attribute(self.method)
    }
}

/// Index of the largest value if it is unique, otherwise `None`.
fn only_largest(values: &[f64]) -> Option<usize> {
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut at_top = values.iter().enumerate().filter(|(_, v)| **v == largest);
    let first = at_top.next().map(|(i, _)| i);
    if at_top.next().is_some() { None } else { first }
}

#[cfg(test)]
mod tests {
    use super::only_largest;

    #[test]
    fn a_tie_names_nobody() {
        assert_eq!(only_largest(&[0.0, 2.0, 1.0]), Some(1));
        assert_eq!(only_largest(&[0.0, 0.0, 0.0]), None);
        assert_eq!(only_largest(&[1.0, 3.0, 3.0]), None);
        assert_eq!(only_largest(&[]), None);
    }
}
