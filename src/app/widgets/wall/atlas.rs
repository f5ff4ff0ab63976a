//! The images on the graphics card: which lie where, and how new ones get there a few at a time.

use std::time::{Duration, Instant};

use eframe::egui_wgpu::RenderState;
use egui::Context;

use super::cache::Cache;
use super::gpu::Gpu;
use super::thumbs;
use super::workers::Workers;
use whence_data::Dataset;

/// Bytes of images kept on the graphics card.
const BUDGET: usize = 64 << 20;
/// Decision of a page at most, in texels.
const PAGE: u32 = 2048;
/// Time a frame may spend on new images, and the bytes it may write. The rest comes in the next frames.
const TIME: Duration = Duration::from_millis(2);
const BYTES: usize = 4 << 20;
/// Images written at once, so that the clock is looked at often enough.
const STRIP: usize = 32;

/// Where an image lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spot {
    /// The page.
    pub page: usize,
    /// Its top left texel.
    pub texel: [u16; 2],
}

/// Where the slots of a page lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Grid {
    columns: usize,
    a_page: usize,
    cell: [usize; 2],
}

impl Grid {
    fn new(page: usize, cell: [usize; 2]) -> Self {
        let [columns, rows] = cell.map(|side| (page / side.max(1)).max(1));
        Self { columns, a_page: columns * rows, cell }
    }

    fn spot(&self, slot: u32) -> Spot {
        let (page, within) = (slot as usize / self.a_page, slot as usize % self.a_page);
        let texel = [within % self.columns * self.cell[0], within / self.columns * self.cell[1]];
        Spot { page, texel: texel.map(|v| u16::try_from(v).unwrap_or(u16::MAX)) }
    }
}

/// What the images are of: they are made anew where this changes.
type Key = (u64, [usize; 2]);

/// The images of one dataset at one size.
pub struct Atlas {
    /// The graphics card.
    pub gpu: Gpu,
    page: u32,
    key: Option<Key>,
    grid: Grid,
    cache: Cache,
    /// Only where images are reduced.
    workers: Option<Workers>,
}

impl Atlas {
    /// An empty atlas.
    pub fn new(state: &RenderState) -> Self {
        let page = PAGE.min(state.device.limits().max_texture_dimension_2d);
        let grid = Grid::new(page as usize, [1, 1]);
        Self { gpu: Gpu::new(state, page), page, key: None, grid, cache: Cache::new(0, 1, BUDGET), workers: None }
    }

    /// Makes it ready for this dataset and for tiles whose longer side has `tile` screen pixels.
    pub fn prepare(&mut self, ctx: &Context, dataset: &Dataset, number: u64, tile: f64) {
        let shape = dataset.shape();
        let cell = thumbs::cell(shape, tile, self.page as usize);
        if self.key != Some((number, cell)) {
            self.key = Some((number, cell));
            self.gpu.clear();
            self.grid = Grid::new(self.page as usize, cell);
            // Whole pages are what the graphics card gives.
            let bytes = (self.page as usize).pow(2) * 4 / self.grid.a_page;
            self.cache = Cache::new(dataset.len(), bytes, BUDGET);
            let whole = cell == [shape.width, shape.height];
            self.workers = (!whole).then(|| Workers::new(ctx, dataset, cell));
        }
        self.cache.begin_frame();
    }

    /// Size of an image, in texels.
    pub fn cell(&self) -> [usize; 2] {
        self.grid.cell
    }

    /// Brings in what is missing of the images on screen, as far as a frame's time goes; then what is `ahead`, which
    /// is on screen soon. True where something is still missing.
    pub fn fill(&mut self, ctx: &Context, dataset: &Dataset, visible: &[usize], ahead: &[usize]) -> bool {
        let begun = Instant::now();
        let missing: Vec<usize> = visible.iter().copied().filter(|image| self.cache.see(*image).is_none()).collect();
        if self.workers.is_some() {
            self.take_made(begun);
            let mut wanted: Vec<usize> = missing.into_iter().filter(|image| !self.cache.holds(*image)).collect();
            let room = self.cache.has_room();
            let waits = room && !wanted.is_empty();
            // No more ahead than can be kept beside what is on screen: else they would push each other out for ever.
            let spare = self.cache.within_budget().saturating_sub(visible.len());
            wanted.extend(ahead.iter().copied().take(spare).filter(|image| self.cache.see(*image).is_none()));
            if let Some(workers) = &self.workers {
                workers.want(if room { &wanted } else { &[] });
            }
            return waits;
        }
        let (mut left, mut written) = (missing.as_slice(), 0);
        while !left.is_empty() {
            if written > 0 && (written >= BYTES || begun.elapsed() >= TIME) {
                ctx.request_repaint();
                return true;
            }
            let (taken, bytes) = self.strip(dataset, left);
            if taken == 0 {
                // Everything kept is on screen: what does not fit stays neutral.
                return false;
            }
            written += bytes;
            left = left.get(taken..).unwrap_or_default();
        }
        false
    }

    /// Writes the first of these images whose slots lie side by side, at once: a call for each would cost more than
    /// the pixels. How many they were, and their bytes.
    fn strip(&mut self, dataset: &Dataset, images: &[usize]) -> (usize, usize) {
        let [width, height] = self.grid.cell;
        let Some((first, start)) = images.first().and_then(|i| Some((*i, self.cache.claim(*i)?))) else {
            return (0, 0);
        };
        let mut run = vec![first];
        let room = (self.grid.columns - start as usize % self.grid.a_page % self.grid.columns).min(STRIP);
        for image in images.iter().skip(1).take(room - 1) {
            if !self.cache.claim_at(*image, start + run.len() as u32) {
                break;
            }
            run.push(*image);
        }
        let wide = width * run.len();
        let mut strip = vec![0; wide * height * 4];
        for (place, image) in run.iter().enumerate() {
            thumbs::rgba_into(dataset.shape(), dataset.pixels(*image), &mut strip, wide, place * width);
        }
        let spot = self.grid.spot(start);
        self.gpu.upload(spot.page, spot.texel, [wide, height], &strip);
        (run.len(), strip.len())
    }

    /// Takes what the threads finished.
    fn take_made(&mut self, begun: Instant) {
        let cell = self.grid.cell;
        let mut written = 0;
        while written < BYTES && begun.elapsed() < TIME {
            let Some(made) = self.workers.as_ref().and_then(Workers::next) else { return };
            if let Some(slot) = self.cache.claim(made.image) {
                // What cannot be made stays blank, and is not asked for again.
                let rgba = made.rgba.unwrap_or_else(|| vec![0; cell[0] * cell[1] * 4]);
                let spot = self.grid.spot(slot);
                self.gpu.upload(spot.page, spot.texel, cell, &rgba);
                written += rgba.len();
            }
        }
    }

    /// Where an image on screen lies; none where it is not there yet.
    pub fn find(&mut self, image: usize) -> Option<Spot> {
        self.cache.see(image).map(|slot| self.grid.spot(slot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_slots_share_a_texel_and_none_leaves_its_page() {
        for cell in [[32, 32], [48, 20], [100, 300], [2048, 2048], [700, 1]] {
            let grid = Grid::new(2048, cell);
            assert_eq!(grid.a_page, (2048 / cell[0]) * (2048 / cell[1]));
            let mut seen = std::collections::HashSet::new();
            for slot in 0..(grid.a_page * 2 + 1).min(20_000) as u32 {
                let spot = grid.spot(slot);
                let [x, y] = spot.texel.map(usize::from);
                assert!(x + cell[0] <= 2048 && y + cell[1] <= 2048, "{cell:?} {slot}");
                assert!(x % cell[0] == 0 && y % cell[1] == 0 && seen.insert(spot), "{cell:?} {slot}");
            }
        }
    }
}
