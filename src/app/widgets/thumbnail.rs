//! Images on screen: large ones with whole pixels, and small tiles.

use egui::accesskit::Role;
use egui::{Align2, Color32, Rect, Response, Sense, Stroke, StrokeKind, TextureId, Ui, Vec2, WidgetInfo, pos2, vec2};

use crate::app::theme::{self, RADIUS, tokens};
use whence_data::ImageShape;

/// All of a texture.
pub const WHOLE: Rect = Rect { min: pos2(0.0, 0.0), max: pos2(1.0, 1.0) };

/// Shows an image as large as it fits into `space`, each pixel as the same whole number of screen pixels.
pub fn show_image(ui: &mut Ui, texture: Option<TextureId>, shape: ImageShape, space: Vec2, name: &str) -> Response {
    let (rect, response) = ui.allocate_exact_size(space, Sense::hover());
    ui.painter().rect_filled(rect, f32::from(RADIUS), tokens(ui).mat);
    if let Some(texture) = texture {
        ui.painter().image(texture, fit(ui, rect.shrink(12.0), shape), WHOLE, Color32::WHITE);
    }
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
    response
}

/// The rectangle of an image centred in `room`, as large as it fits, each pixel as the same whole number of screen pixels.
pub fn fit(ui: &Ui, room: Rect, shape: ImageShape) -> Rect {
    let points = 1.0 / ui.pixels_per_point();
    let native = vec2(shape.width as f32, shape.height as f32) * points;
    let scale = (room.width() / native.x).min(room.height() / native.y).max(0.0);
    let scale = if scale >= 1.0 { scale.floor() } else { scale };
    let inner = Rect::from_center_size(room.center(), native * scale);
    inner.translate((inner.min / points).round() * points - inner.min)
}

/// A small image that can be clicked.
pub struct Tile<'a> {
    /// The image; a neutral tile where absent.
    pub texture: Option<TextureId>,
    /// Accessible name.
    pub name: &'a str,
    /// Text below it.
    pub caption: Option<&'a str>,
    /// Side length of the image.
    pub side: f32,
    /// Whether it is selected.
    pub selected: bool,
    /// Whether it can be clicked.
    pub clickable: bool,
}

/// Height of a tile's caption.
pub const CAPTION: f32 = 18.0;

/// Shows a tile.
pub fn tile(ui: &mut Ui, tile: &Tile<'_>) -> Response {
    let t = tokens(ui);
    let below = if tile.caption.is_some() { CAPTION } else { 0.0 };
    let sense = if tile.clickable { Sense::click() } else { Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(vec2(tile.side, tile.side + below), sense);
    let square = Rect::from_min_size(rect.min, Vec2::splat(tile.side));
    ui.painter().rect_filled(square, 3.0, t.mat);
    if let Some(texture) = tile.texture {
        ui.painter().image(texture, square, WHOLE, Color32::WHITE);
    }
    let ring = match (tile.selected || response.has_focus(), response.hovered() && tile.clickable) {
        (true, _) => Some(Stroke::new(2.0, t.strong)),
        (false, true) => Some(Stroke::new(1.0, t.outline)),
        (false, false) => None,
    };
    if let Some(stroke) = ring {
        ui.painter().rect_stroke(square, 3.0, stroke, StrokeKind::Outside);
    }
    if let Some(caption) = tile.caption {
        ui.painter().text(
            square.center_bottom() + vec2(0.0, 3.0),
            Align2::CENTER_TOP,
            caption,
            theme::caption(),
            t.weak,
        );
    }
    let role = if tile.clickable { Role::ListBoxOption } else { Role::Image };
    response.widget_info(|| WidgetInfo::selected(role, ui.is_enabled(), tile.selected, tile.name));
    response
}
