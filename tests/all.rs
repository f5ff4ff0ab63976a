//! Whole-program tests, in one binary so that the tree is linked once.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::err_expect)]

mod whole;
