//! Attribution: the scores of all groups for a query. One file a method behind one trait.

mod gaussian;
mod guda;
mod logo;
mod method;
mod paired;
mod ranking;

pub use gaussian::GaussianLeaveOut;
pub use method::{
    Attribution, Context, Counterfactuals, GroupScore, Made, Method, Query, Report, ScoreSettings, method, methods,
};
pub use ranking::{Ranked, rank, verdict};
