//! Options of `whence project`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Options of `whence project`.
#[derive(Debug, Args)]
pub struct ProjectArguments {
    #[command(subcommand)]
    pub(in crate::cli) command: ProjectCommand,
}

/// What is done with a project.
#[derive(Debug, Subcommand)]
pub enum ProjectCommand {
    /// Read every kept result from its first byte to its last; fails where one is damaged
    Verify(VerifyArguments),
    /// Remove what crashes left over, damaged results, and results of another model or dataset than the project's
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
    /// Only tell what would go
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Print what was removed as JSON on standard output
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
