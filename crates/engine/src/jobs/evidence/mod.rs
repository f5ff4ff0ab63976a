//! Evidence for a score: one query evaluated with the models without groups.

mod affected;
mod cost;
mod map;
mod regenerate;
mod watch;

use serde_json::{Value, json};

use super::attribute::read_queries;
use super::{groups_by_name, open};
use crate::counterfactuals::{Resident, Retrained, SharedNeighbours, Source, SourceParts, training_of};
use crate::progress_bridge::{Counting, ProgressBridge};
use crate::reporter::Reporter;
use crate::workspace::Workspace;
use whence_base::{Error, Result};
use whence_data::Dataset;
use whence_diffusion::{GroupConditions, Pipeline};
use whence_jobs::{Evidence, EvidenceJob, SampleSettings};
use whence_methods::{CounterfactualKind, Counterfactuals, Query, method};
use whence_store::Store;
use whence_training::unlearning::Recipe;

/// Inputs that all kinds of evidence share.
struct EvidenceContext<'a> {
    job: &'a EvidenceJob,
    model: &'a Pipeline,
    dataset: &'a Dataset,
    conditions: &'a GroupConditions,
    query: &'a Query,
    groups: &'a [usize],
    recipe: &'a Recipe,
    store: &'a Store,
    device: String,
}

pub(super) fn run(workspace: &mut Workspace, job: &EvidenceJob, reporter: &mut Reporter<'_>) -> Result<String> {
    let of = &job.of;
    of.recipe.check()?;
    let kind = method(&of.method)?.counterfactuals();
    let (model, dataset) = open(workspace, &of.model, &of.data, of.group_column.as_deref(), reporter)?;
    let conditions = super::conditions(&model, &dataset, of.class_map.as_ref())?;
    let groups = groups_by_name(&dataset, &of.groups)?;
    let sampling = SampleSettings { class: of.settings.class, ..of.sampling };
    let queries = read_queries(of.queries.get(..1).unwrap_or_default(), &sampling, &model, reporter)?;
    let query = queries.first().ok_or_else(|| Error::input("there is no query", "query", "choose an image"))?;
    let recipe = of.recipe.resolved(&model, Some(&of.model))?;
    // An estimate makes no store of a project that has none.
    let store = if of.dry_run || job.what == Evidence::Known {
        Store::open_for_lookup(&of.keep_in)?
    } else {
        Store::open_or_read_only(&of.keep_in)?
    };
    let device = crate::cache::device_id(&model, &workspace.device(&model.network.config())?.name);
    let (model, dataset, groups, recipe, store) = (&model, &dataset, groups.as_slice(), &recipe, &store);
    let conditions = &conditions;
    let context = EvidenceContext { job, model, dataset, conditions, query, groups, recipe, store, device };
    let resident = &mut workspace.resident;
    let unlearns = kind == Some(CounterfactualKind::Unlearned) && of.counterfactuals.is_none();
    let retrains = kind == Some(CounterfactualKind::Retrained) && of.counterfactuals.is_none();
    if job.what == Evidence::Watch && !unlearns {
        return Err(no_models("is not unlearned here, so there is nothing to watch", &of.method));
    }
    if kind.is_none() && job.what != Evidence::Known {
        return Err(no_models("makes no models", &of.method));
    }
    let training = if retrains { Some(training_of(model, &of.model, dataset, None)?) } else { None };
    if of.dry_run {
        let training = training.as_ref();
        return cost::report(
            &context,
            cost::Making { unlearns, training },
            resident,
            &mut workspace.measured,
            reporter,
        );
    }
    if unlearns && matches!(job.what, Evidence::Watch | Evidence::Known) {
        watch::run(&context, resident, reporter)?;
    }
    let neighbours = SharedNeighbours::default();
    let parts = SourceParts { model, dataset, conditions, recipe, store, neighbours: &neighbours };
    let retrained = training.as_ref().map(|config| (config, of.retrained_folder()));
    let mut source = Source::new(parts, kind, of.counterfactuals.as_deref(), retrained, resident);
    let done = match job.what {
        Evidence::Watch => Ok("the unlearning was watched".into()),
        Evidence::Regenerate => regenerate::run(&context, &mut source, reporter),
        Evidence::Map => map::run(&context, &mut source, reporter),
        Evidence::MostAffected => affected::run(&context, &mut source, reporter),
        Evidence::Known => {
            if kind.is_some() {
                for run in [regenerate::run, map::run, affected::run] {
                    run(&context, &mut source, reporter)?;
                }
            }
            Ok(String::new())
        }
    }?;
    if unlearns && matches!(job.what, Evidence::Regenerate | Evidence::Known) {
        beside_retrained(&context, resident, reporter)?;
    }
    Ok(done)
}

/// Regenerates the query by the retrained models of the groups that have one, to compare with the unlearned models.
fn beside_retrained(context: &EvidenceContext<'_>, resident: &mut Resident, reporter: &mut Reporter<'_>) -> Result<()> {
    let EvidenceContext { model, dataset, conditions, .. } = *context;
    let of = &context.job.of;
    let folder = of.retrained_folder();
    if !folder.is_dir() {
        return Ok(());
    }
    // Without the settings it was trained with, no model was retrained here.
    let Ok(config) = training_of(model, &of.model, dataset, None) else { return Ok(()) };
    let mut source = Retrained { model, dataset, conditions, config: &config, folder, resident };
    let ready: Vec<usize> = context.groups.iter().copied().filter(|group| source.is_ready(*group)).collect();
    regenerate::images(context, regenerate::By::Retrained, &ready, &mut source, reporter)
}

fn no_models(what: &str, method: &str) -> Error {
    Error::input(format!("the method {method} {what}"), "method", "choose guda")
}

impl EvidenceContext<'_> {
    /// Whether only cached results are requested.
    fn only_known(&self) -> bool {
        self.job.what == Evidence::Known
    }

    /// A progress bridge for work of `units` units of the job.
    fn bridge<'r, 'b>(&'r self, reporter: &'r mut Reporter<'b>, units: f64) -> ProgressBridge<'r, 'b, 'r> {
        ProgressBridge::new(reporter, self.dataset, Counting::Phase(units))
    }

    /// Identity of the weights of the model without a group; creates the model if it is missing. `None` if only cached
    /// results are requested and the model does not exist.
    fn identity(
        &self,
        models: &mut dyn Counterfactuals,
        group: usize,
        reporter: &mut Reporter<'_>,
    ) -> Result<Option<String>> {
        let known = models.identity(group)?;
        if known.is_some() || self.only_known() {
            return Ok(known);
        }
        models.without(group, &mut self.bridge(reporter, 0.0))?;
        models.identity(group)
    }

    /// Cache inputs that all evidence about the query under this model shares.
    fn inputs(&self, other: &str) -> Value {
        json!({
            "model": self.model.hash(),
            "other": other,
            "query": self.query.pixels_hash(),
            "class": self.query.condition.class(),
            "device": self.device,
        })
    }

    /// [`inputs`](Self::inputs) extended by `more`.
    fn inputs_with(&self, other: &str, more: Value) -> Value {
        let mut inputs = self.inputs(other);
        if let (Value::Object(inputs), Value::Object(more)) = (&mut inputs, more) {
            inputs.extend(more);
        }
        inputs
    }
}
