//! State of the window itself: open dialogs, messages, recent projects.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::glossary::Term;
use super::history::History;
use super::log::Log;
use super::palette::Palette;

/// Recent projects at most.
const RECENT: usize = 8;

/// A recent project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recent {
    /// Its folder.
    pub path: PathBuf,
    /// Its name.
    pub name: String,
}

/// A layout of the tabs under a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// Its name.
    pub name: String,
    /// The layout, as [`Dock::write`](super::dock::Dock::write) writes it.
    pub layout: String,
}

/// Workspaces at most.
const WORKSPACES: usize = 50;

/// What is saved under a name that is being typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameOf {
    /// The layout of the tabs.
    Workspace,
    /// The library's filter.
    Filter,
}

/// The dialog that asks for a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    /// What the name is for.
    pub of: NameOf,
    /// The name so far.
    pub name: String,
}

impl Naming {
    /// Asks for the name of a workspace.
    pub fn workspace() -> Self {
        Self { of: NameOf::Workspace, name: String::new() }
    }

    /// Asks for the name of a filter.
    pub fn filter() -> Self {
        Self { of: NameOf::Filter, name: String::new() }
    }
}

/// State of the window itself.
#[derive(Debug, Default)]
pub struct Shell {
    /// The palette, where it is open.
    pub palette: Option<Palette>,
    /// Messages and the log.
    pub log: Log,
    /// Whether the log is on screen.
    pub log_open: bool,
    /// Whether the theme of high contrast is on; egui knows of dark and light only.
    pub contrast: bool,
    /// Whether this is a presentation.
    pub presenting: bool,
    /// The card of the tour that is on screen.
    pub tour: Option<usize>,
    /// Whether the tour was started once.
    pub toured: bool,
    /// Whether the tour has had the first image explained.
    pub tour_explained: bool,
    /// Whether the glossary is open, and at which term.
    pub glossary: Option<Option<Term>>,
    /// Recent projects, the latest first.
    pub recent: Vec<Recent>,
    /// Those among them whose folders are gone.
    pub gone: Vec<PathBuf>,
    /// Whether the welcome screen takes the place of the panels while nothing is open.
    pub welcome: bool,
    /// Steps that can be undone.
    pub history: History,
    /// Saved layouts of the tabs.
    pub workspaces: Vec<Workspace>,
    /// The name that is being typed, where something is to be saved under one.
    pub naming: Option<Naming>,
    /// Whether the library's filter shall get the cursor.
    pub focus_filter: bool,
    /// What the program has in memory.
    pub memory: MemoryMeter,
}

impl Shell {
    /// Puts a project at the top of the recent ones.
    pub fn add_recent(&mut self, path: &Path, name: &str) {
        self.recent.retain(|r| r.path != path);
        self.recent.insert(0, Recent { path: path.to_owned(), name: name.to_owned() });
        self.recent.truncate(RECENT);
    }

    /// Removes a project from the recent ones.
    pub fn remove_recent(&mut self, path: &Path) {
        self.recent.retain(|r| r.path != path);
    }

    /// Saves a workspace; one of the same name is replaced.
    pub fn add_workspace(&mut self, name: &str, layout: String) {
        self.workspaces.retain(|w| w.name != name);
        self.workspaces.insert(0, Workspace { name: name.to_owned(), layout });
        self.workspaces.truncate(WORKSPACES);
        self.workspaces.sort_by(|a, b| whence_data::natural_cmp(&a.name, &b.name));
    }

    /// Restores the workspaces, as far as their layouts can be used. The list stays as it is where the text cannot be read.
    pub fn restore_workspaces(&mut self, text: &str) {
        match serde_json::from_str::<Vec<Workspace>>(text) {
            Ok(mut workspaces) => {
                workspaces.truncate(WORKSPACES);
                workspaces.retain(|w| !w.name.trim().is_empty() && super::dock::Dock::read(&w.layout).is_ok());
                self.workspaces = workspaces;
            }
            Err(error) => tracing::warn!("the saved workspaces cannot be read: {error}"),
        }
    }

    /// Restores the recent projects. The list stays as it is where the text cannot be read.
    pub fn restore_recent(&mut self, text: &str) {
        match serde_json::from_str::<Vec<Recent>>(text) {
            Ok(mut recent) => {
                recent.truncate(RECENT);
                self.recent = recent;
            }
            Err(error) => tracing::warn!("the list of recent projects cannot be read and starts empty: {error}"),
        }
    }
}

/// Measures memory at most once a second, and never by itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemoryMeter {
    /// Bytes at the last reading; none where the system does not report it.
    pub bytes: Option<u64>,
    read: Option<f64>,
}

impl MemoryMeter {
    /// Reads again where the last reading is older than a second.
    pub fn follow(&mut self, now: f64, read: impl FnOnce() -> Option<u64>) {
        if self.read.is_none_or(|at| now - at >= 1.0) {
            (self.bytes, self.read) = (read(), Some(now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_eight_projects_are_remembered_once_each() {
        let mut shell = Shell::default();
        (0..10).for_each(|i| shell.add_recent(Path::new(&format!("/p/{i}")), &format!("project {i}")));
        shell.add_recent(Path::new("/p/4"), "project 4");
        let names: Vec<_> = shell.recent.iter().map(|r| r.name.as_str()).collect();
        assert_eq!(names.len(), 8);
        assert_eq!(names[..2], ["project 4", "project 9"]);
        let text = serde_json::to_string(&shell.recent).unwrap();
        let mut other = Shell::default();
        other.restore_recent(&text);
        assert_eq!(other.recent, shell.recent);
        other.restore_recent("{ broken");
        assert_eq!(other.recent, shell.recent, "what cannot be read changes nothing");
        other.remove_recent(Path::new("/p/4"));
        assert_eq!(other.recent.len(), 7);
    }

    #[test]
    fn memory_is_read_once_a_second_at_most() {
        let mut meter = MemoryMeter::default();
        let times = std::cell::Cell::new(0);
        let read = || {
            times.set(times.get() + 1);
            Some(times.get())
        };
        for (now, expected) in [(5.0, 1), (5.9, 1), (6.0, 2)] {
            meter.follow(now, read);
            assert_eq!(meter.bytes, Some(expected), "at {now}");
        }
    }
}
