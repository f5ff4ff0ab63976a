//! Stained glass: panes of saturated colour in dark leads.

use super::{Field, ImageRng, Lab, RgbImage, Scene, raster};

/// Distance between the middles of panes before they are shifted.
const PITCH: f32 = 9.0;

struct Pane {
    x: f32,
    y: f32,
    tint: f32,
}

/// Every contour is a lead; sky, land and sea are broken into panes that differ in tint.
pub(super) fn stained_glass(scene: &Scene, rng: &mut ImageRng, side: u32) -> RgbImage {
    let panes = Field::generate(6, |column, row| Pane {
        x: (column as f32 - 0.5 + rng.symmetric(0.3)) * PITCH,
        y: (row as f32 - 0.5 + rng.symmetric(0.3)) * PITCH,
        tint: rng.symmetric(0.05),
    });
    let lead = Lab::hex(0x1d_1a_24);
    raster(side, |x, y| {
        let hit = scene.at(x, y);
        let (column, row) = ((x / PITCH).floor() as i32 + 1, (y / PITCH).floor() as i32 + 1);
        let mut first = (f32::INFINITY, 0.0);
        let mut second = f32::INFINITY;
        for pane in panes.neighbourhood(column, row) {
            let away = (x - pane.x).hypot(y - pane.y);
            if away < first.0 {
                second = first.0;
                first = (away, pane.tint);
            } else {
                second = second.min(away);
            }
        }
        // Half the difference of the two distances is the distance to the border between panes.
        let (border, tint) = if hit.backdrop { ((second - first.0) / 2.0, first.1) } else { (f32::INFINITY, 0.0) };
        let rim = hit.contour.min(border);
        if rim < 0.55 {
            return lead;
        }
        let glow = 0.06 * (rim / 3.0).min(1.0);
        hit.colour.chroma(1.45).lighter(tint + glow - 0.02)
    })
}
