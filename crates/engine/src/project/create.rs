//! Making a project of a model and a dataset.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::inspect::{Inspection, Parts, inspect};
use whence_base::{Error, Result};
use whence_store::{Project, ProjectFile, relative_to};

/// What a new project is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewProject {
    /// Its folder: a new one, or one that holds nothing but the parts below.
    pub folder: PathBuf,
    /// Its name on screen.
    pub name: String,
    /// Model folder.
    pub model: PathBuf,
    /// Dataset.
    pub data: PathBuf,
    /// Column of a parquet dataset that names the group.
    pub group_column: Option<String>,
    /// Class of each group, for class-conditional models whose own files do not name their classes.
    pub class_map: Option<BTreeMap<String, usize>>,
}

/// What an error of a new project is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The model.
    Model,
    /// The dataset.
    Data,
    /// The classes of the groups.
    Classes,
    /// The name.
    Name,
    /// The project's folder.
    Folder,
}

/// Why a project was not made.
#[derive(Debug)]
pub struct NewProjectError {
    /// What it is about.
    pub field: Field,
    /// What is wrong, and what to do.
    pub error: Error,
}

impl NewProjectError {
    fn new(field: Field, error: Error) -> Self {
        Self { field, error }
    }
}

/// Makes a project: checks its parts and writes `project.json`. It names these parts and nothing else, so that no other
/// project's images, recipe or results become its own. Returns what was found of the parts.
///
/// # Errors
/// Parts that cannot be used, with the field that gives them; a folder that holds anything else; and those of `progress`.
/// Nothing is written then.
pub fn new_project(
    new: &NewProject,
    progress: &mut dyn FnMut(usize, usize) -> Result<()>,
) -> std::result::Result<Inspection, NewProjectError> {
    let fail = NewProjectError::new;
    let name = new.name.trim();
    if name.is_empty() {
        let error = Error::input("the project has no name", "name", "give it one");
        return Err(fail(Field::Name, error));
    }
    let whole = |path: &Path, field| path.canonicalize().map_err(|e| fail(field, Error::io("read", path)(e)));
    let (model, data) = (whole(&new.model, Field::Model)?, whole(&new.data, Field::Data)?);
    let was_there = new.folder.exists();
    // Before the images are read, which may take long.
    let folder = free_folder(&new.folder, &[&model, &data]).map_err(|e| fail(Field::Folder, e))?;
    make(new, name, &folder, (model, data), progress).inspect_err(|_| {
        if !was_there {
            // Made above. A folder that holds anything stays.
            let _ = std::fs::remove_dir(&folder);
        }
    })
}

/// The same in a folder that is free, from paths that exist.
fn make(
    new: &NewProject,
    name: &str,
    folder: &Path,
    (model, data): (PathBuf, PathBuf),
    progress: &mut dyn FnMut(usize, usize) -> Result<()>,
) -> std::result::Result<Inspection, NewProjectError> {
    let fail = NewProjectError::new;
    let parts = Parts { model: Some(model.clone()), data: Some(data.clone()), group_column: new.group_column.clone() };
    let found = inspect(&parts, progress).map_err(|e| fail(Field::Data, e))?;
    let refused = |field, text: &str| fail(field, Error::Job(text.into()));
    match (&found.model, &found.data) {
        (Some(Err(text)), _) => return Err(refused(Field::Model, text)),
        (_, Some(Err(text))) => return Err(refused(Field::Data, text)),
        (Some(Ok(facts)), Some(Ok(dataset))) => {
            let classes = facts.classes_of(&dataset.group_names(), new.class_map.as_ref());
            classes.map_err(|e| fail(Field::Classes, e))?;
        }
        _ => {}
    }
    let file = ProjectFile {
        schema_version: 1,
        name: name.to_owned(),
        model: Some(relative_to(folder, &model)),
        data: Some(relative_to(folder, &data)),
        queries: Vec::new(),
        recipe: None,
        group_column: new.group_column.clone(),
        class_map: new.class_map.clone(),
    };
    Project::create(folder, &file).map_err(|e| fail(Field::Folder, e))?;
    Ok(found)
}

/// The folder from the root on; made where it is missing.
///
/// # Errors
/// A file of this name, a folder that holds anything but the parts, and where the system refuses.
fn free_folder(folder: &Path, parts: &[&Path]) -> Result<PathBuf> {
    if folder.as_os_str().is_empty() {
        return Err(Error::input("the project has no folder", "folder", "choose a new or empty folder"));
    }
    if folder.exists() && !folder.is_dir() {
        return Err(Error::file("there is a file of this name", folder, "choose another folder"));
    }
    // Before anything is made: a folder within the dataset would be read as a group.
    if let Some(part) = parts.iter().find(|part| whence_store::would_be_inside(folder, part)) {
        let what = format!("this folder lies inside {}, which the project is to use", part.display());
        return Err(Error::file(what, folder, "choose a folder outside"));
    }
    whence_store::check_writable(folder)?;
    let folder = folder.canonicalize().map_err(Error::io("read", folder))?;
    if folder.join("project.json").exists() {
        return Err(Error::file("this folder already is a project", &folder, "open it, or choose another folder"));
    }
    for entry in std::fs::read_dir(&folder).map_err(Error::io("read", &folder))? {
        let path = entry.map_err(Error::io("read", &folder))?.path();
        // Models and datasets may lie in the project already, so that it can be moved as a whole.
        if !parts.iter().any(|part| part.starts_with(&path)) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let what = format!("this folder is not empty: it holds {name}");
            return Err(Error::file(what, &folder, "choose a new or empty folder"));
        }
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use whence_data::ImageShape;
    use whence_diffusion::{Pipeline, SchedulerConfig};
    use whence_nn::weights::Precision;

    struct Scene(tempfile::TempDir);

    impl Scene {
        fn new() -> Self {
            let scene = Self(tempfile::tempdir().unwrap());
            scene.model("model");
            scene.images("images", 3);
            scene
        }

        fn at(&self, name: &str) -> PathBuf {
            self.0.path().canonicalize().unwrap().join(name)
        }

        fn model(&self, name: &str) {
            let shape = ImageShape { channels: 1, height: 8, width: 8 };
            let network = whence_models::default_network(whence_diffusion::sample_shape(shape));
            let device = burn::tensor::Device::flex();
            Pipeline::with_random_weights(&network, &SchedulerConfig::default(), 1, &device)
                .unwrap()
                .save(&self.at(name), Precision::Float32)
                .unwrap();
        }

        fn images(&self, name: &str, groups: usize) {
            for group in 0..groups {
                let folder = self.at(name).join(format!("g{group}"));
                std::fs::create_dir_all(&folder).unwrap();
                for i in 0..=group {
                    write_png(&folder.join(format!("{i}.png")), if i == 0 { 8 } else { 16 });
                }
            }
        }

        fn parts(&self) -> NewProject {
            NewProject {
                folder: self.at("mine"),
                name: " Mine ".into(),
                model: self.at("model"),
                data: self.at("images"),
                ..NewProject::default()
            }
        }
    }

    fn write_png(path: &Path, side: u32) {
        let shape = ImageShape { channels: 1, height: side as usize, width: side as usize };
        let pixels = vec![(side * 3) as u8; shape.numel()];
        whence_report::write_png(path, &pixels, shape).unwrap();
    }

    fn make(new: &NewProject) -> std::result::Result<Inspection, (Field, String)> {
        new_project(new, &mut |_, _| Ok(())).map_err(|e| (e.field, e.error.to_string()))
    }

    #[test]
    fn a_project_names_its_parts_and_nothing_else() {
        let scene = Scene::new();
        let found = make(&scene.parts()).unwrap();
        let model = found.model.unwrap().unwrap();
        assert_eq!((model.architecture.as_str(), model.shape.width, model.classes), ("UNet2DModel", 8, None));
        assert!(model.parameters > 1000);
        let data = found.data.unwrap().unwrap();
        assert_eq!(data.groups, [("g0".to_owned(), 1), ("g1".to_owned(), 2), ("g2".to_owned(), 3)]);
        assert_eq!((data.images, data.resized), (6, 3));
        let project = Project::open(&scene.at("mine")).unwrap();
        assert_eq!((project.file.name.as_str(), &project.file.queries, &project.file.recipe), ("Mine", &vec![], &None));
        assert_eq!((project.file.model, project.file.data), (Some(scene.at("model")), Some(scene.at("images"))));
        assert_eq!(std::fs::read_dir(scene.at("mine")).unwrap().count(), 1, "no store, no images, no recipe");
        let again = make(&scene.parts()).unwrap_err();
        assert!(again.0 == Field::Folder && again.1.contains("already is a project"), "{again:?}");
    }

    #[test]
    fn parts_inside_the_folder_are_relative_so_that_it_can_be_moved() {
        let scene = Scene::new();
        scene.model("all/model");
        scene.images("all/pictures/train", 2);
        let new = NewProject {
            folder: scene.at("all"),
            model: scene.at("all/model"),
            data: scene.at("all/pictures"),
            ..scene.parts()
        };
        make(&new).unwrap();
        let text = std::fs::read_to_string(scene.at("all/project.json")).unwrap();
        assert!(text.contains(r#""model": "model""#) && text.contains(r#""data": "pictures""#), "{text}");
        std::fs::rename(scene.at("all"), scene.at("moved")).unwrap();
        assert_eq!(Project::open(&scene.at("moved")).unwrap().file.model, Some(scene.at("moved/model")));
    }

    #[test]
    fn each_fault_is_told_of_its_field_and_writes_nothing() {
        let scene = Scene::new();
        scene.images("single", 1);
        std::fs::create_dir(scene.at("full")).unwrap();
        std::fs::write(scene.at("full/letter.txt"), "").unwrap();
        std::fs::write(scene.at("file"), "").unwrap();
        let parts = scene.parts();
        let cases = [
            (NewProject { name: "  ".into(), ..parts.clone() }, Field::Name, "no name"),
            (NewProject { model: scene.at("gone"), ..parts.clone() }, Field::Model, "gone"),
            (NewProject { model: scene.at("images"), ..parts.clone() }, Field::Model, "config.json"),
            (NewProject { data: scene.at("gone"), ..parts.clone() }, Field::Data, "gone"),
            (NewProject { data: scene.at("single"), ..parts.clone() }, Field::Data, "only one group"),
            (NewProject { folder: scene.at("full"), ..parts.clone() }, Field::Folder, "letter.txt"),
            (NewProject { folder: scene.at("file"), ..parts.clone() }, Field::Folder, "a file of this name"),
            (NewProject { folder: scene.at("images/new"), ..parts.clone() }, Field::Folder, "inside"),
            (NewProject { folder: PathBuf::new(), ..parts.clone() }, Field::Folder, "no folder"),
            (
                NewProject { class_map: Some([("g0".to_owned(), 0)].into()), ..parts.clone() },
                Field::Classes,
                "knows no classes",
            ),
        ];
        for (new, field, text) in cases {
            let (found, error) = make(&new).unwrap_err();
            assert!(found == field && error.contains(text), "{field:?}: {error}");
            assert!(!new.folder.join("project.json").exists());
            assert!(!scene.at("mine").exists(), "an empty folder is left behind");
            assert!(!scene.at("images/new").exists(), "a folder in the dataset would be a group");
        }
    }
}
