//! The ELBO: which timesteps are evaluated, with what noise, and how two models' ELBOs of a picture are compared.

mod estimate;
mod grid;
pub mod noise;
mod scorer;
mod weighting;

pub use estimate::{Estimate, Term, sum};
pub use grid::{Plan, Point, Timesteps};
pub use scorer::{FullPass, Progress, ScorerQuery};
pub use weighting::Weighting;
