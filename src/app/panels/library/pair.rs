//! Two images side by side, with the same zoom and the same place in the middle.

use egui::accesskit::Role;
use egui::{
    Align, Button, Color32, EventFilter, Key, Layout, Modifiers, Rect, Response, RichText, Sense, Ui, Vec2, WidgetInfo,
    vec2,
};

use crate::app::actions::Command;
use crate::app::library::{ImagePair, PairImage, PairView};
use crate::app::panels::{View, notes};
use crate::app::state::Subject;
use crate::app::theme::{self, RADIUS, tokens};
use crate::app::widgets::{TextureKey, WHOLE, image_grid, swatch};
use crate::app::{bidi, format};
use whence_data::{Dataset, ImageShape};

/// Height of what is below the images.
const BELOW: f32 = 92.0;

/// Screen pixels per pixel of an image, at most.
const ZOOM: f32 = 128.0;

/// An image of the pair, as it is drawn.
struct Shown<'a> {
    key: TextureKey,
    shape: ImageShape,
    pixels: &'a [u8],
    name: &'a str,
    /// Its group; none for a query.
    group: Option<usize>,
}

/// Shows the pair in place of the grid. False where one of its images does not exist any more.
pub fn show(ui: &mut Ui, view: &mut View<'_>, dataset: &Dataset, mut pair: ImagePair, order: &[u32]) -> bool {
    let state = view.state;
    let find = |image: PairImage| match image {
        PairImage::Training(image) if image < dataset.len() => Some(Shown {
            key: TextureKey::TrainingImage(state.dataset_id, image),
            shape: dataset.shape(),
            pixels: dataset.pixels(image),
            name: dataset.image_name(image),
            group: dataset.group_of(image),
        }),
        PairImage::Training(_) => None,
        PairImage::Query(key) => state.queries.iter().find(|q| q.key == key).map(|q| Shown {
            key: TextureKey::Query(key),
            shape: q.image.shape,
            pixels: &q.image.pixels,
            name: &q.image.name,
            group: None,
        }),
    };
    let [Some(left), Some(right)] = pair.images.map(find) else { return false };
    toolbar(ui, view, &mut pair);
    let size = ui.available_size();
    let room = vec2((size.x - 8.0) / 2.0, (size.y - BELOW).max(80.0));
    let mut keys = Keys::default();
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        for (place, shown) in [&left, &right].into_iter().enumerate() {
            ui.vertical(|ui| {
                ui.set_width(room.x);
                let response = image(ui, view, shown, &mut pair.view, room, place);
                if place == 1 {
                    keys = Keys::read(ui, &response);
                }
                below(ui, view, pair.images.get(place).copied(), shown);
            });
        }
    });
    if let Some(by) = keys.step {
        step(view, &mut pair, order, by);
    }
    pair.view = keys.zoomed(pair.view);
    let close = keys.close || view.library.pair.is_none();
    view.library.pair = (!close).then_some(pair);
    if close {
        ui.ctx().request_repaint();
    }
    true
}

/// Zoom, exchange and close.
fn toolbar(ui: &mut Ui, view: &mut View<'_>, pair: &mut ImagePair) {
    let t = tokens(ui);
    ui.horizontal(|ui| {
        let fits = pair.view.zoom.is_none();
        if ui.selectable_label(fits, "Fit").on_hover_text("Show both images whole (0).").clicked() {
            pair.view = PairView::default();
        }
        let exact = pair.view.zoom == Some(1.0);
        if ui.selectable_label(exact, "100%").on_hover_text("One screen pixel per pixel of the image (1:1).").clicked()
        {
            pair.view.zoom = Some(1.0);
        }
        let percent = pair.view.zoom.map_or("whole image".to_owned(), |zoom| format!("{:.0}%", 100.0 * zoom));
        ui.label(RichText::new(percent).font(theme::caption()).color(t.weak));
        if ui.button("Swap").on_hover_text("Exchange left and right.").clicked() {
            pair.images.swap(0, 1);
        }
        let current = view.state.current.map(PairImage::Query).filter(|query| !pair.images.contains(query));
        let query = ui.add_enabled(current.is_some(), Button::new("Query image at the left"));
        if query.on_hover_text("Compare with the query image on screen.").clicked()
            && let (Some(query), [left, _]) = (current, &mut pair.images)
        {
            *left = query;
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui.button("Close").on_hover_text("Back to the grid (Esc or C).").clicked() {
                view.library.pair = None;
            }
            let text = "The wheel zooms both, dragging moves both, arrow keys change the right image.";
            ui.add(egui::Label::new(RichText::new(text).font(theme::caption()).color(t.weak)).truncate());
        });
    });
}

/// Draws one of the images, and zooms and moves both.
fn image(
    ui: &mut Ui,
    view: &mut View<'_>,
    shown: &Shown<'_>,
    pair: &mut PairView,
    room: Vec2,
    place: usize,
) -> Response {
    let t = tokens(ui);
    let (_, rect) = ui.allocate_space(room);
    let id = if place == 1 { image_grid::id() } else { image_grid::id().with("left") };
    let response = ui.interact(rect, id, Sense::click_and_drag());
    ui.painter().rect_filled(rect, f32::from(RADIUS), t.mat);
    let native = vec2(shown.shape.width.max(1) as f32, shown.shape.height.max(1) as f32) / ui.pixels_per_point();
    let fit = (rect.width() / native.x).min(rect.height() / native.y).max(0.01);
    let scale = |pair: &PairView| pair.zoom.unwrap_or(fit);
    if response.hovered() {
        let (scroll, pinch) = ui.input(|i| (i.smooth_scroll_delta().y, i.zoom_delta()));
        let factor = (0.005 * scroll).exp() * pinch;
        if (factor - 1.0).abs() > 1e-4 {
            let at = ui.input(|i| i.pointer.hover_pos()).unwrap_or(rect.center()) - rect.center();
            let before = scale(pair);
            let after = (before * factor).clamp(fit.min(1.0) / 2.0, ZOOM);
            // What is under the pointer stays there.
            let moved = at / (native * before) - at / (native * after);
            pair.middle = [pair.middle[0] + moved.x, pair.middle[1] + moved.y];
            pair.zoom = Some(after);
        }
    }
    if response.dragged() {
        let moved = response.drag_delta() / (native * scale(pair));
        pair.middle = [pair.middle[0] - moved.x, pair.middle[1] - moved.y];
        pair.zoom = Some(scale(pair));
    }
    if response.double_clicked() {
        *pair = PairView::default();
    }
    pair.middle = pair.middle.map(|v| v.clamp(0.0, 1.0));
    let size = native * scale(pair);
    let [x, y] = pair.middle;
    let inner = Rect::from_min_size(rect.center() - size * vec2(x, y), size);
    if let Some(texture) = view.textures.get(ui.ctx(), shown.key, shown.shape, shown.pixels) {
        ui.painter().with_clip_rect(rect).image(texture, inner, WHOLE, Color32::WHITE);
    }
    let name = format!("{} of the pair: {}", if place == 0 { "Left" } else { "Right" }, shown.name);
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &name));
    response
}

/// Name, group, rating and note of one of the images.
fn below(ui: &mut Ui, view: &mut View<'_>, image: Option<PairImage>, shown: &Shown<'_>) {
    let t = tokens(ui);
    let (subject, rating) = match image {
        Some(PairImage::Query(key)) => {
            let rating = view.state.queries.iter().find(|q| q.key == key).map(|q| q.rating).unwrap_or_default();
            (Subject::Query(key), rating)
        }
        _ => (Subject::Image(shown.name.to_owned()), view.state.annotations.rating(shown.name)),
    };
    ui.horizontal(|ui| {
        if let Some(group) = shown.group {
            let (rect, _) = ui.allocate_exact_size(vec2(12.0, 18.0), Sense::hover());
            swatch(ui.painter(), rect.center(), 5.0, group, t);
        }
        ui.label(RichText::new(bidi::display(&format::cut(shown.name, 36))).color(t.strong))
            .on_hover_text(bidi::display(shown.name));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| notes::rating(ui, view, &subject, rating));
        });
    });
    notes::field(ui, view, subject, shown.name);
}

/// Shows the image before or after the right one in the library's order.
fn step(view: &mut View<'_>, pair: &mut ImagePair, order: &[u32], by: isize) {
    let [_, right] = &mut pair.images;
    let PairImage::Training(image) = *right else { return };
    let place = image_grid::index_of(order, image);
    let next = place.map_or(Some(0), |place| place.checked_add_signed(by)).and_then(|place| order.get(place));
    if let Some(next) = next.map(|image| *image as usize) {
        *right = PairImage::Training(next);
        view.out.push(Command::SelectImage(Some(next)));
    }
}

/// What the keys of the pair ask for.
#[derive(Default)]
struct Keys {
    step: Option<isize>,
    zoom: f32,
    fit: bool,
    close: bool,
}

impl Keys {
    fn read(ui: &Ui, response: &Response) -> Self {
        if ui.memory(|m| m.focused()).is_none() {
            response.request_focus();
        }
        if !response.has_focus() {
            return Self::default();
        }
        let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, escape: true, ..Default::default() };
        ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
        let pressed = |key| ui.input_mut(|i| i.consume_key(Modifiers::NONE, key));
        let step = if pressed(Key::ArrowLeft) {
            Some(-1)
        } else if pressed(Key::ArrowRight) {
            Some(1)
        } else {
            None
        };
        let zoom = if pressed(Key::Plus) || pressed(Key::Equals) {
            1.25
        } else if pressed(Key::Minus) {
            0.8
        } else {
            1.0
        };
        Self { step, zoom, fit: pressed(Key::Num0), close: pressed(Key::Escape) || pressed(Key::C) }
    }

    fn zoomed(&self, view: PairView) -> PairView {
        if self.fit {
            return PairView::default();
        }
        if self.zoom == 0.0 || self.zoom == 1.0 {
            return view;
        }
        PairView { zoom: Some((view.zoom.unwrap_or(4.0) * self.zoom).clamp(0.05, ZOOM)), ..view }
    }
}
