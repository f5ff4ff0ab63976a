//! `whence project`: makes projects, verifies and cleans up stored results.

mod new;

use std::path::{Path, PathBuf};

use super::arguments::{ProjectArguments, ProjectCommand};
use super::output::{self, path_text};
use whence_base::{Error, Result};
use whence_store::{Manifest, Project, Store};

pub(super) fn run(arguments: &ProjectArguments) -> Result<()> {
    match &arguments.command {
        ProjectCommand::New(a) => new::run(a),
        ProjectCommand::Verify(a) => verify(&a.folder, a.json),
        ProjectCommand::Gc(a) => collect(&a.folder, a.dry_run, a.json),
    }
}

/// A project's store, that of a folder of results, or the folder itself.
fn store_in(folder: &Path) -> PathBuf {
    let inner = folder.join("store");
    if inner.join("store.json").is_file() { inner } else { folder.to_owned() }
}

/// The project in a folder, if it is one.
fn project_in(folder: &Path) -> Result<Option<Project>> {
    if folder.join("project.json").is_file() { Project::open(folder).map(Some) } else { Ok(None) }
}

fn verify(folder: &Path, json: bool) -> Result<()> {
    let project = project_in(folder)?;
    let root = store_in(folder);
    // A project without results has no store yet.
    let health = if project.is_some() && !root.join("store.json").is_file() {
        whence_store::Health::default()
    } else {
        Store::read_only(&root)?.verify(&mut |_, _| Ok(()))?
    };
    let missing: Vec<&PathBuf> = project.iter().flat_map(|p| p.file.paths()).filter(|p| !p.exists()).collect();
    if json {
        let missing: Vec<String> = missing.iter().map(|p| path_text(p)).collect();
        output::json(&serde_json::json!({ "store": path_text(&root), "health": value(&health)?, "missing": missing }))?;
    } else {
        for count in &health.counts {
            output::line(&format!("{:>6}  {:<16} {}", count.results, count.kind.folder(), mebibytes(count.bytes)))?;
        }
        for damage in &health.damaged {
            output::line(&format!("damaged: {}", damage.what))?;
        }
        if !health.outdated.is_empty() {
            println!(
                "{} results are of another revision of Whence: they are not used, and whence project gc removes them",
                health.outdated.len()
            );
        }
        for path in &missing {
            output::line(&format!("missing: {}, which project.json names", path.display()))?;
        }
        for path in &health.leftovers {
            output::line(&format!("left over from an interrupted write: {}", path.display()))?;
        }
    }
    let wrong = health.damaged.len() + missing.len();
    if wrong == 0 {
        if !json {
            output::line("All stored results are intact")?;
        }
        return Ok(());
    }
    Err(Error::file(
        format!("{} files are damaged and {} missing", health.damaged.len(), missing.len()),
        folder,
        "damaged results are recomputed at their next use; whence project gc removes them",
    ))
}

fn collect(folder: &Path, dry_run: bool, json: bool) -> Result<()> {
    let project = project_in(folder)?;
    let root = store_in(folder);
    // Reading needs no lock.
    let store = if dry_run {
        Store::read_only(&root)?
    } else {
        Store::read_only(&root)?;
        Store::open(&root)?
    };
    let current = project.as_ref().map(whence_engine::project_inputs).transpose()?;
    let live = |manifest: &Manifest| {
        current.as_ref().is_none_or(|(model, dataset)| {
            let fits =
                |key: &str, wanted: &str| manifest.inputs.get(key).and_then(|v| v.as_str()).is_none_or(|v| v == wanted);
            fits("model", model) && fits("dataset", dataset)
        })
    };
    let mut waste = store.waste(&live, &mut |_, _| Ok(()))?;
    // Results outside the store (tables, queries, models) are written through temporary files, too.
    waste.extend(whence_store::leftovers_in(folder)?);
    let bytes: u64 = waste.iter().map(|w| w.bytes).sum();
    if !dry_run {
        store.sweep(&waste)?;
    }
    if json {
        let root = path_text(&root);
        return output::json(
            &serde_json::json!({ "store": root, "dry_run": dry_run, "bytes": bytes, "removed": value(&waste)? }),
        );
    }
    for file in &waste {
        output::line(&format!("{}: {}", file.path.display(), file.why))?;
    }
    let verb = if dry_run { "would be removed" } else { "removed" };
    output::line(&format!("{} files, {} {verb}", waste.len(), mebibytes(bytes)))?;
    Ok(())
}

/// Plain data as JSON.
fn value(data: &impl serde::Serialize) -> Result<serde_json::Value> {
    let remedy = "leave the JSON output out, which needs paths in UTF-8";
    serde_json::to_value(data).map_err(|e| Error::input(e.to_string(), "JSON", remedy))
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.2} MiB", bytes as f64 / f64::from(1 << 20))
}
