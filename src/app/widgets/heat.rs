//! A heat map over an image: warm colours for positive values, cool ones for negative values, transparent near zero.

mod shader;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use egui::epaint::Vertex;
use egui::{Color32, Id, Mesh, Painter, Pos2, Rect, Vec2, lerp, pos2, vec2};

pub use shader::install;

use crate::app::theme::{COOL, WARM};

/// Values below this share of the scale are transparent.
const THRESHOLD: f32 = 0.03;

/// A heat map.
#[derive(Clone, Debug)]
pub struct Heat {
    /// Values of the cells, row by row.
    pub values: Arc<[f32]>,
    /// Cells per row.
    pub width: usize,
    /// Cells across and down the image. Fractional where the last cells reach beyond it.
    pub span: Vec2,
    /// The value with the strongest colour.
    pub scale: f32,
    /// Opacity over the image, 0 to 1.
    pub opacity: f32,
    /// Whether values are interpolated between cells.
    pub smooth: bool,
}

impl Heat {
    fn height(&self) -> usize {
        self.values.len() / self.width.max(1)
    }

    /// A cell's value. Beyond the edges it is that of the nearest cell.
    fn cell(&self, x: i64, y: i64) -> f32 {
        let within = |i: i64, n: usize| i.clamp(0, n.saturating_sub(1) as i64) as usize;
        let index = within(y, self.height()) * self.width + within(x, self.width);
        let value = self.values.get(index).copied();
        debug_assert!(value.is_some(), "cell ({x}, {y}) of {} values in rows of {}", self.values.len(), self.width);
        value.unwrap_or(0.0)
    }

    /// The bilinear interpolation at a position in cells.
    fn interpolated(&self, position: Vec2) -> f32 {
        let corner = position - Vec2::splat(0.5);
        let (x, y) = (corner.x.floor() as i64, corner.y.floor() as i64);
        let share = corner - corner.floor();
        let row = |y| lerp(self.cell(x, y)..=self.cell(x + 1, y), share.x);
        lerp(row(y)..=row(y + 1), share.y)
    }
}

/// The colour of a value, which is given as a share of the scale. `shaders/heat.wgsl` has the same formula.
pub fn shade(share: f32, opacity: f32) -> Color32 {
    let strength = ((share.abs() - THRESHOLD) / (1.0 - THRESHOLD)).clamp(0.0, 1.0);
    let alpha = strength.sqrt() * opacity;
    let [light, deep] = if share < 0.0 { COOL } else { WARM };
    let channel = |light: u8, deep: u8| (lerp(f32::from(light)..=f32::from(deep), strength) * alpha).round() as u8;
    let alpha = (255.0 * alpha).round() as u8;
    Color32::from_rgba_premultiplied(
        channel(light.r(), deep.r()),
        channel(light.g(), deep.g()),
        channel(light.b(), deep.b()),
        alpha,
    )
}

/// Paints a map over the image at `rect`. `id` identifies the widget, whose map stays on the graphics card.
pub fn heat(painter: &Painter, id: Id, rect: Rect, heat: &Heat) {
    if heat.values.is_empty() || heat.width == 0 || heat.scale <= 0.0 || heat.opacity <= 0.0 {
        return;
    }
    let fits = heat.width.max(heat.height()) <= painter.ctx().input(|i| i.max_texture_side);
    if fits && shader::is_installed(painter.ctx()) {
        painter.add(shader::paint(painter.ctx(), id, rect, heat));
    } else {
        painter.add(mesh(rect, heat));
    }
}

/// The map as coloured rectangles, for windows without the shader.
fn mesh(rect: Rect, heat: &Heat) -> Mesh {
    let mut mesh = Mesh::default();
    // Smooth maps are drawn as finer rectangles.
    let parts = if heat.smooth { 4 } else { 1 };
    let step = vec2(rect.width() / heat.span.x, rect.height() / heat.span.y) / parts as f32;
    for y in 0..heat.height() * parts {
        for x in 0..heat.width * parts {
            let value = if heat.smooth {
                heat.interpolated(vec2(x as f32 + 0.5, y as f32 + 0.5) / parts as f32)
            } else {
                heat.cell(x as i64, y as i64)
            };
            let color = shade(value / heat.scale, heat.opacity);
            if color != Color32::TRANSPARENT {
                let corner = rect.min + vec2(x as f32, y as f32) * step;
                mesh.add_colored_rect(Rect::from_min_size(corner, step).intersect(rect), color);
            }
        }
    }
    mesh
}

/// Paints the colour scale from most negative to most positive.
pub fn legend(painter: &Painter, rect: Rect, opacity: f32) {
    const STEPS: u32 = 64;
    let mut mesh = Mesh::default();
    for i in 0..=STEPS {
        let u = i as f32 / STEPS as f32;
        let color = shade(2.0 * u - 1.0, opacity);
        let x = lerp(rect.x_range(), u);
        for y in [rect.top(), rect.bottom()] {
            mesh.vertices.push(Vertex { pos: pos2(x, y), uv: Pos2::ZERO, color });
        }
        if let Some(first) = (2 * i).checked_sub(2) {
            mesh.add_triangle(first, first + 1, first + 2);
            mesh.add_triangle(first + 1, first + 2, first + 3);
        }
    }
    painter.add(mesh);
}
