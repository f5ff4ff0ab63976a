//! InterimAnalyses at one query through models without groups: what a person may believe a score by.

mod map;
mod moved;
mod regenerate;
mod watch;

use serde_json::{Value, json};

use super::attribute::read_queries;
use super::{groups_by_name, open};
use crate::counterfactuals::{Imported, Resident, Retrained, Unlearned, training_of};
use crate::reporter::Reporter;
use crate::workspace::Workspace;
use whence_base::{Error, Result};
use whence_data::Dataset;
use whence_diffusion::Model;
use whence_jobs::{Evidence, EvidenceJob, SampleSettings};
use whence_methods::{CounterfactualKind, Counterfactuals, Query, Report, method};
use whence_store::Store;
use whence_training::TrainingConfig;
use whence_training::unlearning::{Recipe, UnlearningStep};

/// What every look needs.
struct Look<'a> {
    job: &'a EvidenceJob,
    model: &'a Model,
    dataset: &'a Dataset,
    query: &'a Query,
    groups: &'a [usize],
    recipe: &'a Recipe,
    store: &'a Store,
    device: String,
}

pub(super) fn run(workspace: &mut Workspace, job: &EvidenceJob, reporter: &mut Reporter<'_>) -> Result<String> {
    let of = &job.of;
    of.recipe.check()?;
    let made = method(&of.method)?.counterfactuals();
    let (model, dataset) = open(workspace, &of.model, &of.data, of.group_column.as_deref(), reporter)?;
    model.check_class(of.settings.class)?;
    let groups = groups_by_name(&dataset, &of.groups)?;
    let draw = SampleSettings { class: of.settings.class, ..of.draw };
    let queries = read_queries(of.queries.get(..1).unwrap_or_default(), &draw, &model, reporter)?;
    let query = queries.first().ok_or_else(|| Error::input("there is no query", "query", "choose an image"))?;
    let recipe = of.recipe.resolved(&model, Some(&of.model))?;
    let store = Store::open(&of.keep_in)?;
    let device = if model.is_on_cpu() { "CPU".into() } else { workspace.device(model.network.config())?.name };
    let (model, dataset, groups, recipe, store) = (&model, &dataset, groups.as_slice(), &recipe, &store);
    let look = Look { job, model, dataset, query, groups, recipe, store, device };
    let resident = &mut workspace.resident;
    let unlearns = made == Some(CounterfactualKind::Unlearned) && of.counterfactuals.is_none();
    if job.what == Evidence::Known {
        if unlearns {
            watch::run(&look, resident, reporter)?;
        }
        let training =
            (made == Some(CounterfactualKind::Retrained)).then(|| training_of(model, &of.model, dataset, None));
        let training = training.transpose()?;
        let mut source = look.models(training.as_ref(), resident);
        for run in [regenerate::run, map::run, moved::run] {
            run(&look, source.as_mut(), reporter)?;
        }
        return Ok(String::new());
    }
    if job.what == Evidence::Watch {
        if !unlearns {
            return Err(no_models("is not unlearned here, so there is nothing to watch", &of.method));
        }
        return watch::run(&look, resident, reporter);
    }
    let training = match made {
        Some(CounterfactualKind::Retrained) => Some(training_of(model, &of.model, dataset, None)?),
        Some(CounterfactualKind::Unlearned) => None,
        None => return Err(no_models("makes no models", &of.method)),
    };
    let mut source = look.models(training.as_ref(), resident);
    match job.what {
        Evidence::Regenerate => regenerate::run(&look, source.as_mut(), reporter),
        Evidence::Map => map::run(&look, source.as_mut(), reporter),
        Evidence::Moved | Evidence::Watch | Evidence::Known => moved::run(&look, source.as_mut(), reporter),
    }
}

fn no_models(what: &str, method: &str) -> Error {
    Error::input(format!("the method {method} {what}"), "method", "choose guda")
}

impl<'a> Look<'a> {
    /// Whether only what is kept is wanted.
    fn only_known(&self) -> bool {
        self.job.what == Evidence::Known
    }

    /// Where the models without a group come from: folders, training again, or unlearning.
    fn models(
        &'a self,
        training: Option<&'a TrainingConfig>,
        resident: &'a mut Resident,
    ) -> Box<dyn Counterfactuals + 'a> {
        let (model, dataset) = (self.model, self.dataset);
        match (&self.job.of.counterfactuals, training) {
            (Some(folder), _) => Box::new(Imported { model, dataset, folder, resident }),
            (None, Some(config)) => {
                let folder = self.job.of.keep_in.with_file_name("retrained");
                Box::new(Retrained { model, dataset, config, folder, resident })
            }
            (None, None) => Box::new(Unlearned::new(model, dataset, self.recipe, self.store, resident)),
        }
    }

    /// What any look at the query through this model is computed from.
    fn inputs(&self, other: &str) -> Value {
        json!({
            "model": self.model.hash(),
            "other": other,
            "query": blake3::hash(&self.query.pixels).to_hex().as_str(),
            "class": self.job.of.settings.class,
            "device": self.device,
        })
    }

    /// The same, and more.
    fn inputs_with(&self, other: &str, more: Value) -> Value {
        let mut inputs = self.inputs(other);
        if let (Value::Object(inputs), Value::Object(more)) = (&mut inputs, more) {
            inputs.extend(more);
        }
        inputs
    }
}

/// Tells what is done while a look is prepared or computed: all of it is `units` of the job.
struct ProgressBridge<'a, 'b> {
    reporter: &'a mut Reporter<'b>,
    units: f64,
}

impl Report for ProgressBridge<'_, '_> {
    fn progress(&mut self, what: &str, done: usize, total: usize) -> Result<()> {
        self.reporter.within(what, done, total, self.units)
    }

    fn unlearning(&mut self, _group: usize, step: &UnlearningStep<'_>) -> Result<()> {
        let phase = format!("unlearning, step {} of {}", step.step, step.steps);
        self.reporter.within(&phase, step.step, step.steps, self.units)
    }
}
