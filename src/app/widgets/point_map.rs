//! Many points as one mesh: a quad each, cut from a small texture of the groups' marks. Built again only where the view or
//! what is marked changes, and only of points on screen, so that fifty thousand points fit into a frame.

mod atlas;

use std::sync::Arc;

use egui::{Context, Id, Mesh, Pos2, Rect, Shape, Vec2, pos2, vec2};

use crate::app::theme::Tokens;
use atlas::Atlas;

/// Where points are on screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transform {
    /// The area on screen.
    pub area: Rect,
    /// The point in its middle.
    pub middle: [f32; 2],
    /// Points of the screen per unit.
    pub scale: f32,
}

impl Transform {
    /// The place of a point on screen. The second coordinate grows upwards.
    pub fn to_screen(self, [x, y]: [f32; 2]) -> Pos2 {
        let [middle_x, middle_y] = self.middle;
        self.area.center() + self.scale * vec2(x - middle_x, middle_y - y)
    }

    /// The point at a place on screen.
    pub fn to_point(self, at: Pos2) -> [f32; 2] {
        let offset = (at - self.area.center()) / self.scale.max(f32::MIN_POSITIVE);
        let [x, y] = self.middle;
        [x + offset.x, y - offset.y]
    }
}

/// The widget id of the map on screen.
pub fn id() -> Id {
    Id::unique("point map")
}

/// Whether the map has the focus, so that arrows move it.
pub fn has_focus(ctx: &Context) -> bool {
    ctx.memory(|m| m.has_focus(id()))
}

/// How a point is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emphasis {
    /// Not at all.
    Hidden,
    /// Faint.
    Faint,
    /// As usual.
    Usual,
}

/// What the points look like: another value, another mesh.
#[derive(Clone, Debug, PartialEq)]
pub struct PointStyle {
    /// Changes with the points, their groups and their emphasis.
    pub version: u64,
    /// Where they are.
    pub transform: Transform,
    /// Radius of a mark.
    pub radius: f32,
    /// Whether the theme is dark, and of high contrast: colours change with it.
    pub theme: [u8; 4],
}

/// Draws the points, and keeps what it drew.
#[derive(Clone, Default)]
pub struct PointMap {
    atlas: Option<Atlas>,
    mesh: Option<(PointStyle, Arc<Mesh>)>,
}

impl std::fmt::Debug for PointMap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PointMap").field("style", &self.mesh.as_ref().map(|(style, _)| style)).finish_non_exhaustive()
    }
}

impl PointMap {
    /// The mesh of these points. `look` returns the group of a point and how it is drawn.
    pub fn shape(
        &mut self,
        ctx: &Context,
        tokens: &Tokens,
        groups: usize,
        points: &[[f32; 2]],
        style: PointStyle,
        look: impl Fn(usize) -> (usize, Emphasis),
    ) -> Shape {
        if self.atlas.as_ref().is_none_or(|atlas| atlas.groups() < groups) {
            self.atlas = Some(Atlas::new(ctx, groups));
            self.mesh = None;
        }
        let Some(atlas) = &self.atlas else { return Shape::Noop };
        match &self.mesh {
            Some((known, mesh)) if *known == style => Shape::Mesh(Arc::clone(mesh)),
            _ => {
                let mesh = Arc::new(build(atlas, tokens, points, &style, look));
                self.mesh = Some((style, Arc::clone(&mesh)));
                Shape::Mesh(mesh)
            }
        }
    }
}

fn build(
    atlas: &Atlas,
    tokens: &Tokens,
    points: &[[f32; 2]],
    style: &PointStyle,
    look: impl Fn(usize) -> (usize, Emphasis),
) -> Mesh {
    let mut mesh = Mesh::with_texture(atlas.texture());
    mesh.vertices.reserve(4 * points.len());
    mesh.indices.reserve(6 * points.len());
    let half = Vec2::splat(style.radius * atlas::MARGIN);
    let visible = style.transform.area.expand(half.x);
    // Faint points first, so that they cover none of the others.
    for wanted in [Emphasis::Faint, Emphasis::Usual] {
        for (index, point) in points.iter().enumerate() {
            let (group, emphasis) = look(index);
            if emphasis != wanted {
                continue;
            }
            let at = style.transform.to_screen(*point);
            if !visible.contains(at) {
                continue;
            }
            let color = tokens.group(group).gamma_multiply(if emphasis == Emphasis::Faint { 0.16 } else { 0.85 });
            mesh.add_rect_with_uv(Rect::from_min_max(at - half, at + half), atlas.cell(group), color);
        }
    }
    mesh
}

/// The nearest of these points to a place on screen, where one is within `reach`.
pub fn nearest(
    points: impl Iterator<Item = (usize, [f32; 2])>,
    transform: Transform,
    at: Pos2,
    reach: f32,
) -> Option<usize> {
    let mut best = (reach * reach, None);
    for (index, point) in points {
        let distance = transform.to_screen(point).distance_sq(at);
        if distance <= best.0 {
            best = (distance, Some(index));
        }
    }
    best.1
}

/// Whether a point lies inside a polygon, by the even-odd rule.
pub fn inside(polygon: &[[f32; 2]], [x, y]: [f32; 2]) -> bool {
    let Some(mut before) = polygon.last().copied() else { return false };
    let mut inside = false;
    for corner in polygon {
        let ([ax, ay], [bx, by]) = (*corner, before);
        if (ay > y) != (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax {
            inside = !inside;
        }
        before = *corner;
    }
    inside
}

/// The smallest rectangle around all points; of some size also where they lie on a line.
pub fn bounds(points: &[[f32; 2]]) -> Rect {
    let mut bounds = Rect::NOTHING;
    for [x, y] in points {
        if x.is_finite() && y.is_finite() {
            bounds.extend_with(pos2(*x, *y));
        }
    }
    if bounds.is_negative() {
        return Rect::from_center_size(Pos2::ZERO, Vec2::splat(1.0));
    }
    let least = (bounds.width().max(bounds.height()) * 1e-3).max(1e-6);
    Rect::from_center_size(bounds.center(), bounds.size().max(Vec2::splat(least)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::theme::DARK;

    fn transform() -> Transform {
        Transform { area: Rect::from_min_size(Pos2::ZERO, vec2(100.0, 100.0)), middle: [0.0, 0.0], scale: 10.0 }
    }

    #[test]
    fn places_on_screen_and_back() {
        let transform = transform();
        assert_eq!(transform.to_screen([1.0, 2.0]), pos2(60.0, 30.0));
        assert_eq!(transform.to_point(pos2(60.0, 30.0)), [1.0, 2.0]);
    }

    #[test]
    fn a_lasso_contains_what_it_surrounds() {
        let horseshoe = [[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [3.0, 4.0], [3.0, 1.0], [1.0, 1.0], [1.0, 4.0], [0.0, 4.0]];
        assert!(inside(&horseshoe, [0.5, 2.0]) && inside(&horseshoe, [3.5, 2.0]) && inside(&horseshoe, [2.0, 0.5]));
        assert!(!inside(&horseshoe, [2.0, 2.0]) && !inside(&horseshoe, [5.0, 2.0]) && !inside(&[], [0.0, 0.0]));
    }

    #[test]
    fn the_nearest_point_is_found_within_reach() {
        let points = [[0.0, 0.0], [1.0, 0.0]];
        let find = |at, reach| nearest(points.into_iter().enumerate(), transform(), at, reach);
        assert_eq!(find(pos2(58.0, 50.0), 5.0), Some(1));
        assert_eq!(find(pos2(52.0, 50.0), 5.0), Some(0));
        assert_eq!(find(pos2(80.0, 80.0), 5.0), None);
    }

    #[test]
    fn bounds_have_a_size() {
        assert!(bounds(&[[2.0, 2.0]]).area() > 0.0 && bounds(&[]).area() > 0.0);
        let line = bounds(&[[0.0, 5.0], [10.0, 5.0], [f32::NAN, 0.0]]);
        assert_eq!(line.width(), 10.0);
        assert!(line.height() > 0.0);
    }

    #[test]
    fn only_visible_points_are_in_the_mesh_and_it_is_built_once() {
        let ctx = Context::default();
        let mut map = PointMap::default();
        let points = [[0.0, 0.0], [1.0, 1.0], [100.0, 0.0], [2.0, 0.0]];
        let mut style = PointStyle { version: 1, transform: transform(), radius: 3.0, theme: [0; 4] };
        let mut mesh = |style: &PointStyle| {
            let look = |i| (i, if i == 3 { Emphasis::Hidden } else { Emphasis::Usual });
            match map.shape(&ctx, &DARK, 4, &points, style.clone(), look) {
                Shape::Mesh(mesh) => mesh,
                other => panic!("{other:?}"),
            }
        };
        let first = mesh(&style);
        assert_eq!(first.vertices.len(), 8, "one is far away, one is hidden");
        assert!(Arc::ptr_eq(&first, &mesh(&style)));
        style.version = 2;
        assert!(!Arc::ptr_eq(&first, &mesh(&style)));
    }
}
