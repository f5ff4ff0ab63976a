//! How groups are scored: what `whence attribute` and `whence report` share.

use std::path::PathBuf;

use clap::Args;

use super::RecipeArguments;
use crate::cli::parse;
use whence_diffusion::elbo::Timesteps;
use whence_diffusion::elbo::anytime::Settings as StopSettings;
use whence_methods::ScoreSettings;

/// How groups are scored.
#[derive(Debug, Args)]
pub struct ScoringArguments {
    /// guda, logo to train again without each group, or gaussian for the closed form
    #[arg(long, default_value = "guda", value_parser = parse::method)]
    pub method: String,
    /// Ready counterfactual models, one diffusers folder a group, named as the group
    #[arg(long, value_name = "DIR")]
    pub counterfactuals: Option<PathBuf>,
    #[command(flatten)]
    pub recipe: RecipeArguments,
    /// Groups to score, by name; all where left out
    #[arg(long, value_name = "A,B", value_parser = parse::names)]
    pub groups: Vec<parse::Names>,
    /// 10..1000/10, 10../10 (the published grid), or a number: that many, chosen by importance
    #[arg(long, default_value = "10../10", value_name = "A..B/STEP | N")]
    pub timesteps: Timesteps,
    /// Noise draws at each timestep
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = parse::at_most(1_000_000))]
    pub draws: usize,
    /// Stop as soon as the leaders are separated, or when a query has cost this many network evaluations over all models
    #[arg(long, value_name = "N", conflicts_with = "timesteps", value_parser = parse::at_most(1_000_000))]
    pub budget: Option<usize>,
    /// Chance that separated leaders are the right ones; with --budget
    #[arg(long, default_value_t = 0.95, value_name = "SHARE", requires = "budget", value_parser = parse::level)]
    pub level: f64,
    /// How many leaders to separate from the rest; with --budget
    #[arg(long, default_value_t = 1, value_name = "N", requires = "budget", value_parser = parse::at_most(100_000))]
    pub top: usize,
    /// Random groups of images to unlearn as well: what they score is what chance scores
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = parse::up_to(1000))]
    pub null: usize,
    /// Only tell what it would take: models, evaluations, time, memory
    #[arg(long)]
    pub dry_run: bool,
    /// Unlearn once more with another seed, and tell whether the same group leads
    #[arg(long)]
    pub confirm: bool,
    /// Images under way at once, at most; scores do not depend on it
    #[arg(long, default_value_t = 256, value_name = "N", value_parser = parse::at_most(65_536))]
    pub batch: usize,
    /// Seed of the noise
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

impl ScoringArguments {
    /// As the engine takes them.
    pub fn settings(&self, class: Option<usize>) -> ScoreSettings {
        let stop = |budget| StopSettings { level: self.level, top: self.top, budget, ..StopSettings::default() };
        ScoreSettings {
            timesteps: self.timesteps,
            draws: self.draws,
            seed: self.seed,
            batch: self.batch,
            class,
            stop: self.budget.map(stop),
        }
    }
}
