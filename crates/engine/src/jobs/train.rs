//! Training a model.

use super::warn_of_skipped;
use crate::reporter::Reporter;
use crate::workspace::Workspace;
use whence_base::{Error, Result, Setting};
use whence_data::ImageShape;
use whence_diffusion::{Codec, sample_shape};
use whence_jobs::{EventKind, TrainJob};
use whence_models::default_network;
use whence_store::FolderLock;
use whence_training::{LeftOut, Training};

/// The next larger shape that the default network can halve often enough, where this one is not.
fn divisible(shape: ImageShape) -> Option<ImageShape> {
    let up = |n: usize| n.next_multiple_of(4).max(8);
    let rounded = ImageShape { height: up(shape.height), width: up(shape.width), ..shape };
    (rounded != shape).then_some(rounded)
}

pub(super) fn run(workspace: &mut Workspace, job: &TrainJob, reporter: &mut Reporter<'_>) -> Result<String> {
    job.config.check()?;
    workspace.choose_column(job.group_column.as_deref());
    let shape = job.config.network.as_ref().map(|n| n.sample_shape()).transpose()?;
    let shape =
        shape.map(|s| Ok::<_, Error>(Codec::for_pixels(s, "training settings: network")?.image_shape())).transpose()?;
    let dataset = workspace.dataset(&job.data, shape, &mut |d, t| reporter.within("reading images", d, t, 0.0))?;
    let dataset = match divisible(dataset.shape()).filter(|_| shape.is_none()) {
        None => dataset,
        Some(rounded) => {
            let text =
                format!("the images are resized to {}x{}, which the network can halve", rounded.width, rounded.height);
            reporter.state(EventKind::Warning(text));
            workspace.dataset(&job.data, Some(rounded), &mut |d, t| reporter.within("reading images", d, t, 0.0))?
        }
    };
    warn_of_skipped(&dataset, reporter);
    let excluded = match &job.exclude_group {
        None => None,
        Some(name) => Some(dataset.groups().iter().position(|g| g == name).ok_or_else(|| {
            Error::setting(
                format!("the dataset has no group {name}"),
                [Setting::ExcludeGroup],
                format!("its groups are {}", dataset.groups().join(", ")),
            )
        })?),
    };
    if excluded.is_some() && dataset.groups().len() < 2 {
        return Err(Error::setting(
            "the only group is left out",
            [Setting::ExcludeGroup],
            "give a dataset of at least two groups",
        ));
    }
    let network = job.config.network.clone().unwrap_or_else(|| default_network(sample_shape(dataset.shape())));
    let device = workspace.device(&network)?;
    if let Some(warning) = device.warning {
        reporter.state(EventKind::Warning(warning));
    }
    let left_out = LeftOut::groups(excluded);
    // Before the finished run is looked for: another process may be about to finish it.
    let _lock = FolderLock::acquire(&job.out)?;
    let training = Training {
        dataset: &dataset,
        config: &job.config,
        left_out: &left_out,
        conditions: None,
        out: &job.out,
        device: &device.device,
    };
    if training.finished()?.is_some() {
        return Ok(format!("The model is in {}, trained before by these settings", job.out.display()));
    }
    let mut loss = f32::NAN;
    let mut first = None;
    training.run(&mut |step| {
        loss = step.loss.unwrap_or(loss);
        // Steps of an earlier run must not count towards the remaining time.
        let begun = *first.get_or_insert(step.step);
        let phase = if begun > 0 && step.step == begun {
            format!("resuming at step {begun}")
        } else if loss.is_nan() {
            "training".to_owned()
        } else {
            format!("step {} of {}, loss {loss:.4}", step.step, step.steps)
        };
        reporter.within(&phase, step.step - begun, step.steps.saturating_sub(begun), 1.0)
    })?;
    let last = if loss.is_nan() { String::new() } else { format!("; last loss {loss:.4}") };
    Ok(format!("The model is in {}{last}", job.out.display()))
}
