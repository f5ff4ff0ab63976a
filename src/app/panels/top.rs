//! The bar at the top: what is open, on which device, and how to open something else.

use egui::accesskit::Role;
use egui::{
    Align, Align2, Button, Color32, Layout, RichText, Sense, Stroke, TextEdit, ThemePreference, Ui, WidgetInfo, vec2,
};

use super::View;
use crate::app::actions::{Action, Command};
use crate::app::files::{self, Pick};
use crate::app::format;
use crate::app::state::Slot;
use crate::app::theme::{self, tokens};
use crate::app::window::next_theme;

/// Draws the bar.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    ui.horizontal(|ui| {
        ui.set_min_height(28.0);
        ui.label(RichText::new("Whence").size(18.0).color(t.strong));
        ui.add_space(8.0);
        opened(ui, view);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            help(ui, view);
            theme_switch(ui, view);
            open_menu(ui, view);
            path_field(ui, view);
        });
    });
    if let Some(text) = view.drafts.path_error.clone() {
        ui.horizontal(|ui| {
            ui.label(RichText::new(text).font(theme::caption()).color(t.error));
            let close = Button::new(RichText::new("Dismiss").font(theme::caption()).color(t.weak)).frame(false);
            if ui.add(close).clicked() {
                view.drafts.path_error = None;
            }
        });
    } else if view.drafts.dialog_open {
        // Where no desktop portal answers, a dialog never appears: there are other ways.
        let text = "A file dialog is open. If none appears, type the path above or drop the file into the window";
        ui.label(RichText::new(text).font(theme::caption()).color(t.weak));
    }
    super::notices(ui, view, &[Slot::Project, Slot::Model, Slot::Other], 160.0);
}

/// Names of what is open, and the device.
fn opened(ui: &mut Ui, view: &View<'_>) {
    let state = view.state;
    let project = state.project.as_ref().map(|p| p.file.name.clone());
    let project = project.or_else(|| state.busy(Slot::Project).map(|_| "Opening…".to_owned()));
    part(ui, "Project", project.as_deref(), project.as_deref().unwrap_or("No project is open"));
    let (name, about) = match &state.model {
        Some(m) => (
            Some(m.name.clone()),
            format!(
                "{}\n{} x {} pixels, {} channels, {} timesteps, {} parameters{}",
                m.path.display(),
                m.shape.width,
                m.shape.height,
                m.shape.channels,
                m.timesteps,
                format::short_count(m.parameters),
                m.classes.map_or_else(String::new, |n| format!(", {n} classes")),
            ),
        ),
        None if state.busy(Slot::Model).is_some() => (Some("loading…".into()), "The model is being loaded".into()),
        None => (None, "No model is open".into()),
    };
    part(ui, "Model", name.as_deref(), &about);
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
        None if state.busy(Slot::Dataset).is_some() => (Some("reading…".into()), "The dataset is being read".into()),
        None => (None, "No dataset is open".into()),
    };
    part(ui, "Dataset", name.as_deref(), &about);
    if let Some(model) = &state.model {
        device(ui, &model.device);
    }
}

fn part(ui: &mut Ui, what: &str, name: Option<&str>, about: &str) {
    let t = tokens(ui);
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = 5.0;
        ui.label(RichText::new(what).font(theme::caption()).color(t.weak));
        let color = if name.is_some() { t.text } else { t.weak };
        let text = format::cut(name.unwrap_or("none"), 22);
        ui.label(RichText::new(text).color(color)).on_hover_text(about);
    });
    ui.add_space(6.0);
}

fn device(ui: &mut Ui, name: &str) {
    let t = tokens(ui);
    egui::Frame::new()
        .stroke(Stroke::new(1.0, t.line))
        .corner_radius(9)
        .inner_margin(egui::Margin::symmetric(8, 1))
        .show(ui, |ui| {
            let text = RichText::new(format::cut(name, 28)).font(theme::caption()).color(t.weak);
            ui.label(text).on_hover_text(format!("Computes on {name}"));
        });
}

fn path_field(ui: &mut Ui, view: &mut View<'_>) {
    let width = (ui.available_width() - 8.0).clamp(60.0, 260.0);
    let field = TextEdit::singleline(&mut view.drafts.path)
        .align(Align2::LEFT_CENTER)
        .hint_text("Path, or drop a file")
        .desired_width(width);
    let response = ui
        .add(field)
        .accessible_name("Path to open")
        .on_hover_text(format!("A project, model or dataset folder, a parquet file or a picture ({})", {
            ui.ctx().format_shortcut(&Action::TypePath.shortcut())
        }));
    if view.drafts.focus_path {
        view.drafts.focus_path = false;
        response.request_focus();
    }
    if response.changed() {
        view.drafts.path_error = None;
    }
    if response.lost_focus()
        && ui.input(|i| i.key_pressed(egui::Key::Enter))
        && let Some(path) = files::typed(&view.drafts.path)
    {
        view.out.push(Command::Open(path));
    }
}

fn open_menu(ui: &mut Ui, view: &mut View<'_>) {
    ui.menu_button("Open", |ui| {
        ui.set_min_width(200.0);
        for (text, what, hint) in [
            ("Project…", Pick::Project, "A folder with a project.json"),
            ("Model…", Pick::Model, "A diffusers folder with a config.json"),
            ("Dataset folder…", Pick::Dataset, "One folder of pictures a group"),
            ("Dataset file…", Pick::Table, "A parquet table with pictures and groups"),
            ("Picture…", Pick::Query, "A picture to ask about"),
        ] {
            if ui.button(text).on_hover_text(hint).clicked() {
                view.out.push(Command::Pick(what));
            }
        }
    })
    .response
    .on_hover_text(Action::OpenFolder.hint(ui.ctx()));
}

/// A half-filled disc: goes from system to light to dark.
fn theme_switch(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    let now = ui.ctx().options(|o| o.theme_preference);
    let name = match now {
        ThemePreference::System => "Theme: as the system",
        ThemePreference::Light => "Theme: light",
        ThemePreference::Dark => "Theme: dark",
    };
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
    ui.painter().add(egui::Shape::convex_polygon(arc, t.text, Stroke::NONE));
    ui.painter().circle(center, radius, Color32::TRANSPARENT, Stroke::new(1.2, t.text));
    if now == ThemePreference::System {
        ui.painter().text(
            rect.right_bottom() - vec2(2.0, 0.0),
            Align2::RIGHT_BOTTOM,
            "A",
            egui::FontId::proportional(9.0),
            t.weak,
        );
    }
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    if response.on_hover_text(name).clicked() {
        view.out.push(Command::Theme(next_theme(now)));
    }
}

fn help(ui: &mut Ui, view: &mut View<'_>) {
    let button = Button::new("?").min_size(vec2(28.0, 26.0)).selected(view.drafts.help);
    let response = ui.add(button).accessible_name(Action::Help.text());
    if response.on_hover_text(Action::Help.hint(ui.ctx())).clicked() {
        view.out.push(Command::Act(Action::Help));
    }
}
