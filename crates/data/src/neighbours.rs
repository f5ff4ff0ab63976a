//! The nearest images outside an image's own group, for every image of a dataset at once: exact.
//!
//! The squared distance of two images is `|a|^2 + |b|^2 - 2ab`, and the products `ab` of two tiles of
//! images are one matrix product. Bytes less 128 are integers that `f32` represents exactly, and as
//! long as no sum of products can pass 2^24 every sum is exact, in whatever order it is taken. So the
//! values are multiplied in blocks too short to pass it, and the blocks are added up in `f64`.
//!
//! Mirrored images cost next to nothing more: with `e = left + right` and `o = left - right` of the
//! two halves of every row, `2ab` is `ee + oo`, and twice the product of `a` and mirrored `b` is `ee - oo`.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

use super::ImageShape;

mod bytes;
#[cfg(test)]
mod tests;

/// Most images of a tile: few enough that the products of two tiles stay in the cache.
const MAX_TILE_IMAGES: usize = 256;
/// Most values of a tile, unless an image has more than a 16th of it: bounds a thread's memory.
const MAX_TILE_VALUES: usize = 4 << 20;
/// How long the work between two calls of `progress` should take.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(80);

/// An image near another one of another group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutsideNeighbour {
    /// Its index in the dataset.
    pub index: u32,
    /// True where the distance is that of its left-right mirror image.
    pub mirrored: bool,
    /// Squared Euclidean distance between the pixels, in grey levels.
    pub squared_distance: u64,
}

impl OutsideNeighbour {
    /// The order of neighbours: by distance, then index, the mirror image last.
    fn sort_key(&self) -> (u64, u32, bool) {
        (self.squared_distance, self.index, self.mirrored)
    }
}

/// For every image of a dataset, the images nearest to it outside its own group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideNeighbours {
    k: usize,
    mirrored: bool,
    /// Of every image, nearest first.
    neighbours: Vec<Vec<OutsideNeighbour>>,
}

impl OutsideNeighbours {
    /// How many neighbours an image has at most.
    #[must_use]
    pub fn k(&self) -> usize {
        self.k
    }

    /// True where mirrored images were candidates, too.
    #[must_use]
    pub fn mirrored(&self) -> bool {
        self.mirrored
    }

    /// How many images the dataset holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.neighbours.len()
    }

    /// True where the dataset holds no image.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.neighbours.is_empty()
    }

    /// The neighbours of `image`, nearest first, ties by lower index, an image before its mirror
    /// image. Fewer than `k` where there are no more outside its group; none where there is no such
    /// image.
    #[must_use]
    pub fn of(&self, image: usize) -> &[OutsideNeighbour] {
        self.neighbours.get(image).map_or(&[], Vec::as_slice)
    }
}

/// Finds, for every image, the `k` nearest images outside its group, exactly, by squared Euclidean
/// distance between pixels; where `mirrored`, the left-right mirror image of each is a candidate of
/// its own.
///
/// `pixels(i)` is image `i`, planar `[channels, height, width]` bytes of `shape`, and `groups` holds
/// every image's group, at most 2^32 of them. An image of another length has no neighbours and is a
/// neighbour of none.
///
/// `progress` gets the pairs of tiles done and the number of all; it is called on this thread, before
/// the first and then about ten times a second (less often only where one pair of tiles takes
/// longer). Memory beside the result: about 5 MB per thread for images of 3 x 32 x 32, and at most
/// 20 MB up to 2^18 values per image.
///
/// # Errors
/// That of `progress`, at once.
pub fn outside_neighbours<'a, E>(
    pixels: impl Fn(usize) -> &'a [u8] + Sync,
    shape: ImageShape,
    groups: &[usize],
    k: usize,
    mirrored: bool,
    progress: &mut dyn FnMut(usize, usize) -> Result<(), E>,
) -> Result<OutsideNeighbours, E> {
    let encoding = Encoding::new(shape, mirrored);
    let tile_images = (MAX_TILE_VALUES / encoding.len().max(1)).clamp(MAX_TILE_IMAGES / 16, MAX_TILE_IMAGES);
    let nearest = search_all(&pixels, &encoding, tile_images, groups, k, progress)?;
    let neighbours = nearest.into_iter().map(|nearest| nearest.neighbours).collect();
    Ok(OutsideNeighbours { k, mirrored, neighbours })
}

/// [`outside_neighbours`] with tiles of `tile_images` images.
fn search_all<'a, E>(
    pixels: &(impl Fn(usize) -> &'a [u8] + Sync),
    encoding: &Encoding,
    tile_images: usize,
    groups: &[usize],
    k: usize,
    progress: &mut dyn FnMut(usize, usize) -> Result<(), E>,
) -> Result<Vec<Nearest>, E> {
    let mut all = vec![Nearest { neighbours: Vec::new(), limit: f64::MAX }; groups.len()];
    if k == 0 {
        return Ok(all);
    }
    let norms: Vec<f64> = (0..groups.len()).into_par_iter().map(|image| encoding.squared_norm(pixels(image))).collect();
    let tile = |start: usize| {
        let end = start.saturating_add(tile_images).min(groups.len());
        Tile { start, norms: norms.get(start..end).unwrap_or(&[]), groups: groups.get(start..end).unwrap_or(&[]) }
    };
    let encode = |start: usize, to: &mut [f32]| {
        for (to, image) in to.chunks_mut(encoding.len().max(1)).zip(start..) {
            encoding.encode(pixels(image), to);
        }
    };
    let bands = groups.len().div_ceil(tile_images);
    let (mut done, total) = (0, bands * (bands + 1) / 2);
    // One per thread at work; a thread takes any, and a panic elsewhere leaves them usable.
    let spare: Mutex<Vec<Scratch>> = Mutex::default();
    let lock = || spare.lock().unwrap_or_else(PoisonError::into_inner);
    let threads = rayon::current_num_threads();
    let (mut pairs_per_step, mut left) = (threads, Vec::new());
    progress(done, total)?;
    let (mut rest, mut start) = (all.as_mut_slice(), 0);
    while !rest.is_empty() {
        let height = tile_images.min(rest.len());
        let (rows, below) = std::mem::take(&mut rest).split_at_mut(height);
        left.resize(rows.len() * encoding.len(), 0.0);
        encode(start, &mut left);
        // The tile against itself finds each of its pairs from both sides: its columns need nothing.
        let others = below.chunks_mut(tile_images).zip((start + tile_images..).step_by(tile_images));
        let mut pairs = std::iter::once((start, None)).chain(others.map(|(columns, at)| (at, Some(columns))));
        loop {
            let work: Vec<_> = pairs.by_ref().take(pairs_per_step).collect();
            if work.is_empty() {
                break;
            }
            let (begun, count) = (Instant::now(), work.len());
            let limits: Vec<f64> = rows.iter().map(|nearest| nearest.limit).collect();
            let search_pair = |(at, columns): (usize, Option<&mut [Nearest]>)| {
                let mut scratch = lock().pop().unwrap_or_default();
                let (across, down) = (tile(start), tile(at));
                scratch.right.resize(down.norms.len() * encoding.len(), 0.0);
                encode(at, &mut scratch.right);
                scratch.multiply(&left, encoding, across.norms.len(), down.norms.len());
                let mut found: Vec<_> = limits.iter().map(|&limit| Nearest { neighbours: Vec::new(), limit }).collect();
                let unused = if columns.is_none() { tile_images } else { 0 };
                let mut unused = vec![Nearest { neighbours: Vec::new(), limit: -1.0 }; unused];
                let columns = columns.unwrap_or(&mut unused);
                for (products, mirrored) in scratch.double_products.iter().zip([false, true]) {
                    search_tiles(products, mirrored, k, (&across, &mut found), (&down, columns));
                }
                lock().push(scratch);
                found
            };
            let found: Vec<Vec<Nearest>> = work.into_par_iter().with_max_len(1).map(search_pair).collect();
            for found in found {
                for (row, found) in rows.iter_mut().zip(found) {
                    for neighbour in found.neighbours {
                        row.offer(neighbour, k);
                    }
                }
            }
            done += count;
            progress(done, total)?;
            match begun.elapsed() {
                time if time > PROGRESS_INTERVAL => pairs_per_step = (pairs_per_step / 2).max(threads),
                time if time < PROGRESS_INTERVAL / 3 && count == pairs_per_step => pairs_per_step *= 2,
                _ => {}
            }
        }
        start += rows.len();
        rest = below;
    }
    Ok(all)
}

/// The nearest images found so far.
#[derive(Clone, Debug)]
struct Nearest {
    /// In order, at most `k`.
    neighbours: Vec<OutsideNeighbour>,
    /// The squared distance above which an image is no neighbour; [`f64::MAX`] while fewer than `k` are found.
    limit: f64,
}

impl Nearest {
    fn offer(&mut self, candidate: OutsideNeighbour, k: usize) {
        let at = self.neighbours.partition_point(|other| other.sort_key() < candidate.sort_key());
        if at >= k {
            return;
        }
        self.neighbours.truncate(k - 1);
        self.neighbours.insert(at, candidate);
        if let (true, Some(last)) = (self.neighbours.len() == k, self.neighbours.last()) {
            self.limit = self.limit.min(last.squared_distance as f64);
        }
    }
}

/// Consecutive images.
struct Tile<'a> {
    /// Index of the first one.
    start: usize,
    /// Squared norms.
    norms: &'a [f64],
    groups: &'a [usize],
}

/// Offers every image of one tile to every image of another group of the other tile.
///
/// `double_products` holds twice the products of the images, column by column: the products of a
/// column with all rows are adjacent.
fn search_tiles(
    double_products: &[f64],
    mirrored: bool,
    k: usize,
    rows: (&Tile, &mut [Nearest]),
    columns: (&Tile, &mut [Nearest]),
) {
    let ((across, rows), (down, columns)) = (rows, columns);
    let lines = double_products.chunks(across.norms.len().max(1)).zip(columns).zip(down.norms.iter().zip(down.groups));
    for (((products, column), (&column_norm, &column_group)), column_index) in lines.zip(down.start..) {
        let cells = products.iter().zip(rows.iter_mut()).zip(across.norms.iter().zip(across.groups));
        for (((&product, row), (&row_norm, &row_group)), row_index) in cells.zip(across.start..) {
            let distance = column_norm + row_norm - product;
            // Ties count, for a lower index may still come; an infinite distance never does.
            if (distance > row.limit && distance > column.limit) || column_group == row_group {
                continue;
            }
            let neighbour =
                |index: usize| OutsideNeighbour { index: index as u32, mirrored, squared_distance: distance as u64 };
            if distance <= row.limit {
                row.offer(neighbour(column_index), k);
            }
            if distance <= column.limit {
                column.offer(neighbour(row_index), k);
            }
        }
    }
}

/// The buffers of one pair of tiles, reused from pair to pair.
#[derive(Default)]
struct Scratch {
    /// The second tile, `[images, values]`.
    right: Vec<f32>,
    /// The products of one block, `[rows, columns]` in column-major order.
    block: Vec<f32>,
    /// Twice the products of all blocks: with the images and, if wanted, with their mirror images.
    double_products: Vec<Vec<f64>>,
}

impl Scratch {
    /// Multiplies the images of `left`, `[rows, values]`, with those of `right`.
    fn multiply(&mut self, left: &[f32], encoding: &Encoding, rows: usize, columns: usize) {
        let left = MatRef::from_row_major_slice(left, rows, encoding.len());
        let right = MatRef::from_row_major_slice(&self.right, columns, encoding.len());
        self.block.resize(rows * columns, 0.0);
        self.double_products.resize_with(encoding.parts().count(), Vec::new);
        let mut start = 0;
        for (part, sums) in encoding.parts().zip(&mut self.double_products) {
            sums.clear();
            sums.resize(rows * columns, 0.0);
            let end = start + part;
            while start < end {
                let width = encoding.block.min(end - start);
                let (a, b) = (left.subcols(start, width), right.subcols(start, width).transpose());
                let product = MatMut::from_column_major_slice_mut(&mut self.block, rows, columns);
                // A factor of two keeps sums exact; halves give twice the product by themselves.
                let factor = if encoding.differences.is_some() { 1.0 } else { 2.0 };
                matmul(product, Accum::Replace, a, b, factor, Par::Seq);
                for (sum, &value) in sums.iter_mut().zip(&self.block) {
                    *sum += f64::from(value);
                }
                start += width;
            }
        }
        if let [even, odd] = self.double_products.as_mut_slice() {
            for (even, odd) in even.iter_mut().zip(odd) {
                (*even, *odd) = (*even + *odd, *even - *odd);
            }
        }
    }
}

/// The values that represent an image in the products: its bytes less 128 or, where mirror images
/// are candidates, the sums and then the differences of the two halves of every row.
struct Encoding {
    shape: ImageShape,
    /// How many values or, where mirror images are candidates, how many sums of halves.
    sums: usize,
    /// How many differences of halves, where mirror images are candidates.
    differences: Option<usize>,
    /// How many products may be added up in `f32`: those of 128 and of 256 at most fill 2^24.
    block: usize,
}

impl Encoding {
    fn new(shape: ImageShape, mirrored: bool) -> Self {
        if !mirrored {
            return Self { shape, sums: shape.numel(), differences: None, block: 1024 };
        }
        // A column in the middle is its own mirror image: it counts twice, as two sums.
        let (lines, half) = (shape.channels.saturating_mul(shape.height), shape.width / 2);
        let sums = lines.saturating_mul(half + 2 * (shape.width % 2));
        Self { shape, sums, differences: Some(lines.saturating_mul(half)), block: 256 }
    }

    /// How many values represent an image.
    fn len(&self) -> usize {
        self.sums.saturating_add(self.differences.unwrap_or(0))
    }

    /// The lengths of the parts whose products are added up apart.
    fn parts(&self) -> impl Iterator<Item = usize> {
        std::iter::once(self.sums).chain(self.differences)
    }

    /// The sum of the squared bytes less 128; infinite for pixels of another length.
    fn squared_norm(&self, pixels: &[u8]) -> f64 {
        if pixels.len() != self.shape.numel() {
            return f64::INFINITY;
        }
        let mut total = 0.0;
        // 4096 * 128^2 fits 32 bits.
        for chunk in pixels.chunks(4096) {
            let sum: u32 = chunk.iter().map(|&pixel| u32::from(pixel.abs_diff(128)).pow(2)).sum();
            total += f64::from(sum);
        }
        total
    }

    /// Writes the values of `pixels`; zeros for pixels of another length.
    fn encode(&self, pixels: &[u8], to: &mut [f32]) {
        let value = |pixel: u8| f32::from(i16::from(pixel) - 128);
        if pixels.len() != self.shape.numel() {
            return to.fill(0.0);
        }
        if self.differences.is_none() {
            for (to, &pixel) in to.iter_mut().zip(pixels) {
                *to = value(pixel);
            }
            return;
        }
        let (half, middle) = (self.shape.width / 2, self.shape.width % 2);
        let (sums, differences) = to.split_at_mut(self.sums.min(to.len()));
        let mut differences = differences.chunks_mut(half.max(1));
        let lines = pixels.chunks(self.shape.width.max(1)).zip(sums.chunks_mut((half + 2 * middle).max(1)));
        for (line, sums) in lines {
            let (start, end) = line.split_at(half);
            let (centre, end) = end.split_at(middle);
            let (sums, own) = sums.split_at_mut(half);
            own.fill(centre.first().map_or(0.0, |&pixel| value(pixel)));
            // Images one pixel wide have no halves, so no differences.
            let differences = differences.next().unwrap_or_default();
            for (((sum, difference), &l), &r) in sums.iter_mut().zip(differences).zip(start).zip(end.iter().rev()) {
                (*sum, *difference) = (value(l) + value(r), value(l) - value(r));
            }
        }
    }
}
