//! Unlearning: the full model fine-tuned until it no longer knows one group.
//!
//! One file an objective behind one trait; `objective` holds the trait and the registry.

mod hinge;
mod objective;
mod recipe;
mod retrack;
mod run;
mod zero;

pub use objective::{ForgetBatch, Objective, objective, objectives};
pub use recipe::Recipe;
pub use run::{Unlearning, UnlearningStep};
