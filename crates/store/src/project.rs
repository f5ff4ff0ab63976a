//! A project: a folder that names a model, a dataset and queries, and stores what was computed from them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::files::{read_json, write_json};
use whence_base::{Error, Result};

/// File beside `project.json` with the state of the window.
pub const SESSION: &str = "session.json";

/// `project.json`. Paths are relative to its folder, or absolute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectFile {
    /// Version of this file's layout; this program writes and reads 1.
    pub schema_version: u32,
    /// Name on screen.
    pub name: String,
    /// The model's folder.
    #[serde(default)]
    pub model: Option<PathBuf>,
    /// The dataset.
    #[serde(default)]
    pub data: Option<PathBuf>,
    /// The query images.
    #[serde(default)]
    pub queries: Vec<PathBuf>,
    /// Settings of unlearning and scoring.
    #[serde(default)]
    pub recipe: Option<PathBuf>,
    /// Column of a parquet dataset that names the group, where the table leaves a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_column: Option<String>,
    /// Class of each group, for class-conditional models whose own files do not name their classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_map: Option<BTreeMap<String, usize>>,
}

impl ProjectFile {
    /// Every file and folder it names.
    pub fn paths(&self) -> Vec<&PathBuf> {
        self.model.iter().chain(&self.data).chain(&self.recipe).chain(&self.queries).collect()
    }
}

/// An opened project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its folder.
    pub root: PathBuf,
    /// Content of `project.json`, with paths made absolute.
    pub file: ProjectFile,
    /// Content of `session.json`, where there is a readable one.
    pub session: Option<serde_json::Value>,
}

impl Project {
    /// Opens a project folder.
    ///
    /// # Errors
    /// Folders without a `project.json`, and files of a later version.
    pub fn open(root: &Path) -> Result<Self> {
        let path = root.join("project.json");
        if !path.is_file() {
            return Err(Error::file(
                "this folder is not a project: it has no project.json",
                root,
                "choose a project folder, or open a model and a dataset instead",
            ));
        }
        let mut file: ProjectFile = read_json(&path)?;
        if file.schema_version != 1 {
            return Err(Error::file(
                format!("this project was written by a later version (layout {})", file.schema_version),
                &path,
                "update Whence",
            ));
        }
        let absolute = |p: &mut PathBuf| *p = root.join(&*p);
        file.model.as_mut().map(absolute);
        file.data.as_mut().map(absolute);
        file.recipe.as_mut().map(absolute);
        file.queries.iter_mut().for_each(absolute);
        let session_path = root.join(SESSION);
        let session = if session_path.is_file() {
            // The project is worth opening without it: a session is what the window showed, not what was computed.
            read_json(&session_path).inspect_err(|e| tracing::warn!("{e}: it is ignored")).ok()
        } else {
            None
        };
        Ok(Self { root: root.to_owned(), file, session })
    }

    /// Writes a new project.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn create(root: &Path, file: &ProjectFile) -> Result<()> {
        write_json(&root.join("project.json"), file)
    }

    /// Writes what it names now into its `project.json`; other entries of that file are not kept.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn save(&self) -> Result<()> {
        let mut file = self.file.clone();
        let relative = |path: &mut PathBuf| *path = relative_to(&self.root, path);
        file.model.as_mut().map(relative);
        file.data.as_mut().map(relative);
        file.recipe.as_mut().map(relative);
        file.queries.iter_mut().for_each(relative);
        Self::create(&self.root, &file)
    }

    /// Folder of this project's stored results.
    pub fn store(&self) -> PathBuf {
        self.root.join("store")
    }
}

/// A path as `project.json` names it: relative where it lies in the project's folder, so that the folder can be moved;
/// otherwise as it is.
pub fn relative_to(root: &Path, path: &Path) -> PathBuf {
    match path.strip_prefix(root) {
        Ok(inside) if inside.as_os_str().is_empty() => PathBuf::from("."),
        Ok(inside) => inside.to_owned(),
        Err(_) => path.to_owned(),
    }
}

/// Folder of the user's own files of the program: caches, the demo, device verdicts. The environment variable
/// `WHENCE_DATA` overrides it; without a home folder it is one for temporary files.
pub fn user_data_folder() -> PathBuf {
    if let Some(folder) = std::env::var_os("WHENCE_DATA").filter(|v| !v.is_empty()) {
        return folder.into();
    }
    match directories::ProjectDirs::from("", "", "whence") {
        Some(dirs) => dirs.data_dir().to_owned(),
        None => {
            static WARNED: std::sync::Once = std::sync::Once::new();
            let folder = std::env::temp_dir().join("whence");
            WARNED.call_once(|| {
                tracing::warn!("there is no home folder: {} is used, and may be emptied at any time", folder.display());
            });
            folder
        }
    }
}
