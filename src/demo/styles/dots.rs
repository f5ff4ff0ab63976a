//! Pointillism: dots of scattered colour on pale ground.

use super::{Field, ImageRng, Lab, RgbImage, SIDE, Scene, raster};

/// Distance between dots before they are scattered.
const PITCH: f32 = 2.2;

struct Dot {
    x: f32,
    y: f32,
    radius: f32,
    rank: f32,
    colour: Lab,
}

/// Round dots, scattered in place, lightness and hue around the scene's colour.
pub(super) fn pointillism(scene: &Scene, rng: &mut ImageRng, side: u32) -> RgbImage {
    // One more row and column on every side, for dots that overlap the edges from outside.
    let columns = (SIDE / PITCH).ceil() as i32 + 2;
    let dots = Field::generate(columns, |column, row| {
        let x = (column as f32 - 0.5 + rng.symmetric(0.26)) * PITCH;
        let y = (row as f32 - 0.5 + rng.symmetric(0.26)) * PITCH;
        let hit = scene.at(x.clamp(0.0, SIDE), y.clamp(0.0, SIDE)).colour;
        let colour = hit.lighter(rng.symmetric(0.085)).rotated(rng.symmetric(0.35)).chroma(rng.uniform(1.0, 1.35));
        Dot { x, y, radius: rng.uniform(0.95, 1.25), rank: rng.unit(), colour }
    });
    let ground = Lab::hex(0xf7_ec_d8);
    raster(side, |x, y| {
        let (column, row) = ((x / PITCH).floor() as i32 + 1, (y / PITCH).floor() as i32 + 1);
        let top = dots
            .neighbourhood(column, row)
            .filter(|dot| (x - dot.x).hypot(y - dot.y) < dot.radius)
            .max_by(|one, other| one.rank.total_cmp(&other.rank));
        match top {
            Some(dot) => dot.colour,
            None => scene.at(x, y).colour.mix(ground, 0.5),
        }
    })
}
