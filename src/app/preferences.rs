//! Preferences that are saved from one start to the next. What cannot be read takes its default, with a warning in the log.

use std::path::PathBuf;

use egui::Context;

use super::dock::Dock;
use super::theme::Choice;
use super::window::WhenceApp;

/// The version at the end changes with the format.
const DOCK: &str = "dock.v1";
const RECENT: &str = "recent.v1";
const TOURED: &str = "toured.v1";
const CONTRAST: &str = "contrast.v1";
const WORKSPACES: &str = "workspaces.v1";
const PROJECT: &str = "project";

impl WhenceApp {
    /// Restores the last run's project, layout, theme and recent projects.
    pub fn restore_preferences(&mut self, ctx: &Context, storage: &dyn eframe::Storage) {
        self.last_project = storage.get_string(PROJECT).map(PathBuf::from);
        if let Some(text) = storage.get_string(DOCK) {
            match Dock::read(&text) {
                Ok(dock) => self.dock = dock,
                Err(error) => tracing::warn!("the saved layout cannot be used, the default is shown: {error}"),
            }
        }
        if let Some(text) = storage.get_string(RECENT) {
            self.shell.restore_recent(&text);
        }
        if let Some(text) = storage.get_string(WORKSPACES) {
            self.shell.restore_workspaces(&text);
        }
        self.shell.toured = storage.get_string(TOURED).is_some();
        if storage.get_string(CONTRAST).as_deref() == Some("on") {
            self.shell.contrast = true;
            Choice::Contrast.apply(ctx);
        }
    }

    /// Saves them for the next run.
    pub(super) fn save_preferences(&self, storage: &mut dyn eframe::Storage) {
        let root = self.state.project.as_ref().map(|p| p.root.clone()).or_else(|| self.last_project.clone());
        if let Some(root) = root.as_deref().and_then(|p| p.to_str()) {
            storage.set_string(PROJECT, root.to_owned());
        } else if self.shell.welcome && !self.shell.recent.is_empty() {
            // Closed by the user: the next start shows the welcome screen, too.
            storage.set_string(PROJECT, String::new());
        }
        if let Some(text) = self.dock.write() {
            storage.set_string(DOCK, text);
        }
        if let Ok(text) = serde_json::to_string(&self.shell.recent) {
            storage.set_string(RECENT, text);
        }
        if let Ok(text) = serde_json::to_string(&self.shell.workspaces) {
            storage.set_string(WORKSPACES, text);
        }
        if self.shell.toured {
            storage.set_string(TOURED, "yes".into());
        }
        let contrast = if self.shell.contrast { "on" } else { "off" };
        storage.set_string(CONTRAST, contrast.into());
    }
}
