//! The evidence lower bound (ELBO): which timesteps are evaluated with which noise, and how two models' ELBOs of an image are
//! compared.

pub mod anytime;
mod estimate;
mod grid;
mod maps;
mod scorer;
mod terms;
mod weighting;

pub use anytime::student;
pub use estimate::{Estimate, Term, sum};
pub use grid::{MAX_EVALUATIONS, Plan, Point, Timesteps};
pub use maps::{Cells, Region, ScoreMap};
pub use scorer::{FullPass, Products, Progress, QueryPoint, ScorerQuery};
pub use terms::{RawTerm, TermTable};
pub use weighting::Weighting;
