//! What is shown while nothing is open: a new project, the recent ones, the example.

use egui::accesskit::Role;
use egui::{
    Align, Button, CentralPanel, Color32, Frame, Label, Layout, Margin, RichText, ScrollArea, Sense, Stroke, Ui,
    WidgetInfo, vec2,
};

use super::View;
use crate::app::actions::{Action, Command};
use crate::app::format;
use crate::app::projects::ProjectCommand;
use crate::app::shell::Recent;
use crate::app::theme::{self, GAP, RADIUS, tokens};

/// Width of both columns together, and of the left one.
const WIDTH: f32 = 860.0;
const LEFT: f32 = 300.0;
/// Height of a recent project's row.
const ROW: f32 = 46.0;

/// Draws the screen in place of the panels.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    CentralPanel::default_margins().frame(Frame::new().fill(t.window).inner_margin(Margin::same(24))).show(ui, |ui| {
        ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            let width = ui.available_width().min(WIDTH);
            let side = ((ui.available_width() - width) / 2.0).max(0.0);
            ui.add_space((ui.available_height() * 0.12).clamp(0.0, 120.0));
            ui.horizontal_top(|ui| {
                ui.add_space(side);
                ui.vertical(|ui| {
                    ui.set_width(width);
                    contents(ui, view, width);
                });
            });
        });
    });
}

fn contents(ui: &mut Ui, view: &mut View<'_>, width: f32) {
    let t = tokens(ui);
    ui.label(RichText::new("Which groups of training images shaped an image?").font(theme::lead()).color(t.strong));
    let text =
        "Whence removes one group at a time from a diffusion model and measures how much less likely an image becomes.";
    ui.add(Label::new(RichText::new(text).color(t.weak)).wrap());
    ui.add_space(2.0 * GAP);
    ui.horizontal_top(|ui| {
        ui.vertical(|ui| {
            ui.set_width(LEFT);
            start(ui, view);
        });
        ui.add_space(2.0 * GAP);
        ui.vertical(|ui| {
            ui.set_width((width - LEFT - 4.0 * GAP).max(240.0));
            recent(ui, view);
        });
    });
}

fn heading(ui: &mut Ui, text: &str) {
    let t = tokens(ui);
    ui.label(RichText::new(text).font(theme::caption()).color(t.weak));
    ui.add_space(4.0);
}

/// What begins something.
fn start(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    heading(ui, "Start");
    let size = vec2(LEFT, 34.0);
    let new = Button::new(RichText::new(Action::NewProject.text()).color(t.window)).fill(t.strong).min_size(size);
    if ui.add(new).on_hover_text(Action::NewProject.hint(ui.ctx())).clicked() {
        view.out.push(Command::Act(Action::NewProject));
    }
    for action in [Action::OpenFolder, Action::TypePath] {
        let button = Button::new(action.text()).min_size(size);
        if ui.add(button).on_hover_text(action.hint(ui.ctx())).clicked() {
            view.out.push(Command::Act(action));
        }
    }
    let text = "Or drop a project, a model, a dataset or images anywhere in this window.";
    ui.add(Label::new(RichText::new(text).font(theme::caption()).color(t.weak)).wrap());
    ui.add_space(GAP);
    heading(ui, "Example");
    let button = Button::new("Open the example: Eight styles").min_size(size);
    let hint = "A small model of paintings in eight styles. It runs on any computer. What you do with it is kept in your own copy.";
    if ui.add(button).on_hover_text(hint).clicked() {
        view.out.push(Command::Project(ProjectCommand::OpenExample));
    }
}

/// The recent projects.
fn recent(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    heading(ui, "Recent projects");
    if view.shell.recent.is_empty() {
        super::empty(ui, "Projects that you open are listed here.");
    }
    ui.spacing_mut().item_spacing.y = 2.0;
    for project in &view.shell.recent {
        let gone = view.shell.gone.contains(&project.path);
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let remove = Button::new(RichText::new("Remove").font(theme::caption()).color(t.weak)).frame(false);
                let response = ui.add(remove).accessible_name(format!("Remove {} from the list", project.name));
                if response.on_hover_text("Remove it from this list. Its folder stays as it is.").clicked() {
                    view.out.push(Command::Project(ProjectCommand::RemoveRecent(project.path.clone())));
                }
                if row(ui, project, gone) {
                    view.out.push(Command::OpenRecent(project.path.clone()));
                }
            });
        });
    }
}

/// A recent project; whether it was clicked.
fn row(ui: &mut Ui, project: &Recent, gone: bool) -> bool {
    let t = tokens(ui);
    let path = project.path.display().to_string();
    let sense = if gone { Sense::hover() } else { Sense::click() };
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), sense);
    let visible = response.hovered() && !gone || response.has_focus();
    let fill = if visible { t.control } else { Color32::TRANSPARENT };
    let line = if response.has_focus() { Stroke::new(1.0, t.outline) } else { Stroke::NONE };
    ui.painter().rect(rect, f32::from(RADIUS), fill, line, egui::StrokeKind::Inside);
    let color = if gone { t.weak } else { t.strong };
    let below = if gone { format!("No longer at {path}") } else { path.clone() };
    let width = rect.width() - 20.0;
    for (text, font, color, y) in
        [(project.name.as_str(), theme::body(), color, 6.0), (below.as_str(), theme::caption(), t.weak, 25.0)]
    {
        let galley = crate::app::widgets::elided(ui.painter(), text, font, color, width);
        ui.painter().galley(rect.left_top() + vec2(10.0, y), galley, color);
    }
    let label = format!("{}, {below}", format::cut(&project.name, 60));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, !gone, &label));
    let hint = if gone { format!("{below}. If it was moved, open it where it is now.") } else { path };
    response.on_hover_text(hint).clicked()
}
