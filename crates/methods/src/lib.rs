//! Attribution methods: the scores of all groups for a query. One file per method; their inputs are computed by one
//! resolver, `artefacts`.

mod aggregate;
mod artefacts;
mod early;
mod gaussian;
mod guda;
mod logo;
mod method;
mod null;
mod paired;
mod ranking;
mod report;
mod similarity;
mod term_evaluator;

pub use aggregate::Aggregation;
pub use artefacts::{Artefact, ArtefactCache, Artefacts, Cached, Counterfactuals, Resolver, Work};
pub use gaussian::GaussianLeaveOut;
pub use method::{
    Attribution, CounterfactualKind, Exactness, GroupScore, Method, MethodInfo, Query, Request, Scope, ScoreSettings,
    Unit, method, methods,
};
pub use null::{NullTest, Offsets, Trust};
pub use ranking::{Ranked, rank, verdict};
pub use report::Report;
pub use similarity::FeatureBank;
