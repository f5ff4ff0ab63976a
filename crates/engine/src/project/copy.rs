//! Saving a project under another name.

use std::path::{Component, Path, PathBuf};

use whence_base::{Error, Result};
use whence_store::{Project, copy_folder};

/// A copy of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCopy {
    /// The project.
    pub from: PathBuf,
    /// Folder of the copy: a new or an empty one.
    pub to: PathBuf,
    /// Name of the copy on screen.
    pub name: String,
}

/// Copies a project's whole folder: its results, its images, and the model and the dataset where they lie in it. What lies
/// outside is not copied, and named by its full path. `progress` gets the number of files copied, and how many there are.
///
/// # Errors
/// Folders that are no project, a target that holds something, and those of copying; nothing is left behind then.
pub fn copy_project(copy: &NewCopy, progress: &mut dyn FnMut(usize, usize) -> Result<()>) -> Result<()> {
    if copy.name.trim().is_empty() {
        return Err(Error::input("the copy has no name", "name", "give it one"));
    }
    let mut project = Project::open(&copy.from)?;
    copy_folder(&copy.from, &copy.to, progress)?;
    // Paths with `..` leave the folder: seen from the copy, they would lead elsewhere.
    let outside = |path: &Path| path.components().any(|c| c == Component::ParentDir);
    let moved = |path: &mut PathBuf| match path.strip_prefix(&copy.from) {
        Ok(inside) if !outside(inside) => *path = copy.to.join(inside),
        _ => *path = path.canonicalize().unwrap_or_else(|_| path.clone()),
    };
    let file = &mut project.file;
    file.model.as_mut().map(moved);
    file.data.as_mut().map(moved);
    file.recipe.as_mut().map(moved);
    file.queries.iter_mut().for_each(moved);
    copy.name.trim().clone_into(&mut file.name);
    project.root.clone_from(&copy.to);
    project.save()
}

#[cfg(test)]
mod tests {
    use super::*;
    use whence_store::ProjectFile;

    #[test]
    fn a_copy_stands_on_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let at = |name: &str| root.join(name);
        for name in ["a/model", "a/store", "data"] {
            std::fs::create_dir_all(at(name)).unwrap();
        }
        std::fs::write(at("a/model/config.json"), "{}").unwrap();
        let file = ProjectFile {
            schema_version: 1,
            name: "A".into(),
            model: Some("model".into()),
            data: Some("../data".into()),
            queries: vec!["model/config.json".into(), at("data/q.png")],
            ..ProjectFile::default()
        };
        Project::create(&at("a"), &file).unwrap();
        let copy = NewCopy { from: at("a"), to: at("b/c"), name: "B".into() };
        copy_project(&copy, &mut |_, _| Ok(())).unwrap();
        let copied = Project::open(&at("b/c")).unwrap();
        assert_eq!((copied.file.name.as_str(), copied.file.model), ("B", Some(at("b/c/model"))));
        assert_eq!(copied.file.data, Some(at("data")));
        assert_eq!(copied.file.queries, [at("b/c/model/config.json"), at("data/q.png")]);
        assert!(at("b/c/model/config.json").is_file());
        assert_eq!(Project::open(&at("a")).unwrap().file.name, "A");
        assert!(copy_project(&copy, &mut |_, _| Ok(())).unwrap_err().to_string().contains("not empty"));
    }
}
