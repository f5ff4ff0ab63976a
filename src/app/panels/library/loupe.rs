//! One training image, large.

use egui::accesskit::Role;
use egui::{Button, EventFilter, Key, Modifiers, Rect, RichText, Sense, Ui, WidgetInfo, vec2};

use crate::app::actions::Command;
use crate::app::format;
use crate::app::panels::View;
use crate::app::theme::{self, tokens};
use crate::app::widgets::{TextureKey, show_image, swatch, wall};
use whence_data::Dataset;

/// Height of the line below the image.
const LINE: f32 = 34.0;

/// Where an image stands in the order on screen.
pub struct Around {
    /// Its place, where it is among them.
    place: Option<usize>,
    /// How many there are.
    count: usize,
    before: Option<usize>,
    after: Option<usize>,
}

impl Around {
    /// Looks an image up; the first stands beside one that is not among them.
    pub fn new(order: &[u32], image: usize) -> Self {
        let place = wall::place_of(order, image);
        let at = |place: Option<usize>| place.and_then(|p| order.get(p)).map(|image| *image as usize);
        Self {
            place,
            count: order.len(),
            before: at(place.and_then(|p| p.checked_sub(1))),
            after: at(Some(place.map_or(0, |p| p + 1))),
        }
    }
}

/// Shows the selected image in place of the wall.
pub fn show(ui: &mut Ui, view: &mut View<'_>, dataset: &Dataset, image: usize, around: &Around) {
    let t = tokens(ui);
    let name = dataset.image_name(image);
    let space = vec2(ui.available_width(), (ui.available_height() - LINE - 8.0).max(80.0));
    let key = TextureKey::TrainingImage(view.state.dataset_number, image);
    let texture = view.textures.get(ui.ctx(), key, dataset.shape(), dataset.pixels(image));
    let shown = show_image(ui, texture, dataset.shape(), space, &format!("Training image {name}"));
    let (by, mut close) = keys(ui, shown.rect, name);
    let mut next = by.and_then(|forward| if forward { around.after } else { around.before });
    ui.horizontal(|ui| {
        ui.set_height(LINE);
        if let Some(group) = dataset.group_of(image) {
            let (rect, _) = ui.allocate_exact_size(vec2(12.0, 18.0), Sense::hover());
            swatch(ui.painter(), rect.center(), 5.0, group, t);
            ui.label(RichText::new(format::cut(dataset.group_name(group), 30)).color(t.strong));
        }
        ui.label(RichText::new(format::cut(name, 48)).color(t.text)).on_hover_text(name);
        if let Some(place) = around.place {
            let text = format!("{} of {}", format::count(place + 1), format::count(around.count));
            ui.label(RichText::new(text).font(theme::caption()).color(t.weak));
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            close |= ui.button("Close").on_hover_text("Back to the wall (Esc)").clicked();
            for (text, hint, image) in [
                ("Next", "The image after this one (→)", around.after),
                ("Previous", "The image before this one (←)", around.before),
            ] {
                if ui.add_enabled(image.is_some(), Button::new(text)).on_hover_text(hint).clicked() {
                    next = image;
                }
            }
        });
    });
    if close {
        view.library.loupe = false;
        ui.ctx().request_repaint();
    }
    if next.is_some() {
        view.out.push(Command::SelectImage(next));
    }
}

/// The keys that belong to the image: whether to go on (true) or back, and whether to close.
fn keys(ui: &Ui, rect: Rect, name: &str) -> (Option<bool>, bool) {
    let response = ui.interact(rect, wall::id(), Sense::click());
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
    let go = [Key::ArrowLeft, Key::ArrowUp, Key::ArrowRight, Key::ArrowDown].into_iter().position(pressed);
    (go.map(|place| place > 1), pressed(Key::Escape) || pressed(Key::Enter))
}
