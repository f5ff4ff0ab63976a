//! What speaks for the leader: random groups, another unlearning seed, the closed form.

use super::told::Told;
use crate::attribution::{
    Attribution, Context, Counterfactuals as _, KeptTerms, Method, NullTest, Query, ScoreSettings, Trust, rank,
};
use crate::dataset::Dataset;
use crate::diffusion::Model;
use crate::elbo::Timesteps;
use crate::engine::api::AttributeJob;
use crate::engine::counterfactuals::{Resident, Unlearned};
use crate::engine::workspace::Workspace;
use crate::error::Result;
use crate::store::Store;
use crate::unlearning::Recipe;

/// Random groups are scored on this many timesteps where the ranking chose its own.
const NULL_TIMESTEPS: usize = 30;

/// Recipe of the second unlearning.
fn second(recipe: &Recipe) -> Recipe {
    Recipe { seed: recipe.seed.wrapping_add(1), ..recipe.clone() }
}

/// Number of random groups' models and second models that are not kept yet.
pub(super) fn models_to_make(
    job: &AttributeJob,
    model: &Model,
    dataset: &Dataset,
    groups: &[usize],
    recipe: &Recipe,
    store: &Store,
) -> usize {
    let again = second(recipe);
    let first = dataset.groups().len();
    let missing = |recipe: &Recipe, groups: &[usize]| {
        let mut memory = Resident::default();
        let unlearned = Unlearned::new(model, dataset, recipe, store, &mut memory);
        groups.iter().filter(|g| !unlearned.is_ready(**g)).count()
    };
    let random: Vec<usize> = (first..first + job.null).collect();
    missing(recipe, &random) + if job.confirm { missing(&again, groups) } else { 0 }
}

/// What was asked for, and what it is asked of.
pub(super) struct Asked<'a> {
    pub(super) job: &'a AttributeJob,
    pub(super) method: &'static dyn Method,
    pub(super) model: &'a Model,
    pub(super) dataset: &'a Dataset,
    pub(super) groups: &'a [usize],
    pub(super) queries: &'a [Query],
    pub(super) settings: &'a ScoreSettings,
    pub(super) recipe: &'a Recipe,
    pub(super) store: &'a Store,
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
        let first = self.dataset.groups().len();
        // Random groups have the numbers behind the dataset's own.
        let numbers: Vec<usize> = (first..first + self.job.null).collect();
        let timesteps = match self.settings.stop {
            Some(_) => Timesteps::Count(NULL_TIMESTEPS),
            None => self.settings.timesteps,
        };
        let settings = ScoreSettings { stop: None, timesteps, ..*self.settings };
        let null = self.scores(workspace, self.recipe, &numbers, &settings, kept, told)?;
        let again = if self.job.confirm {
            self.scores(workspace, &second(self.recipe), self.groups, self.settings, kept, told)?
        } else {
            Vec::new()
        };
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

    /// Scores of some groups under models unlearned by a recipe; none where there are no groups.
    fn scores(
        &self,
        workspace: &mut Workspace,
        recipe: &Recipe,
        groups: &[usize],
        settings: &ScoreSettings,
        kept: &mut dyn KeptTerms,
        told: &mut Told<'_, '_, '_>,
    ) -> Result<Vec<Attribution>> {
        if groups.is_empty() {
            return Ok(Vec::new());
        }
        let (model, dataset, store, resident) = (self.model, self.dataset, self.store, &mut workspace.resident);
        let mut unlearned = Unlearned::new(model, dataset, recipe, store, resident);
        told.to_make = groups.iter().filter(|g| !unlearned.is_ready(**g)).count();
        self.method.attribute(Context {
            model,
            dataset,
            groups,
            queries: self.queries,
            settings,
            counterfactuals: &mut unlearned,
            kept,
            report: told,
        })
    }
}
