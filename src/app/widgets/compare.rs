//! Comparison of two images of the same size: wipe, blink, difference and side by side.

#[cfg(test)]
mod tests;

use egui::accesskit::{Action, ActionData, Role};
use egui::{
    Align2, Button, Color32, Event, EventFilter, Key, Modifiers, Rect, Response, RichText, Sense, Stroke, TextureId,
    Ui, Vec2, WidgetInfo, pos2, vec2,
};

use super::{TextureKey, Textures, WHOLE, fit};
use crate::app::bidi;
use crate::app::theme::{self, RADIUS, tokens};
use whence_data::ImageShape;

/// Amplification of differences, which are small.
const AMPLIFICATION: u8 = 4;

/// Height of the names below the images.
const NAMES: f32 = 21.0;

/// Share of the width by which an arrow key moves the wipe.
const STEP: f32 = 0.02;

/// How two images are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The first at the left of a line, the second at its right.
    #[default]
    Wipe,
    /// The first, and the second while a key is held.
    Blink,
    /// The amplified absolute difference of each pixel.
    Difference,
    /// Both, side by side.
    SideBySide,
}

/// How a pair is compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contrast {
    /// The mode.
    pub mode: Mode,
    /// Position of the wipe, 0 (left) to 1 (right).
    pub wipe: f32,
    /// Whether a key or button that shows the second image is held.
    pub held: bool,
    /// Whether the second image is shown until the next click; for input devices that cannot hold a button.
    pub toggled: bool,
}

impl Default for Contrast {
    fn default() -> Self {
        Self { mode: Mode::Wipe, wipe: 0.5, held: false, toggled: false }
    }
}

/// Two images of one size.
pub struct Pair<'a> {
    /// Their shape.
    pub shape: ImageShape,
    /// The first: its texture key and its planar bytes.
    pub first: (TextureKey, &'a [u8]),
    /// The second.
    pub second: (TextureKey, &'a [u8]),
    /// Their names.
    pub names: [&'a str; 2],
    /// A third image with its name, which is shown side by side with the other two.
    pub third: Option<Named<'a>>,
}

/// An image with its texture key, its planar bytes and its name.
#[derive(Clone, Copy)]
pub struct Named<'a> {
    /// The texture key.
    pub key: TextureKey,
    /// Planar bytes of the pair's shape.
    pub pixels: &'a [u8],
    /// The name.
    pub name: &'a str,
}

/// The buttons that choose the mode, and their keys: W, D, and B while it is held.
pub fn modes(ui: &mut Ui, contrast: &mut Contrast) {
    let choices = [
        (Mode::Wipe, "Wipe", Some(Key::W), "One image at the left of the pointer, the other at its right (W)."),
        (Mode::Blink, "Blink", None, "One image, and the other while this button or B is held (B)."),
        (Mode::Difference, "Difference", Some(Key::D), "The difference of each pixel, amplified four times (D)."),
        (Mode::SideBySide, "Side by side", None, "Both images."),
    ];
    let typing = ui.ctx().text_edit_focused();
    contrast.held = !typing && ui.input(|i| i.key_down(Key::B) && i.modifiers.is_none());
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        ui.spacing_mut().button_padding.x = 7.0;
        for (mode, name, key, hint) in choices {
            let text = RichText::new(name).font(theme::caption());
            let button = ui.add(Button::selectable(contrast.mode == mode, text)).on_hover_text(hint);
            let key = key.filter(|_| !typing);
            let pressed = key.is_some_and(|key| ui.input_mut(|i| i.consume_key(Modifiers::NONE, key)));
            if mode == Mode::Blink {
                contrast.held |= button.is_pointer_button_down_on();
                // Keyboards and screen readers only click: each click toggles the image.
                if button.clicked() && !ui.input(|i| i.pointer.any_released()) {
                    contrast.toggled = contrast.mode != Mode::Blink || !contrast.toggled;
                    contrast.mode = mode;
                }
            }
            if pressed || button.clicked() {
                contrast.mode = mode;
            }
        }
    });
    if contrast.held {
        contrast.mode = Mode::Blink;
    }
    contrast.toggled &= contrast.mode == Mode::Blink && !contrast.held;
}

/// Shows the images as large as they fit into `space`, each pixel as a whole number of screen pixels.
pub fn compare(
    ui: &mut Ui,
    textures: &mut Textures,
    pair: &Pair<'_>,
    contrast: &mut Contrast,
    space: Vec2,
) -> Response {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(space, Sense::click_and_drag());
    ui.painter().rect_filled(rect, f32::from(RADIUS), t.mat);
    let room = Rect::from_min_max(rect.min, rect.max - vec2(0.0, NAMES)).shrink2(vec2(8.0, 6.0));
    let inner = fit(ui, room, pair.shape);
    let [first, second] =
        [&pair.first, &pair.second].map(|(key, pixels)| textures.get(ui.ctx(), *key, pair.shape, pixels));
    let image = |texture: Option<TextureId>, rect: Rect, clip: Rect| {
        if let Some(texture) = texture {
            ui.painter().with_clip_rect(clip.intersect(ui.clip_rect())).image(texture, rect, WHOLE, Color32::WHITE);
        }
    };
    let below = inner.bottom() + 4.0;
    let caption = |x: f32, align: Align2, text: &str| {
        let painter = ui.painter_at(rect);
        painter.text(pos2(x, below), align, bidi::display(text), theme::body(), t.text);
    };
    let [one, other] = pair.names;
    let label = match contrast.mode {
        Mode::Wipe => {
            slide(ui, &response, inner, contrast);
            let x = inner.left() + contrast.wipe * inner.width();
            image(first, inner, inner.with_max_x(x));
            image(second, inner, inner.with_min_x(x));
            // A light line between dark edges is visible on any image.
            for (width, color) in [(3.0, t.window), (1.0, t.strong)] {
                ui.painter().vline(x, inner.y_range(), Stroke::new(width, color));
            }
            // A little wider than a small image, so that the names do not overlap.
            let wide = inner.expand2(vec2(24.0, 0.0)).intersect(room);
            caption(wide.left(), Align2::LEFT_TOP, one);
            caption(wide.right(), Align2::RIGHT_TOP, other);
            format!("Wipe between {one} and {other}")
        }
        Mode::Blink => {
            let (texture, name) = if contrast.held || contrast.toggled { (second, other) } else { (first, one) };
            image(texture, inner, inner);
            caption(inner.center().x, Align2::CENTER_TOP, name);
            format!("Blink: {name}")
        }
        Mode::Difference => {
            let key = TextureKey::Difference(super::content(pair.first.1), super::content(pair.second.1));
            let texture = textures.get_or(ui.ctx(), key, pair.shape, || difference(pair.first.1, pair.second.1));
            image(texture, inner, inner);
            let name = format!("Difference (×{AMPLIFICATION})");
            caption(inner.center().x, Align2::CENTER_TOP, &name);
            format!("{name}: {one}, {other}")
        }
        Mode::SideBySide => {
            let third =
                pair.third.map(|image| (textures.get(ui.ctx(), image.key, pair.shape, image.pixels), image.name));
            let shown: Vec<_> = [(first, one), (second, other)].into_iter().chain(third).collect();
            let width = room.width() / shown.len() as f32;
            for (index, (texture, name)) in shown.iter().copied().enumerate() {
                let left = room.left() + index as f32 * width;
                let room = Rect::from_x_y_ranges(left..=left + width, room.y_range());
                let inner = fit(ui, room.shrink2(vec2(2.0, 0.0)), pair.shape);
                image(texture, inner, inner);
                ui.painter_at(rect).text(
                    pos2(inner.center().x, inner.bottom() + 4.0),
                    Align2::CENTER_TOP,
                    bidi::display(name),
                    theme::body(),
                    t.text,
                );
            }
            let names: Vec<&str> = shown.iter().map(|(_, name)| *name).collect();
            format!("Side by side: {}", names.join(", "))
        }
    };
    describe(ui, &response, contrast, &label, pair.names);
    response
}

/// Moves the wipe by pointer, arrow keys and screen readers.
fn slide(ui: &Ui, response: &Response, inner: Rect, contrast: &mut Contrast) {
    // A resting pointer does not override the keys.
    let active = |e: &Event| matches!(e, Event::PointerMoved(_) | Event::PointerButton { .. });
    let over = (response.hovered() || response.dragged()) && ui.input(|i| i.events.iter().any(active));
    if let Some(pointer) = response.hover_pos().or(response.interact_pointer_pos()).filter(|_| over) {
        contrast.wipe = ((pointer.x - inner.left()) / inner.width().max(1.0)).clamp(0.0, 1.0);
    }
    let mut steps = 0.0;
    if response.has_focus() {
        let filter = EventFilter { horizontal_arrows: true, ..Default::default() };
        ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
        let count = |key| ui.input_mut(|i| i.count_and_consume_key(Modifiers::NONE, key)) as f32;
        steps = count(Key::ArrowRight) - count(Key::ArrowLeft);
    }
    ui.input(|i| {
        let requests = |action| i.num_accesskit_action_requests(response.id, action) as f32;
        steps += requests(Action::Increment) - requests(Action::Decrement);
        for request in i.accesskit_action_requests(response.id, Action::SetValue) {
            if let Some(ActionData::NumericValue(value)) = request.data
                && value.is_finite()
            {
                contrast.wipe = value as f32 / 100.0;
            }
        }
    });
    contrast.wipe = (contrast.wipe + steps * STEP).clamp(0.0, 1.0);
    if response.has_focus() {
        ui.painter().rect_stroke(inner, 0.0, Stroke::new(1.0, tokens(ui).strong), egui::StrokeKind::Outside);
    }
}

/// The accessible description: a slider in wipe mode, else an image.
fn describe(ui: &Ui, response: &Response, contrast: &Contrast, label: &str, [one, _]: [&str; 2]) {
    if contrast.mode != Mode::Wipe {
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, label));
        return;
    }
    let percent = (f64::from(contrast.wipe) * 100.0).round();
    response.widget_info(|| WidgetInfo::slider(true, percent, label));
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_value(format!("{percent}% {one}"));
        node.set_min_numeric_value(0.0);
        node.set_max_numeric_value(100.0);
        node.set_numeric_value_step(f64::from(STEP) * 100.0);
        for action in [Action::SetValue, Action::Increment, Action::Decrement] {
            node.add_action(action);
        }
    });
}

/// The amplified absolute difference of two images.
fn difference(first: &[u8], second: &[u8]) -> Vec<u8> {
    first.iter().zip(second).map(|(a, b)| a.abs_diff(*b).saturating_mul(AMPLIFICATION)).collect()
}
