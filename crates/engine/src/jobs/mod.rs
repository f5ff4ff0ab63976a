//! The jobs, one file per kind.

mod attribute;
mod benchmark;
mod embed;
mod estimate;
mod evidence;
mod load;
mod removal;
mod retrain;
mod sample;
mod train;
mod unlearn;

use std::collections::BTreeMap;
use std::path::Path;

use super::reporter::Reporter;
use super::workspace::Workspace;
use whence_base::{Error, Result, Setting};
use whence_data::Dataset;
use whence_diffusion::{GroupConditions, Pipeline};
use whence_jobs::JobSpec;

/// Runs a job; returns a one-line summary of its result.
pub(super) fn run(workspace: &mut Workspace, spec: &JobSpec, reporter: &mut Reporter<'_>) -> Result<String> {
    match spec {
        JobSpec::OpenProject(path) => load::project(workspace, path, reporter),
        JobSpec::LoadModel(path) => load::model(workspace, path, reporter),
        JobSpec::LoadDataset(path) => load::dataset(workspace, path, reporter),
        JobSpec::LoadQuery(path) => load::query(workspace, path, reporter),
        JobSpec::GenerateQuery(job) => sample::query(workspace, job, reporter),
        JobSpec::Sample(job) => sample::run(workspace, job, reporter),
        JobSpec::Attribute(job) => attribute::run(workspace, job, reporter),
        JobSpec::Evidence(job) => evidence::run(workspace, job, reporter),
        JobSpec::Embed(job) => embed::run(workspace, job, reporter),
        JobSpec::Train(job) => train::run(workspace, job, reporter),
        JobSpec::Unlearn(job) => unlearn::run(workspace, job, reporter),
        JobSpec::Benchmark(job) => benchmark::run(workspace, job, reporter),
        JobSpec::Removal(job) => removal::run(workspace, job, reporter),
        JobSpec::Retrain(job) => retrain::run(workspace, job, reporter),
        JobSpec::Estimate(jobs) => estimate::run(workspace, jobs, reporter),
    }
}

/// A job's model, and its dataset at the model's image size; reports skipped files of the dataset.
fn open(
    workspace: &mut Workspace,
    model: &Path,
    data: &Path,
    group_column: Option<&str>,
    reporter: &mut Reporter<'_>,
) -> Result<(Pipeline, Dataset)> {
    workspace.choose_column(group_column);
    let model = workspace.model(model)?;
    let dataset =
        workspace.dataset(data, Some(model.image_shape()), &mut |d, t| reporter.within("reading images", d, t, 0.0))?;
    warn_of_skipped(&dataset, reporter);
    Ok((model, dataset))
}

/// Which class each group's images have under a model.
///
/// # Errors
/// Class-conditional models without information about the groups' classes, and maps that do not fit.
fn conditions(model: &Pipeline, dataset: &Dataset, map: Option<&BTreeMap<String, usize>>) -> Result<GroupConditions> {
    GroupConditions::resolve(model.conditioner(), dataset.groups(), map)
}

/// Indices of the named groups; all where none are named.
///
/// # Errors
/// Unknown names, and fewer than two groups in the dataset.
fn groups_by_name(dataset: &Dataset, names: &[String]) -> Result<Vec<usize>> {
    if dataset.groups().len() < 2 {
        return Err(Error::file(
            "the dataset has only one group",
            dataset.path(),
            "attribution compares groups: give at least two, for example one folder of images each",
        ));
    }
    if names.is_empty() {
        return Ok((0..dataset.groups().len()).collect());
    }
    let mut seen = std::collections::HashSet::new();
    names
        .iter()
        .filter(|name| seen.insert(name.as_str()))
        .map(|name| {
            dataset.groups().iter().position(|g| g == name).ok_or_else(|| {
                Error::setting(
                    format!("the dataset has no group {name}"),
                    [Setting::Groups],
                    format!("its groups are {}", dataset.groups().join(", ")),
                )
            })
        })
        .collect()
}

/// Skipped files that are named, at most.
const NAMED: usize = 12;

/// Reports how a dataset was read and which files were skipped.
fn warn_of_skipped(dataset: &Dataset, reporter: &Reporter<'_>) {
    for note in dataset.notes() {
        reporter.state(whence_jobs::EventKind::Warning(note.clone()));
    }
    let skipped = dataset.skipped();
    if skipped.is_empty() {
        return;
    }
    let empty = skipped.iter().filter(|s| s.reason == "no images").count();
    let parts: Vec<String> = [(skipped.len() - empty, "file"), (empty, "empty folder")]
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{n} {what}{}", if n == 1 { "" } else { "s" }))
        .collect();
    let named: Vec<String> = skipped.iter().take(NAMED).map(|s| format!("{}: {}", s.name, s.reason)).collect();
    let more =
        if skipped.len() > named.len() { format!("\nand {} more", skipped.len() - named.len()) } else { String::new() };
    // The lines after the first are details.
    let text = format!("Skipped {} of the dataset.\n{}{more}", parts.join(" and "), named.join("\n"));
    reporter.state(whence_jobs::EventKind::Warning(text));
}

/// A short hash of a folder's inputs, as its name.
fn short_hash(of: &impl serde::Serialize) -> String {
    let text = serde_json::to_string(of).unwrap_or_default();
    blake3::hash(text.as_bytes()).to_hex().get(..12).unwrap_or_default().to_owned()
}
