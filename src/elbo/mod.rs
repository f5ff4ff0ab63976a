//! The ELBO: which timesteps are evaluated, with what noise, and how two models' ELBOs of a picture are compared.

pub mod anytime;
mod estimate;
mod grid;
pub mod noise;
mod scorer;
mod terms;
mod weighting;

pub use anytime::student;
pub use estimate::{Estimate, Term, sum};
pub use grid::{Plan, Point, Timesteps};
pub use scorer::{FullPass, Place, Progress, ScorerQuery};
pub use terms::{RawTerm, TermTable};
pub use weighting::Weighting;
