//! What every other crate stands on: the error type and counter-based random numbers.

mod error;
pub mod files;
pub mod lossy;
pub mod random;
mod setting;

pub use error::{Error, Result};
pub use setting::{Failure, Setting};
