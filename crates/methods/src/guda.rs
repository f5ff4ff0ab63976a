//! GUDA (arXiv 2601.22651): how much the ELBO of a picture falls when a group is unlearned.

use super::method::{Attribution, Context, Made, Method, Work};
use whence_base::Result;

/// Counterfactual by unlearning.
pub struct Guda;

impl Method for Guda {
    fn name(&self) -> &'static str {
        "guda"
    }

    fn about(&self) -> &'static str {
        "unlearn each group, and see how much less likely the picture becomes"
    }

    fn counterfactuals(&self) -> Option<Made> {
        Some(Made::Unlearned)
    }

    fn work(&self, context: Context<'_>) -> Result<Work> {
        super::paired::work(context)
    }

    fn attribute(&self, context: Context<'_>) -> Result<Vec<Attribution>> {
        super::paired::attribute(self.name(), context)
    }
}
