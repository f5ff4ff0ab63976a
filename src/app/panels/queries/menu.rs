//! The context menu of a query image.

use egui::Ui;

use crate::app::actions::{Action, Command};
use crate::app::panels::{View, notes};
use crate::app::projects::ProjectCommand;
use crate::app::state::{Query, Subject};
use whence_jobs::QueryOrigin;

/// Draws the entries.
pub fn show(ui: &mut Ui, view: &mut View<'_>, query: &Query) {
    ui.set_min_width(190.0);
    let file = match &query.image.origin {
        QueryOrigin::File(path) => Some(path),
        QueryOrigin::Seed(_) => None,
    };
    let on_screen = view.state.current == Some(query.key);
    if entry(ui, "Show", (!on_screen).then_some("").ok_or("It is on screen")) {
        view.out.push(Command::SelectQuery(query.key));
    }
    // Whether another image can be explained shows once it is on screen.
    let ready = if on_screen { view.state.can_explain() } else { Ok(()) };
    if entry(ui, "Explain", ready.map(|()| "")) {
        view.out.push(Command::Project(ProjectCommand::Explain(query.key)));
    }
    ui.add_enabled_ui(view.state.read_only.is_none(), |ui| {
        ui.horizontal(|ui| notes::rating(ui, view, &Subject::Query(query.key), query.rating));
    });
    ui.separator();
    if entry(ui, "Show in folder", file.map(|_| "").ok_or("It was generated, and is no file")) {
        view.out.extend(file.map(|path| Command::Project(ProjectCommand::ShowInFolder(path.clone()))));
    }
    let text = match file {
        Some(path) => ("Copy path", path.display().to_string()),
        None => ("Copy name", query.image.name.clone()),
    };
    if entry(ui, text.0, Ok("")) {
        view.out.push(Command::Project(ProjectCommand::CopyText(text.1)));
    }
    ui.separator();
    let remove = if view.state.read_only.is_some() { Err("The project is read-only") } else { Ok("Its file stays.") };
    if entry(ui, "Remove from list", remove) {
        view.out.push(Command::RemoveQuery(query.key));
    }
    if ui.button(Action::OpenImage.text()).on_hover_text(Action::OpenImage.hint(ui.ctx())).clicked() {
        view.out.push(Command::Act(Action::OpenImage));
    }
}

/// An entry with its hint, or with the reason why it is disabled. Whether it was clicked.
fn entry(ui: &mut Ui, text: &str, ready: Result<&str, &str>) -> bool {
    let hint = ready.unwrap_or_else(|reason| reason);
    let mut response = ui.add_enabled(ready.is_ok(), egui::Button::new(text));
    if !hint.is_empty() {
        response = response.on_hover_text(hint).on_disabled_hover_text(hint);
    }
    response.clicked()
}
