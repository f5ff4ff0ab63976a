//! A picture of a view becomes the view again.

use egui::Context;

use super::gather::job_of;
use crate::app::actions::Command;
use crate::app::files::Kind;
use crate::app::state::State;
use crate::app::window::WhenceApp;
use crate::engine::api::QueryOrigin;
use crate::report::{ViewQuery, ViewRecipe, ViewSettings};

/// What the window shows now, and how to see it again.
pub fn view_recipe(state: &State) -> ViewRecipe {
    let job = state.answer().and_then(|answer| job_of(state, answer));
    ViewRecipe {
        project: state.project.as_ref().map(|p| p.root.clone()),
        query: state.query().map(|q| ViewQuery {
            name: q.picture.name.clone(),
            seed: match q.picture.origin {
                QueryOrigin::Seed(seed) => Some(seed),
                QueryOrigin::File(_) => None,
            },
            file: match &q.picture.origin {
                QueryOrigin::Seed(_) => None,
                QueryOrigin::File(path) => Some(path.clone()),
            },
        }),
        settings: job.map(|job| ViewSettings {
            method: job.method.clone(),
            scoring: job.settings,
            recipe: job.recipe.clone(),
            null: job.null,
            confirm: job.confirm,
        }),
        group: state.group.map(|g| state.group_name(g).to_owned()),
        ..ViewRecipe::default()
    }
}

impl WhenceApp {
    /// Shows a view again, as far as it can be shown at once: its picture and its group where their project is open, the
    /// project itself where it is not.
    pub(in crate::app) fn open_view(&mut self, ctx: &Context, recipe: &ViewRecipe) {
        let here = self.state.project.as_ref().map(|p| &p.root);
        if let Some(root) = recipe.project.as_ref().filter(|root| Some(*root) != here) {
            return self.command(ctx, Command::OpenAs(Kind::Project, root.clone()));
        }
        let name = recipe.query.as_ref().map(|q| &q.name);
        let known = self.state.queries.iter().find(|q| Some(&q.picture.name) == name).map(|q| q.key);
        if let Some(key) = known {
            self.command(ctx, Command::SelectQuery(key));
        } else if let Some(file) = recipe.query.as_ref().and_then(|q| q.file.clone()) {
            self.command(ctx, Command::OpenAs(Kind::Query, file));
        }
        let group = recipe.group.as_ref().and_then(|name| self.state.groups().iter().position(|g| g == name));
        self.command(ctx, Command::SelectGroup(group));
    }
}
