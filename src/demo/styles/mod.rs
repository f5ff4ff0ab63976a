//! The eight ways to render a scene.

mod dots;
mod glass;
mod lines;
mod neon;
mod tiles;
mod wash;

use super::canvas::{SIDE, raster};
use super::colour::{Lab, smooth};
use super::rng::ImageRng;
use super::scene::Scene;
use image::RgbImage;

/// Renders a scene in the style with this index into `STYLES`; indices beyond the last give the last.
pub(super) fn render(style: usize, scene: &Scene, rng: &mut ImageRng, side: u32) -> RgbImage {
    match style {
        0 => dots::pointillism(scene, rng, side),
        1 => lines::hatching(scene, rng, side),
        2 => lines::woodcut(scene, rng, side),
        3 => tiles::mosaic(scene, rng, side),
        4 => wash::watercolour(scene, rng, side),
        5 => glass::stained_glass(scene, rng, side),
        6 => tiles::pixel_art(scene, rng, side),
        _ => neon::neon(scene, rng, side),
    }
}

/// A square grid of random values, generated before painting.
struct Field<T> {
    cells: Vec<T>,
    columns: i32,
}

impl<T> Field<T> {
    /// Generates `columns` by `columns` cells, row by row.
    fn generate(columns: i32, mut cell: impl FnMut(i32, i32) -> T) -> Self {
        let cells = (0..columns).flat_map(|row| (0..columns).map(move |column| (column, row)));
        Self { cells: cells.map(|(column, row)| cell(column, row)).collect(), columns }
    }

    /// The value of a cell that exists.
    fn value(&self, column: i32, row: i32) -> T
    where
        T: Copy + Default,
    {
        let value = self.get(column, row).copied();
        debug_assert!(value.is_some(), "cell ({column}, {row}) of {} columns", self.columns);
        value.unwrap_or_default()
    }

    /// The cell at a column and row, if there is one.
    fn get(&self, column: i32, row: i32) -> Option<&T> {
        let inside = (0..self.columns).contains(&column) && (0..self.columns).contains(&row);
        inside.then(|| self.cells.get((row * self.columns + column) as usize)).flatten()
    }

    /// The cell at a column and row and its eight neighbours, as far as they exist.
    fn neighbourhood(&self, column: i32, row: i32) -> impl Iterator<Item = &T> {
        (-1..=1).flat_map(move |down| (-1..=1).filter_map(move |right| self.get(column + right, row + down)))
    }
}
