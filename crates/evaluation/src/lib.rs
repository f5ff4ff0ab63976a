//! How well one table of scores agrees with another: tables, ranking metrics, intervals, tests.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`tables`] | score tables in all known layouts, read and written |
//! | [`pairing`] | the same queries and groups found in two tables |
//! | [`mod@metrics`] | the registry of metrics, each with its definition and exact chance level |
//! | [`statistics`] | bootstrap, permutation, McNemar, Holm |
//! | [`agreement`] | all metrics of one pairing, with intervals, splits and a ceiling |
//! | [`comparison`] | two methods against one reference |
//! | [`benchmark`] | methods x metrics x cost, as a table |
//! | [`render`] | agreement and comparison as plain text and Markdown |

pub mod agreement;
pub mod benchmark;
pub mod comparison;
pub mod metrics;
pub mod pairing;
pub mod render;
pub mod statistics;
pub mod tables;

pub use agreement::{Agreement, Extras, Measured, Options, Split};
pub use comparison::{Comparison, Difference, compare};
pub use metrics::{Metric, metrics};
pub use pairing::{Matching, Pairing};
pub use tables::{Group, ScoreTable};
