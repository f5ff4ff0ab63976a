//! Pointillism: dots of scattered colour on pale ground.

use super::{Dice, Field, Lab, RgbImage, SIDE, Scene, raster};

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
pub(super) fn pointillism(scene: &Scene, dice: &mut Dice, side: u32) -> RgbImage {
    // One row and column more on every side, so that dots also reach in from outside.
    let columns = (SIDE / PITCH).ceil() as i32 + 2;
    let dots = Field::roll(columns, |column, row| {
        let x = (column as f32 - 0.5 + dice.around(0.26)) * PITCH;
        let y = (row as f32 - 0.5 + dice.around(0.26)) * PITCH;
        let seen = scene.at(x.clamp(0.0, SIDE), y.clamp(0.0, SIDE)).colour;
        let colour = seen.lighter(dice.around(0.085)).turned(dice.around(0.35)).chroma(dice.within(1.0, 1.35));
        Dot { x, y, radius: dice.within(0.95, 1.25), rank: dice.unit(), colour }
    });
    let ground = Lab::hex(0xf7_ec_d8);
    raster(side, |x, y| {
        let (column, row) = ((x / PITCH).floor() as i32 + 1, (y / PITCH).floor() as i32 + 1);
        let top = dots
            .around(column, row)
            .filter(|dot| (x - dot.x).hypot(y - dot.y) < dot.radius)
            .max_by(|one, other| one.rank.total_cmp(&other.rank));
        match top {
            Some(dot) => dot.colour,
            None => scene.at(x, y).colour.mix(ground, 0.5),
        }
    })
}
