//! What a job will take.

use serde::{Deserialize, Serialize};

/// What a job will take.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobEstimate {
    /// Models to be made.
    pub models: usize,
    /// Network evaluations to be made, at most.
    pub evaluations: usize,
    /// Time, seconds.
    pub seconds: f64,
    /// Most memory at a time, bytes, this program's own included; unknown on a GPU.
    pub peak_bytes: Option<u64>,
}
