//! Opening projects, models, datasets and queries.

use std::path::Path;

use burn::module::Module as _;

use super::warn_of_skipped;
use crate::reporter::Reporter;
use crate::workspace::{Workspace, no_model};
use whence_base::Result;
use whence_data::load_image;
use whence_diffusion::Pipeline;
use whence_jobs::{EventKind, GenerateQuery, ModelInfo, QueryImage, QueryOrigin};
use whence_store::Project;

pub(super) fn project(workspace: &mut Workspace, path: &Path, reporter: &Reporter<'_>) -> Result<String> {
    let project = Project::open(path)?;
    workspace.keep_in = Some(project.store());
    workspace.project_column = project.file.data.clone().zip(project.file.group_column.clone());
    let name = project.file.name.clone();
    reporter.state(EventKind::ProjectOpened(Box::new(project)));
    Ok(format!("Opened {name}"))
}

pub(super) fn model(workspace: &mut Workspace, path: &Path, reporter: &mut Reporter<'_>) -> Result<String> {
    reporter.within("reading the model", 0, 1, 1.0)?;
    let model = workspace.open(path)?;
    let chosen = workspace.device(&model.network.config())?;
    if let Some(warning) = &chosen.warning {
        reporter.state(EventKind::Warning(warning.clone()));
    }
    let info = info(path, &model, chosen.name);
    let summary = format!("Loaded \u{201c}{}\u{201d} ({} parameters)", info.name, thousands(info.parameters));
    reporter.state(EventKind::ModelLoaded(Box::new(info)));
    Ok(summary)
}

/// A count with commas between its thousands.
fn thousands(count: usize) -> String {
    let digits = count.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|g| std::str::from_utf8(g).ok()).collect();
    groups.join(",")
}

fn info(path: &Path, model: &Pipeline, device: String) -> ModelInfo {
    ModelInfo {
        path: path.to_owned(),
        name: path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned()),
        shape: model.image_shape(),
        parameters: model.network.num_params(),
        timesteps: model.schedule().len(),
        classes: model.classes(),
        hash: model.hash().to_owned(),
        device,
    }
}

pub(super) fn dataset(workspace: &mut Workspace, path: &Path, reporter: &mut Reporter<'_>) -> Result<String> {
    let shape = workspace.open_shape();
    // Another dataset may be opened into the project, which has columns of its own.
    let column = workspace.project_column.clone().filter(|(data, _)| data == path).map(|(_, column)| column);
    workspace.choose_column(column.as_deref());
    workspace.forget_dataset();
    let dataset = workspace.dataset(path, shape, &mut |d, t| reporter.within("reading images", d, t, 1.0))?;
    warn_of_skipped(&dataset, reporter);
    if dataset.resized() > 0 {
        let shape = dataset.shape();
        let which = match dataset.resized() {
            n if n == dataset.len() => format!("All {n} images"),
            n => format!("{n} of {} images", dataset.len()),
        };
        let size = format!("{} × {}", shape.width, shape.height);
        reporter.state(EventKind::Warning(format!("{which} were cropped and resized to {size} to fit the model.")));
    }
    let summary = format!(
        "Read \u{201c}{}\u{201d}: {} images in {} groups",
        dataset.name(),
        thousands(dataset.len()),
        dataset.groups().len()
    );
    reporter.state(EventKind::DatasetLoaded(dataset));
    Ok(summary)
}

pub(super) fn query(workspace: &mut Workspace, path: &Path, reporter: &mut Reporter<'_>) -> Result<String> {
    let image = load_image(path, workspace.open_shape().ok_or_else(no_model)?)?;
    let generated = match whence_report::read_generation_record(path) {
        Some(record) if record.is_of(workspace.open_model()?.hash(), &image.pixels) => {
            Some(GenerateQuery { seed: record.seed, sampling: record.sampling })
        }
        _ => None,
    };
    let query = QueryImage {
        name: image.name,
        generated,
        origin: QueryOrigin::File(path.to_owned()),
        shape: image.shape,
        pixels: image.pixels,
        notes: image.notes,
    };
    let summary = format!("Opened {}", query.name);
    reporter.state(EventKind::QueryReady(Box::new(query)));
    Ok(summary)
}
