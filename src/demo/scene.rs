//! The content of an image before any style: flat shapes, back to front.

use super::colour::Lab;

/// A shape with its signed distance function.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// The whole image.
    Everywhere,
    /// A disc: centre and radius.
    Disc(f32, f32, f32),
    /// A polygon by its corners.
    Polygon(Vec<(f32, f32)>),
    /// Everything below a wave of amplitude `swell` and wavelength `length`, with a crest at `x`.
    Below { y: f32, swell: f32, x: f32, length: f32 },
    /// The union of several shapes.
    Union(Vec<Shape>),
}

impl Shape {
    /// An upright rectangle from its left, top, width and height.
    pub(super) fn rectangle(left: f32, top: f32, width: f32, height: f32) -> Self {
        let (right, bottom) = (left + width, top + height);
        Self::Polygon(vec![(left, top), (right, top), (right, bottom), (left, bottom)])
    }

    /// Signed distance from the outline, negative inside; minus infinity for `Everywhere`, which has none.
    fn distance(&self, x: f32, y: f32) -> f32 {
        match self {
            Self::Everywhere => f32::NEG_INFINITY,
            Self::Disc(cx, cy, radius) => (x - cx).hypot(y - cy) - radius,
            Self::Polygon(corners) => polygon(corners, x, y),
            Self::Below { y: level, swell, x: middle, length } => {
                let frequency = std::f32::consts::TAU / length;
                let (sin, cos) = ((x - middle) * frequency).sin_cos();
                let slope = swell * frequency * sin;
                (level - swell * cos - y) / (1.0 + slope * slope).sqrt()
            }
            Self::Union(parts) => parts.iter().map(|part| part.distance(x, y)).fold(f32::INFINITY, f32::min),
        }
    }
}

/// Signed distance from a polygon's outline, negative inside (formula by Inigo Quilez).
fn polygon(corners: &[(f32, f32)], x: f32, y: f32) -> f32 {
    let mut nearest = f32::INFINITY;
    let mut inside = false;
    let before = corners.iter().cycle().skip(corners.len().saturating_sub(1));
    for (&(ax, ay), &(bx, by)) in corners.iter().zip(before) {
        let (ex, ey) = (bx - ax, by - ay);
        let (wx, wy) = (x - ax, y - ay);
        let along = ((wx * ex + wy * ey) / (ex * ex + ey * ey).max(1e-9)).clamp(0.0, 1.0);
        nearest = nearest.min((wx - ex * along).hypot(wy - ey * along));
        if (ay > y) != (by > y) && x < ax + ex * wy / ey {
            inside = !inside;
        }
    }
    if inside { -nearest } else { nearest }
}

/// One shape of a scene with its colour, which runs from `top` to `bottom` between two heights.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub(super) shape: Shape,
    pub(super) top: Lab,
    pub(super) bottom: Lab,
    pub(super) span: (f32, f32),
    /// Whether it is too small for a contour of its own.
    pub(super) fine: bool,
}

impl Layer {
    /// The same layer, too small for a contour.
    pub(super) fn fine(self) -> Self {
        Self { fine: true, ..self }
    }

    /// Position of a height within the span, 0 (top) to 1 (bottom).
    fn depth(&self, y: f32) -> f32 {
        let (from, to) = self.span;
        ((y - from) / (to - from).max(1e-3)).clamp(0.0, 1.0)
    }

    fn colour(&self, y: f32) -> Lab {
        self.top.mix(self.bottom, self.depth(y))
    }
}

/// The visible layer at a point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    /// The colour there.
    pub(super) colour: Lab,
    /// Whether it is sky, land or sea, and not an object in front of it.
    pub(super) backdrop: bool,
    /// Position within the layer's span, 0 (top) to 1 (bottom).
    pub(super) depth: f32,
    /// Distance to the nearest visible outline.
    pub(super) edge: f32,
    /// Distance to the nearest visible outline of a layer that is not fine.
    pub(super) contour: f32,
    /// Colour of the layer whose outline is nearest.
    pub(super) line: Lab,
}

/// The layers of an image, back to front.
#[derive(Clone, Debug)]
pub(super) struct Scene(pub(super) Vec<Layer>);

impl Scene {
    /// The visible layer at a point.
    pub(super) fn at(&self, x: f32, y: f32) -> Hit {
        let (mut edge, mut contour) = (f32::INFINITY, f32::INFINITY);
        let mut line = Lab::hex(0);
        for layer in self.0.iter().rev() {
            let distance = layer.shape.distance(x, y);
            // The first layer that covers the point hides the outlines of all layers behind it.
            if distance.abs() < edge {
                edge = distance.abs();
                line = layer.colour(y);
            }
            if !layer.fine {
                contour = contour.min(distance.abs());
            }
            if distance < 0.0 {
                let backdrop = matches!(layer.shape, Shape::Everywhere | Shape::Below { .. });
                return Hit { colour: layer.colour(y), backdrop, depth: layer.depth(y), edge, contour, line };
            }
        }
        Hit { colour: line, backdrop: true, depth: 0.0, edge, contour, line }
    }

    /// The colour at a point, with every outline blurred over `width` to either side.
    pub(super) fn blurred_at(&self, x: f32, y: f32, width: f32) -> Lab {
        self.0.iter().fold(Lab::hex(0), |under, layer| {
            let cover = super::colour::smooth(width, -width, layer.shape.distance(x, y));
            under.mix(layer.colour(y), cover)
        })
    }
}
