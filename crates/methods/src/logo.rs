//! LOGO, leave one group out: how much the ELBO of an image falls when the model is trained again without a group. The
//! oracle that approximations are measured against.

use super::method::{Attribution, Context, CounterfactualKind, Method, Work};
use whence_base::Result;

/// Counterfactual by retraining.
pub struct Logo;

impl Method for Logo {
    fn name(&self) -> &'static str {
        "logo"
    }

    fn about(&self) -> &'static str {
        "train again without each group: exact, and as slow as the training was, times the groups"
    }

    fn counterfactuals(&self) -> Option<CounterfactualKind> {
        Some(CounterfactualKind::Retrained)
    }

    fn work(&self, context: Context<'_>) -> Result<Work> {
        super::paired::work(context)
    }

    fn attribute(&self, context: Context<'_>) -> Result<Vec<Attribution>> {
        super::paired::attribute(self.name(), context)
    }
}
