//! What speaks for the leader: random groups, another unlearning seed, the closed form.

use super::told::Told;
use crate::attribution::{
    Attribution, Context, Counterfactuals, KeptTerms, Method, NullTest, Query, Report, ScoreSettings, Trust, Work, rank,
};
use crate::dataset::Dataset;
use crate::diffusion::Model;
use crate::elbo::Timesteps;
use crate::engine::api::AttributeJob;
use crate::engine::counterfactuals::{Resident, SharedNeighbours, Unlearned};
use crate::engine::workspace::Workspace;
use crate::error::Result;
use crate::store::Store;
use crate::unlearning::Recipe;

/// Random groups are scored on this many timesteps where the ranking chose its own.
const NULL_TIMESTEPS: usize = 30;

/// What was asked for, and what it is asked of.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) job: &'a AttributeJob,
    pub(super) method: &'static dyn Method,
    pub(super) model: &'a Model,
    pub(super) dataset: &'a Dataset,
    pub(super) groups: &'a [usize],
    pub(super) queries: &'a [Query],
    pub(super) settings: ScoreSettings,
    pub(super) recipe: &'a Recipe,
    pub(super) store: &'a Store,
    pub(super) neighbours: &'a SharedNeighbours,
}

/// Pictures scored under some groups' models.
struct Part {
    recipe: Recipe,
    groups: Vec<usize>,
    settings: ScoreSettings,
}

impl Asked<'_> {
    /// Adds to each attribution what speaks for its leader.
    pub(super) fn answer(
        &self,
        workspace: &mut Workspace,
        attributions: &mut [Attribution],
        kept: &mut dyn KeptTerms,
        told: &mut Told<'_, '_, '_>,
    ) -> Result<()> {
        told.quiet = true;
        let null = self.scores(workspace, &self.random(), kept, told)?;
        let again = self.scores(workspace, &self.again(), kept, told)?;
        let reporter = &mut *told.reporter;
        let closed = workspace.gaussian(self.dataset, &mut |d, t| reporter.within("closed form", d, t, 0.0))?;
        let random = |a: &Attribution| a.scores.iter().map(|s| s.estimate.score).collect::<Vec<f64>>();
        let widening = NullTest::widening(&null.iter().map(random).collect::<Vec<_>>(), self.groups.len());
        for (number, (attribution, query)) in attributions.iter_mut().zip(self.queries).enumerate() {
            let of = |all: &[Attribution]| all.get(number).cloned();
            let values = closed.scores(&query.pixels, self.model.schedule(), self.settings.timesteps, self.groups)?;
            let best = values.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|(i, _)| i);
            let null = of(&null).and_then(|a| NullTest::of(random(&a), self.groups.len(), widening));
            let ranked = rank(&attribution.scores);
            let score = |place: usize| {
                ranked.get(place).and_then(|r| attribution.scores.get(r.index)).map(|s| s.estimate.score)
            };
            attribution.trust = Some(Trust {
                lead: null.as_ref().filter(|n| n.sd > 0.0).and_then(|n| Some((score(0)? - score(1)?) / n.sd)),
                null,
                closed_form: best.and_then(|i| self.groups.get(i)).map(|g| self.dataset.group_name(*g).to_owned()),
                second_seed: of(&again).and_then(|a| {
                    let leader = rank(&a.scores).first()?.index;
                    a.scores.get(leader).map(|s| s.group.clone())
                }),
            });
        }
        Ok(())
    }

    /// The queries under the models of random groups; these have the numbers behind the dataset's own.
    fn random(&self) -> Part {
        let first = self.dataset.groups().len();
        let timesteps = match self.settings.stop {
            Some(_) => Timesteps::Count(NULL_TIMESTEPS),
            None => self.settings.timesteps,
        };
        Part {
            recipe: self.recipe.clone(),
            groups: (first..first + self.job.null).collect(),
            settings: ScoreSettings { stop: None, timesteps, ..self.settings },
        }
    }

    /// The queries under the groups' models of another seed.
    fn again(&self) -> Part {
        let recipe = Recipe { seed: self.recipe.seed.wrapping_add(1), ..self.recipe.clone() };
        let groups = if self.job.confirm { self.groups.to_vec() } else { Vec::new() };
        Part { recipe, groups, settings: self.settings }
    }

    /// Models and evaluations that answering takes.
    ///
    /// # Errors
    /// Those of the models' names.
    pub(super) fn ahead(&self, kept: &mut dyn KeptTerms, told: &mut Told<'_, '_, '_>) -> Result<(usize, Work)> {
        let (mut models, mut work) = (0, Work::default());
        for part in [self.random(), self.again()] {
            let mut memory = Resident::default();
            let mut unlearned = self.models(&part.recipe, &mut memory);
            models += part.groups.iter().filter(|g| !unlearned.is_ready(**g)).count();
            work += self.method.work(self.context(&part, &mut unlearned, kept, told))?;
        }
        Ok((models, work))
    }

    fn models<'m>(&self, recipe: &'m Recipe, resident: &'m mut Resident) -> Unlearned<'m>
    where
        Self: 'm,
    {
        Unlearned::new(self.model, self.dataset, recipe, self.store, resident).sharing(self.neighbours)
    }

    fn context<'c>(
        &'c self,
        part: &'c Part,
        counterfactuals: &'c mut dyn Counterfactuals,
        kept: &'c mut dyn KeptTerms,
        report: &'c mut dyn Report,
    ) -> Context<'c> {
        Context {
            model: self.model,
            dataset: self.dataset,
            groups: &part.groups,
            queries: self.queries,
            settings: &part.settings,
            counterfactuals,
            kept,
            report,
        }
    }

    /// The scores of a part; none where it has no groups.
    fn scores(
        &self,
        workspace: &mut Workspace,
        part: &Part,
        kept: &mut dyn KeptTerms,
        told: &mut Told<'_, '_, '_>,
    ) -> Result<Vec<Attribution>> {
        if part.groups.is_empty() {
            return Ok(Vec::new());
        }
        let mut unlearned = self.models(&part.recipe, &mut workspace.resident);
        told.to_make = part.groups.iter().filter(|g| !unlearned.is_ready(**g)).count();
        self.method.attribute(self.context(part, &mut unlearned, kept, told))
    }
}
