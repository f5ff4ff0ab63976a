//! One training image, large.

use egui::accesskit::Role;
use egui::{Button, EventFilter, Key, Modifiers, Rect, RichText, Sense, Ui, WidgetInfo, vec2};

use crate::app::actions::Command;
use crate::app::format;
use crate::app::panels::{View, notes};
use crate::app::state::Subject;
use crate::app::theme::{self, tokens};
use crate::app::widgets::{TextureKey, image_grid, show_image, swatch};
use whence_data::Dataset;

/// Height of the line below the image.
const LINE: f32 = 34.0;

/// Height of the note below that.
const NOTE: f32 = 40.0;

/// The position of an image in the order on screen.
pub struct Position {
    /// Its index, where it is in the order.
    index: Option<usize>,
    /// Number of images in the order.
    count: usize,
    previous: Option<usize>,
    next: Option<usize>,
}

impl Position {
    /// Finds an image in the order. The first image follows one that is not in it.
    pub fn new(order: &[u32], image: usize) -> Self {
        let index = image_grid::index_of(order, image);
        let image_at = |index: Option<usize>| index.and_then(|i| order.get(i)).map(|image| *image as usize);
        Self {
            index,
            count: order.len(),
            previous: image_at(index.and_then(|i| i.checked_sub(1))),
            next: image_at(Some(index.map_or(0, |i| i + 1))),
        }
    }
}

/// Shows the selected image in place of the grid.
pub fn show(ui: &mut Ui, view: &mut View<'_>, dataset: &Dataset, image: usize, position: &Position) {
    let t = tokens(ui);
    let name = dataset.image_name(image);
    let space = vec2(ui.available_width(), (ui.available_height() - LINE - NOTE - 8.0).max(80.0));
    let key = TextureKey::TrainingImage(view.state.dataset_id, image);
    let texture = view.textures.get(ui.ctx(), key, dataset.shape(), dataset.pixels(image));
    let shown = show_image(ui, texture, dataset.shape(), space, &format!("Training image {name}"));
    let (step, mut close) = keys(ui, shown.rect, name);
    let subject = Subject::Image(name.to_owned());
    let mut target = match step {
        Some(Step::Next) => position.next,
        Some(Step::Previous) => position.previous,
        None => None,
    };
    ui.horizontal(|ui| {
        ui.set_height(LINE);
        if let Some(group) = dataset.group_of(image) {
            let (rect, _) = ui.allocate_exact_size(vec2(12.0, 18.0), Sense::hover());
            swatch(ui.painter(), rect.center(), 5.0, group, t);
            ui.label(RichText::new(format::cut(dataset.group_name(group), 30)).color(t.strong));
        }
        ui.label(RichText::new(format::cut(name, 48)).color(t.text)).on_hover_text(name);
        if let Some(index) = position.index {
            let text = format!("{} of {}", format::count(index + 1), format::count(position.count));
            ui.label(RichText::new(text).font(theme::caption()).color(t.weak));
        }
        notes::rating(ui, view, &subject, view.state.annotations.rating(name));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            close |= ui.button("Close").on_hover_text("Back to the grid (Esc).").clicked();
            for (text, hint, image) in [
                ("Next", "Show the next image (→).", position.next),
                ("Previous", "Show the previous image (←).", position.previous),
            ] {
                if ui.add_enabled(image.is_some(), Button::new(text)).on_hover_text(hint).clicked() {
                    target = image;
                }
            }
        });
    });
    notes::field(ui, view, subject, name);
    if close {
        view.library.loupe = false;
        ui.ctx().request_repaint();
    }
    if target.is_some() {
        view.out.push(Command::SelectImage(target));
    }
}

/// What an arrow key asks for.
enum Step {
    Previous,
    Next,
}

/// The keys of the large view: the step, and whether to close.
fn keys(ui: &Ui, rect: Rect, name: &str) -> (Option<Step>, bool) {
    let response = ui.interact(rect, image_grid::id(), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Group, true, format!("Large view of {name}")));
    if ui.memory(|m| m.focused()).is_none() {
        response.request_focus();
    }
    if !response.has_focus() {
        return (None, false);
    }
    let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, escape: true, ..Default::default() };
    ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
    let pressed = |key| ui.input_mut(|i| i.consume_key(Modifiers::NONE, key));
    let step = if pressed(Key::ArrowLeft) || pressed(Key::ArrowUp) {
        Some(Step::Previous)
    } else if pressed(Key::ArrowRight) || pressed(Key::ArrowDown) {
        Some(Step::Next)
    } else {
        None
    };
    (step, pressed(Key::Escape) || pressed(Key::Enter))
}
