//! What is typed for a copy of the project.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::new_project::projects_folder;
use crate::app::files;
use whence_engine::NewCopy;
use whence_store::Project;

/// The contents of the dialog for a copy.
#[derive(Clone, Debug, Default)]
pub struct SaveAsForm {
    /// Whether it is on screen.
    pub open: bool,
    /// Name of the copy.
    pub name: String,
    /// Its folder.
    pub folder: String,
    /// What is wrong.
    pub error: Option<String>,
    /// Whether the project is being copied; set to true in order to stop.
    pub copying: Option<Arc<AtomicBool>>,
    /// Files copied so far, and how many there are.
    pub progress: Option<(usize, usize)>,
    /// Whether the first field shall get the cursor.
    pub focus: bool,
}

impl SaveAsForm {
    /// Opens the form with suggestions for this project.
    pub fn show(&mut self, project: &Project) {
        let name = format!("{} copy", project.file.name);
        let folder = projects_folder().join(whence_store::folder_name(&name)).display().to_string();
        *self = Self { open: true, name, folder, focus: true, ..Self::default() };
    }

    /// Closes the form, and stops copying.
    pub fn close(&mut self) {
        if let Some(copying) = &self.copying {
            copying.store(true, Ordering::Relaxed);
        }
        *self = Self::default();
    }

    /// The copy as it is typed.
    ///
    /// # Errors
    /// What is missing.
    pub fn request(&self, from: &Path) -> Result<NewCopy, &'static str> {
        if self.copying.is_some() {
            return Err("The project is being copied");
        }
        if self.name.trim().is_empty() {
            return Err("Give the copy a name");
        }
        let Some(folder) = files::typed(&self.folder) else { return Err("Choose a folder for the copy") };
        let to: PathBuf = files::absolute(&folder);
        Ok(NewCopy { from: from.to_owned(), to, name: self.name.trim().to_owned() })
    }
}
