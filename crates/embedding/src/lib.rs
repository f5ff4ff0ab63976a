//! Points on a plane from vectors: principal components, and t-SNE (van der Maaten and Hinton 2008).
//!
//! | module | contents |
//! | --- | --- |
//! | `rows` | vectors that are read row by row, so that a large set is never copied whole |
//! | `pca` | principal components: by the covariance, or by subspace iteration where vectors are long |
//! | `neighbours` | exact nearest neighbours, block by block |
//! | `tsne` | t-SNE with progress and cancelling, the same points for the same seed |
//! | `map` | both as one map, its bytes, and the place of a vector that is not in it |
//! | `cost` | how long a map takes, measured on a part of the work |

mod cost;
mod map;
mod neighbours;
mod pca;
mod rows;
mod tsne;

pub use cost::seconds;
pub use map::{EmbeddingMap, Layout, embed};
pub use pca::Projection;
pub use rows::{Rows, Table};
pub use tsne::EPOCHS;

/// How far the making of a map has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step<'a> {
    /// Finding the principal components.
    Components {
        /// Blocks done.
        done: usize,
        /// Blocks at most.
        total: usize,
    },
    /// Finding nearest neighbours.
    Neighbours {
        /// Vectors done.
        done: usize,
        /// All vectors.
        total: usize,
    },
    /// An epoch of t-SNE has ended.
    Epoch {
        /// Epochs done.
        done: usize,
        /// All epochs.
        total: usize,
        /// The points so far.
        points: &'a [[f32; 2]],
    },
}

/// Receives progress; an error stops the work.
pub type Report<'a> = dyn FnMut(Step<'_>) -> whence_base::Result<()> + Send + 'a;
