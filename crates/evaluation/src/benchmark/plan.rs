//! What a benchmark compares: plain data, read from TOML, written beside the results.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use whence_base::{Error, Result};
use whence_diffusion::SampleSettings;
use whence_diffusion::elbo::anytime::Settings as StopSettings;
use whence_diffusion::elbo::{MAX_EVALUATIONS, Timesteps, Weighting};
use whence_methods::{CounterfactualKind, ScoreSettings, method};
use whence_training::unlearning::Recipe;
use whence_training::{TrainingConfig, read_settings};

/// Name of the row by which queries are called hard: minus the mean distance of the nearest images of each group.
pub const NEAREST_IMAGES: &str = "nearest images";

/// Name of the row that does not look at the query.
pub const USUAL_ORDER: &str = "the usual order";

const BASELINES: [&str; 2] = [NEAREST_IMAGES, USUAL_ORDER];

/// Where the ELBO is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grid {
    /// Which timesteps.
    pub timesteps: Timesteps,
    /// Noise draws at each.
    pub draws: usize,
    /// Seed of the noise.
    pub seed: u64,
    /// Stop as soon as the leader is separated, or after this many network evaluations per query, over all models.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<usize>,
}

impl Default for Grid {
    fn default() -> Self {
        Self { timesteps: Timesteps::Count(50), draws: 1, seed: 0, budget: None }
    }
}

/// Most queries of a benchmark.
const MAX_QUERIES: usize = 100_000;

/// Most images in one pass.
const MAX_BATCH: usize = 65_536;

impl Grid {
    /// Refuses grids that no machine can hold. How many timesteps a range has depends on the model, and is checked there.
    fn check(&self) -> Result<()> {
        let timesteps = match self.timesteps {
            Timesteps::Count(count) => count,
            Timesteps::Range { .. } => 1,
        };
        let evaluations = timesteps.saturating_mul(self.draws);
        if !(1..=MAX_EVALUATIONS).contains(&evaluations) {
            return Err(Error::input(
                format!("{timesteps} timesteps with {} draws each", self.draws),
                "benchmark plan",
                format!("give 1 to {MAX_EVALUATIONS} evaluations per query"),
            ));
        }
        match self.budget {
            Some(budget) if !(1..=MAX_EVALUATIONS).contains(&budget) => Err(Error::input(
                format!("the evaluation budget is {budget}"),
                "benchmark plan",
                format!("give 1 to {MAX_EVALUATIONS}"),
            )),
            _ => Ok(()),
        }
    }

    /// Score settings of this grid.
    pub fn settings(&self, batch: usize) -> ScoreSettings {
        let stop = self.budget.map(|budget| StopSettings { budget, ..StopSettings::default() });
        ScoreSettings {
            timesteps: self.timesteps,
            draws: self.draws,
            seed: self.seed,
            batch,
            stop,
            ..ScoreSettings::default()
        }
    }
}

/// The query images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QueryPlan {
    /// A folder of images; drawn from the full model where absent.
    #[serde(serialize_with = "whence_base::lossy::option")]
    pub folder: Option<PathBuf>,
    /// How many: of the folder, the first by name.
    pub count: usize,
    /// Seed of the first one drawn; the others follow.
    pub first_seed: u64,
    /// How they are drawn.
    #[serde(rename = "draw")]
    pub sampling: SampleSettings,
}

impl Default for QueryPlan {
    fn default() -> Self {
        Self { folder: None, count: 64, first_seed: 0, sampling: SampleSettings::default() }
    }
}

/// One set of models trained again without each group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OraclePlan {
    /// Name in the table.
    pub name: String,
    /// Ready models, one diffusers folder per group; trained where absent.
    #[serde(serialize_with = "whence_base::lossy::option")]
    pub folder: Option<PathBuf>,
    /// Training seed; the full model's own where absent.
    pub seed: Option<u64>,
    /// Training settings, where the model does not remember its own.
    pub training: Option<TrainingConfig>,
}

/// One method with its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MethodPlan {
    /// Name in the table.
    pub name: String,
    /// Name of the method.
    pub method: String,
    /// Rows of one family are settings of the same thing: the best on the first half of the queries is chosen.
    pub family: Option<String>,
    /// How groups are unlearned.
    pub recipe: Recipe,
    /// Unlearning seeds, in place of the recipe's; more than one give a row each and one of their mean.
    pub seeds: Vec<u64>,
    /// Where the ELBO is evaluated, where not as the others.
    pub scoring: Option<Grid>,
    /// Weights of the timesteps in the score; more than one give a row each.
    pub weightings: Vec<Weighting>,
}

impl Default for MethodPlan {
    fn default() -> Self {
        Self {
            name: String::new(),
            method: "guda".into(),
            family: None,
            recipe: Recipe::default(),
            seeds: Vec::new(),
            scoring: None,
            weightings: vec![Weighting::Elbo],
        }
    }
}

/// The sum of other rows, each turned to mean 0 and standard deviation 1 over a query's groups first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SumPlan {
    /// Name in the table.
    pub name: String,
    /// Names of the rows.
    pub of: Vec<String>,
}

/// A whole benchmark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// Headline of the table.
    pub title: String,
    /// The full model; trained by `training` where absent.
    #[serde(serialize_with = "whence_base::lossy::option")]
    pub model: Option<PathBuf>,
    /// How the full model is trained.
    pub training: Option<TrainingConfig>,
    /// The query images.
    pub queries: QueryPlan,
    /// How oracles are scored.
    pub reference: Grid,
    /// How methods are scored.
    pub scoring: Grid,
    /// Images in one pass through the network.
    pub batch: usize,
    /// Oracles; the first is the reference.
    pub oracles: Vec<OraclePlan>,
    /// Methods.
    pub methods: Vec<MethodPlan>,
    /// Sums.
    pub sums: Vec<SumPlan>,
    /// Name of the row that the others are tested against.
    pub versus: String,
}

impl Default for Plan {
    fn default() -> Self {
        let oracle = |name: &str, seed| OraclePlan { name: name.into(), seed, ..OraclePlan::default() };
        let name = |name: &str| name.to_owned();
        Self {
            title: name("Agreement with retraining"),
            model: None,
            training: None,
            queries: QueryPlan::default(),
            reference: Grid { timesteps: Timesteps::Count(200), draws: 1, seed: 1000, budget: None },
            scoring: Grid::default(),
            batch: 32,
            oracles: vec![oracle("retrained", None), oracle("retrained, other seed", Some(1))],
            methods: vec![
                MethodPlan { name: name("guda"), seeds: vec![0, 1], ..MethodPlan::default() },
                MethodPlan { name: name("gaussian"), method: name("gaussian"), ..MethodPlan::default() },
            ],
            sums: vec![SumPlan { name: name("guda + gaussian"), of: vec![name("guda, mean of 2"), name("gaussian")] }],
            versus: name("gaussian"),
        }
    }
}

impl Plan {
    /// Reads a plan (TOML); folders in it are seen from the file.
    ///
    /// # Errors
    /// Unknown settings, by name, and contradictions.
    pub fn load(path: &Path) -> Result<Self> {
        let mut plan: Self = read_settings(path, "a benchmark plan")?;
        // The default sums and baseline are of the default methods.
        let given: toml::Table = read_settings(path, "a benchmark plan")?;
        if given.contains_key("methods") {
            if !given.contains_key("sums") {
                plan.sums.clear();
            }
            if !given.contains_key("versus") {
                plan.versus.clear();
            }
        }
        let base = path.parent().unwrap_or(Path::new(""));
        let folders = plan.oracles.iter_mut().map(|o| &mut o.folder);
        for folder in folders.chain([&mut plan.queries.folder, &mut plan.model]).flatten() {
            *folder = base.join(&*folder);
        }
        plan.check()?;
        Ok(plan)
    }

    /// Refuses plans that cannot be run.
    ///
    /// # Errors
    /// Names what is wrong.
    pub fn check(&self) -> Result<()> {
        let refuse = |what: String, remedy: &str| Err(Error::input(what, "benchmark plan", remedy));
        if self.oracles.is_empty() {
            return refuse("there is no oracle".into(), "give at least one under [[oracles]]");
        }
        if !(2..=MAX_QUERIES).contains(&self.queries.count) {
            return refuse(format!("queries.count is {}", self.queries.count), &format!("give 2 to {MAX_QUERIES}"));
        }
        if !(1..=MAX_BATCH).contains(&self.batch) {
            return refuse(format!("batch is {}", self.batch), &format!("give 1 to {MAX_BATCH}"));
        }
        self.reference.check()?;
        self.scoring.check()?;
        self.training.as_ref().map_or(Ok(()), TrainingConfig::check)?;
        let mut rows: HashSet<String> = BASELINES.iter().map(|name| (*name).to_owned()).collect();
        for oracle in &self.oracles {
            if oracle.name.is_empty() || !rows.insert(oracle.name.clone()) {
                return refuse(format!("an oracle's name is empty or used twice: {}", oracle.name), "name each one");
            }
            rows.insert(other_noise(&oracle.name));
            oracle.training.as_ref().map_or(Ok(()), TrainingConfig::check)?;
        }
        for plan in &self.methods {
            self.check_method(plan)?;
            for name in plan.rows() {
                if plan.name.is_empty() || !rows.insert(name.clone()) {
                    return refuse(format!("a method's name is empty or used twice: {name}"), "name each one");
                }
            }
        }
        for sum in &self.sums {
            if sum.of.is_empty() {
                return refuse(format!("{} is the sum of nothing", sum.name), "name its rows");
            }
            if let Some(unknown) = sum.of.iter().find(|name| !rows.contains(*name)) {
                let known: Vec<&str> = self.methods.iter().map(|m| m.name.as_str()).collect();
                return refuse(
                    format!("{} sums the row {unknown}, which is not there", sum.name),
                    &format!("the methods are {}; a mean over two seeds is called NAME, mean of 2", known.join(", ")),
                );
            }
            if !rows.insert(sum.name.clone()) {
                return refuse(format!("the name {} is used twice", sum.name), "name each row");
            }
        }
        if !self.versus.is_empty() && !rows.contains(&self.versus) {
            return refuse(format!("versus names the row {}, which is not there", self.versus), "name a row");
        }
        Ok(())
    }
}

/// Name of the row of an oracle that is scored again with other noise.
pub fn other_noise(oracle: &str) -> String {
    format!("{oracle}, other noise")
}

/// Distance between the noise seeds of an oracle and of its row with other noise.
const OTHER_NOISE: u64 = 1_000_000;

impl Plan {
    /// The grid of an oracle. Each has its own noise, so that agreement is not inflated by sharing it.
    pub fn reference_of(&self, oracle: usize, again: bool) -> Grid {
        let seed = self.reference.seed.wrapping_add(oracle as u64).wrapping_add(if again { OTHER_NOISE } else { 0 });
        Grid { seed, ..self.reference }
    }

    fn check_method(&self, plan: &MethodPlan) -> Result<()> {
        let refuse = |what: String, remedy: &str| Err(Error::input(what, "benchmark plan", remedy));
        let made = method(&plan.method)?.counterfactuals();
        if made == Some(CounterfactualKind::Retrained) {
            return refuse(format!("{} is an oracle", plan.method), "list it under [[oracles]]");
        }
        if plan.weightings.is_empty() {
            return refuse(format!("{} has no weightings", plan.name), "leave the setting out, or give one");
        }
        if made.is_none() && plan.weightings != [Weighting::Elbo] {
            return refuse(format!("{} has no terms to weigh", plan.method), "leave weightings out");
        }
        let grid = plan.scoring.unwrap_or(self.scoring);
        grid.check()?;
        let shared = (0..self.oracles.len())
            .flat_map(|i| [self.reference_of(i, false).seed, self.reference_of(i, true).seed])
            .any(|seed| seed == grid.seed);
        if made.is_some() && shared {
            return refuse(
                format!("{} and an oracle share the noise of seed {}, which would flatter it", plan.name, grid.seed),
                "give [reference] another seed",
            );
        }
        plan.recipe.check()
    }
}

impl MethodPlan {
    /// Names of the rows that come of it.
    pub fn rows(&self) -> Vec<String> {
        self.weightings.iter().flat_map(|w| self.seed_rows(*w).into_iter().chain(self.mean_row(*w))).collect()
    }

    /// Names of the rows of single seeds.
    pub fn seed_rows(&self, weighting: Weighting) -> Vec<String> {
        let base = self.base(weighting);
        if self.seeds.len() < 2 {
            return vec![base];
        }
        self.seeds.iter().map(|seed| format!("{base}, seed {seed}")).collect()
    }

    /// Name of the mean over seeds, where there are several.
    pub fn mean_row(&self, weighting: Weighting) -> Option<String> {
        (self.seeds.len() > 1).then(|| format!("{}, mean of {}", self.base(weighting), self.seeds.len()))
    }

    fn base(&self, weighting: Weighting) -> String {
        match weighting {
            Weighting::Elbo => self.name.clone(),
            other => format!("{}, {} weights", self.name, other.name()),
        }
    }
}
