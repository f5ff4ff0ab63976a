//! What every other crate builds on: the error type and counter-based random numbers.

mod error;
pub mod files;
pub mod lossy;
pub mod random;
mod setting;

pub use error::{Error, Result, is_out_of_memory, panic_text};
pub use setting::{Failure, Setting};
