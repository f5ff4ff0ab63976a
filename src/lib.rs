//! Whence: which groups of training images shaped a picture that a diffusion model made, and by how much.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`app`] | the window, the only place that knows egui |
//! | [`attribution`] | one file a method: scores, ranking |
//! | [`cli`] | the commands |
//! | [`dataset`] | labelled training images: readers, groups, nearest images |
//! | [`demo`] | paints the demo dataset |
//! | [`device`] | which compute device is used, and whether it can be trusted |
//! | [`diffusion`] | noise schedules, samplers, models as folders |
//! | [`elbo`] | timesteps, noise, the paired scorer, estimates |
//! | [`engine`] | the background: jobs in, events out, one compute thread |
//! | [`evaluation`] | agreement metrics, intervals, tests, whole tables |
//! | [`error`] | the one error type |
//! | [`network`] | UNet2DModel and its weights |
//! | [`report`] | what leaves the program: tables, JSON, pictures |
//! | [`store`] | files written whole or not at all; projects |
//! | [`training`] | the loop under train and unlearn |
//! | [`unlearning`] | one file an objective: the model without a group |

pub mod app;
pub mod attribution;
pub mod cli;
pub mod dataset;
pub mod demo;
pub mod device;
pub mod diffusion;
pub mod elbo;
pub mod engine;
pub mod error;
pub mod evaluation;
pub mod network;
pub mod report;
pub mod store;
pub mod training;
pub mod unlearning;

pub use error::{Error, Result};
