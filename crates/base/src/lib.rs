//! What every other crate stands on: the error type and counter-based random numbers.

mod error;
pub mod random;

pub use error::{Error, Result};
