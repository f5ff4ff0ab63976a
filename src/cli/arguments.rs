//! All commands and options. Names are a promise to users and scripts.

mod checks;
mod project;
mod report;
mod scoring;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use checks::{BenchmarkArguments, RemovalArguments, RetrainArguments, SubsetArguments};
pub use project::{ProjectArguments, ProjectCommand};
pub use report::ReportArguments;
pub use scoring::ScoringArguments;

use super::bench_device::BenchDeviceTask;
use super::evaluate::EvaluateArguments;
use super::parse;
use whence_diffusion::{SampleSettings, SamplerKind};

/// Tells which groups of training images shaped an image that a diffusion model made, and by how much.
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
    /// Project folder; the demo where left out
    pub(super) project: Option<PathBuf>,
    /// Where to compute: auto, gpu, cpu, or part of a device's name
    #[arg(long, default_value = "auto")]
    pub(super) device: String,
    /// Explain the first query at once
    #[arg(long)]
    pub(super) attribute: bool,
    /// Save an image of the window once it has settled, and close it
    #[arg(long, value_name = "FILE")]
    pub(super) screenshot: Option<PathBuf>,
}

/// Commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Score the groups of a dataset for images
    Attribute(Box<AttributeArguments>),
    /// Explain a project's images and write one HTML file that says what was found, and how
    Report(Box<ReportArguments>),
    /// Draw images from a model
    Sample(SampleArguments),
    /// Train a model; a diffusers folder comes out
    Train(TrainArguments),
    /// Make counterfactual models: the model without each group
    Unlearn(UnlearnArguments),
    /// Train the model again without each group: the LOGO oracle
    Retrain(RetrainArguments),
    /// Measure how well scores agree with a reference
    Evaluate(EvaluateArguments),
    /// Compare methods with retraining: a whole table
    Benchmark(BenchmarkArguments),
    /// Check an attribution: train again without what it names, and without as much at random
    Removal(RemovalArguments),
    /// Write a part of a dataset as plain folders, at another size
    Subset(SubsetArguments),
    /// Check or tidy what a project keeps
    Project(ProjectArguments),
    /// List devices, test them, tell versions
    Doctor(DoctorArguments),
    /// Make the demo project again: paint, train, draw
    Demo(DemoArguments),
    /// What child processes run; for whence doctor's own use
    #[command(hide = true)]
    CheckDevice(CheckDeviceArguments),
    /// Measure a device; what benches/gpu.sh runs
    #[command(hide = true, subcommand)]
    BenchDevice(BenchDeviceTask),
}

/// What all commands share.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// Where to compute: auto, gpu, cpu, or part of a device's name
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// Print a summary as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

/// How images are drawn from seeds.
#[derive(Clone, Debug, Args)]
pub struct DrawArguments {
    /// Sampler: ddim, ddpm or dpm-solver++
    #[arg(long, default_value = "ddim")]
    pub sampler: SamplerKind,
    /// Its steps
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = parse::positive)]
    pub steps: usize,
    /// DDIM's noise: 0 none, 1 as much as ddpm
    #[arg(long, default_value_t = 0.0, value_name = "ETA", value_parser = parse::share)]
    pub eta: f64,
    /// Class of the images, for class-conditional models
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
    #[arg(long, value_name = "N", value_parser = parse::positive)]
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
    /// Images asked about
    #[arg(long, value_name = "FILE", num_args = 1.., required_unless_present = "seeds")]
    pub query: Vec<PathBuf>,
    /// Or seeds to draw them from: 3, or 0..8, or 1,5,7
    #[arg(long, value_name = "SEEDS", value_parser = parse::seeds)]
    pub seeds: Option<parse::Seeds>,
    /// Folder for the results
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    #[command(flatten)]
    pub scoring: ScoringArguments,
    #[command(flatten)]
    pub drawing: DrawArguments,
    /// Nearest training images a group
    #[arg(long, default_value_t = 8, value_name = "N")]
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
    /// Seeds, one image each: 3, or 0..16, or 1,5,7
    #[arg(long, value_name = "SEEDS", value_parser = parse::seeds)]
    pub seeds: parse::Seeds,
    #[command(flatten)]
    pub drawing: DrawArguments,
    /// Write the starting noise and the unrounded image too, as safetensors, to draw it again elsewhere
    #[arg(long)]
    pub tensors: bool,
    /// Images drawn together
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = parse::positive)]
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
    /// Optimizer steps, in place of the settings'
    #[arg(long, value_name = "N", value_parser = parse::positive)]
    pub steps: Option<usize>,
    /// Leave this group out
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
    /// Groups to unlearn, by name; all where left out
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    pub groups: Vec<String>,
    #[command(flatten)]
    pub recipe: RecipeArguments,
    /// Folder for the models, one folder a group
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    #[command(flatten)]
    pub common: Common,
}

/// `whence doctor`.
#[derive(Debug, Args)]
pub struct DoctorArguments {
    /// Test at this model's layer shapes
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,
    /// Test software drivers too
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
    /// Training settings (TOML); the shipped demo's are in its train.toml
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Paintings a style; a multiple of five keeps the motifs even
    #[arg(long, default_value_t = 120, value_name = "N")]
    pub paintings: u64,
    #[command(flatten)]
    pub common: Common,
}

/// `whence check-device`: what child processes run.
#[derive(Debug, Args)]
pub struct CheckDeviceArguments {
    #[arg(long)]
    pub list: bool,
    #[arg(long)]
    pub kind: Option<String>,
    #[arg(long)]
    pub network: Option<PathBuf>,
}
