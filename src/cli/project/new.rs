//! `whence project new`.

use crate::cli::arguments::NewArguments;
use crate::cli::attribute::class_map;
use crate::cli::output::{self, path_text};
use whence_base::{Error, Result};
use whence_engine::{DataFacts, Field, Inspection, ModelFacts, NewProject, NewProjectError, new_project};

pub(super) fn run(arguments: &NewArguments) -> Result<()> {
    let absolute = |path| std::path::absolute(path).map_err(Error::io("read", path));
    let folder = absolute(&arguments.out)?;
    let own_name = || folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let new = NewProject {
        name: arguments.name.clone().unwrap_or_else(own_name),
        folder: folder.clone(),
        model: absolute(&arguments.model)?,
        data: absolute(&arguments.data)?,
        group_column: arguments.group_column.clone(),
        class_map: class_map(arguments.class_map.as_deref())?,
    };
    let found = new_project(&new, &mut |_, _| Ok(())).map_err(worded)?;
    let Inspection { model: Some(Ok(model)), data: Some(Ok(data)), .. } = found else {
        return Err(Error::internal("a project was made of parts that were not found"));
    };
    if arguments.json {
        return output::json(&document(&new, &model, &data));
    }
    let shape = model.shape;
    output::line(&format!(
        "Model: {}, {} × {}, {} parameters{}",
        model.architecture,
        shape.width,
        shape.height,
        model.parameters,
        model.classes.map_or_else(String::new, |n| format!(", {n} classes")),
    ))?;
    output::line(&format!("Dataset: {} images in {} groups", data.images, data.groups.len()))?;
    for (group, images) in &data.groups {
        output::line(&format!("{images:>8}  {group}"))?;
    }
    for note in &data.notes {
        output::line(note)?;
    }
    if data.resized > 0 {
        let (resized, all) = (data.resized, data.images);
        output::line(&format!("{resized} of {all} images are cropped and resized to fit the model"))?;
    }
    for skipped in &data.skipped {
        output::line(&format!("skipped: {}: {}", skipped.name, skipped.reason))?;
    }
    output::note(&format!("The project is in {}. Open it with: whence {}", folder.display(), folder.display()));
    Ok(())
}

/// An error with the option that it is about, where the error does not name a file itself.
fn worded(NewProjectError { field, error }: NewProjectError) -> Error {
    let option = match field {
        Field::Name => "--name",
        Field::Classes => "--class-map",
        Field::Model | Field::Data | Field::Folder => return error,
    };
    match error {
        Error::Input { what, remedy, .. } => Error::input(what, option, remedy),
        other => other,
    }
}

fn document(new: &NewProject, model: &ModelFacts, data: &DataFacts) -> serde_json::Value {
    let skipped = data.skipped.iter().map(|s| serde_json::json!({ "name": s.name, "reason": s.reason }));
    serde_json::json!({
        "project": path_text(&new.folder),
        "name": new.name,
        "model": {
            "architecture": model.architecture,
            "shape": [model.shape.channels, model.shape.height, model.shape.width],
            "parameters": model.parameters,
            "timesteps": model.timesteps,
            "classes": model.classes,
        },
        "dataset": {
            "images": data.images,
            "groups": data.groups.iter().map(|(name, n)| serde_json::json!({ "name": name, "images": n })).collect::<Vec<_>>(),
            "resized": data.resized,
            "skipped": skipped.collect::<Vec<_>>(),
            "notes": data.notes,
        },
    })
}
