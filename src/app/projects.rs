//! Projects in the window: making, copying and closing them, and whether they may be written.

mod access;
mod commands;
mod creating;
mod messages;
mod opening;

use std::path::PathBuf;

pub use access::Access;
pub use messages::ProjectMessage;

use super::files::PathKind;
use super::state::Slot;

/// What the user asks for about projects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProjectCommand {
    /// Open the dialog for a new project.
    New,
    /// Close that dialog; what was typed is forgotten.
    CancelNew,
    /// Stop reading the parts of the new project.
    StopInspecting,
    /// Make the project.
    Create,
    /// Open the dialog for a new project with this part.
    NewWith(PathKind, PathBuf),
    /// Put this part into the open project.
    Replace(PathKind, PathBuf),
    /// Open these as query images.
    OpenQueries(Vec<PathBuf>),
    /// Decide nothing about what was to be opened.
    CancelChoice,
    /// Copy the project.
    SaveCopy,
    /// Close the dialog for a copy, and stop copying.
    CancelCopy,
    /// Remove a project from the recent ones.
    RemoveRecent(PathBuf),
    /// Open the example.
    OpenExample,
    /// See whether the project can be written by now.
    TryAgain,
    /// Show where a file lies, in the system's file manager.
    ShowInFolder(PathBuf),
    /// Copy a text to the clipboard.
    CopyText(String),
    /// Show only this group's images in the library.
    ShowGroup(usize),
    /// Explain this query.
    Explain(u64),
}

/// A path that can be opened in several ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenChoice {
    /// A model or a dataset, while a project is open.
    Part(PathKind, PathBuf),
    /// A folder of images without groups.
    Loose {
        /// The folder.
        folder: PathBuf,
        /// Its images.
        images: Vec<PathBuf>,
    },
}

/// A part that replaces that of the open project once it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// The model or the dataset.
    pub slot: Slot,
    /// Where it lies.
    pub path: PathBuf,
}
