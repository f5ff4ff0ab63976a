//! The eight ways to render a scene.

mod dots;
mod glass;
mod lines;
mod neon;
mod tiles;
mod wash;

use super::canvas::{SIDE, raster};
use super::colour::{Lab, smooth};
use super::dice::Dice;
use super::scene::Scene;
use image::RgbImage;

/// Renders a scene in style number `style` (the order of `STYLES`; past the last gives the last).
pub(super) fn render(style: usize, scene: &Scene, dice: &mut Dice, side: u32) -> RgbImage {
    match style {
        0 => dots::pointillism(scene, dice, side),
        1 => lines::hatching(scene, dice, side),
        2 => lines::woodcut(scene, dice, side),
        3 => tiles::mosaic(scene, dice, side),
        4 => wash::watercolour(scene, dice, side),
        5 => glass::stained_glass(scene, dice, side),
        6 => tiles::pixel_art(scene, dice, side),
        _ => neon::neon(scene, dice, side),
    }
}

/// A square field of values that a style rolled before painting, looked up by column and row.
struct Field<T> {
    cells: Vec<T>,
    columns: i32,
}

impl<T> Field<T> {
    /// Rolls `columns` by `columns` cells, row by row.
    fn roll(columns: i32, mut cell: impl FnMut(i32, i32) -> T) -> Self {
        let cells = (0..columns).flat_map(|row| (0..columns).map(move |column| (column, row)));
        Self { cells: cells.map(|(column, row)| cell(column, row)).collect(), columns }
    }

    /// The cell at a column and row, if there is one.
    fn get(&self, column: i32, row: i32) -> Option<&T> {
        let inside = (0..self.columns).contains(&column) && (0..self.columns).contains(&row);
        inside.then(|| self.cells.get((row * self.columns + column) as usize)).flatten()
    }

    /// The cell at a column and row and its eight neighbours, as far as they exist.
    fn around(&self, column: i32, row: i32) -> impl Iterator<Item = &T> {
        (-1..=1).flat_map(move |down| (-1..=1).filter_map(move |right| self.get(column + right, row + down)))
    }
}
