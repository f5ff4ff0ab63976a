//! Whole-program tests, in one binary so that the tree is linked once.

mod whole;
