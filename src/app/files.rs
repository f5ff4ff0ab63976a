//! Opening things: the system's dialogs, and what a path holds.

use std::path::{Component, Path, PathBuf};

use url::Url;

use whence_report::carries_recipe;

/// What a dialog lets the user choose.
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
    /// The model of a new project.
    NewModel,
    /// The dataset of a new project.
    NewDataset,
    /// A dataset file of a new project.
    NewTable,
    /// The folder of a new project.
    NewFolder,
    /// The folder of a copy of the project.
    CopyFolder,
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
            Self::NewModel => "Choose a model folder",
            Self::NewDataset => "Choose a dataset folder",
            Self::NewTable => "Choose a dataset file",
            Self::NewFolder | Self::CopyFolder => "Choose a folder for the project",
        }
    }

    /// What the chosen path is opened as; none where its content decides.
    pub fn kind(self) -> Option<PathKind> {
        match self {
            Self::Folder | Self::Dataset | Self::Export | Self::NewFolder | Self::CopyFolder => None,
            Self::Project => Some(PathKind::Project),
            Self::Model | Self::NewModel => Some(PathKind::Model),
            Self::Table | Self::NewDataset | Self::NewTable => Some(PathKind::Dataset),
            Self::Query => Some(PathKind::Query),
        }
    }
}

/// What a path holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathKind {
    /// A project folder.
    Project,
    /// A model folder.
    Model,
    /// A dataset.
    Dataset,
    /// A folder of images without groups.
    Images,
    /// An image.
    Query,
    /// An image of a view, which opens the view again.
    View,
    /// Nothing: there is no such path.
    Missing,
}

impl PathKind {
    /// Its name in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Model => "model",
            Self::Dataset => "dataset",
            Self::Images => "folder of images",
            Self::Query => "image",
            Self::View => "view",
            Self::Missing => "missing file",
        }
    }

    /// Guesses from the name alone, without access to the disk; none for what may be a folder.
    pub fn of_name(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            image if whence_data::IMAGE_EXTENSIONS.contains(&image) => Some(Self::Query),
            "parquet" => Some(Self::Dataset),
            // Opened as a model, a pickle or a single file is told why it cannot be used.
            "safetensors" | "pt" | "pth" | "ckpt" | "bin" | "pkl" | "pickle" => Some(Self::Model),
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
            } else if whence_data::loose_images(path).is_empty() {
                Self::Dataset
            } else {
                Self::Images
            };
        }
        match path.file_name().and_then(|n| n.to_str()) {
            _ if !path.exists() => Self::Missing,
            // Reading a pipe or a device may wait for ever; opening it as an image says what is wrong with it.
            _ if !path.is_file() => Self::Query,
            Some("project.json") => Self::Project,
            Some("config.json" | "model_index.json") => Self::Model,
            _ if carries_recipe(path) => Self::View,
            _ => Self::of_name(path).unwrap_or(Self::Query),
        }
    }

    /// The path to open: the folder, where its manifest was named.
    pub fn root(self, path: &Path) -> PathBuf {
        let named = path.file_name().and_then(|n| n.to_str());
        let named = matches!(named, Some("project.json" | "config.json" | "model_index.json"));
        let manifest = named && matches!(self, Self::Project | Self::Model) && path.is_file();
        path.parent().filter(|_| manifest).unwrap_or(path).to_owned()
    }
}

/// Cleans a typed path: quotes and `file:` URLs come from other programs, `~` from habit. None where nothing is typed.
pub fn typed(text: &str) -> Option<PathBuf> {
    let text = text.trim().trim_matches(['"', '\'']).trim();
    if text.is_empty() {
        return None;
    }
    if text.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("file:/")) {
        // A URL that names no local file is kept as it is, so that the error shows it.
        return Some(Url::parse(text).ok().and_then(|url| url.to_file_path().ok()).unwrap_or_else(|| text.into()));
    }
    if let (Some(rest), Some(home)) = (text.strip_prefix("~/"), directories::UserDirs::new()) {
        return Some(home.home_dir().join(rest));
    }
    Some(PathBuf::from(text))
}

/// The path from the root on, without `..`: what is remembered of it holds in any working folder. Looks at the disk where
/// the path has `..`, because a link may lie before it.
pub fn absolute(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    if !whole.components().any(|c| c == Component::ParentDir) {
        return whole;
    }
    whole.canonicalize().unwrap_or(whole)
}

/// A path that a project's own files name, as it may be opened without asking the user.
///
/// # Errors
/// Paths on another computer: on some systems, opening them sends the user's name and password hash there. A project that
/// lies on that computer itself may name them.
pub fn path_in_project(root: &Path, path: &Path) -> Result<PathBuf, String> {
    let whole = root.join(path);
    if is_network_path(path) && !path.starts_with(root) {
        return Err("it is on another computer. Open it yourself if you trust this project".into());
    }
    Ok(whole)
}

/// Fails where a relative path leaves its folder.
pub fn stays_inside(path: &Path) -> Result<(), String> {
    let inside = |c: Component<'_>| matches!(c, Component::Normal(_) | Component::CurDir);
    if path.is_absolute() || is_network_path(path) || path.components().all(inside) {
        return Ok(());
    }
    Err("its path leaves the project's folder. Open it yourself if you trust this project".into())
}

/// Whether a path names a share on another computer (`\\host\share`), which Windows opens by logging in there.
pub fn is_network_path(path: &Path) -> bool {
    let text = path.to_string_lossy().replace('/', "\\");
    // Elsewhere, two slashes are as good as one.
    let slashes = cfg!(windows) || path.to_string_lossy().starts_with('\\');
    match text.strip_prefix(r"\\?\") {
        Some(verbatim) => verbatim.get(..4).is_some_and(|p| p.eq_ignore_ascii_case(r"UNC\")),
        None => slashes && text.starts_with(r"\\"),
    }
}

/// Opens dialogs. Called on a thread of its own; may take as long as the user likes.
pub trait FilePicker: Send + Sync {
    /// The chosen path; none where the user cancelled.
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
            Pick::NewTable | Pick::Table => {
                pollster::block_on(dialog.add_filter("Parquet tables", &["parquet"]).pick_file())
            }
            Pick::Export => pollster::block_on(dialog.save_file()),
            Pick::Folder
            | Pick::Project
            | Pick::Model
            | Pick::Dataset
            | Pick::NewModel
            | Pick::NewDataset
            | Pick::NewFolder
            | Pick::CopyFolder => pollster::block_on(dialog.pick_folder()),
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
        std::fs::write(at("w.CKPT"), "").unwrap();
        for (name, file) in [("p", "project.json"), ("m", "config.json"), ("n", "model_index.json"), ("d", "0.txt")] {
            std::fs::create_dir(at(name)).unwrap();
            std::fs::write(at(name).join(file), "").unwrap();
        }
        std::fs::write(at("a.PNG"), "").unwrap();
        std::fs::write(at("t.parquet"), "").unwrap();
        assert_eq!(PathKind::of(&at("p")), PathKind::Project);
        assert_eq!(PathKind::of(&at("m")), PathKind::Model);
        assert_eq!(PathKind::of(&at("n")), PathKind::Model);
        assert_eq!(PathKind::of(&at("d")), PathKind::Dataset);
        std::fs::create_dir(at("loose")).unwrap();
        std::fs::write(at("loose").join("a.jpg"), "").unwrap();
        assert_eq!(PathKind::of(&at("loose")), PathKind::Images);
        assert_eq!(PathKind::of(&at("a.PNG")), PathKind::Query);
        assert_eq!(PathKind::of(&at("w.CKPT")), PathKind::Model);
        assert_eq!(PathKind::Model.root(&at("w.CKPT")), at("w.CKPT"), "the file itself");
        let recipe = whence_report::ViewRecipe::default();
        whence_report::write_recipe_png(&at("v.png"), &[0; 3], (1, 1), &recipe).unwrap();
        assert_eq!(PathKind::of(&at("v.png")), PathKind::View);
        assert_eq!(PathKind::of(&at("t.parquet")), PathKind::Dataset);
        assert_eq!(PathKind::of(&at("gone.png")), PathKind::Missing);
        let manifest = at("p").join("project.json");
        assert_eq!(PathKind::of(&manifest).root(&manifest), at("p"));
    }

    #[test]
    fn typed_paths_are_cleaned() {
        assert_eq!(typed("  \"/a b/c\" "), Some(PathBuf::from("/a b/c")));
        assert_eq!(typed("  "), None);
        assert_eq!(typed("file:///"), typed("FILE:///"));
    }

    #[cfg(unix)]
    #[test]
    fn file_urls_are_decoded() {
        for (text, path) in [
            ("file:///a", "/a"),
            ("file:///a%20b/%C3%BC.png", "/a b/ü.png"),
            ("file://localhost/a", "/a"),
            ("'FILE:///a#b'", "/a"),
            ("file://elsewhere/a", "file://elsewhere/a"),
            ("/a%20b", "/a%20b"),
        ] {
            assert_eq!(typed(text), Some(PathBuf::from(path)), "{text}");
        }
    }

    #[cfg(windows)]
    #[test]
    fn file_urls_are_decoded() {
        for (text, path) in [("file:///C:/a%20b", r"C:\a b"), ("file://host/share/a", r"\\host\share\a")] {
            assert_eq!(typed(text), Some(PathBuf::from(path)), "{text}");
        }
    }

    #[test]
    fn paths_are_remembered_from_the_root_on() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(absolute(Path::new("a/b")), here.join("a/b"));
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        std::fs::create_dir(folder.join("a")).unwrap();
        assert_eq!(absolute(&folder.join("a/..")), folder);
    }

    #[test]
    fn projects_name_no_paths_on_other_computers() {
        let root = Path::new("/p");
        for path in [r"\\host\share\q.png", r"\\?\UNC\host\share\q.png", r"\/host/q.png"] {
            assert!(path_in_project(root, Path::new(path)).is_err(), "{path}");
        }
        for path in ["q.png", "/elsewhere/q.png", "../q.png", r"\\?\C:\q.png"] {
            assert_eq!(path_in_project(root, Path::new(path)), Ok(root.join(path)), "{path}");
        }
        let share = Path::new(r"\\host\share");
        assert!(path_in_project(share, &share.join("q.png")).is_ok(), "the project itself was opened from there");
    }

    #[test]
    fn relative_paths_stay_inside_their_folder() {
        for path in ["q.png", "./a/q.png", "/elsewhere/q.png"] {
            assert!(stays_inside(Path::new(path)).is_ok(), "{path}");
        }
        for path in ["../q.png", "a/../../q.png"] {
            assert!(stays_inside(Path::new(path)).is_err(), "{path}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_not_read_to_find_out_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe.png");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(PathKind::of(&pipe), PathKind::Query);
    }
}
