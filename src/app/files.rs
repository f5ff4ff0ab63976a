//! Opening things: the system's dialogs, and what a path holds.

use std::path::{Path, PathBuf};

use whence_report::carries_recipe;

/// What is asked for in a dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// Any folder: what it holds decides.
    Folder,
    /// A project folder.
    Project,
    /// A model folder.
    Model,
    /// A dataset folder.
    Dataset,
    /// A dataset file.
    Table,
    /// An image.
    Query,
    /// A file to export to.
    Export,
}

impl Pick {
    /// Title of the dialog.
    pub fn title(self) -> &'static str {
        match self {
            Self::Folder => "Open a project, model or dataset folder",
            Self::Project => "Open a project folder",
            Self::Model => "Open a model folder",
            Self::Dataset => "Open a dataset folder",
            Self::Table => "Open a dataset file",
            Self::Query => "Open an image",
            Self::Export => "Save as",
        }
    }

    /// What the chosen path is opened as; looked up where the choice leaves it open.
    pub fn kind(self) -> Option<Kind> {
        match self {
            Self::Folder | Self::Export => None,
            Self::Project => Some(Kind::Project),
            Self::Model => Some(Kind::Model),
            Self::Dataset | Self::Table => Some(Kind::Dataset),
            Self::Query => Some(Kind::Query),
        }
    }
}

/// What a path holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A project folder.
    Project,
    /// A model folder.
    Model,
    /// A dataset.
    Dataset,
    /// An image.
    Query,
    /// An image of a view, which opens the view again.
    View,
    /// Nothing: there is no such path.
    Missing,
}

impl Kind {
    /// Its name in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Model => "model",
            Self::Dataset => "dataset",
            Self::Query => "image",
            Self::View => "view",
            Self::Missing => "missing file",
        }
    }

    /// Guesses from the name alone, without looking at the disk; nothing for what may be a folder.
    pub fn of_name(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            image if whence_data::IMAGE_EXTENSIONS.contains(&image) => Some(Self::Query),
            "parquet" => Some(Self::Dataset),
            _ => None,
        }
    }

    /// Looks at the disk.
    pub fn of(path: &Path) -> Self {
        if path.is_dir() {
            let has = |name: &str| path.join(name).is_file();
            return if has("project.json") {
                Self::Project
            } else if has("config.json") || has("model_index.json") {
                Self::Model
            } else {
                Self::Dataset
            };
        }
        match path.file_name().and_then(|n| n.to_str()) {
            _ if !path.exists() => Self::Missing,
            Some("project.json") => Self::Project,
            Some("config.json" | "model_index.json") => Self::Model,
            _ if carries_recipe(path) => Self::View,
            _ => Self::of_name(path).unwrap_or(Self::Query),
        }
    }

    /// The path to open: the folder, where its manifest was named.
    pub fn root(self, path: &Path) -> PathBuf {
        let manifest = matches!(self, Self::Project | Self::Model) && path.is_file();
        path.parent().filter(|_| manifest).unwrap_or(path).to_owned()
    }
}

/// Cleans a typed path: quotes and `file://` come from other programs, `~` from habit.
pub fn typed(text: &str) -> Option<PathBuf> {
    let text = text.trim().trim_matches(['"', '\'']).trim();
    let text = text.strip_prefix("file://").unwrap_or(text);
    if text.is_empty() {
        return None;
    }
    if let (Some(rest), Some(home)) = (text.strip_prefix("~/"), directories::UserDirs::new()) {
        return Some(home.home_dir().join(rest));
    }
    Some(PathBuf::from(text))
}

/// Where dialogs come from. Called on a thread of its own; may take as long as the user likes.
pub trait FilePicker: Send + Sync {
    /// The chosen path; none where the user changed their mind.
    fn pick(&self, what: Pick) -> Option<PathBuf>;
}

/// The system's own dialogs.
#[derive(Debug, Default)]
pub struct SystemPicker;

impl FilePicker for SystemPicker {
    fn pick(&self, what: Pick) -> Option<PathBuf> {
        let dialog = rfd::AsyncFileDialog::new().set_title(what.title());
        let chosen = match what {
            Pick::Query => pollster::block_on(dialog.add_filter("Images", &whence_data::IMAGE_EXTENSIONS).pick_file()),
            Pick::Export => pollster::block_on(dialog.save_file()),
            Pick::Table => pollster::block_on(dialog.add_filter("Parquet tables", &["parquet"]).pick_file()),
            Pick::Folder | Pick::Project | Pick::Model | Pick::Dataset => pollster::block_on(dialog.pick_folder()),
        };
        chosen.map(|file| file.path().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_decides_what_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (name, file) in [("p", "project.json"), ("m", "config.json"), ("n", "model_index.json"), ("d", "0.txt")] {
            std::fs::create_dir(at(name)).unwrap();
            std::fs::write(at(name).join(file), "").unwrap();
        }
        std::fs::write(at("a.PNG"), "").unwrap();
        std::fs::write(at("t.parquet"), "").unwrap();
        assert_eq!(Kind::of(&at("p")), Kind::Project);
        assert_eq!(Kind::of(&at("m")), Kind::Model);
        assert_eq!(Kind::of(&at("n")), Kind::Model);
        assert_eq!(Kind::of(&at("d")), Kind::Dataset);
        assert_eq!(Kind::of(&at("a.PNG")), Kind::Query);
        let recipe = whence_report::ViewRecipe::default();
        whence_report::write_recipe_png(&at("v.png"), &[0; 3], (1, 1), &recipe).unwrap();
        assert_eq!(Kind::of(&at("v.png")), Kind::View);
        assert_eq!(Kind::of(&at("t.parquet")), Kind::Dataset);
        assert_eq!(Kind::of(&at("gone.png")), Kind::Missing);
        let manifest = at("p").join("project.json");
        assert_eq!(Kind::of(&manifest).root(&manifest), at("p"));
    }

    #[test]
    fn typed_paths_are_cleaned() {
        assert_eq!(typed("  \"/a b/c\" "), Some(PathBuf::from("/a b/c")));
        assert_eq!(typed("file:///a"), Some(PathBuf::from("/a")));
        assert_eq!(typed("  "), None);
    }
}
