//! How long a map takes, measured on a part of the work.

use std::time::Instant;

use crate::map::REDUCED;
use crate::neighbours::Search;
use crate::rows::Table;
use crate::tsne::{EPOCHS, tsne};
use crate::{Layout, Projection, Rows};
use whence_base::Result;
use whence_base::random::{normals, stream};

/// Vectors of the sample that components are measured on.
const COMPONENTS: usize = 512;

/// Points, and epochs, of the sample that t-SNE is measured on.
const POINTS: usize = 1500;
const SAMPLE_EPOCHS: usize = 12;

/// Vectors whose neighbours are searched for.
const SEARCHES: usize = 64;

/// Estimated seconds to make the map of `count` vectors of this length.
///
/// # Errors
/// Those of `check`.
pub fn seconds(count: usize, dims: usize, layout: Layout, check: &mut (dyn FnMut() -> Result<()> + Send)) -> Result<f64> {
    let axes = if layout == Layout::Pca { 2 } else { REDUCED };
    let sample = noise(count.min(COMPONENTS), dims);
    let begun = Instant::now();
    let projection = Projection::fit(&sample, axes, 0, &mut |_| check())?;
    let mut total = begun.elapsed().as_secs_f64() * ratio(count, sample.count());
    if layout == Layout::Pca {
        return Ok(total);
    }
    let reduced = noise(count, projection.count().max(1));
    let begun = Instant::now();
    _ = Search::new(&reduced).block(0, SEARCHES.min(count), 90.min(count));
    total += begun.elapsed().as_secs_f64() * ratio(count, SEARCHES);
    check()?;
    let points = noise(count.min(POINTS), 10);
    // Once without epochs, to take off what every run costs.
    let mut time = |epochs: usize| -> Result<f64> {
        let begun = Instant::now();
        tsne(&points, 0, epochs, &mut |_| check())?;
        Ok(begun.elapsed().as_secs_f64())
    };
    let (none, some) = (time(1)?, time(1 + SAMPLE_EPOCHS)?);
    let epoch = (some - none).max(0.0) / SAMPLE_EPOCHS as f64;
    Ok(total + epoch * ratio(count, points.count()) * EPOCHS as f64)
}

fn ratio(all: usize, part: usize) -> f64 {
    (all as f64 / part.max(1) as f64).max(1.0)
}

fn noise(count: usize, dims: usize) -> Table {
    Table { values: normals(&mut stream("whence 2026 embedding cost", 0, b"", 0), count * dims), dims }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_points_take_longer() {
        let of = |count, layout| seconds(count, 30, layout, &mut || Ok(())).unwrap();
        assert!(of(40_000, Layout::Tsne) > of(400, Layout::Tsne));
        assert!(of(400, Layout::Tsne) > of(400, Layout::Pca));
    }
}
