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
    /// The HTML file
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Title; the project's name where left out
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// Which of the project's images, by file name; all where left out
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub queries: Vec<String>,
    /// Other image files, in place of the project's or beside those that --queries names
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub query: Vec<PathBuf>,
    /// Seeds to draw images from, in place of the project's or beside those that --queries names: 3, or 0..8, or 1,5,7
    #[arg(long, value_name = "SEEDS", value_parser = parse::seeds)]
    pub seeds: Option<parse::Seeds>,
    /// Column of a parquet dataset that names the group
    #[arg(long, value_name = "NAME")]
    pub group_column: Option<String>,
    #[command(flatten)]
    pub scoring: ScoringArguments,
    #[command(flatten)]
    pub drawing: DrawArguments,
    /// Nearest training images of each of the first three groups
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = parse::up_to(1000))]
    pub neighbours: usize,
    #[command(flatten)]
    pub common: Common,
}
