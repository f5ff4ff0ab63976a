//! Commands about named layouts of the tabs.

use egui::Context;

use super::annotations::name_of;
use crate::app::dock::Dock;
use crate::app::window::WhenceApp;

impl WhenceApp {
    pub(super) fn save_workspace(&mut self, ctx: &Context, name: &str) {
        let (Some(name), Some(layout)) = (name_of(name), self.dock.write()) else { return };
        self.shell.add_workspace(&name, layout);
        self.toast(ctx, format!("Workspace \u{201c}{name}\u{201d} saved"));
    }

    pub(super) fn use_workspace(&mut self, ctx: &Context, name: &str) {
        let Some(workspace) = self.shell.workspaces.iter().find(|w| w.name == name) else { return };
        match Dock::read(&workspace.layout) {
            Ok(dock) => {
                self.dock = dock;
                self.toast(ctx, format!("Workspace \u{201c}{name}\u{201d}"));
            }
            Err(error) => {
                tracing::warn!("the workspace {name} cannot be used: {error}");
                self.toast(ctx, format!("The workspace \u{201c}{name}\u{201d} is of another version and cannot be used"));
            }
        }
    }

    pub(super) fn delete_workspace(&mut self, ctx: &Context, name: &str) {
        self.shell.workspaces.retain(|w| w.name != name);
        self.toast(ctx, format!("Workspace \u{201c}{name}\u{201d} deleted"));
    }
}
