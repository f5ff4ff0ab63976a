//! The top bar: what is open, the device, and the menus.

mod path;

use egui::accesskit::Role;
use egui::{
    Align, Align2, Atom, Button, Color32, Label, Layout, Rect, RichText, Sense, Shape, Stroke, Ui, WidgetInfo, vec2,
};

use super::View;
use crate::app::actions::{Action, Command, Section};
use crate::app::files::Pick;
use crate::app::projects::ProjectCommand;
use crate::app::state::{Slot, State, read_only_reason};
use crate::app::theme::{self, Choice, tokens};
use crate::app::{bidi, format};
use whence_store::ReadOnly;

/// Draws the bar.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    ui.horizontal(|ui| {
        ui.set_min_height(28.0);
        menu(ui, view);
        opened(ui, view);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            help(ui, view);
            theme_switch(ui, view);
            open_menu(ui, view);
            export_button(ui, view);
            let field = search(ui, view);
            path::below(ui, view, field);
        });
    });
}

/// Names of what is open, and the device.
fn opened(ui: &mut Ui, view: &mut View<'_>) {
    let state = view.state;
    let (model, dataset) = (model(state), dataset(state));
    // A model folder called "model" adds nothing to the project's name.
    let named_by_project = state.opening || state.is_empty() || nameless(state);
    project(ui, view, named_by_project.then_some([&model, &dataset]));
    if !named_by_project {
        part(ui, &model);
        part(ui, &dataset);
    }
    if let Some(why) = state.read_only {
        read_only(ui, view, why);
    } else if state.project.as_ref().is_some_and(|p| crate::demo::is_demo(&p.root)) {
        own_project(ui, view);
    }
    if let Some(model) = &view.state.model {
        device(ui, &model.device);
    }
}

/// The model or the dataset, open or not.
struct Part {
    what: &'static str,
    name: Option<String>,
    about: String,
}

fn model(state: &State) -> Part {
    let (name, about) = match &state.model {
        Some(m) => (
            Some(m.name.clone()),
            format!(
                "{}\n{} × {} pixels, {} channels, {} timesteps, {} parameters{}",
                m.path.display(),
                m.shape.width,
                m.shape.height,
                m.shape.channels,
                m.timesteps,
                format::short_count(m.parameters),
                m.classes.map_or_else(String::new, |n| format!(", {n} classes")),
            ),
        ),
        None if state.busy(Slot::Model).is_some() => (Some("loading…".into()), "The model is being loaded.".into()),
        None => (None, "No model is open.".into()),
    };
    Part { what: "Model", name, about }
}

fn dataset(state: &State) -> Part {
    let (name, about) = match &state.dataset {
        Some(d) => (
            Some(d.name().to_owned()),
            format!(
                "{}\n{}, {}",
                d.path().display(),
                format::plural(d.len(), "image"),
                format::plural(d.groups().len(), "group")
            ),
        ),
        None if state.busy(Slot::Dataset).is_some() => (Some("reading…".into()), "The dataset is being read.".into()),
        None => (None, "No dataset is open.".into()),
    };
    Part { what: "Dataset", name, about }
}

/// Whether a project is open whose model folder is called "model".
fn nameless(state: &State) -> bool {
    let Some(project) = &state.project else { return false };
    let path = state.model.as_ref().map(|m| &m.path).or(project.file.model.as_ref());
    path.and_then(|path| path.file_name()).is_some_and(|name| name == "model")
}

/// Buttons that look like words until the pointer is over them.
fn flat(ui: &mut Ui) {
    let inactive = &mut ui.visuals_mut().widgets.inactive;
    (inactive.weak_bg_fill, inactive.bg_stroke) = (Color32::TRANSPARENT, Stroke::NONE);
}

/// All actions, by section.
fn menu(ui: &mut Ui, view: &mut View<'_>) {
    let title = RichText::new("Whence").size(18.0).color(tokens(ui).strong);
    let shown = ui.scope(|ui| {
        ui.spacing_mut().button_padding.x = 6.0;
        flat(ui);
        ui.menu_button(title, |ui| {
            ui.set_min_width(150.0);
            for section in Section::ALL {
                ui.menu_button(section.title(), |ui| {
                    ui.set_min_width(250.0);
                    section.actions().for_each(|action| item(ui, view, action));
                    if section == Section::View {
                        ui.separator();
                        ui.menu_button("Workspaces", |ui| workspaces(ui, view));
                    }
                });
            }
        })
        .response
    });
    shown.inner.on_hover_text("All actions, by topic.");
}

/// The saved layouts of the tabs.
fn workspaces(ui: &mut Ui, view: &mut View<'_>) {
    ui.set_min_width(230.0);
    if view.shell.workspaces.is_empty() {
        ui.label(RichText::new("Saved layouts are listed here.").color(tokens(ui).weak));
    }
    for workspace in &view.shell.workspaces {
        ui.horizontal(|ui| {
            let button = Button::new(format::cut(&workspace.name, 28)).min_size(vec2(180.0, 24.0));
            if ui.add(button).on_hover_text("Lay out the tabs like this.").clicked() {
                view.out.push(Command::UseWorkspace(workspace.name.clone()));
                ui.close();
            }
            let delete = ui.button("Delete").on_hover_text("Delete this workspace.");
            if delete.accessible_name(format!("Delete workspace {}", workspace.name)).clicked() {
                view.out.push(Command::DeleteWorkspace(workspace.name.clone()));
            }
        });
    }
    ui.separator();
    item(ui, view, Action::SaveWorkspace);
    item(ui, view, Action::ResetLayout);
}

/// An action in a menu, with its keys; disabled with the reason where it is not possible.
fn item(ui: &mut Ui, view: &mut View<'_>, action: Action) {
    let ready = action.ready(view.state, view.shell);
    let button = Button::new(action.text()).shortcut_text(action.keys(ui.ctx()));
    let response = ui.add_enabled(ready.is_ok(), button).on_hover_text(action.tooltip());
    let reason = ready.err().unwrap_or_default();
    if response.on_disabled_hover_text(reason).clicked() {
        view.out.push(Command::Act(action));
        ui.close();
    }
}

/// The project's name; its menu lists its parts, where they are not named beside it, and the recent projects.
fn project(ui: &mut Ui, view: &mut View<'_>, parts: Option<[&Part; 2]>) {
    let t = tokens(ui);
    let busy = view.state.opening || view.state.busy(Slot::Project).is_some();
    let opening = || busy.then(|| "Opening…".to_owned());
    let open = view.state.project.as_ref().map(|p| p.file.name.clone()).or_else(opening);
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        ui.spacing_mut().button_padding.x = 5.0;
        flat(ui);
        ui.label(RichText::new("Project").font(theme::caption()).color(t.weak));
        let color = if open.is_some() { t.text } else { t.weak };
        let name = format::cut(open.as_deref().unwrap_or("none"), 22);
        let shown = ui.menu_button((RichText::new(&name).color(color), triangle()), |ui| {
            ui.set_min_width(260.0);
            if let Some(parts) = parts {
                parts.into_iter().for_each(|own| part(ui, own));
                ui.separator();
            }
            for action in [Action::NewProject, Action::OpenFolder, Action::SaveProjectAs, Action::CloseProject] {
                item(ui, view, action);
            }
            ui.separator();
            if view.shell.recent.is_empty() {
                ui.label(RichText::new("Recent projects are listed here.").color(t.weak));
            }
            for recent in &view.shell.recent {
                let path = recent.path.display().to_string();
                if ui.button(format::cut(&recent.name, 40)).on_hover_text(path).clicked() {
                    view.out.push(Command::OpenRecent(recent.path.clone()));
                }
            }
            ui.separator();
            item(ui, view, Action::Export);
        });
        let about = view.state.project.as_ref().map(|p| p.root.display().to_string());
        let mut about = about.unwrap_or_else(|| "No project is open.".into());
        for own in parts.into_iter().flatten() {
            about += &format!("\n\n{}: {}", own.what, own.about);
        }
        let response = shown.response.on_hover_text(format!("{about}\n\nClick for recent projects."));
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Project {name}")));
    });
}

/// Says that nothing is saved, and offers to look again whether it can be.
fn read_only(ui: &mut Ui, view: &mut View<'_>, why: ReadOnly) {
    let t = tokens(ui);
    let text = RichText::new("Read-only").font(theme::caption()).color(t.warn);
    let reason = read_only_reason(why);
    let shown = ui.menu_button((text, triangle()), |ui| {
        ui.set_max_width(300.0);
        ui.set_min_width(300.0);
        let text = RichText::new(format!("{reason}. What you change here is not saved.")).color(t.text);
        // Menus spread their words over the whole width.
        ui.vertical(|ui| ui.add(Label::new(text).wrap()));
        let hint = "If the project is free by now, this window saves it from then on.";
        if ui.button("Try again").on_hover_text(hint).clicked() {
            view.out.push(Command::Project(ProjectCommand::TryAgain));
            ui.close();
        }
    });
    shown.response.on_hover_text(format!("{reason}."));
}

/// The way out of the example.
fn own_project(ui: &mut Ui, view: &mut View<'_>) {
    // In the smallest window the menus have it alone.
    if ui.available_width() < 560.0 {
        return;
    }
    let button = Button::new(RichText::new("Start your own project").font(theme::caption()));
    if ui.add(button).on_hover_text(Action::NewProject.hint(ui.ctx())).clicked() {
        view.out.push(Command::Act(Action::NewProject));
    }
}

/// Marks a menu button. Painted, because the bundled fonts have no such character.
pub(super) fn triangle() -> Atom<'static> {
    Atom::paint(vec2(8.0, 8.0), |ui, args| {
        let rect = Rect::from_center_size(args.rect.center(), vec2(7.0, 4.0));
        ui.painter().add(Shape::rotated_triangle(rect, 0.0, args.fallback_text_color));
    })
}

fn part(ui: &mut Ui, part: &Part) {
    let t = tokens(ui);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 5.0;
        ui.label(RichText::new(part.what).font(theme::caption()).color(t.weak));
        let color = if part.name.is_some() { t.text } else { t.weak };
        let text = format::cut(part.name.as_deref().unwrap_or("none"), 22);
        ui.label(RichText::new(bidi::display(&text)).color(color)).on_hover_text(bidi::display(&part.about));
        ui.add_space(6.0);
    });
}

fn device(ui: &mut Ui, name: &str) {
    let t = tokens(ui);
    egui::Frame::new()
        .stroke(Stroke::new(1.0, t.line))
        .corner_radius(9)
        .inner_margin(egui::Margin::symmetric(8, 1))
        .show(ui, |ui| {
            let text = RichText::new(format::cut(name, 28)).font(theme::caption()).color(t.weak);
            ui.label(text).on_hover_text(format!("Compute device: {name}"));
        });
}

fn open_menu(ui: &mut Ui, view: &mut View<'_>) {
    ui.menu_button("Open", |ui| {
        ui.set_min_width(200.0);
        for (text, what, hint) in [
            ("Project…", Pick::Project, "A folder with a project.json."),
            ("Model…", Pick::Model, "A diffusers folder with a config.json."),
            ("Dataset folder…", Pick::Dataset, "One folder of images per group."),
            ("Dataset file…", Pick::Table, "A parquet table with images and groups."),
            ("Image…", Pick::Query, "An image to explain."),
        ] {
            if ui.button(text).on_hover_text(hint).clicked() {
                view.out.push(Command::Pick(what));
            }
        }
    })
    .response
    .on_hover_text(Action::OpenFolder.hint(ui.ctx()));
}

/// The button that saves or copies what is on screen.
fn export_button(ui: &mut Ui, view: &mut View<'_>) {
    let ready = Action::Export.ready(view.state, view.shell);
    let response = ui.add_enabled(ready.is_ok(), Button::new("Export").min_size(vec2(0.0, 26.0)));
    let reason = ready.err().unwrap_or_default();
    if response.on_hover_text(Action::Export.hint(ui.ctx())).on_disabled_hover_text(reason).clicked() {
        view.out.push(Command::Act(Action::Export));
    }
}

/// The button of the command palette, or the path field while a path is typed. Returns its rectangle.
fn search(ui: &mut Ui, view: &mut View<'_>) -> Rect {
    let forms = &view.forms;
    if forms.focus_path || forms.path_open || forms.dialog_open || !forms.path.is_empty() {
        return path::field(ui, view);
    }
    let width = (ui.available_width() - 8.0).clamp(60.0, 230.0);
    let action = Action::Palette;
    let keys = RichText::new(action.keys(ui.ctx())).font(theme::caption()).color(tokens(ui).weak);
    let text = RichText::new(action.text()).color(tokens(ui).weak);
    let button = Button::new(text).right_text(keys).fill(tokens(ui).field).min_size(vec2(width, 26.0)).truncate();
    let response = ui.add(button).accessible_name(action.text()).on_hover_text(action.hint(ui.ctx()));
    if response.clicked() {
        view.out.push(Command::Act(action));
    }
    response.rect
}

/// A half-filled disc that cycles through system, light, dark and high contrast.
fn theme_switch(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    let now = Choice::of(ui.ctx());
    let name = now.text();
    let (rect, response) = ui.allocate_exact_size(vec2(28.0, 26.0), Sense::click());
    let visuals = ui.style().interact(&response);
    if response.hovered() || response.has_focus() {
        ui.painter().rect(
            rect,
            f32::from(theme::RADIUS),
            visuals.weak_bg_fill,
            visuals.bg_stroke,
            egui::StrokeKind::Inside,
        );
    }
    let (center, radius) = (rect.center(), 6.0);
    let arc: Vec<egui::Pos2> = (0..=16)
        .map(|i| {
            let angle = std::f32::consts::PI * (0.5 + i as f32 / 16.0);
            center + radius * vec2(angle.cos(), angle.sin())
        })
        .collect();
    ui.painter().add(Shape::convex_polygon(arc, t.text, Stroke::NONE));
    ui.painter().circle(center, radius, Color32::TRANSPARENT, Stroke::new(1.2, t.text));
    let letter = match now {
        Choice::System => "A",
        Choice::Contrast => "+",
        Choice::Light | Choice::Dark => "",
    };
    ui.painter().text(
        rect.right_bottom() - vec2(2.0, 0.0),
        Align2::RIGHT_BOTTOM,
        letter,
        egui::FontId::proportional(9.0),
        t.weak,
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    if response.on_hover_text(name).clicked() {
        view.out.push(Command::Act(Action::Theme(now.next())));
    }
}

fn help(ui: &mut Ui, view: &mut View<'_>) {
    let button = Button::new("?").min_size(vec2(28.0, 26.0)).selected(view.forms.help);
    let response = ui.add(button).accessible_name(Action::Help.text());
    if response.on_hover_text(Action::Help.hint(ui.ctx())).clicked() {
        view.out.push(Command::Act(Action::Help));
    }
}
