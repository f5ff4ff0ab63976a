//! Attribution: the scores of all groups for a query. One file a method behind one trait.

mod board;
mod early;
mod gaussian;
mod guda;
mod logo;
mod method;
mod null;
mod paired;
mod ranking;

pub use gaussian::GaussianLeaveOut;
pub use method::{
    Attribution, Context, Counterfactuals, GroupScore, KeptTerms, Made, Method, Query, Report, ScoreSettings, Work,
    method, methods,
};
pub use null::{NullTest, Offsets, Trust};
pub use ranking::{Ranked, rank, verdict};
