//! LOGO, leave one group out: how much the ELBO of an image falls when the model is retrained without a group. The
//! oracle that approximations are measured against.

use super::artefacts::{Artefact, Artefacts};
use super::method::{Attribution, CounterfactualKind, Exactness, Method, MethodInfo, Request, Scope, Unit};
use super::paired;
use whence_base::Result;

/// Counterfactual by retraining.
pub struct Logo;

static INFO: MethodInfo = MethodInfo {
    name: "logo",
    title: "Leave-one-group-out retraining",
    description: "train again without each group: exact, and as slow as the training was, times the groups",
    caption: "Drop in log-likelihood when left out, 95% intervals",
    unit: Unit::Nats,
    scope: Scope::Groups,
    exactness: Exactness::Exact,
    artefacts: &[Artefact::Terms(CounterfactualKind::Retrained)],
    revision: 1,
};

impl Method for Logo {
    fn info(&self) -> &'static MethodInfo {
        &INFO
    }

    fn score(&self, request: &Request<'_>, artefacts: &Artefacts) -> Result<Vec<Attribution>> {
        paired::score(INFO.name, request, artefacts)
    }
}
