//! Options of `whence project`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Options of `whence project`.
#[derive(Debug, Args)]
pub struct ProjectArguments {
    #[command(subcommand)]
    pub(in crate::cli) command: ProjectCommand,
}

/// What to do with a project.
#[derive(Debug, Subcommand)]
pub enum ProjectCommand {
    /// Make a project of your own model and dataset
    New(NewArguments),
    /// Read and check every stored result; fails if one is damaged
    Verify(VerifyArguments),
    /// Remove leftovers of crashes, damaged results, and results of other models or datasets
    Gc(GcArguments),
}

/// Options of `whence project new`.
#[derive(Debug, Args)]
pub struct NewArguments {
    /// Model: a diffusers folder
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) model: PathBuf,
    /// Dataset: a folder of group folders, or Hugging Face parquet
    #[arg(long, value_name = "PATH")]
    pub(in crate::cli) data: PathBuf,
    /// Folder of the project: a new one, or one that holds nothing but its model and its dataset
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) out: PathBuf,
    /// Name of the project; the folder's if absent
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) name: Option<String>,
    /// Column of a parquet dataset that names the group
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) group_column: Option<String>,
    /// Class of each group, for class-conditional models that do not name their classes: a JSON file {"group": class}
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) class_map: Option<PathBuf>,
    /// Print what was found as JSON on standard output
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// Options of `whence project verify`.
#[derive(Debug, Args)]
pub struct VerifyArguments {
    /// Project folder, or a folder that results were written to
    pub(in crate::cli) folder: PathBuf,
    /// Print what was found as JSON on standard output
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// Options of `whence project gc`.
#[derive(Debug, Args)]
pub struct GcArguments {
    /// Project folder, or a folder that results were written to
    pub(in crate::cli) folder: PathBuf,
    /// Only list what would be removed
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Print what was removed as JSON on standard output
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
