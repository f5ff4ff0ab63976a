//! Attribution: the scores of all groups for a query. One file a method behind one trait.

mod early;
mod gaussian;
mod guda;
mod logo;
mod method;
mod null;
mod paired;
mod ranking;
mod term_evaluator;

pub use gaussian::GaussianLeaveOut;
pub use method::{
    Attribution, Context, CounterfactualKind, Counterfactuals, GroupScore, Method, Query, Report, ScoreSettings,
    TermCache, Work, method, methods,
};
pub use null::{NullTest, Offsets, Trust};
pub use ranking::{Ranked, rank, verdict};
