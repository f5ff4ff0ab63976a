//! Unlearning: fine-tuning of the full model until it has forgotten some of its training images.
//!
//! One file per objective, behind one trait; `objective` holds the trait and the registry.

mod batch;
mod forget;
mod gate;
mod hinge;
mod judgement;
mod neighbours;
mod objective;
mod recipe;
mod retrack;
mod run;
mod split;
mod state;
mod stop;
#[cfg(test)]
mod tests;
mod zero;

pub use forget::Forget;
pub use gate::{Gate, GateImages, GateReference, TIMESTEPS as GATE_TIMESTEPS};
pub use judgement::{Change, Forgetting, Judgement, Retention};
pub use neighbours::GroupNeighbours;
pub use objective::{ForgetBatch, Objective, objective, objectives, revision_of};
pub use recipe::Recipe;
pub use run::{Outcome, Unlearning, UnlearningStep};
pub use split::{Split, references};
pub use state::UnlearningState;
