//! The panels, and how they share the window. The table of the panels in the middle is in [`registry`].

mod compare;
mod dock;
mod drop;
mod embedding;
pub(super) mod evidence;
mod export;
mod glossary;
mod groups;
mod help;
mod jobs;
mod library;
mod log;
mod messages;
mod naming;
mod neighbours;
mod new_project;
mod notes;
mod open_choice;
mod palette;
mod queries;
pub(super) mod query_image;
mod queue;
mod ranking;
mod regenerated;
mod registry;
mod result;
mod run_dialog;
mod save_as;
mod score;
pub(super) mod score_map;
mod settings;
mod top;
mod tour;
mod unlearning;
mod wall;
mod welcome;

pub use registry::{PanelId, Placement};
pub use result::title as result_title;
pub use score::method_title;
pub use score_map::reach;
pub use wall::Order as WallOrder;

use egui::{Align, Button, CentralPanel, Frame, Label, Layout, Margin, Panel, RichText, Ui, vec2};

use super::actions::Command;
use super::dock::Dock;
use super::forms::Forms;
use super::library::Library;
use super::shell::Shell;
use super::state::State;
use super::theme::{self, GAP, tokens};
use super::widgets::{Textures, hover};

/// What panels read and write.
pub struct View<'a> {
    /// What is shown.
    pub state: &'a State,
    /// The contents of fields and controls.
    pub forms: &'a mut Forms,
    /// The library's images, order and selection.
    pub library: &'a mut Library,
    /// Images on the graphics card.
    pub textures: &'a mut Textures,
    /// The state of the window itself.
    pub shell: &'a mut Shell,
    /// The commands of this frame.
    pub out: &'a mut Vec<Command>,
}

/// Draws the whole window.
pub fn show(ui: &mut Ui, view: &mut View<'_>, dock: &mut Dock) {
    let t = tokens(ui);
    let side = Frame::new().fill(t.panel);
    let mut regions = tour::Regions::default();
    let mut bottom = 0.0;
    // A presentation shows only the middle.
    if !view.shell.presenting {
        let top = Panel::top("top")
            .frame(side.inner_margin(Margin::symmetric(16, 8)))
            .resizable(false)
            .show(ui, |ui| top::show(ui, view));
        let jobs = Panel::bottom("jobs")
            .frame(side.inner_margin(Margin::symmetric(16, 8)))
            .resizable(false)
            .show(ui, |ui| jobs::show(ui, view));
        bottom = jobs.response.rect.height();
        if view.shell.log_open {
            let log = Panel::bottom("log")
                .frame(side.inner_margin(Margin::symmetric(16, 8)))
                .resizable(true)
                .default_size(190.0)
                .size_range(110.0..=420.0)
                .show(ui, |ui| log::show(ui, view));
            bottom += log.response.rect.height();
        }
        (regions.top, regions.jobs) = (top.response.rect, jobs.response.rect);
    }
    // Without a project, the panels would be empty.
    let is_welcome = view.shell.welcome && view.state.is_empty();
    if !view.shell.presenting && !is_welcome {
        let left = Panel::left("images")
            .frame(side.inner_margin(Margin { left: 16, right: 12, top: 12, bottom: 8 }))
            .resizable(true)
            .default_size(244.0)
            .size_range(200.0..=420.0)
            .show(ui, |ui| {
                queries::show(ui, view);
                ui.add_space(GAP);
                groups::show(ui, view);
            });
        regions.left = left.response.rect;
    }
    if is_welcome {
        welcome::show(ui, view);
        return overlays(ui, view, &regions, bottom);
    }
    CentralPanel::default_margins().frame(Frame::new().fill(t.window)).show(ui, |ui| {
        regions.middle = ui.max_rect();
        view.forms.export.area = Some(regions.middle);
        dock::show(ui, view, dock);
        (regions.image, regions.ranking) = (dock.rect_of(PanelId::Image), dock.rect_of(PanelId::Ranking));
    });
    overlays(ui, view, &regions, bottom);
}

/// What lies over the panels.
fn overlays(ui: &mut Ui, view: &mut View<'_>, regions: &tour::Regions, bottom: f32) {
    export::show(ui, view);
    run_dialog::show(ui, view);
    new_project::show(ui, view);
    save_as::show(ui, view);
    open_choice::show(ui, view);
    help::show(ui, view);
    glossary::show(ui, view);
    palette::show(ui, view);
    naming::show(ui, view);
    tour::show(ui, view, regions);
    messages::show(ui, view, bottom);
    drop::show(ui, view);
    hover::end_frame(ui.ctx());
}

/// Draws a panel of the middle.
fn show_panel(ui: &mut Ui, view: &mut View<'_>, panel: PanelId) {
    let info = panel.info();
    // Offers of help would only be in the way while the project is being opened.
    if info.needs_project && view.state.opening {
        _ = placeholder(ui, "Opening…", "This panel fills once the project is open.", None);
        return;
    }
    (info.show)(ui, view);
}

/// Shown in an empty panel: what will be here, and the one button that helps, with its tooltip or the reason why it is
/// disabled. Returns whether the button was clicked.
fn placeholder(ui: &mut Ui, title: &str, text: &str, button: Option<(&str, Result<&str, &str>)>) -> bool {
    let t = tokens(ui);
    ui.with_layout(Layout::top_down(Align::Center), |ui| {
        ui.add_space((ui.available_height() * 0.36).max(0.0));
        ui.label(RichText::new(title).font(theme::lead()).color(t.strong));
        ui.set_max_width(ui.available_width().min(460.0));
        ui.add(Label::new(RichText::new(text).color(t.weak)).wrap().halign(Align::Center));
        ui.add_space(8.0);
        let Some((words, ready)) = button else { return false };
        let (fill, ink) = if ready.is_ok() { (t.strong, t.window) } else { (t.control, t.weak) };
        let button = Button::new(RichText::new(words).color(ink)).fill(fill).min_size(vec2(180.0, 34.0));
        let hint = ready.unwrap_or_else(|reason| reason);
        ui.add_enabled(ready.is_ok(), button).on_hover_text(hint).on_disabled_hover_text(hint).clicked()
    })
    .inner
}

/// A heading with a count.
fn heading(ui: &mut Ui, text: &str, count: &str) {
    let t = tokens(ui);
    ui.horizontal(|ui| {
        ui.label(RichText::new(text).color(t.strong));
        ui.label(RichText::new(count).font(theme::caption()).color(t.weak));
    });
}

/// The text of an empty panel.
fn empty(ui: &mut Ui, text: &str) {
    let t = tokens(ui);
    ui.add(Label::new(RichText::new(text).color(t.weak)).wrap());
}
