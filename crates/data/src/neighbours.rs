//! The nearest images outside an image's own group, for every image of a dataset at once: exact.
//!
//! Two images' distance is `|a|^2 + |b|^2 - 2ab`, and all the `ab` of two tiles of images are one
//! product of matrices. Bytes less 128 are integers that `f32` holds, and as long as no sum of
//! products can pass 2^24 every sum is exact, in whatever order it is taken. So the values are
//! multiplied in blocks too short to pass it, and the blocks are added up in `f64`.
//!
//! Mirrored images cost next to nothing more: with `e = left + right` and `o = left - right` of the
//! two halves of every row, twice `ab` is `ee + oo`, and twice `a` times mirrored `b` is `ee - oo`.

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
const TILE: usize = 256;
/// Most values of a tile, unless an image has more than a 16th of it: bounds a thread's memory.
const TILE_VALUES: usize = 4 << 20;
/// How long the work between two calls of `progress` should take.
const BREATH: Duration = Duration::from_millis(80);

/// An image near another, outside its group. Ordered by square, then index, the mirrored one last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Near {
    /// Its index in the dataset.
    pub index: u32,
    /// True where its left-right mirror image is meant.
    pub mirrored: bool,
    /// Squared Euclidean distance between the pixels, in grey levels.
    pub square: u64,
}

impl Near {
    fn key(&self) -> (u64, u32, bool) {
        (self.square, self.index, self.mirrored)
    }
}

/// For every image of a dataset the images nearest to it outside its own group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideNeighbours {
    k: usize,
    mirrored: bool,
    near: Vec<Vec<Near>>,
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
        self.near.len()
    }

    /// True where the dataset holds no image.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.near.is_empty()
    }

    /// The neighbours of `image`, nearest first, equals by lower index, an image before its mirror
    /// image. Fewer than `k` where there are no more outside its group; none where there is no such
    /// image.
    #[must_use]
    pub fn of(&self, image: usize) -> &[Near] {
        self.near.get(image).map_or(&[], Vec::as_slice)
    }
}

/// The `k` images nearest to every image outside its group, exactly, by squared Euclidean distance
/// between pixels; where `mirrored`, the left-right mirror image of each is a candidate of its own.
///
/// `pixels(i)` is image `i`, planar (C, H, W) bytes of `shape`, and `groups` holds every image's
/// group, at most 2^32 of them. An image of another length has no neighbours and is nobody's.
///
/// `progress` gets the number of pairs of tiles done and of all; it is called on this thread, before
/// the first and then about ten times a second (more seldom only where one pair of tiles takes
/// longer). Memory, next to the result: per thread about 5 MB for images of 3 x 32 x 32, and 20 MB at
/// most up to 2^18 values an image.
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
    let values = Values::new(shape, mirrored);
    let size = (TILE_VALUES / values.len().max(1)).clamp(TILE / 16, TILE);
    pass(&pixels, &values, size, groups, k, progress).map(|found| OutsideNeighbours {
        k,
        mirrored,
        near: found.into_iter().map(|best| best.near).collect(),
    })
}

/// [`outside_neighbours`] with tiles of `size` images.
fn pass<'a, E>(
    pixels: &(impl Fn(usize) -> &'a [u8] + Sync),
    values: &Values,
    size: usize,
    groups: &[usize],
    k: usize,
    progress: &mut dyn FnMut(usize, usize) -> Result<(), E>,
) -> Result<Vec<Best>, E> {
    let mut all = vec![Best { near: Vec::new(), limit: f64::MAX }; groups.len()];
    if k == 0 {
        return Ok(all);
    }
    let norms: Vec<f64> = (0..groups.len()).into_par_iter().map(|image| values.norm(pixels(image))).collect();
    let tile = |start: usize| {
        let end = start.saturating_add(size).min(groups.len());
        Tile { start, norms: norms.get(start..end).unwrap_or(&[]), groups: groups.get(start..end).unwrap_or(&[]) }
    };
    let fill = |start: usize, to: &mut [f32]| {
        to.chunks_mut(values.len().max(1)).zip(start..).for_each(|(to, image)| values.fill(pixels(image), to));
    };
    let bands = groups.len().div_ceil(size);
    let (mut done, total) = (0, bands * (bands + 1) / 2);
    let spare: Mutex<Vec<Scratch>> = Mutex::default();
    let threads = rayon::current_num_threads();
    let (mut step, mut left) = (threads, Vec::new());
    progress(done, total)?;
    let (mut rest, mut start) = (all.as_mut_slice(), 0);
    while !rest.is_empty() {
        let height = size.min(rest.len());
        let (rows, below) = std::mem::take(&mut rest).split_at_mut(height);
        left.resize(rows.len() * values.len(), 0.0);
        fill(start, &mut left);
        // The tile against itself finds each of its pairs from both sides: its columns need nothing.
        let others = below.chunks_mut(size).zip((start + size..).step_by(size));
        let mut pairs = std::iter::once((start, None)).chain(others.map(|(columns, at)| (at, Some(columns))));
        loop {
            let work: Vec<_> = pairs.by_ref().take(step).collect();
            if work.is_empty() {
                break;
            }
            let (begun, count) = (Instant::now(), work.len());
            let limits: Vec<f64> = rows.iter().map(|best| best.limit).collect();
            let one = |(at, columns): (usize, Option<&mut [Best]>)| {
                let lock = || spare.lock().unwrap_or_else(PoisonError::into_inner);
                let mut scratch = lock().pop().unwrap_or_default();
                let (across, down) = (tile(start), tile(at));
                scratch.right.resize(down.norms.len() * values.len(), 0.0);
                fill(at, &mut scratch.right);
                scratch.multiply(&left, values, across.norms.len(), down.norms.len());
                let mut found: Vec<_> = limits.iter().map(|&limit| Best { near: Vec::new(), limit }).collect();
                let mut none = vec![Best { near: Vec::new(), limit: -1.0 }; if columns.is_none() { size } else { 0 }];
                let columns = columns.unwrap_or(&mut none);
                for (twice, mirrored) in scratch.twice.iter().zip([false, true]) {
                    search(twice, mirrored, k, (&across, &mut found), (&down, columns));
                }
                lock().push(scratch);
                found
            };
            let found: Vec<Vec<Best>> = work.into_par_iter().with_max_len(1).map(one).collect();
            for found in found {
                let offers = rows.iter_mut().zip(found);
                offers.for_each(|(best, found)| found.near.into_iter().for_each(|near| best.offer(near, k)));
            }
            done += count;
            progress(done, total)?;
            match begun.elapsed() {
                time if time > BREATH => step = (step / 2).max(threads),
                time if time < BREATH / 3 && count == step => step *= 2,
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
struct Best {
    /// In order, at most `k`.
    near: Vec<Near>,
    /// The square above which nothing is wanted any more; [`f64::MAX`] while everything is.
    limit: f64,
}

impl Best {
    fn offer(&mut self, near: Near, k: usize) {
        let at = self.near.partition_point(|other| other.key() < near.key());
        if at >= k {
            return;
        }
        self.near.truncate(k - 1);
        self.near.insert(at, near);
        if let (true, Some(last)) = (self.near.len() == k, self.near.last()) {
            self.limit = self.limit.min(last.square as f64);
        }
    }
}

/// Images that lie next to one another.
struct Tile<'a> {
    start: usize,
    norms: &'a [f64],
    groups: &'a [usize],
}

/// Offers every image of one tile to every image of another group of the other tile.
///
/// `twice`: twice the products of the images, (rows, columns), rows next to one another.
fn search(twice: &[f64], mirrored: bool, k: usize, rows: (&Tile, &mut [Best]), columns: (&Tile, &mut [Best])) {
    let ((across, rows), (down, columns)) = (rows, columns);
    let lines = twice.chunks(across.norms.len().max(1)).zip(columns).zip(down.norms.iter().zip(down.groups));
    for (((twice, column), (&norm, &group)), i) in lines.zip(down.start..) {
        let cells = twice.iter().zip(rows.iter_mut()).zip(across.norms.iter().zip(across.groups));
        for (((&twice, row), (&other, &its)), j) in cells.zip(across.start..) {
            let square = norm + other - twice;
            // Equals count, for a lower index may still come; an endless square is never wanted.
            if (square > row.limit && square > column.limit) || group == its {
                continue;
            }
            let near = |index: usize| Near { index: index as u32, mirrored, square: square as u64 };
            if square <= row.limit {
                row.offer(near(i), k);
            }
            if square <= column.limit {
                column.offer(near(j), k);
            }
        }
    }
}

/// What one pair of tiles needs, kept from pair to pair.
#[derive(Default)]
struct Scratch {
    /// The second tile, (images, values).
    right: Vec<f32>,
    /// The products of one block, (rows, columns), rows next to one another.
    block: Vec<f32>,
    /// Twice the products of all blocks: with the images, and with the mirror images if wanted.
    twice: Vec<Vec<f64>>,
}

impl Scratch {
    /// Multiplies the images of `left`, (rows, values), with those of `right`.
    fn multiply(&mut self, left: &[f32], values: &Values, rows: usize, columns: usize) {
        let left = MatRef::from_row_major_slice(left, rows, values.len());
        let right = MatRef::from_row_major_slice(&self.right, columns, values.len());
        self.block.resize(rows * columns, 0.0);
        self.twice.resize_with(values.parts().count(), Vec::new);
        let mut start = 0;
        for (part, sums) in values.parts().zip(&mut self.twice) {
            sums.clear();
            sums.resize(rows * columns, 0.0);
            let end = start + part;
            while start < end {
                let width = values.block.min(end - start);
                let (a, b) = (left.subcols(start, width), right.subcols(start, width).transpose());
                let product = MatMut::from_column_major_slice_mut(&mut self.block, rows, columns);
                // A factor of two keeps sums exact; halves give twice the product by themselves.
                let factor = if values.odd.is_some() { 1.0 } else { 2.0 };
                matmul(product, Accum::Replace, a, b, factor, Par::Seq);
                sums.iter_mut().zip(&self.block).for_each(|(sum, &value)| *sum += f64::from(value));
                start += width;
            }
        }
        if let [even, odd] = self.twice.as_mut_slice() {
            even.iter_mut().zip(odd).for_each(|(e, o)| (*e, *o) = (*e + *o, *e - *o));
        }
    }
}

/// How an image is turned to the values that are multiplied.
struct Values {
    shape: ImageShape,
    /// How many values there are, or, where mirror images are wanted, how many sums of halves.
    even: usize,
    /// How many differences of halves, where mirror images are wanted.
    odd: Option<usize>,
    /// How many products may be added up in `f32`: those of 128 and of 256 at most fill 2^24.
    block: usize,
}

impl Values {
    fn new(shape: ImageShape, mirrored: bool) -> Self {
        if !mirrored {
            return Self { shape, even: shape.numel(), odd: None, block: 1024 };
        }
        // A column in the middle is its own mirror image: it counts twice, as two sums.
        let (lines, half) = (shape.channels.saturating_mul(shape.height), shape.width / 2);
        let even = lines.saturating_mul(half + 2 * (shape.width % 2));
        Self { shape, even, odd: Some(lines.saturating_mul(half)), block: 256 }
    }

    fn len(&self) -> usize {
        self.even.saturating_add(self.odd.unwrap_or(0))
    }

    /// The lengths of the parts whose products are added up apart.
    fn parts(&self) -> impl Iterator<Item = usize> {
        std::iter::once(self.even).chain(self.odd)
    }

    /// The sum of the squared bytes less 128; endless for pixels of another length.
    fn norm(&self, pixels: &[u8]) -> f64 {
        if pixels.len() != self.shape.numel() {
            return f64::INFINITY;
        }
        // 4096 * 128^2 fits 32 bits.
        let chunk = |pixels: &[u8]| pixels.iter().map(|&p| u32::from(p.abs_diff(128)).pow(2)).sum::<u32>();
        pixels.chunks(4096).map(|pixels| f64::from(chunk(pixels))).sum()
    }

    /// Writes the values of `pixels`; zeros for pixels of another length.
    fn fill(&self, pixels: &[u8], to: &mut [f32]) {
        let value = |pixel: u8| f32::from(i16::from(pixel) - 128);
        if pixels.len() != self.shape.numel() {
            return to.fill(0.0);
        }
        if self.odd.is_none() {
            return to.iter_mut().zip(pixels).for_each(|(to, &pixel)| *to = value(pixel));
        }
        let (half, middle) = (self.shape.width / 2, self.shape.width % 2);
        let (even, odd) = to.split_at_mut(self.even.min(to.len()));
        let mut odd = odd.chunks_mut(half.max(1));
        let lines = pixels.chunks(self.shape.width.max(1)).zip(even.chunks_mut((half + 2 * middle).max(1)));
        for (line, sums) in lines {
            let (start, end) = line.split_at(half);
            let (centre, end) = end.split_at(middle);
            let (sums, own) = sums.split_at_mut(half);
            own.fill(centre.first().map_or(0.0, |&pixel| value(pixel)));
            let differences = odd.next().unwrap_or_default();
            for (((sum, difference), &l), &r) in sums.iter_mut().zip(differences).zip(start).zip(end.iter().rev()) {
                (*sum, *difference) = (value(l) + value(r), value(l) - value(r));
            }
        }
    }
}
