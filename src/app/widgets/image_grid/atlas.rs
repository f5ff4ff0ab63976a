//! The texture atlas: positions of images on the graphics card, and uploading new ones within a time limit per frame.

use std::time::{Duration, Instant};

use eframe::egui_wgpu::RenderState;
use egui::Context;

use super::cache::Cache;
use super::gpu::Gpu;
use super::thumbs;
use super::workers::Workers;
use whence_data::Dataset;

/// Bytes of images on the graphics card.
const BUDGET: usize = 64 << 20;
/// Largest side of a page, in texels.
const MAX_PAGE_SIDE: u32 = 2048;
/// Time and bytes that a frame may spend on uploads. Further uploads follow in the next frames.
const FRAME_TIME: Duration = Duration::from_millis(2);
const FRAME_BYTES: usize = 4 << 20;
/// Images per upload, at most, so that the time is checked often enough.
const MAX_RUN: usize = 32;

/// The position of an image in the atlas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AtlasPosition {
    /// Index of the page.
    pub page: usize,
    /// Its top left texel.
    pub texel: [u16; 2],
}

/// The positions of slots within pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Grid {
    columns: usize,
    slots_per_page: usize,
    cell: [usize; 2],
}

impl Grid {
    fn new(page: usize, cell: [usize; 2]) -> Self {
        let [columns, rows] = cell.map(|side| (page / side.max(1)).max(1));
        Self { columns, slots_per_page: columns * rows, cell }
    }

    fn position(&self, slot: u32) -> AtlasPosition {
        let (page, within) = (slot as usize / self.slots_per_page, slot as usize % self.slots_per_page);
        let texel = [within % self.columns * self.cell[0], within / self.columns * self.cell[1]];
        debug_assert!(
            texel.iter().all(|v| *v <= usize::from(u16::MAX)),
            "pages are at most {MAX_PAGE_SIDE} texels wide"
        );
        AtlasPosition { page, texel: texel.map(|v| v as u16) }
    }
}

/// Dataset and cell size. The atlas is rebuilt where they change.
type Key = (u64, [usize; 2]);

/// The images of one dataset at one size.
pub struct Atlas {
    /// The graphics card.
    pub gpu: Gpu,
    page: u32,
    key: Option<Key>,
    grid: Grid,
    cache: Cache,
    /// Present where images are reduced.
    workers: Option<Workers>,
}

impl Atlas {
    /// An empty atlas.
    pub fn new(state: &RenderState) -> Self {
        let page = MAX_PAGE_SIDE.min(state.device.limits().max_texture_dimension_2d);
        let grid = Grid::new(page as usize, [1, 1]);
        Self { gpu: Gpu::new(state, page), page, key: None, grid, cache: Cache::new(0, 1, BUDGET), workers: None }
    }

    /// Prepares the atlas for this dataset and for tiles whose longer side has `tile` screen pixels.
    pub fn prepare(&mut self, ctx: &Context, dataset: &Dataset, number: u64, tile: f64) {
        let shape = dataset.shape();
        let cell = thumbs::cell(shape, tile, self.page as usize);
        if self.key != Some((number, cell)) {
            self.key = Some((number, cell));
            self.gpu.clear();
            self.grid = Grid::new(self.page as usize, cell);
            // The graphics card allocates whole pages.
            let bytes = (self.page as usize).pow(2) * 4 / self.grid.slots_per_page;
            self.cache = Cache::new(dataset.len(), bytes, BUDGET);
            let full_size = cell == [shape.width, shape.height];
            self.workers = (!full_size).then(|| Workers::new(ctx, dataset, cell));
        }
        self.cache.begin_frame();
    }

    /// Size of an image, in texels.
    pub fn cell(&self) -> [usize; 2] {
        self.grid.cell
    }

    /// Uploads missing images that are visible, within the limits of a frame, then those of `prefetch`, which are visible
    /// soon. Returns whether visible images are still missing and will come.
    pub fn fill(&mut self, ctx: &Context, dataset: &Dataset, visible: &[usize], prefetch: &[usize]) -> bool {
        let begun = Instant::now();
        let missing: Vec<usize> = visible.iter().copied().filter(|image| self.cache.touch(*image).is_none()).collect();
        if self.workers.is_some() {
            self.upload_reduced(begun);
            let mut wanted: Vec<usize> = missing.into_iter().filter(|image| !self.cache.contains(*image)).collect();
            let room = self.cache.can_allocate();
            let waiting = room && !wanted.is_empty();
            // No more than fits beside the visible images, or they would evict each other for ever.
            let spare = self.cache.capacity().saturating_sub(visible.len());
            wanted.extend(prefetch.iter().copied().take(spare).filter(|image| self.cache.touch(*image).is_none()));
            if let Some(workers) = &self.workers {
                workers.request(if room { &wanted } else { &[] });
            }
            return waiting;
        }
        let (mut remaining, mut written) = (missing.as_slice(), 0);
        while !remaining.is_empty() {
            if written > 0 && (written >= FRAME_BYTES || begun.elapsed() >= FRAME_TIME) {
                ctx.request_repaint();
                return true;
            }
            let (taken, bytes) = self.upload_run(dataset, remaining);
            if taken == 0 {
                // All cached images are visible: the others stay blank.
                return false;
            }
            written += bytes;
            remaining = remaining.get(taken..).unwrap_or_default();
        }
        false
    }

    /// Uploads the longest run of these images whose slots are adjacent with one call, because calls cost more than pixels.
    /// Returns the number of images and their bytes.
    fn upload_run(&mut self, dataset: &Dataset, images: &[usize]) -> (usize, usize) {
        let [width, height] = self.grid.cell;
        let Some((first, start)) = images.first().and_then(|i| Some((*i, self.cache.allocate(*i)?))) else {
            return (0, 0);
        };
        let mut run = vec![first];
        let room = (self.grid.columns - start as usize % self.grid.slots_per_page % self.grid.columns).min(MAX_RUN);
        for image in images.iter().skip(1).take(room - 1) {
            if !self.cache.allocate_at(*image, start + run.len() as u32) {
                break;
            }
            run.push(*image);
        }
        let strip_width = width * run.len();
        let mut strip = vec![0; strip_width * height * 4];
        for (column, image) in run.iter().enumerate() {
            thumbs::rgba_into(dataset.shape(), dataset.pixels(*image), &mut strip, strip_width, column * width);
        }
        let position = self.grid.position(start);
        self.gpu.upload(position.page, position.texel, [strip_width, height], &strip);
        (run.len(), strip.len())
    }

    /// Uploads what the threads have finished, within the limits of a frame.
    fn upload_reduced(&mut self, begun: Instant) {
        let cell = self.grid.cell;
        let mut written = 0;
        while written < FRAME_BYTES && begun.elapsed() < FRAME_TIME {
            let Some(reduced) = self.workers.as_ref().and_then(Workers::try_next) else { return };
            if let Some(slot) = self.cache.allocate(reduced.image) {
                // An image that cannot be reduced stays blank and is not requested again.
                let rgba = reduced.rgba.unwrap_or_else(|| vec![0; cell[0] * cell[1] * 4]);
                let position = self.grid.position(slot);
                self.gpu.upload(position.page, position.texel, cell, &rgba);
                written += rgba.len();
            }
        }
    }

    /// The position of a visible image; none where it is not uploaded yet.
    pub fn position_of(&mut self, image: usize) -> Option<AtlasPosition> {
        self.cache.touch(image).map(|slot| self.grid.position(slot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_do_not_overlap_and_stay_on_their_page() {
        for cell in [[32, 32], [48, 20], [100, 300], [2048, 2048], [700, 1]] {
            let grid = Grid::new(2048, cell);
            assert_eq!(grid.slots_per_page, (2048 / cell[0]) * (2048 / cell[1]));
            let mut seen = std::collections::HashSet::new();
            for slot in 0..(grid.slots_per_page * 2 + 1).min(20_000) as u32 {
                let position = grid.position(slot);
                let [x, y] = position.texel.map(usize::from);
                assert!(x + cell[0] <= 2048 && y + cell[1] <= 2048, "{cell:?} {slot}");
                assert!(x % cell[0] == 0 && y % cell[1] == 0 && seen.insert(position), "{cell:?} {slot}");
            }
        }
    }
}
