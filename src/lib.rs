//! Whence: which groups of training images shaped an image that a diffusion model made, and by how much?
//!
//! The program itself: the window and the command line, two front doors to the same jobs. What they open lives in the
//! crates under `crates/`; ARCHITECTURE.md draws them.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `app` | the window, the only place that knows its toolkit; only with the feature `window` |
//! | [`cli`] | the commands |
//! | [`command_line`] | a job as the command that repeats it |
//! | [`demo`] | the demo project: paints its images, unpacks it |
//! | [`palette`] | the colours of the groups |

#[cfg(feature = "window")]
pub mod app;
pub mod cli;
pub mod command_line;
pub mod demo;
pub mod palette;
