//! Projects: what their parts are, making one, copying one.

mod copy;
mod create;
mod inspect;

pub use copy::{NewCopy, copy_project};
pub use create::{Field, NewProject, NewProjectError, new_project};
pub use inspect::{DataFacts, Inspection, ModelFacts, Parts, inspect};

use std::path::PathBuf;

use burn::tensor::Device;
use whence_base::{Error, Result};
use whence_data::{Dataset, LoadOptions};
use whence_diffusion::Pipeline;
use whence_store::Project;

/// Hashes of a project's model and dataset as they are now.
///
/// # Errors
/// A project without model or dataset, and those of reading them.
pub fn project_inputs(project: &Project) -> Result<(String, String)> {
    let named = |path: &Option<PathBuf>, what: &str| {
        path.clone().ok_or_else(|| {
            Error::file(
                format!("the project names no {what}, so the results that belong to it are unknown"),
                &project.root,
                "open it in Whence, choose one and save, or remove unneeded results by hand",
            )
        })
    };
    let model = Pipeline::load(&named(&project.file.model, "model")?, &Device::flex())?;
    let options = LoadOptions {
        shape: Some(model.image_shape()),
        group_column: project.file.group_column.clone(),
        ..LoadOptions::default()
    };
    let dataset = Dataset::load(&named(&project.file.data, "dataset")?, &options, &mut |_, _| Ok(()))?;
    Ok((model.hash().to_owned(), dataset.hash().to_owned()))
}
