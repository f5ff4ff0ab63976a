//! Options of the commands that check attributions against retraining.

use std::path::PathBuf;

use clap::Args;

use super::{Common, DrawArguments};
use crate::cli::parse;
use whence_diffusion::elbo::Timesteps;

/// `whence retrain`.
#[derive(Debug, Args)]
pub struct RetrainArguments {
    /// The full model: a diffusers folder
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Its dataset
    #[arg(long, value_name = "PATH")]
    pub data: PathBuf,
    /// Column of a parquet dataset that names the group
    #[arg(long, value_name = "NAME")]
    pub group_column: Option<String>,
    /// Class of each group, for class-conditional models that do not name their classes: a JSON file {"group": class}
    #[arg(long, value_name = "FILE")]
    pub class_map: Option<PathBuf>,
    /// Groups to retrain without, by name; all if absent. A name with a comma goes in double quotes
    #[arg(long, value_name = "A,B", value_parser = parse::names)]
    pub groups: Vec<parse::Names>,
    /// Training settings (TOML); those in the model's training.json if absent
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Training seed; another one gives an independent second reference
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Folder for the models, one folder per group
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    #[command(flatten)]
    pub common: Common,
}

/// `whence benchmark`.
#[derive(Debug, Args)]
pub struct BenchmarkArguments {
    /// Dataset
    #[arg(long, value_name = "PATH")]
    pub data: PathBuf,
    /// Column of a parquet dataset that names the group
    #[arg(long, value_name = "NAME")]
    pub group_column: Option<String>,
    /// What to compare (TOML): references, methods, recipes, grids; a short comparison if absent
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// The full model; overrides the plan. It is trained if neither names one
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,
    /// Training settings of the full model (TOML); overrides the plan
    #[arg(long, value_name = "FILE", conflicts_with = "model")]
    pub config: Option<PathBuf>,
    /// Retrained models, one diffusers folder per group; overrides the plan. The first is the reference
    #[arg(long, value_name = "DIR", num_args = 1..)]
    pub oracle: Vec<PathBuf>,
    /// Number of query images; overrides the plan
    #[arg(long, value_name = "N", value_parser = parse::at_most(100_000))]
    pub queries: Option<usize>,
    /// Folder for models, scores and tables
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    #[command(flatten)]
    pub common: Common,
}

/// `whence removal`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("removed").required(true).args(["remove_groups", "remove_images"]))]
#[command(group = clap::ArgGroup::new("asked").required(true).multiple(true).args(["query", "seeds"]))]
pub struct RemovalArguments {
    /// The full model: a diffusers folder
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Its dataset
    #[arg(long, value_name = "PATH")]
    pub data: PathBuf,
    /// Column of a parquet dataset that names the group
    #[arg(long, value_name = "NAME")]
    pub group_column: Option<String>,
    /// Class of each group, for class-conditional models that do not name their classes: a JSON file {"group": class}
    #[arg(long, value_name = "FILE")]
    pub class_map: Option<PathBuf>,
    /// Query images: the images to explain
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub query: Vec<PathBuf>,
    /// Or seeds: their images are also regenerated without what is removed. 3, or 0..8, or 1,5,7
    #[arg(long, value_name = "SEEDS", value_parser = parse::seeds)]
    pub seeds: Option<parse::Seeds>,
    /// Remove this many groups, highest scores first
    #[arg(long, value_name = "N", value_parser = parse::at_most(100_000), requires = "scores")]
    pub remove_groups: Option<usize>,
    /// Remove this many images, nearest first
    #[arg(long, value_name = "N", value_parser = parse::at_most(10_000_000))]
    pub remove_images: Option<usize>,
    /// Scores of the query images: the scores.csv of whence attribute
    #[arg(long, value_name = "FILE")]
    pub scores: Option<PathBuf>,
    #[command(flatten)]
    pub drawing: DrawArguments,
    /// Retrained models, one diffusers folder per group, for --remove-groups 1
    #[arg(long, value_name = "DIR")]
    pub counterfactuals: Option<PathBuf>,
    /// Random removals of the same size per query
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = parse::up_to(1000))]
    pub random: usize,
    /// Training settings (TOML); those in the model's training.json if absent
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Timesteps at which the loss is compared
    #[arg(long, default_value = "10../10", value_name = "A..B/STEP")]
    pub timesteps: Timesteps,
    /// Noise draws at each timestep
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = parse::at_most(1_000_000))]
    pub draws: usize,
    /// Seed of the noise and of the random choices
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Folder for models and results
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    #[command(flatten)]
    pub common: Common,
}

/// `whence subset`.
#[derive(Debug, Args)]
pub struct SubsetArguments {
    /// Dataset
    #[arg(long, value_name = "PATH")]
    pub data: PathBuf,
    /// Column of a parquet dataset that names the group
    #[arg(long, value_name = "NAME")]
    pub group_column: Option<String>,
    /// Groups, by name; all if absent. A name with a comma goes in double quotes
    #[arg(long, value_name = "A,B", value_parser = parse::names)]
    pub groups: Vec<parse::Names>,
    /// Images per group, the first ones; all if absent
    #[arg(long, value_name = "N", value_parser = parse::at_most(100_000_000))]
    pub per_group: Option<usize>,
    /// Side length of the images in pixels; unchanged if absent
    #[arg(long, value_name = "PIXELS", value_parser = parse::at_most(16_384))]
    pub size: Option<usize>,
    /// Folder for the images, one folder per group
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}
