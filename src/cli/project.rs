//! `whence project`: checks stored results, and removes those that are not needed any more.

use std::path::{Path, PathBuf};

use super::arguments::{ProjectArguments, ProjectCommand};
use whence_base::{Error, Result};
use whence_store::{Manifest, Project, Store};

pub(super) fn run(arguments: &ProjectArguments) -> Result<()> {
    match &arguments.command {
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
    // A project that nothing was computed in yet has no store.
    let health = if project.is_some() && !root.join("store.json").is_file() {
        whence_store::Health::default()
    } else {
        Store::read_only(&root)?.verify(&mut |_, _| Ok(()))?
    };
    let missing: Vec<&PathBuf> = project.iter().flat_map(|p| p.file.paths()).filter(|p| !p.exists()).collect();
    if json {
        println!("{}", serde_json::json!({ "store": root, "health": health, "missing": missing }));
    } else {
        for count in &health.counts {
            println!("{:>6}  {:<16} {}", count.results, count.kind.folder(), mebibytes(count.bytes));
        }
        for damage in &health.damaged {
            println!("damaged: {}", damage.what);
        }
        if !health.outdated.is_empty() {
            println!(
                "{} results are of another revision of Whence: they are not used, and whence project gc removes them",
                health.outdated.len()
            );
        }
        for path in &missing {
            println!("missing: {}, which project.json names", path.display());
        }
        for path in &health.leftovers {
            println!("left over from an interrupted write: {}", path.display());
        }
    }
    let wrong = health.damaged.len() + missing.len();
    if wrong == 0 {
        if !json {
            println!("All results are intact");
        }
        return Ok(());
    }
    Err(Error::file(
        format!("{} damaged and {} missing", health.damaged.len(), missing.len()),
        folder,
        "damaged results are computed again at their next use; whence project gc removes them",
    ))
}

fn collect(folder: &Path, dry_run: bool, json: bool) -> Result<()> {
    let project = project_in(folder)?;
    let root = store_in(folder);
    // Looking needs no lock.
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
        println!("{}", serde_json::json!({ "store": root, "dry_run": dry_run, "bytes": bytes, "removed": waste }));
        return Ok(());
    }
    for file in &waste {
        println!("{}: {}", file.path.display(), file.why);
    }
    let verb = if dry_run { "would be removed" } else { "removed" };
    println!("{} files, {} {verb}", waste.len(), mebibytes(bytes));
    Ok(())
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.2} MiB", bytes as f64 / f64::from(1 << 20))
}
