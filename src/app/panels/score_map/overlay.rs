//! The score map of a group over the image, with the selected region.

use egui::accesskit::Role;
use egui::{
    Align2, Checkbox, Color32, Label, Rect, RichText, Sense, Slider, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, vec2,
};

use super::brush::{self, Grid};
use super::{GroupMap, sums};
use crate::app::format;
use crate::app::panels::View;
use crate::app::state::Query;
use crate::app::theme::{self, RADIUS, tokens};
use crate::app::widgets::{Heat, TextureKey, WHOLE, fit, grey, heat, legend};
use whence_diffusion::elbo::{Cells, Region};

/// Shows the map over the image. Returns the selected region after this frame.
pub fn show(
    ui: &mut Ui,
    view: &mut View<'_>,
    query: &Query,
    group_map: GroupMap<'_>,
    scale: f64,
    region: Option<Region>,
    space: Vec2,
) -> Option<Region> {
    let t = tokens(ui);
    let shape = query.image.shape;
    let (rect, response) = ui.allocate_exact_size(space, Sense::click_and_drag());
    ui.painter().rect_filled(rect, f32::from(RADIUS), t.mat);
    let inner = fit(ui, rect.shrink(12.0), shape);
    let texture = view.textures.get(ui.ctx(), TextureKey::Query(query.key), shape, &query.image.pixels);
    if let Some(texture) = texture {
        ui.painter().image(texture, inner, WHOLE, Color32::WHITE);
    }
    let appearance = &view.forms.appearance;
    // Colours encode the map's values, so the image fades to grey as the map becomes more opaque.
    let plain = view.textures.get_or(ui.ctx(), TextureKey::Grey(query.key), shape, || grey(shape, &query.image.pixels));
    if let Some(plain) = plain {
        let strength = (1.25 * appearance.opacity).min(1.0);
        ui.painter().image(plain, inner, WHOLE, Color32::WHITE.gamma_multiply(strength));
    }
    let cells = group_map.map.cells;
    let span = vec2(shape.width as f32, shape.height as f32) / cells.side.max(1) as f32;
    let map = Heat {
        values: sums::by_cell(ui, group_map.map).values.clone(),
        width: cells.width,
        span,
        scale: scale as f32,
        opacity: appearance.opacity,
        smooth: appearance.smooth,
    };
    heat(ui.painter(), response.id, inner, &map);
    let grid = Grid { rect: inner, cells, span };
    let region = brush::select(ui, &response, &grid, region);
    if let Some(region) = region {
        outline(ui, &grid, region);
    }
    if response.has_focus() {
        ui.painter().rect_stroke(rect, f32::from(RADIUS), Stroke::new(1.0, t.outline), StrokeKind::Inside);
    }
    let name = view.state.group_name(group_map.group);
    let size = [shape.width, shape.height];
    let area = region.map_or_else(|| "the whole image".to_owned(), |region| brush::describe(region, cells, size));
    let label = format!("Score map of {name}: {area}");
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &label));
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_description("Drag to select a region of the image, or hold Shift and press an arrow key.");
    });
    region
}

/// Dims the image outside of the region, and outlines the region.
fn outline(ui: &Ui, grid: &Grid, region: Region) {
    let t = tokens(ui);
    let (all, inside) = (grid.rect, grid.rect_of(region));
    let veil = t.mat.gamma_multiply(0.62);
    let sides = [
        all.with_max_y(inside.top()),
        all.with_min_y(inside.bottom()),
        Rect::from_x_y_ranges(all.left()..=inside.left(), inside.y_range()),
        Rect::from_x_y_ranges(inside.right()..=all.right(), inside.y_range()),
    ];
    for side in sides {
        ui.painter().rect_filled(side, 0.0, veil);
    }
    // A light line between dark edges is visible on any image.
    for (width, color) in [(3.0, t.window), (1.0, t.strong)] {
        ui.painter().rect_stroke(inside, 0.0, Stroke::new(width, color), StrokeKind::Middle);
    }
}

/// The legend, and the controls of opacity and smoothing.
pub fn controls(ui: &mut Ui, view: &mut View<'_>, cells: Cells, scale: f64) {
    let t = tokens(ui);
    colour_scale(ui, view.forms.appearance.opacity, cells, scale);
    ui.horizontal(|ui| {
        let caption = |text: &str| RichText::new(text).font(theme::caption()).color(t.weak);
        let name = ui.add(Label::new(caption("Opacity")));
        let appearance = &mut view.forms.appearance;
        ui.spacing_mut().slider_width = (ui.available_width() * 0.4).clamp(60.0, 160.0);
        ui.add(Slider::new(&mut appearance.opacity, 0.0..=1.0).show_value(false).step_by(0.05))
            .labelled_by(name.id)
            .on_hover_text("Opacity of the map over the image.");
        ui.add(Checkbox::new(&mut appearance.smooth, caption("Smooth")))
            .on_hover_text("Interpolate between cells. The values remain those of whole cells.");
    });
}

/// The colour scale.
fn colour_scale(ui: &mut Ui, opacity: f32, cells: Cells, scale: f64) {
    let t = tokens(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 46.0), Sense::hover());
    let bar = Rect::from_min_max(rect.min + vec2(12.0, 4.0), rect.right_top() + vec2(-12.0, 14.0));
    ui.painter().rect_filled(bar, 2.0, t.mat);
    legend(ui.painter(), bar, opacity);
    let digits = format::decimals(scale);
    let per = match cells.side {
        1 => "pixel".to_owned(),
        side => format!("{side} × {side} pixels"),
    };
    let text = |at, align: Align2, text: &str, color| {
        ui.painter_at(rect).text(at, align, text, theme::caption(), color);
    };
    let y = bar.bottom() + 3.0;
    let ends = [(-scale, bar.left(), Align2::LEFT_TOP), (scale, bar.right(), Align2::RIGHT_TOP)];
    for (value, x, align) in ends {
        text(egui::pos2(x, y), align, &format::signed(value, digits), t.text);
    }
    text(egui::pos2(bar.center().x, y), Align2::CENTER_TOP, &format!("0 nats per {per}"), t.text);
    let y = y + 15.0;
    text(egui::pos2(bar.left(), y), Align2::LEFT_TOP, "more likely without it", t.weak);
    text(egui::pos2(bar.right(), y), Align2::RIGHT_TOP, "less likely without it", t.weak);
    let label = format!(
        "Blue: more likely without the group; orange: less likely; up to {} nats per {per}, the same for all groups",
        format::signed(scale, digits).trim_start_matches('+')
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &label));
    response.on_hover_text(label);
}
