//! The contents of the export dialog, and how they become a request.

use std::path::{Path, PathBuf};

use egui::Rect;

use super::explanations::complete;
use super::{Drawing, Export, ExportRequest, SaveError};
use crate::app::files;
use crate::app::state::State;
use whence_report::TableFormat;

/// What can be saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Content {
    /// An image.
    #[default]
    Image,
    /// A vector graphic.
    Drawing,
    /// A table.
    Table,
    /// A report.
    Report,
}

/// Which table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Table {
    /// The scores of the image on screen.
    #[default]
    Ranking,
    /// The scores of all images that are explained.
    All,
    /// The scores of the image on screen by several methods.
    Comparison,
}

/// What the dialog holds.
#[derive(Clone, Debug)]
pub struct ExportForm {
    /// Whether it is on screen.
    pub open: bool,
    /// What is saved.
    pub what: Content,
    /// How many times as large as on screen.
    pub scale: u8,
    /// Which vector graphic.
    pub drawing: Drawing,
    /// Which table.
    pub table: Table,
    /// How it is written.
    pub format: TableFormat,
    /// The path field.
    pub path: String,
    /// What is wrong.
    pub error: Option<String>,
    /// Whether something is being saved.
    pub busy: bool,
    /// Where the last thing was saved.
    pub saved: Option<PathBuf>,
    /// The path whose file may be replaced.
    pub replace: Option<PathBuf>,
    /// The folder that does not exist, and that a button offers to create.
    pub missing_folder: Option<PathBuf>,
    /// Where the view is in the window, in points; all of the window where nobody said.
    pub area: Option<Rect>,
    /// Whether the path field requests the focus.
    pub focus: bool,
    /// Text typed before the path field had the focus.
    pub pending_text: String,
    /// The suggested path, which follows the form until the user types one.
    suggested: String,
}

/// Whether the query on screen has explanations to compare.
pub fn has_comparison(state: &State) -> bool {
    state.query().is_some_and(|q| complete(q).count() > 1)
}

impl Default for ExportForm {
    fn default() -> Self {
        Self {
            open: false,
            what: Content::default(),
            scale: 2,
            drawing: Drawing::default(),
            table: Table::default(),
            format: TableFormat::default(),
            path: String::new(),
            error: None,
            busy: false,
            saved: None,
            replace: None,
            missing_folder: None,
            area: None,
            focus: false,
            pending_text: String::new(),
            suggested: String::new(),
        }
    }
}

impl ExportForm {
    /// Opens the dialog, ready to type where; something may have been typed already.
    pub fn show(&mut self, typed: String) {
        (self.open, self.focus, self.pending_text) = (true, true, typed);
    }

    /// Sets content and format by the extension of the typed path.
    pub fn follow_ending(&mut self) {
        let ending = Path::new(self.path.trim()).extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        match ending.as_deref() {
            Some("png") => self.what = Content::Image,
            Some("svg") => self.what = Content::Drawing,
            Some("html" | "htm") => self.what = Content::Report,
            Some("csv") => (self.what, self.format) = (Content::Table, TableFormat::Csv),
            Some("json") => (self.what, self.format) = (Content::Table, TableFormat::Json),
            _ => {}
        }
    }

    /// Closes the dialog; what was chosen stays for the next time.
    pub fn close(&mut self) {
        self.open = false;
        self.forget_outcome();
    }

    /// Forgets how the last save ended: something else is going to be saved.
    pub fn forget_outcome(&mut self) {
        (self.error, self.saved, self.replace, self.missing_folder) = (None, None, None, None);
    }

    /// Fills the path field, unless somebody typed there.
    pub fn suggest(&mut self, state: &State) {
        if self.path != self.suggested {
            return;
        }
        let folder = directories::UserDirs::new()
            .map(|dirs| dirs.document_dir().unwrap_or(dirs.home_dir()).to_owned())
            .unwrap_or_default();
        let path = folder.join(format!("{}.{}", self.stem(state), self.extension())).display().to_string();
        if path != self.suggested {
            self.suggested.clone_from(&path);
            self.path = path;
        }
    }

    /// Takes a path from a dialog, with the ending that the content needs.
    pub fn choose(&mut self, path: &Path) {
        let ending = self.extension();
        let fits = path.extension().is_some_and(|e| e.eq_ignore_ascii_case(ending));
        let path = if fits { path.to_owned() } else { path.with_added_extension(ending) };
        self.path = path.display().to_string();
        // The system's dialog asked whether to replace this name, and no other.
        self.replace = fits.then_some(path);
        (self.error, self.saved) = (None, None);
    }

    /// The file could not be saved.
    pub(super) fn refuse(&mut self, why: SaveError) {
        self.missing_folder = None;
        let (replace, text) = match why {
            SaveError::Failed(text) => (None, text),
            SaveError::NoFolder(folder) => {
                let text = format!("The folder {} does not exist.", folder.display());
                self.missing_folder = Some(folder);
                (None, text)
            }
            SaveError::Exists(path) => {
                let name = path.display();
                // The field may hold another path by now.
                let text = if files::typed(&self.path).as_ref() == Some(&path) {
                    format!("{name} already exists. Press Save again to replace it.")
                } else {
                    format!("Nothing was saved: {name} already exists. Press Save to use the path that is shown now.")
                };
                (Some(path), text)
            }
        };
        (self.replace, self.error) = (replace, Some(text));
    }

    /// What is to be saved.
    ///
    /// # Errors
    /// Why there is nothing to save, or nowhere to save it.
    pub fn request(&self, state: &State) -> Result<ExportRequest, &'static str> {
        if self.busy {
            return Err("A file is being saved");
        }
        let about_all = matches!((self.what, self.table), (Content::Report, _) | (Content::Table, Table::All));
        if about_all && state.is_restoring_explanations() {
            return Err("Earlier explanations are being restored");
        }
        let explained = state.queries.iter().any(|q| complete(q).next().is_some());
        let what = match (self.what, self.table) {
            (Content::Image, _) => Export::Image { scale: self.scale },
            (Content::Drawing, _) => {
                super::figures::figure(state, self.drawing)?;
                Export::Drawing(self.drawing)
            }
            (Content::Table, Table::Ranking) if state.explanation().and_then(|a| a.complete.as_ref()).is_none() => {
                return Err("The image on screen is not explained yet");
            }
            (Content::Table, Table::Comparison) if !has_comparison(state) => {
                return Err("Explain the image by a second method first");
            }
            (Content::Table | Content::Report, _) if !explained => return Err("No image is explained yet"),
            (Content::Table, table) => Export::Table { table, format: self.format },
            (Content::Report, _) => Export::Report,
        };
        let path = files::typed(&self.path).ok_or("Enter where to save it")?;
        if path.is_relative() {
            return Err("Enter an absolute path");
        }
        Ok(ExportRequest { what, replace: self.replace.as_ref() == Some(&path), create_folder: false, path })
    }

    /// Ending of the file.
    pub fn extension(&self) -> &'static str {
        match self.what {
            Content::Image => "png",
            Content::Drawing => "svg",
            Content::Table => self.format.extension(),
            Content::Report => "html",
        }
    }

    /// Name of the file.
    fn stem(&self, state: &State) -> String {
        let project = state.project.as_ref().map_or("Whence", |p| p.file.name.as_str());
        let query = state.query().map_or("view", |q| q.image.name.trim_end_matches(".png"));
        let name = match (self.what, self.table) {
            (Content::Image | Content::Drawing, _) => format!("{project} {query}"),
            (Content::Table, Table::Ranking) => format!("{project} {query} scores"),
            (Content::Table, Table::All) => format!("{project} scores"),
            (Content::Table, Table::Comparison) => format!("{project} {query} methods"),
            (Content::Report, _) => format!("{project} report"),
        };
        whence_store::folder_name(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggestion_follows_the_choice_until_somebody_types() {
        let state = State::default();
        let mut form = ExportForm::default();
        form.suggest(&state);
        assert!(form.path.ends_with("Whence view.png"), "{}", form.path);
        (form.what, form.format, form.table) = (Content::Table, TableFormat::Json, Table::All);
        form.suggest(&state);
        assert!(form.path.ends_with("Whence scores.json"), "{}", form.path);
        form.path = "/mine.json".into();
        form.what = Content::Report;
        form.suggest(&state);
        assert_eq!(form.path, "/mine.json");
    }

    #[test]
    fn the_ending_of_a_typed_path_says_what_is_wanted() {
        let mut form = ExportForm::default();
        for (path, what) in [
            ("/a/b.html", Content::Report),
            ("/a/b", Content::Report),
            ("/a/b.JSON", Content::Table),
            ("/a/b.png", Content::Image),
            ("/a/b.csv", Content::Table),
        ] {
            form.path = path.into();
            form.follow_ending();
            assert_eq!(form.what, what, "{path}");
        }
        assert_eq!(form.format, TableFormat::Csv);
    }

    #[test]
    fn a_chosen_path_gets_the_ending_and_may_be_replaced_where_it_had_it() {
        let state = State::default();
        let mut form = ExportForm::default();
        form.choose(Path::new("/a/seed-0.5"));
        let request = form.request(&state).unwrap();
        // The system asked about seed-0.5, not about seed-0.5.png.
        assert_eq!((request.path, request.replace), (PathBuf::from("/a/seed-0.5.png"), false));
        form.choose(Path::new("/a/b.PNG"));
        let request = form.request(&state).unwrap();
        assert_eq!((request.path, request.replace), (PathBuf::from("/a/b.PNG"), true));
        form.path.push('x');
        assert!(!form.request(&state).unwrap().replace, "another file than the one that was asked about");
    }

    #[test]
    fn only_the_path_that_was_refused_may_be_replaced() {
        let state = State::default();
        let mut form = ExportForm { path: "/a/now.png".into(), ..ExportForm::default() };
        form.refuse(SaveError::Exists("/a/then.png".into()));
        assert!(!form.request(&state).unwrap().replace, "nobody was asked about the path that was typed since");
        let text = form.error.clone().unwrap();
        assert!(text.contains("/a/then.png") && !text.contains("replace"), "{text}");
        form.path = "/a/then.png".into();
        assert!(form.request(&state).unwrap().replace);
        form.refuse(SaveError::Exists("/a/then.png".into()));
        assert!(form.error.as_ref().unwrap().contains("Press Save again to replace it"));
        form.refuse(SaveError::Failed("the disk is full".into()));
        assert!(!form.request(&state).unwrap().replace);
    }

    #[test]
    fn what_is_missing_is_named() {
        let state = State::default();
        let refused = |form: ExportForm| form.request(&state).unwrap_err();
        let form = ExportForm { path: "/a".into(), ..ExportForm::default() };
        assert!(refused(ExportForm { what: Content::Table, ..form.clone() }).contains("not explained"));
        assert!(refused(ExportForm { what: Content::Report, ..form.clone() }).contains("No image"));
        assert!(refused(ExportForm { path: " ".into(), ..form.clone() }).contains("where"));
        assert!(refused(ExportForm { path: "a.png".into(), ..form.clone() }).contains("absolute path"));
        assert!(refused(ExportForm { busy: true, ..form }).contains("being saved"));
    }
}
