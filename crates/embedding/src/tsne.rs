//! t-SNE by the crate `bhtsne`: Barnes-Hut for small sets, FIt-SNE (Linderman et al. 2019) for large ones.
//!
//! It runs on one thread: the crate adds up in the order in which threads finish, and t-SNE turns a difference in the last
//! bit into another picture. So the same seed gives the same points, and the other cores stay free.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use bhtsne::{Neighbor, tSNE};
use parking_lot::Mutex;

use crate::neighbours::nearest;
use crate::rows::Table;
use crate::{Report, Rows as _, Step};
use whence_base::random::{normals, stream};
use whence_base::{Error, Result};

/// Rounds of gradient descent.
pub const EPOCHS: usize = 750;

/// Effective number of neighbours (van der Maaten and Hinton recommend 5 to 50).
const PERPLEXITY: f32 = 30.0;

/// From this number of vectors on, forces are interpolated on a grid.
const LARGE: usize = 4000;

/// Accuracy of Barnes-Hut: the usual value.
const THETA: f32 = 0.5;

/// Standard deviation of the points at the start, as in openTSNE.
const START: f32 = 1e-4;

/// Ends the gradient descent of a library that has no other way to be stopped.
struct Stop;

/// The points of these vectors.
pub fn tsne(vectors: &Table, seed: u64, epochs: usize, report: &mut Report<'_>) -> Result<Vec<[f32; 2]>> {
    let count = vectors.count();
    let perplexity = PERPLEXITY.min((count.saturating_sub(1) / 3) as f32);
    let start = start(vectors, seed);
    if perplexity < 2.0 {
        // Too few for neighbourhoods to mean anything.
        return Ok(start);
    }
    let neighbours = nearest(vectors, (3.0 * perplexity) as usize, report)?;
    descend(&neighbours, perplexity, &start, epochs, report)
}

/// The first two coordinates, small, and slightly apart where two vectors are the same.
fn start(vectors: &Table, seed: u64) -> Vec<[f32; 2]> {
    let count = vectors.count();
    let first: Vec<f64> = (0..count).filter_map(|row| vectors.row(row).first().map(|v| f64::from(*v))).collect();
    let deviation = (first.iter().map(|v| v * v).sum::<f64>() / count.max(1) as f64).sqrt();
    let scale = if deviation > 0.0 { START / deviation as f32 } else { 0.0 };
    let noise = normals(&mut stream("whence 2026 t-sne", seed, b"", 0), 2 * count);
    let noise = noise.as_chunks::<2>().0.iter();
    noise
        .enumerate()
        .map(|(row, [a, b])| {
            let row = vectors.row(row);
            let at = |axis: usize| row.get(axis).copied().unwrap_or_default() * scale;
            [at(0) + 0.01 * START * a, at(1) + 0.01 * START * b]
        })
        .collect()
}

fn descend(
    neighbours: &[Vec<Neighbor<f32>>],
    perplexity: f32,
    start: &[[f32; 2]],
    epochs: usize,
    report: &mut Report<'_>,
) -> Result<Vec<[f32; 2]>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).thread_name(|_| "whence-tsne".into()).build();
    let pool = pool.map_err(|e| Error::internal(format!("t-SNE got no thread: {e}")))?;
    let failure: Mutex<Option<Error>> = Mutex::new(None);
    let samples = vec![(); neighbours.len()];
    let outcome = pool.install(|| {
        // The library knows no other way out than to unwind; the payload is our own and prints no message.
        catch_unwind(AssertUnwindSafe(|| {
            let mut fit = tSNE::<f32, (), 2>::new(&samples);
            let callback = |epoch: usize, points: &[f32]| {
                let points = points.as_chunks::<2>().0;
                if let Err(error) = report(Step::Epoch { done: epoch + 1, total: epochs, points }) {
                    *failure.lock() = Some(error);
                    resume_unwind(Box::new(Stop));
                }
            };
            fit.perplexity(perplexity).epochs(epochs).initial_embedding(start.concat()).epoch_callback(callback);
            if neighbours.len() < LARGE {
                fit.barnes_hut_with_neighbors(THETA, neighbours);
            } else {
                fit.fit_sne_with_neighbors(neighbours);
            }
            fit.embedding()
        }))
    });
    match outcome {
        Ok(points) => Ok(points.as_chunks::<2>().0.to_vec()),
        Err(payload) => match failure.into_inner() {
            Some(error) => Err(error),
            None => resume_unwind(payload),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three clouds in ten dimensions.
    pub fn clouds(each: usize) -> Table {
        let mut values = normals(&mut stream("test", 9, b"", 0), 3 * each * 10);
        for (row, vector) in values.chunks_exact_mut(10).enumerate() {
            vector[row / each] += 12.0;
        }
        Table { values, dims: 10 }
    }

    fn distance(a: [f32; 2], b: [f32; 2]) -> f32 {
        (a[0] - b[0]).hypot(a[1] - b[1])
    }

    #[test]
    fn clouds_stay_apart_and_the_same_seed_gives_the_same_points() {
        let vectors = clouds(60);
        let run = |seed| tsne(&vectors, seed, 300, &mut |_| Ok(())).unwrap();
        let points = run(1);
        assert_eq!(points, run(1));
        assert_ne!(points, run(2), "another seed, another picture");
        for (own, at) in points.iter().enumerate() {
            let mut others: Vec<usize> = (0..points.len()).filter(|o| *o != own).collect();
            others.sort_by(|a, b| distance(*at, points[*a]).total_cmp(&distance(*at, points[*b])));
            let same = others.iter().take(10).filter(|o| **o / 60 == own / 60).count();
            assert!(same >= 9, "{own}: {same} of its ten neighbours are of its own cloud");
        }
    }

    #[test]
    fn it_stops_at_the_next_epoch() {
        let mut epochs = 0;
        let stopped = tsne(&clouds(40), 1, 1000, &mut |step| match step {
            Step::Epoch { done, .. } => {
                epochs = done;
                if done == 7 { Err(Error::Cancelled) } else { Ok(()) }
            }
            _ => Ok(()),
        });
        assert!(matches!(stopped, Err(Error::Cancelled)));
        assert_eq!(epochs, 7);
    }

    #[test]
    fn a_handful_of_vectors_has_a_picture_too() {
        for count in 0..8 {
            let vectors = Table { values: (0..count * 3).map(|v| v as f32).collect(), dims: 3 };
            let points = tsne(&vectors, 1, 50, &mut |_| Ok(())).unwrap();
            assert_eq!(points.len(), count);
            assert!(points.iter().flatten().all(|v| v.is_finite()));
        }
    }
}
