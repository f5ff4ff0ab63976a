//! GUDA (arXiv 2601.22651): how much the ELBO of an image falls when a group is unlearned.

use super::method::{Attribution, Context, CounterfactualKind, Method, Work};
use whence_base::Result;

/// Counterfactual by unlearning.
pub struct Guda;

impl Method for Guda {
    fn name(&self) -> &'static str {
        "guda"
    }

    fn about(&self) -> &'static str {
        "unlearn each group, and see how much less likely the image becomes"
    }

    fn counterfactuals(&self) -> Option<CounterfactualKind> {
        Some(CounterfactualKind::Unlearned)
    }

    fn work(&self, context: Context<'_>) -> Result<Work> {
        super::paired::work(context)
    }

    fn attribute(&self, context: Context<'_>) -> Result<Vec<Attribution>> {
        super::paired::attribute(self.name(), context)
    }
}
