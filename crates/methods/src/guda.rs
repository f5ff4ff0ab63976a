//! GUDA (arXiv 2601.22651): how much the ELBO of an image falls when a group is unlearned.

use super::artefacts::{Artefact, Artefacts};
use super::method::{Attribution, CounterfactualKind, Exactness, Method, MethodInfo, Request, Scope, Unit};
use super::paired;
use whence_base::Result;

/// Counterfactual by unlearning.
pub struct Guda;

static INFO: MethodInfo = MethodInfo {
    name: "guda",
    title: "GUDA (unlearning)",
    description: "unlearn each group, and see how much less likely the image becomes",
    caption: "Drop in log-likelihood when unlearned, 95% intervals",
    unit: Unit::Nats,
    scope: Scope::Groups,
    exactness: Exactness::Approximate,
    artefacts: &[Artefact::Terms(CounterfactualKind::Unlearned)],
    revision: 1,
};

impl Method for Guda {
    fn info(&self) -> &'static MethodInfo {
        &INFO
    }

    fn score(&self, request: &Request<'_>, artefacts: &Artefacts) -> Result<Vec<Attribution>> {
        paired::score(INFO.name, request, artefacts)
    }
}
