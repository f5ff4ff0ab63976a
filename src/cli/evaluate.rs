//! `whence evaluate`: how well scores agree with a reference.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{output, parse};
use whence_base::Result;
use whence_evaluation::render::{self, Form};
use whence_evaluation::statistics::MAX_RESAMPLES;
use whence_evaluation::{Agreement, Extras, Matching, Options, Pairing, ScoreTable, compare};

/// `whence evaluate`.
#[derive(Debug, Args)]
pub struct EvaluateArguments {
    /// Table of scores (CSV): scores.csv, or one of the published layouts
    #[arg(long, value_name = "FILE")]
    pub scores: PathBuf,
    /// Reference table, such as the scores of retrained models
    #[arg(long, value_name = "FILE")]
    pub reference: PathBuf,
    /// Method to use from the table of scores, if it holds several
    #[arg(long, value_name = "NAME")]
    pub method: Option<String>,
    /// Method to use from the reference, if it holds several
    #[arg(long, value_name = "NAME")]
    pub reference_method: Option<String>,
    /// Scores by a second method, to test which agrees better
    #[arg(long, value_name = "FILE")]
    pub versus: Option<PathBuf>,
    /// Method to use from that table, if it holds several
    #[arg(long, value_name = "NAME", requires = "versus")]
    pub versus_method: Option<String>,
    /// A second, independent reference: how well could any method agree?
    #[arg(long, value_name = "FILE")]
    pub ceiling: Option<PathBuf>,
    /// Similarity scores: splits the queries by whether the reference's first group is also the most similar one
    #[arg(long, value_name = "FILE")]
    pub looks_like: Option<PathBuf>,
    /// Group names in class order, for tables that hold only class ids
    #[arg(long, value_name = "A,B", value_parser = parse::names)]
    pub groups_in_order: Vec<parse::Names>,
    /// Compare only the queries that all tables have
    #[arg(long)]
    pub common_queries: bool,
    /// Bootstrap resamples
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = parse::at_most(MAX_RESAMPLES))]
    pub resamples: usize,
    /// Seed of the resamples
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub seed: u64,
    /// Also write the scores in the published sorted layout
    #[arg(long, value_name = "FILE")]
    pub sorted: Option<PathBuf>,
    /// Also write the scores in the published long layout
    #[arg(long, value_name = "FILE")]
    pub long: Option<PathBuf>,
    /// Print the agreement as JSON on standard output
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// Where a table cannot be read or the tables do not match.
pub(super) fn run(arguments: &EvaluateArguments) -> Result<()> {
    let order = parse::all_names(arguments.groups_in_order.clone());
    let order = (!order.is_empty()).then_some(order.as_slice());
    let matching = Matching { group_names: order, allow_subset: arguments.common_queries };
    let options = Options { resamples: arguments.resamples, seed: arguments.seed };
    let scores = ScoreTable::read(&arguments.scores, arguments.method.as_deref())?;
    let reference = ScoreTable::read(&arguments.reference, arguments.reference_method.as_deref())?;
    let mut main = Pairing::new(&scores, &reference, &matching)?;
    let pair = |path: &Option<PathBuf>, method: Option<&str>| {
        let paired = |path: &Path| Pairing::new(&ScoreTable::read(path, method)?, &reference, &matching);
        path.as_deref().map(paired).transpose()
    };
    let mut versus = pair(&arguments.versus, arguments.versus_method.as_deref())?;
    let mut ceiling = pair(&arguments.ceiling, None)?;
    let mut looks_like = pair(&arguments.looks_like, None)?;
    if arguments.common_queries {
        let further = [&mut versus, &mut ceiling, &mut looks_like].into_iter().filter_map(Option::as_mut);
        let mut all: Vec<&mut Pairing> = std::iter::once(&mut main).chain(further).collect();
        Pairing::keep_common(&mut all)?;
    }
    let extras = Extras { looks_like: looks_like.as_ref(), ceiling: ceiling.as_ref() };
    let agreement = Agreement::with(&main, extras, &options)?;
    let comparison = versus.as_ref().map(|versus| compare(&main, versus, &options)).transpose()?;
    if let Some(path) = &arguments.sorted {
        scores.write_official_sorted(path, order)?;
    }
    if let Some(path) = &arguments.long {
        scores.write_official_long(path, order)?;
    }
    if arguments.json {
        let mut document = agreement.to_json();
        if let (Some(comparison), Some(document)) = (&comparison, document.as_object_mut()) {
            document.insert("versus".into(), serde_json::json!(comparison));
        }
        return output::json(&document);
    }
    output::block(&render::agreement(&agreement, Form::Text))?;
    if let (Some(comparison), Some(versus)) = (&comparison, &arguments.versus) {
        output::block(&format!("\n{} against {}:\n", arguments.scores.display(), versus.display()))?;
        output::block(&render::comparison(comparison, Form::Text))?;
    }
    Ok(())
}
