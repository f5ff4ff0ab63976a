//! Options of `whence report`.

use std::path::PathBuf;

use clap::Args;

use super::{Common, DrawArguments, ScoringArguments};
use crate::cli::parse;

/// `whence report`.
#[derive(Debug, Args)]
pub struct ReportArguments {
    /// Project folder
    pub project: PathBuf,
    /// HTML file to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Title; the project's name if absent
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// Images of the project to explain, by file name; all if absent
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub queries: Vec<String>,
    /// Other image files, alone or in addition to --queries
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub query: Vec<PathBuf>,
    /// Seeds to generate images from, alone or in addition to --queries: 3, or 0..8, or 1,5,7
    #[arg(long, value_name = "SEEDS", value_parser = parse::seeds)]
    pub seeds: Option<parse::Seeds>,
    /// Column of a parquet dataset that names the group
    #[arg(long, value_name = "NAME")]
    pub group_column: Option<String>,
    /// Class of each group, for class-conditional models that do not name their classes: a JSON file {"group": class}
    #[arg(long, value_name = "FILE")]
    pub class_map: Option<PathBuf>,
    #[command(flatten)]
    pub scoring: ScoringArguments,
    #[command(flatten)]
    pub drawing: DrawArguments,
    /// Nearest training images to show for each of the top three groups
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = parse::up_to(1000))]
    pub neighbours: usize,
    #[command(flatten)]
    pub common: Common,
}
