//! Resource estimate of a job.

use serde::{Deserialize, Serialize};

/// Estimated cost of a job.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobEstimate {
    /// Number of models to create.
    pub models: usize,
    /// Upper bound on the number of network evaluations.
    pub evaluations: usize,
    /// Duration in seconds.
    pub seconds: f64,
    /// Peak memory in bytes, including the program's own; unknown on a GPU.
    pub peak_bytes: Option<u64>,
}
