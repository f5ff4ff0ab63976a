//! How groups are scored: what `whence attribute` and `whence report` share.

use std::path::PathBuf;

use clap::Args;

use super::RecipeArguments;
use crate::cli::parse;
use whence_diffusion::elbo::Timesteps;
use whence_diffusion::elbo::anytime::Settings as StopSettings;
use whence_methods::{Aggregation, ScoreSettings};

/// How groups are scored.
#[derive(Debug, Args)]
pub struct ScoringArguments {
    /// guda (unlearning), logo (retraining), gaussian (closed form, no network), pixel-similarity, or feature-similarity
    #[arg(long, default_value = "guda", value_parser = parse::method)]
    pub method: String,
    /// Ready counterfactual models: one diffusers folder per group, named as the group
    #[arg(long, value_name = "DIR")]
    pub counterfactuals: Option<PathBuf>,
    #[command(flatten)]
    pub recipe: RecipeArguments,
    /// Groups to score, by name; all if absent. A name with a comma goes in double quotes
    #[arg(long, value_name = "A,B", value_parser = parse::names)]
    pub groups: Vec<parse::Names>,
    /// Timesteps: 10..1000/10, or 10../10 (the published grid), or a count, chosen by importance
    #[arg(long, default_value = "10../10", value_name = "A..B/STEP | N")]
    pub timesteps: Timesteps,
    /// Noise draws at each timestep
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = parse::at_most(1_000_000))]
    pub draws: usize,
    /// Stop once the leaders are separated, or after this many network evaluations per query, all models together
    #[arg(long, value_name = "N", conflicts_with = "timesteps", value_parser = parse::at_most(1_000_000))]
    pub budget: Option<usize>,
    /// Confidence level for the separated leaders, 0.5 to below 1; with --budget
    #[arg(long, default_value_t = 0.95, value_name = "SHARE", requires = "budget", value_parser = parse::level)]
    pub level: f64,
    /// Number of leaders to separate from the other groups; with --budget
    #[arg(long, default_value_t = 1, value_name = "N", requires = "budget", value_parser = parse::at_most(100_000))]
    pub top: usize,
    /// Random control groups: sets of random images to unlearn as well, to show what chance scores
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = parse::up_to(1000))]
    pub null: usize,
    /// Only estimate the work: models, evaluations, time, memory
    #[arg(long)]
    pub dry_run: bool,
    /// Unlearn once more with another seed, and report whether the same group leads
    #[arg(long)]
    pub confirm: bool,
    /// Most images per batch; scores do not depend on it
    #[arg(long, default_value_t = 256, value_name = "N", value_parser = parse::at_most(65_536))]
    pub batch: usize,
    /// Seed of the noise
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// How scores of images become scores of groups, for methods that score images: sum, mean, max, median, top10
    #[arg(long, value_name = "NAME")]
    pub aggregate: Option<Aggregation>,
    /// Correct similarities for images that are near to everything (CSLS)
    #[arg(long)]
    pub csls: bool,
}

impl ScoringArguments {
    /// The engine's settings.
    pub fn settings(&self, class: Option<usize>) -> ScoreSettings {
        let stop = |budget| StopSettings { level: self.level, top: self.top, budget, ..StopSettings::default() };
        ScoreSettings {
            timesteps: self.timesteps,
            draws: self.draws,
            seed: self.seed,
            batch: self.batch,
            class,
            stop: self.budget.map(stop),
            aggregate: self.aggregate,
            csls: self.csls,
        }
    }
}
