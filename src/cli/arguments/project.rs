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
    /// Read and check every stored result; fails if one is damaged
    Verify(VerifyArguments),
    /// Remove leftovers of crashes, damaged results, and results of other models or datasets
    Gc(GcArguments),
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
