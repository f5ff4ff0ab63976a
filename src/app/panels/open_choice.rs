//! Asks what to do with a path that can be opened in several ways.

use egui::{Button, Frame, Id, Label, Modal, RichText, Ui};

use super::View;
use crate::app::actions::Command;
use crate::app::files::PathKind;
use crate::app::format;
use crate::app::projects::{OpenChoice, ProjectCommand};
use crate::app::state::{State, read_only_reason};
use crate::app::theme::{self, GAP, tokens};

const WIDTH: f32 = 460.0;

/// Draws the dialog where something is to be decided.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    let Some(choice) = view.forms.choice.clone() else { return };
    let frame = Frame::popup(ui.style()).inner_margin(24.0).corner_radius(10);
    let shown = Modal::new(Id::unique("what to open")).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(WIDTH);
        match &choice {
            OpenChoice::Part(kind, path) => part(ui, view, *kind, path),
            OpenChoice::Loose { folder, images } => loose(ui, view, folder, images),
        }
    });
    if shown.should_close() {
        view.out.push(Command::Project(ProjectCommand::CancelChoice));
    }
}

fn name_of(path: &std::path::Path) -> String {
    format::cut(&path.file_name().unwrap_or(path.as_os_str()).to_string_lossy(), 40)
}

fn title(ui: &mut Ui, text: String, below: &str) {
    let t = tokens(ui);
    ui.label(RichText::new(text).font(theme::lead()).color(t.strong));
    ui.add_space(4.0);
    ui.add(Label::new(RichText::new(below).color(t.text)).wrap());
    ui.add_space(GAP);
}

/// A model or a dataset over an open project.
fn part(ui: &mut Ui, view: &mut View<'_>, kind: PathKind, path: &std::path::Path) {
    let project = view.state.project.as_ref().map_or("", |p| p.file.name.as_str());
    let below = format!(
        "The project \u{201c}{}\u{201d} is open, with its own {what}. Make a new project with this {what}, or use it in the open \
         project instead of the one before?",
        format::cut(project, 40),
        what = kind.name(),
    );
    title(ui, format!("Open {} \u{201c}{}\u{201d}", kind.name(), name_of(path)), &below);
    let part = (kind, path.to_owned());
    let replace = replaceable(view.state);
    buttons(
        ui,
        view,
        &[
            (
                "New project with it",
                Ok("The open project stays as it is."),
                ProjectCommand::NewWith(part.0, part.1.clone()),
            ),
            (
                "Replace in this project",
                replace.map(|()| "Images from files, their stars and stored results stay. Images that another model generated go, and explanations are computed again."),
                ProjectCommand::Replace(part.0, part.1),
            ),
        ],
    );
}

/// Whether the open project may get another part; why not where it may not.
fn replaceable(state: &State) -> Result<(), &'static str> {
    let Some(project) = &state.project else { return Err("No project is open") };
    if let Some(why) = state.read_only {
        return Err(read_only_reason(why));
    }
    if crate::demo::is_demo(&project.root) {
        return Err("The example stays as it is");
    }
    Ok(())
}

/// A folder of images without groups.
fn loose(ui: &mut Ui, view: &mut View<'_>, folder: &std::path::Path, images: &[std::path::PathBuf]) {
    let count = format::plural(images.len(), "image");
    let below = "A dataset has one folder of images per group. These images can be opened to be explained.";
    title(ui, format!("\u{201c}{}\u{201d} holds {count} and no groups", name_of(folder)), below);
    let ready = if view.state.project.is_some() {
        Ok("Adds them to the images of this project.")
    } else {
        Err("Open or make a project first")
    };
    let text = match images.len() {
        1 => "Open its image as a query image".to_owned(),
        n => format!("Open its {} images as query images", format::count(n)),
    };
    buttons(ui, view, &[(&text, ready, ProjectCommand::OpenQueries(images.to_vec()))]);
}

/// The choices, the first one prominent, and *Cancel*. A choice that is not possible is disabled and says why.
fn buttons(ui: &mut Ui, view: &mut View<'_>, choices: &[(&str, Result<&str, &str>, ProjectCommand)]) {
    let t = tokens(ui);
    let mut reason = None;
    ui.horizontal_wrapped(|ui| {
        for (index, (text, ready, command)) in choices.iter().enumerate() {
            let button = match (index, ready) {
                (0, Ok(_)) => Button::new(RichText::new(*text).color(t.window)).fill(t.strong),
                _ => Button::new(*text),
            };
            let hint = match ready {
                Ok(hint) | Err(hint) => *hint,
            };
            let response = ui.add_enabled(ready.is_ok(), button);
            if response.on_hover_text(hint).on_disabled_hover_text(hint).clicked() {
                view.out.push(Command::Project(command.clone()));
            }
            reason = reason.or(ready.err());
        }
        if ui.button("Cancel").clicked() {
            view.out.push(Command::Project(ProjectCommand::CancelChoice));
        }
    });
    if let Some(reason) = reason {
        ui.label(RichText::new(format!("{reason}.")).font(theme::caption()).color(t.weak));
    }
}
