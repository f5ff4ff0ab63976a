//! What every other crate builds on: the error type and counter-based random numbers.

mod error;
pub mod random;

pub use error::{Error, Result, is_out_of_memory};
