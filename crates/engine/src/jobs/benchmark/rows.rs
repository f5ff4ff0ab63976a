//! One row: creates its counterfactual models and scores its queries, both timed and stored.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::super::attribute::check_size;
use super::counterfactual_points;
use super::source::{Source, files};
use crate::cache::StoreCache;
use crate::counterfactuals::{Imported, Resident, SharedNeighbours, Source as Models, SourceParts, Unlearned};
use crate::jobs::short_hash;
use crate::progress_bridge::{Counting, ProgressBridge};
use crate::reporter::Reporter;
use whence_base::{Error, Result};
use whence_data::Dataset;
use whence_diffusion::elbo::{Term, Weighting};
use whence_diffusion::{GroupConditions, Pipeline};
use whence_evaluation::benchmark::{Cost, Grid, Kind, MethodPlan, Plan, Row};
use whence_jobs::BenchmarkJob;
use whence_methods::{
    Attribution, CounterfactualKind, Counterfactuals, Method, Query, Request, Resolver, ScoreSettings,
    method as method_named,
};
use whence_store::{Kind as Stored, Store};
use whence_training::unlearning::Recipe;

/// A training step costs about as much as four forward passes of its images.
const STEP_UNITS: usize = 4;

/// Inputs that all rows share.
pub(super) struct Bench<'a> {
    pub(super) plan: &'a Plan,
    pub(super) job: &'a BenchmarkJob,
    pub(super) folder: PathBuf,
    pub(super) model: Pipeline,
    pub(super) dataset: Dataset,
    /// Benchmarked models have no classes.
    conditions: GroupConditions,
    /// Default recipe, for models that are not unlearned.
    no_recipe: Recipe,
    pub(super) groups: Vec<usize>,
    pub(super) queries: Vec<Query>,
    /// Hash of model, dataset and queries.
    pub(super) base: String,
    pub(super) store: Store,
    /// Name of the device.
    pub(super) device: String,
}

/// Definition of a row.
struct RowSpec<'a> {
    name: &'a str,
    kind: Kind,
    family: &'a str,
    method: &'a dyn Method,
    source: Source,
    grid: Grid,
    weighting: Weighting,
}

/// Seconds spent on the models of a folder, over all runs, stopped ones too.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Spent {
    seconds: f64,
}

impl<'a> Bench<'a> {
    pub(super) fn new(
        job: &'a BenchmarkJob,
        folder: PathBuf,
        model: Pipeline,
        dataset: Dataset,
        groups: Vec<usize>,
        queries: Vec<Query>,
        device: String,
    ) -> Result<Self> {
        let mut hasher = blake3::Hasher::new_derive_key("whence 2026 benchmark v1");
        hasher.update(model.hash().as_bytes()).update(dataset.hash().as_bytes());
        for query in &queries {
            hasher.update(&(query.pixels.len() as u64).to_le_bytes()).update(&query.pixels);
        }
        let base = hasher.finalize().to_hex().to_string();
        let store = Store::open(&job.out.join("store"))?;
        let conditions = GroupConditions::none(dataset.groups().len());
        let no_recipe = Recipe::default();
        Ok(Self {
            plan: &job.plan,
            job,
            folder,
            model,
            dataset,
            conditions,
            no_recipe,
            groups,
            queries,
            base,
            store,
            device,
        })
    }

    pub(super) fn group_names(&self) -> Vec<String> {
        self.groups.iter().map(|g| self.dataset.group_name(*g).to_owned()).collect()
    }

    /// Total work in forward passes of one image, assuming that nothing is stored from an earlier run.
    pub(super) fn units(&self) -> f64 {
        let groups = self.groups.len();
        let scoring = |grid: &Grid| counterfactual_points(self, grid).unwrap_or(1) * self.queries.len() * (groups + 1);
        let making = |source: &Source| source.trained_images() * STEP_UNITS * groups;
        let oracles: usize = self
            .plan
            .oracles
            .iter()
            .enumerate()
            .map(|(i, oracle)| {
                let twice = if i == 0 { 2 } else { 1 };
                let making = Source::of_oracle(self, oracle).map_or(0, |s| making(&s));
                (making + scoring(&self.plan.reference)) * twice
            })
            .sum();
        let methods: usize = self
            .plan
            .methods
            .iter()
            .filter(|m| method_named(&m.method).is_ok_and(|m| m.counterfactuals().is_some()))
            .map(|m| {
                let making = m.recipe.steps * m.recipe.batch * 2 * STEP_UNITS * groups;
                (making + scoring(&m.scoring.unwrap_or(self.plan.scoring))) * m.seeds.len().max(1) * m.weightings.len()
            })
            .sum();
        (oracles + methods) as f64
    }

    /// Rejects, before any work, plans that would fail after hours of it.
    ///
    /// # Errors
    /// Timesteps that the model does not have, oracles that cannot be trained or that lack a group, two that are one.
    pub(super) fn check(&self) -> Result<()> {
        let mut seen = std::collections::HashSet::new();
        for (number, oracle) in self.plan.oracles.iter().enumerate() {
            let source = Source::of_oracle(self, oracle)?;
            if let Source::Given(folder) = &source {
                let resident = &mut Resident::default();
                Imported { model: &self.model, dataset: &self.dataset, folder, resident }.check(&self.groups)?;
            }
            if !seen.insert(source.folder().map(Path::to_owned)) {
                return Err(Error::input(
                    format!("the oracle {} is the same as one before it", oracle.name),
                    "benchmark plan",
                    "give it another seed or folder",
                ));
            }
            check_size(&self.plan.reference_of(number, false).settings(self.plan.batch))?;
            counterfactual_points(self, &self.plan.reference_of(number, false))?;
        }
        for method in &self.plan.methods {
            let grid = method.scoring.unwrap_or(self.plan.scoring);
            check_size(&grid.settings(self.plan.batch))?;
            counterfactual_points(self, &grid)?;
            method.recipe.resolved(&self.model, Some(&self.folder))?;
        }
        Ok(())
    }

    /// A row of retrained models.
    pub(super) fn oracle(
        &self,
        name: &str,
        kind: Kind,
        source: Source,
        grid: Grid,
        reporter: &mut Reporter<'_>,
    ) -> Result<Row> {
        let (method, weighting) = (method_named("logo")?, Weighting::Elbo);
        let spec = RowSpec { name, kind, family: "oracle", method, source, grid, weighting };
        self.row(&spec, reporter)
    }

    /// A row of a method with one unlearning seed.
    pub(super) fn method(
        &self,
        name: &str,
        plan: &MethodPlan,
        seed: u64,
        weighting: Weighting,
        reporter: &mut Reporter<'_>,
    ) -> Result<Row> {
        let method = method_named(&plan.method)?;
        let recipe = Recipe { seed, ..plan.recipe.clone() }.resolved(&self.model, Some(&self.folder))?;
        let source = if method.counterfactuals() == Some(CounterfactualKind::Unlearned) {
            let name = short_hash(&(self.model.hash(), self.dataset.hash(), &recipe));
            let folder = self.job.out.join("unlearned").join(name);
            Source::Unlearned(folder, Box::new(recipe))
        } else {
            Source::None
        };
        let family = plan.family.as_deref().unwrap_or(&plan.name);
        let grid = plan.scoring.unwrap_or(self.plan.scoring);
        let spec = RowSpec { name, kind: Kind::Method, family, method, source, grid, weighting };
        self.row(&spec, reporter)
    }

    fn row(&self, spec: &RowSpec<'_>, reporter: &mut Reporter<'_>) -> Result<Row> {
        let RowSpec { name, kind, family, method, ref source, grid, weighting } = *spec;
        let identity = serde_json::json!([self.base, method.name(), grid, weighting, source.identity()]);
        let key = blake3::hash(identity.to_string().as_bytes()).to_hex().to_string();
        let path = self.job.out.join("rows").join(format!("{}.json", key.get(..16).unwrap_or_default()));
        let making = (source.trained_images() * STEP_UNITS * self.groups.len()) as f64;
        let pass = (counterfactual_points(self, &grid)? * self.queries.len()) as f64;
        if let Ok(row) = whence_store::read_json::<Row>(&path)
            && row.key == key
        {
            if method.counterfactuals().is_some() {
                reporter.skip(making + pass * (self.groups.len() + 1) as f64);
            }
            return Ok(Row { name: name.into(), kind, family: family.into(), ..row });
        }
        let (model, dataset, store) = (&self.model, &self.dataset, &self.store);
        let mut memory = Resident::default();
        let neighbours = SharedNeighbours::default();
        let mut counterfactuals = self.models(source, &neighbours, &mut memory);
        if matches!(source, Source::Given(_)) {
            counterfactuals.check(&self.groups)?;
        }
        let whole = pass * (self.groups.len() + 1) as f64;
        let making_one = making / self.groups.len() as f64;
        let mut bridge =
            ProgressBridge::new(reporter, dataset, Counting::Expected { units: whole }).named(name).making(making_one);
        let make_seconds = self.make(source, &mut counterfactuals, &mut bridge)?;
        let begun = Instant::now();
        let settings = grid.settings(self.plan.batch);
        let mut fit = None;
        let mut cache = StoreCache { store, model, seed: settings.seed, device: &self.device, fit: &mut fit };
        let request = Request {
            model,
            dataset,
            conditions: &self.conditions,
            groups: &self.groups,
            queries: &self.queries,
            settings: &settings,
        };
        let counterfactuals = &mut counterfactuals;
        let attributions =
            Resolver { request, counterfactuals, cache: &mut cache, report: &mut bridge }.attribute(method)?;
        // An earlier run may have evaluated a part; other weightings of cached terms cost nothing.
        let share = bridge.planned() as f64 / whole.max(1.0);
        let score_seconds = if share > 0.0 { begun.elapsed().as_secs_f64() / share } else { 0.0 };
        let scores = attributions
            .iter()
            .zip(&self.queries)
            .map(|(a, q)| self.weighted(a, q, &settings, weighting))
            .collect::<Result<_>>()?;
        let errors = |a: &Attribution| a.scores.iter().map(|s| s.estimate.std_err).collect();
        let cost = Cost {
            trained_images: source.trained_images() * self.groups.len(),
            evaluations_per_query: evaluations_per_query(&attributions),
            make_seconds,
            score_seconds,
            bytes: self.bytes(source),
        };
        let row = Row {
            name: name.into(),
            kind,
            family: family.into(),
            key,
            scores,
            // With too few evaluations the standard error is unknown.
            errors: (weighting == Weighting::Elbo)
                .then(|| attributions.iter().map(errors).collect::<Vec<Vec<f64>>>())
                .filter(|all| all.iter().flatten().all(|e| e.is_finite())),
            cost,
        };
        whence_store::write_json(&path, &row)?;
        Ok(row)
    }

    /// Source of a row's models.
    fn models<'m>(
        &'m self,
        source: &'m Source,
        neighbours: &'m SharedNeighbours,
        resident: &'m mut Resident,
    ) -> Models<'m> {
        let recipe = if let Source::Unlearned(_, recipe) = source { recipe } else { &self.no_recipe };
        let parts = SourceParts {
            model: &self.model,
            dataset: &self.dataset,
            conditions: &self.conditions,
            recipe,
            store: &self.store,
            neighbours,
        };
        let (kind, ready, training) = match source {
            Source::Given(folder) => (None, Some(folder.as_path()), None),
            Source::Retrained(folder, config) => {
                (Some(CounterfactualKind::Retrained), None, Some((config.as_ref(), folder.clone())))
            }
            Source::Unlearned(..) | Source::None => (None, None, None),
        };
        Models::new(parts, kind, ready, training, resident)
    }

    /// Size on disk of a row's models.
    fn bytes(&self, source: &Source) -> u64 {
        let paths = match source {
            Source::Unlearned(_, recipe) => {
                let (model, dataset, store, mut memory) =
                    (&self.model, &self.dataset, &self.store, Resident::default());
                let unlearned = Unlearned::new(model, dataset, &self.conditions, recipe, store, &mut memory);
                self.groups.iter().map(|g| store.path(Stored::Counterfactual, &unlearned.key(*g))).collect()
            }
            other => other.folder().map(files).unwrap_or_default(),
        };
        paths.iter().filter_map(|p| p.metadata().ok()).map(|m| m.len()).sum()
    }

    /// Creates every counterfactual model; returns the seconds spent on them in this run and earlier ones.
    fn make(
        &self,
        source: &Source,
        models: &mut dyn Counterfactuals,
        bridge: &mut ProgressBridge<'_, '_, '_>,
    ) -> Result<f64> {
        let Some(folder) = source.folder().filter(|_| !matches!(source, Source::Given(_))) else { return Ok(0.0) };
        let record = folder.join("cost.json");
        let mut spent: Spent = whence_store::read_json(&record).unwrap_or_default();
        for &group in &self.groups {
            if models.is_ready(group) {
                bridge.reporter.skip(bridge.making_units);
                continue;
            }
            let begun = Instant::now();
            let created = models.without(group, bridge);
            // A stopped training resumes from its checkpoint, so its time counts too.
            spent.seconds += begun.elapsed().as_secs_f64();
            whence_store::write_json(&record, &spent)?;
            created?;
            bridge.reporter.advance(bridge.making_units);
        }
        Ok(spent.seconds)
    }

    /// Scores of one query under other weights of its timesteps.
    fn weighted(
        &self,
        attribution: &Attribution,
        query: &Query,
        settings: &ScoreSettings,
        weighting: Weighting,
    ) -> Result<Vec<f64>> {
        if weighting == Weighting::Elbo {
            return Ok(attribution.scores.iter().map(|s| s.estimate.score).collect());
        }
        let schedule = self.model.schedule();
        let plan = settings.timesteps.plan(schedule, settings.draws, settings.seed, &query.pixels)?;
        let factors: Vec<f64> = plan.points.iter().map(|p| weighting.factor(schedule, p.t)).collect();
        let sum = |terms: &[Term]| terms.iter().zip(&factors).map(|(t, f)| t.value * f).sum();
        Ok(attribution.scores.iter().map(|s| sum(&s.terms)).collect())
    }
}

/// Mean number of network evaluations per query, including the full model's.
fn evaluations_per_query(attributions: &[Attribution]) -> usize {
    let of = |a: &Attribution| {
        let each = a.scores.iter().map(|s| s.evaluations);
        // The full model is evaluated at as many points as the group with the most evaluations.
        each.clone().sum::<usize>() + each.max().unwrap_or_default()
    };
    attributions.iter().map(of).sum::<usize>() / attributions.len().max(1)
}
