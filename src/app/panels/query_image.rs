//! The query image, large, and the button that explains it.

use egui::{Align, Button, Layout, RichText, Ui, vec2};

use super::{View, regenerated};
use crate::app::actions::{Action, Command};
use crate::app::state::{JobStatus, Query, Slot, State, Subject};
use crate::app::theme::{self, tokens};
use crate::app::widgets::{TextureKey, show_image};
use crate::app::{bidi, format};
use whence_jobs::{JobSpec, QueryOrigin};

/// Height of the field of a note.
const NOTE: f32 = 30.0;

/// Draws the panel.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    let width = ui.available_width();
    // Height below the image: name, note and buttons. A slide shows the names alone.
    let below = regenerated::LINE_HEIGHT + if view.shell.presenting { 56.0 } else { 136.0 + NOTE };
    let side = width.min(ui.available_height() - below).max(140.0);
    let space = vec2(width, side);
    if let Some(drawing) = &view.state.generation {
        let key = TextureKey::Generating(drawing.job, drawing.step);
        let texture = view.textures.get(ui.ctx(), key, drawing.shape, &drawing.pixels);
        show_image(ui, texture, drawing.shape, space, "The image while it is generated");
        caption(ui, "Generating", &format!("step {} of {}", drawing.step, drawing.steps));
    } else if let Some(query) = view.state.query() {
        let q = &query.image;
        regenerated::show(ui, view, query, space);
        regenerated::line(ui, view, query);
        if view.shell.presenting {
            return slide_caption(ui, view.state, query);
        }
        caption(ui, &q.name, &origin(view.state, query));
        super::notes::field(ui, view, Subject::Query(query.key), &q.name);
        // How an image was generated is in its caption; how a file was converted for the model is a note, not a warning.
        for note in q.notes.iter().filter(|_| matches!(q.origin, QueryOrigin::File(_))) {
            let t = tokens(ui);
            ui.add(egui::Label::new(RichText::new(note).font(theme::caption()).color(t.weak)).wrap());
        }
    } else {
        placeholder(ui, view, space);
    }
    ui.add_space(4.0);
    explain(ui, view);
    super::settings::show(ui, view);
}

/// Below the image of a presentation: its name, which of how many it is, and how to leave.
fn slide_caption(ui: &mut Ui, state: &State, query: &Query) {
    let t = tokens(ui);
    let number = state.queries.iter().position(|q| q.key == query.key).map_or(0, |i| i + 1);
    let page = format!("{number} of {}", state.queries.len());
    ui.horizontal(|ui| {
        ui.label(RichText::new(page).color(t.text));
        let name = format::cut(&query.image.name, 36);
        ui.add(egui::Label::new(RichText::new(bidi::display(&name)).font(theme::caption()).color(t.weak)).truncate());
    });
    let keys = "PageUp, PageDown: other images. Esc leaves.";
    ui.label(RichText::new(keys).font(theme::caption()).color(t.weak));
}

fn caption(ui: &mut Ui, name: &str, about: &str) {
    let t = tokens(ui);
    ui.horizontal(|ui| {
        let shown = ui.label(RichText::new(bidi::display(&format::cut(name, 36))).color(t.strong));
        if name.chars().count() > 36 {
            shown.on_hover_text(bidi::display(name));
        }
        ui.add(egui::Label::new(RichText::new(bidi::display(about)).font(theme::caption()).color(t.weak)).truncate());
    });
}

fn origin(state: &State, query: &Query) -> String {
    let shape = query.image.shape;
    let size = format!("{} × {}", shape.width, shape.height);
    let file = match &query.image.origin {
        QueryOrigin::File(path) => {
            let root = state.project.as_ref().map(|p| p.root.as_path());
            let inside = root.and_then(|root| path.strip_prefix(root).ok());
            // Of a file outside the project only the name: images of the window are given away.
            let name = path.file_name().map(std::path::Path::new);
            format!(", {}", inside.or(name).unwrap_or(path).display())
        }
        QueryOrigin::Seed(_) => String::new(),
    };
    let Some(drawn) = query.image.generated else { return format!("{size}{file}") };
    let class = drawn.sampling.class.map_or_else(String::new, |c| format!(", class {c}"));
    format!("{size}{file}, generated: seed {}, {}{class}", drawn.seed, drawn.sampling.about())
}

/// Shown without an image: why, and the one button that helps.
fn placeholder(ui: &mut Ui, view: &mut View<'_>, space: egui::Vec2) {
    let t = tokens(ui);
    let state = view.state;
    let loading = [Slot::Project, Slot::Model, Slot::Query, Slot::Generate].into_iter().find_map(|s| state.busy(s));
    let (text, action) = match (loading, &state.model) {
        (Some(job), _) => (format!("{}…", job.title), None),
        (None, None) => ("Open a project or a model folder, or drop one here.".to_owned(), Some(Action::OpenFolder)),
        (None, Some(_)) => ("Generate an image from a seed, or drop one here.".to_owned(), Some(Action::Generate)),
    };
    let frame = egui::Frame::new().fill(t.mat).corner_radius(theme::RADIUS);
    frame.show(ui, |ui| {
        ui.set_min_size(space);
        ui.set_max_size(space);
        ui.with_layout(Layout::top_down(Align::Center), |ui| {
            ui.add_space(space.y * 0.42);
            ui.label(RichText::new(text).color(t.text));
            ui.add_space(6.0);
            if let Some(action) = action {
                let words = if action == Action::Generate { "Generate an image" } else { action.text() };
                let button = Button::new(RichText::new(words).color(t.window)).fill(t.strong);
                if ui.add(button).on_hover_text(action.hint(ui.ctx())).clicked() {
                    view.out.push(Command::Act(action));
                }
            }
        });
    });
}

fn explain(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    let ready = view.state.can_explain();
    let text = match view.state.explaining() {
        Some(job) if job.status == JobStatus::Paused => "Explanation paused",
        Some(_) => "Explaining…",
        None => Action::Explain.text(),
    };
    // The one primary button inverts text and ground instead of using a colour. Once the image is explained, the next step
    // is another one.
    let done = view.state.explanation().is_some_and(|a| a.complete.is_some());
    let (fill, ink) = match (ready.is_ok(), done) {
        (false, _) => (t.control, t.weak),
        (true, true) => (t.control, t.text),
        (true, false) => (t.strong, t.window),
    };
    let job = view.forms.current_job(view.state).ok().map(|job| JobSpec::Attribute(Box::new(job)));
    let cost = format::cost_worth_knowing(job.and_then(|job| view.state.cost(job)));
    let mut button = Button::new(RichText::new(text).size(15.0).color(ink)).fill(fill);
    if let Some(cost) = &cost {
        button = button.right_text(RichText::new(cost).font(theme::caption()).color(ink));
    }
    let hint = match ready {
        Ok(()) => Action::Explain.hint(ui.ctx()),
        Err(reason) => reason.to_owned(),
    };
    ui.horizontal(|ui| {
        let groups = view.state.groups().len();
        let beside = if groups > 1 { GROUPS_WIDTH + ui.spacing().item_spacing.x } else { 0.0 };
        let size = vec2((ui.available_width() - beside).max(80.0), 36.0);
        let response = ui.add_enabled_ui(ready.is_ok(), |ui| ui.add_sized(size, button)).inner;
        let name = cost.map_or_else(|| text.to_owned(), |cost| format!("{text}, {cost}"));
        let response = response.accessible_name(name);
        if response.on_hover_text(&hint).on_disabled_hover_text(&hint).clicked() {
            view.out.push(Command::Act(Action::Explain));
        }
        if groups > 1 {
            groups_button(ui, view, groups);
        }
    });
}

/// Width of the button that chooses groups.
const GROUPS_WIDTH: f32 = 104.0;

/// How many groups the next explanation is about; opens the dialog that chooses them.
fn groups_button(ui: &mut Ui, view: &mut View<'_>, all: usize) {
    let left_out = view.state.groups().iter().filter(|name| view.state.excluded_groups.contains(*name)).count();
    let text = match left_out {
        0 => format!("All {} groups", format::count(all)),
        n => format!("{} of {} groups", format::count(all - n), format::count(all)),
    };
    let button = Button::new(RichText::new(&text).font(theme::caption())).truncate();
    let response = ui.add_sized(vec2(GROUPS_WIDTH, 36.0), button).accessible_name(text);
    if response.on_hover_text("Choose which groups to score, and see what it costs.").clicked() {
        view.out.push(Command::ChooseGroups);
    }
}
