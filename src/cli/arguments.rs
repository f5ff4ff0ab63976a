//! All commands and options. Names are a promise to users and scripts.

mod checks;
mod project;
mod report;
mod scoring;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use checks::{BenchmarkArguments, RemovalArguments, RetrainArguments, SubsetArguments};
pub use project::{NewArguments, ProjectArguments, ProjectCommand};
pub use report::ReportArguments;
pub use scoring::ScoringArguments;

use super::bench_device::BenchDeviceTask;
use super::evaluate::EvaluateArguments;
use super::parse;
use whence_diffusion::{SampleSettings, SamplerKind};

/// Find out which groups of training images shaped an image made by a diffusion model, and by how much.
#[derive(Debug, Parser)]
#[command(name = "whence", version, args_conflicts_with_subcommands = true)]
#[cfg_attr(not(feature = "window"), command(subcommand_required = true, arg_required_else_help = true))]
pub struct Arguments {
    #[cfg(feature = "window")]
    #[command(flatten)]
    pub(super) window: WindowArguments,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// Without a command, the window opens.
#[cfg(feature = "window")]
#[derive(Debug, Args)]
pub struct WindowArguments {
    /// Project folder; the last project if absent, or the demo at the first start
    pub(super) project: Option<PathBuf>,
    /// Where to compute: auto, gpu, cpu, or part of a device's name
    #[arg(long, default_value = "auto")]
    pub(super) device: String,
    /// Explain the first query at once
    #[arg(long)]
    pub(super) attribute: bool,
    /// Save a screenshot of the window once it is idle, then close it
    #[arg(long, value_name = "FILE")]
    pub(super) screenshot: Option<PathBuf>,
}

/// Commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Score each group of a dataset for the query images
    Attribute(Box<AttributeArguments>),
    /// Explain the images of a project in one HTML file, with all settings
    Report(Box<ReportArguments>),
    /// Generate images with a model
    Sample(SampleArguments),
    /// Train a model and save it as a diffusers folder
    Train(TrainArguments),
    /// Make one counterfactual model per group by unlearning the group
    Unlearn(UnlearnArguments),
    /// Make one counterfactual model per group by retraining without the group (LOGO, exact)
    Retrain(RetrainArguments),
    /// Measure how well scores agree with a reference
    Evaluate(EvaluateArguments),
    /// Compare attribution methods with retraining
    Benchmark(BenchmarkArguments),
    /// Check an attribution: retrain without the images it names, and without as many random ones
    Removal(RemovalArguments),
    /// Write part of a dataset as plain folders, resized if you like
    Subset(SubsetArguments),
    /// Make a project of your own model and dataset; verify or clean up stored results
    Project(ProjectArguments),
    /// List devices, test them, and print versions
    Doctor(DoctorArguments),
    /// Recreate the demo project: paint, train, generate
    Demo(DemoArguments),
    /// What child processes run; for whence doctor only
    #[command(hide = true)]
    CheckDevice(CheckDeviceArguments),
    /// Measure a device; what benches/gpu.sh runs
    #[command(hide = true, subcommand)]
    BenchDevice(BenchDeviceTask),
}

/// Options that all commands share.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// Where to compute: auto, gpu, cpu, or part of a device's name
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// Print a summary as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

/// How images are generated from seeds.
#[derive(Clone, Debug, Args)]
pub struct DrawArguments {
    /// Sampler: ddim, ddpm or dpm-solver++
    #[arg(long, default_value = "ddim")]
    pub sampler: SamplerKind,
    /// Sampling steps
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = parse::at_most(100_000))]
    pub steps: usize,
    /// Noise that DDIM adds: 0 for none, 1 for as much as ddpm
    #[arg(long, default_value_t = 0.0, value_name = "ETA", value_parser = parse::share)]
    pub eta: f64,
    /// Class of the query images, for class-conditional models
    #[arg(long, value_name = "N")]
    pub class_label: Option<usize>,
}

impl DrawArguments {
    /// As the engine takes them.
    pub fn settings(&self) -> SampleSettings {
        SampleSettings { sampler: self.sampler, steps: self.steps, eta: self.eta, class: self.class_label }
    }
}

/// How groups are unlearned; options override the recipe file.
#[derive(Clone, Debug, Args)]
pub struct RecipeArguments {
    /// Recipe file (TOML)
    #[arg(long, value_name = "FILE")]
    pub recipe: Option<PathBuf>,
    /// Unlearning objective: hinge, retrack or released-zero
    #[arg(long, value_parser = parse::objective)]
    pub objective: Option<String>,
    /// Unlearning steps
    #[arg(long, value_name = "N", value_parser = parse::at_most(100_000_000))]
    pub unlearning_steps: Option<usize>,
    /// Unlearning learning rate
    #[arg(long, value_name = "RATE", value_parser = parse::rate)]
    pub learning_rate: Option<f64>,
}

/// `whence attribute`.
#[derive(Debug, Args)]
pub struct AttributeArguments {
    /// Model: a diffusers folder
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Dataset: a folder of group folders, or Hugging Face parquet
    #[arg(long, value_name = "PATH")]
    pub data: PathBuf,
    /// Column of a parquet dataset that names the group
    #[arg(long, value_name = "NAME")]
    pub group_column: Option<String>,
    /// Class of each group, for class-conditional models that do not name their classes: a JSON file {"group": class}
    #[arg(long, value_name = "FILE")]
    pub class_map: Option<PathBuf>,
    /// Query images: the images to explain
    #[arg(long, value_name = "FILE", num_args = 1.., required_unless_present = "seeds")]
    pub query: Vec<PathBuf>,
    /// Or seeds to generate query images from: 3, or 0..8, or 1,5,7
    #[arg(long, value_name = "SEEDS", value_parser = parse::seeds)]
    pub seeds: Option<parse::Seeds>,
    /// Folder for the results
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    #[command(flatten)]
    pub scoring: ScoringArguments,
    #[command(flatten)]
    pub drawing: DrawArguments,
    /// Nearest training images to list per group
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = parse::up_to(1000))]
    pub neighbours: usize,
    #[command(flatten)]
    pub common: Common,
}

/// `whence sample`.
#[derive(Debug, Args)]
pub struct SampleArguments {
    /// Model: a diffusers folder
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Seeds, one image per seed: 3, or 0..16, or 1,5,7
    #[arg(long, value_name = "SEEDS", value_parser = parse::seeds)]
    pub seeds: parse::Seeds,
    #[command(flatten)]
    pub drawing: DrawArguments,
    /// Also write the starting noise and the unrounded image as safetensors, to reproduce the image elsewhere
    #[arg(long)]
    pub tensors: bool,
    /// Images per batch
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = parse::at_most(65_536))]
    pub batch: usize,
    /// Folder for the images
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    #[command(flatten)]
    pub common: Common,
}

/// `whence train`.
#[derive(Debug, Args)]
pub struct TrainArguments {
    /// Dataset
    #[arg(long, value_name = "PATH")]
    pub data: PathBuf,
    /// Column of a parquet dataset that names the group
    #[arg(long, value_name = "NAME")]
    pub group_column: Option<String>,
    /// Folder for the model
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Training settings (TOML)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Optimizer steps; overrides the training settings
    #[arg(long, value_name = "N", value_parser = parse::at_most(100_000_000))]
    pub steps: Option<usize>,
    /// Train without this group
    #[arg(long, value_name = "NAME")]
    pub exclude_group: Option<String>,
    #[command(flatten)]
    pub common: Common,
}

/// `whence unlearn`.
#[derive(Debug, Args)]
pub struct UnlearnArguments {
    /// Model: a diffusers folder
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Dataset
    #[arg(long, value_name = "PATH")]
    pub data: PathBuf,
    /// Column of a parquet dataset that names the group
    #[arg(long, value_name = "NAME")]
    pub group_column: Option<String>,
    /// Class of each group, for class-conditional models that do not name their classes: a JSON file {"group": class}
    #[arg(long, value_name = "FILE")]
    pub class_map: Option<PathBuf>,
    /// Groups to unlearn, by name; all if absent. A name with a comma goes in double quotes
    #[arg(long, value_name = "A,B", value_parser = parse::names)]
    pub groups: Vec<parse::Names>,
    #[command(flatten)]
    pub recipe: RecipeArguments,
    /// Folder for the models, one folder per group
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    #[command(flatten)]
    pub common: Common,
}

/// `whence doctor`.
#[derive(Debug, Args)]
pub struct DoctorArguments {
    /// Test with the layer shapes of this model
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,
    /// Also test software drivers
    #[arg(long)]
    pub software: bool,
    /// Print the findings as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

/// `whence demo`.
#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Folder for the project
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Only paint the dataset
    #[arg(long)]
    pub paint_only: bool,
    /// Training settings (TOML); those of the built-in demo are in its train.toml
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Paintings per style; a multiple of five gives every motif equally often
    #[arg(long, default_value_t = 120, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub paintings: u64,
    #[command(flatten)]
    pub common: Common,
}

/// `whence check-device`: what child processes run.
#[derive(Debug, Args)]
pub struct CheckDeviceArguments {
    #[command(subcommand)]
    pub(in crate::cli) task: CheckDeviceTask,
}

/// What a child process does with the devices.
#[derive(Debug, Subcommand)]
pub enum CheckDeviceTask {
    /// Print all adapters as JSON
    List,
    /// Compare a device with the CPU
    Test {
        /// Kind of device, as JSON
        kind: String,
        /// The network's config.json
        network: PathBuf,
    },
}
