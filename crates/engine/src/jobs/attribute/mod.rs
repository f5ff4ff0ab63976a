//! The main job: attributes the queries to groups.

mod queries;
pub(super) mod remaining_work;
mod trust;

pub(super) use queries::{check_size, read_queries};

use super::{conditions, groups_by_name, open};
use crate::cache::StoreCache;
use crate::counterfactuals::{Resident, SharedNeighbours, Source, SourceParts, training_of};
use crate::gates::Gates;
use crate::progress_bridge::{Counting, ProgressBridge, live_query};
use crate::reporter::Reporter;
use crate::workspace::Workspace;
use remaining_work::{Created, RemainingWork};
use trust::{References, TrustChecks};
use whence_base::{Error, Result, Setting};
use whence_data::{Dataset, nearest};
use whence_diffusion::elbo::FullPass;
use whence_diffusion::{GroupConditions, Pipeline};
use whence_jobs::{AttributeJob, EventKind, GroupNeighbours, SampleSettings};
use whence_methods::{
    Attribution, CounterfactualKind, Counterfactuals, GroupScore, Method, Query, Request, Resolver, ScoreSettings,
    Work, method,
};
use whence_store::Store;
use whence_training::TrainingConfig;
use whence_training::unlearning::{Forget, Recipe};

/// Maximum number of random control groups.
const MAX_RANDOM_GROUPS: usize = 1000;

/// The job's inputs, read and validated.
struct Inputs<'a> {
    job: &'a AttributeJob,
    method: &'static dyn Method,
    model: Pipeline,
    dataset: Dataset,
    conditions: GroupConditions,
    groups: Vec<usize>,
    queries: Vec<Query>,
    recipe: Recipe,
    store: Store,
    device: String,
    /// The full model's training settings, if models are retrained or retrained models may exist.
    training: Option<TrainingConfig>,
    /// Neighbours, found once for all unlearning of this job.
    neighbours: SharedNeighbours,
}

pub(super) fn run(workspace: &mut Workspace, job: &AttributeJob, reporter: &mut Reporter<'_>) -> Result<String> {
    let inputs = Inputs::read(workspace, job, reporter)?;
    // An estimate takes no time for what is shown beside the scores.
    let nearest = if job.dry_run { Vec::new() } else { inputs.nearest(reporter)? };
    if let Some(first) = nearest.first() {
        reporter.state(EventKind::Neighbours(first.clone()));
    }
    if inputs.method.counterfactuals().is_some() && job.live {
        inputs.preview(workspace, reporter)?;
    }
    let mut settings = job.settings;
    let Some(attributions) = inputs.attribute(workspace, &mut settings, reporter)? else { return Ok(String::new()) };
    // Only cached results were requested, and such requests write no files.
    if let Some(out) = job.out.as_ref().filter(|_| !job.known_only) {
        let provenance = whence_report::Provenance {
            job,
            recipe: &inputs.recipe,
            settings: &settings,
            model_hash: inputs.model.hash(),
            dataset: &inputs.dataset,
            device: &inputs.device,
            queries: &inputs.queries,
        };
        whence_report::write_attribution(out, &provenance, &attributions, &nearest, inputs.model.image_shape())?;
    }
    let summary = match (attributions.as_slice(), &job.out) {
        ([one], _) => whence_methods::verdict(one),
        (many, Some(out)) => {
            format!("{} queries, {} groups: results in {}", many.len(), inputs.groups.len(), out.display())
        }
        (many, None) => format!("{} queries, {} groups", many.len(), inputs.groups.len()),
    };
    reporter.state(EventKind::Attributed(attributions));
    Ok(summary)
}

impl<'a> Inputs<'a> {
    fn read(workspace: &mut Workspace, job: &'a AttributeJob, reporter: &mut Reporter<'_>) -> Result<Self> {
        job.recipe.check()?;
        check_size(&job.settings)?;
        let method = method(&job.method)?;
        if job.queries.is_empty() {
            return Err(Error::setting(
                "there is no query",
                [Setting::Query, Setting::Seeds],
                "give an image or a seed",
            ));
        }
        let unlearns = method.counterfactuals() == Some(CounterfactualKind::Unlearned) && job.counterfactuals.is_none();
        if (job.null > 0 || job.confirm) && !unlearns {
            return Err(Error::setting(
                "random control groups and a second seed need models that are unlearned here",
                [Setting::Null, Setting::Confirm, Setting::Method, Setting::Counterfactuals],
                "leave them out, or use the method guda without ready counterfactual models",
            ));
        }
        if job.null > MAX_RANDOM_GROUPS {
            let remedy = format!("give at most {MAX_RANDOM_GROUPS}: a model is unlearned for each");
            return Err(Error::setting(format!("{} random control groups", job.null), [Setting::Null], remedy));
        }
        if let Some(out) = job.out.as_ref().filter(|_| !job.known_only) {
            // Before hours of work, not after.
            whence_store::check_writable(out)?;
        }
        let (model, dataset) = open(workspace, &job.model, &job.data, job.group_column.as_deref(), reporter)?;
        let conditions = conditions(&model, &dataset, job.class_map.as_ref())?;
        let groups = groups_by_name(&dataset, &job.groups)?;
        let sampling = SampleSettings { class: job.settings.class, ..job.sampling };
        let queries = read_queries(&job.queries, &sampling, &model, reporter)?;
        // Rejects timesteps that the model does not have before anything is trained.
        job.settings.timesteps.plan(model.schedule(), job.settings.draws, job.settings.seed, b"")?;
        // An estimate makes no store of a project that has none.
        let store = if job.dry_run || job.known_only {
            Store::open_for_lookup(&job.keep_in)?
        } else {
            Store::open_or_read_only(&job.keep_in)?
        };
        let recipe = job.recipe.resolved(&model, Some(&job.model))?;
        let device = workspace.device(&model.network.config())?.name;
        let training = match method.counterfactuals() {
            Some(CounterfactualKind::Retrained) if job.counterfactuals.is_none() => {
                Some(training_of(&model, &job.model, &dataset, None)?)
            }
            // An unlearned model is judged relative to the retrained one, if that exists already.
            Some(CounterfactualKind::Unlearned) if unlearns => training_of(&model, &job.model, &dataset, None).ok(),
            _ => None,
        };
        let neighbours = SharedNeighbours::default();
        Ok(Self {
            job,
            method,
            model,
            dataset,
            conditions,
            groups,
            queries,
            recipe,
            store,
            device,
            training,
            neighbours,
        })
    }

    fn parts(&self) -> SourceParts<'_> {
        SourceParts {
            model: &self.model,
            dataset: &self.dataset,
            conditions: &self.conditions,
            recipe: &self.recipe,
            store: &self.store,
            neighbours: &self.neighbours,
        }
    }

    /// Whether models are unlearned by this job.
    fn unlearns(&self) -> bool {
        self.method.counterfactuals() == Some(CounterfactualKind::Unlearned) && self.job.counterfactuals.is_none()
    }

    /// The models that the method uses.
    fn source<'s>(&'s self, resident: &'s mut Resident) -> Source<'s> {
        let kind = self.method.counterfactuals();
        Source::new(self.parts(), kind, self.job.counterfactuals.as_deref(), self.retraining(), resident)
    }

    fn retraining(&self) -> Option<(&TrainingConfig, std::path::PathBuf)> {
        self.training.as_ref().map(|config| (config, self.job.retrained_folder()))
    }

    /// Units of progress per created model, in forward passes of one image: a training step costs about three, and
    /// unlearning trains on twice its batch.
    fn making_units(&self) -> f64 {
        match (self.method.counterfactuals(), &self.training) {
            (Some(CounterfactualKind::Retrained), Some(training)) => (training.steps * training.batch * 4) as f64,
            (Some(CounterfactualKind::Unlearned), _) if self.unlearns() => {
                (self.recipe.steps * self.recipe.batch * 7) as f64
            }
            _ => 0.0,
        }
    }

    fn request<'s>(&'s self, settings: &'s ScoreSettings) -> Request<'s> {
        Request {
            model: &self.model,
            dataset: &self.dataset,
            conditions: &self.conditions,
            groups: &self.groups,
            queries: &self.queries,
            settings,
        }
    }

    fn trust<'s>(&'s self, settings: ScoreSettings, references: &'s References) -> TrustChecks<'s> {
        TrustChecks {
            job: self.job,
            method: self.method,
            parts: self.parts(),
            groups: &self.groups,
            queries: &self.queries,
            settings,
            device: &self.device,
            references,
        }
    }

    /// All scores with their checks; `None` if the job only estimates, or only requests cached results and some are
    /// missing. Lowers `settings.batch` if memory is short.
    fn attribute(
        &self,
        workspace: &mut Workspace,
        settings: &mut ScoreSettings,
        reporter: &mut Reporter<'_>,
    ) -> Result<Option<Vec<Attribution>>> {
        let references = References::new(self.job, &self.dataset, &self.conditions, &self.recipe)?;
        let mut memory = Resident::default();
        let mut retrained = self.retraining().filter(|_| self.unlearns()).map(|training| {
            Source::new(self.parts(), Some(CounterfactualKind::Retrained), None, Some(training), &mut memory)
        });
        let mut gates = Gates::new(&self.model, &self.dataset, &self.conditions, &self.store, self.recipe.held_out);
        let has_models = self.method.counterfactuals().is_some();
        let (live, live_pass);
        let mut bridge =
            ProgressBridge::new(reporter, &self.dataset, Counting::Evaluations).making(self.making_units());
        bridge.show_events(true);
        let mut attributions = {
            let mut source = self.source(&mut workspace.resident);
            if has_models {
                source.check(&self.groups)?;
                bridge.to_make = self.groups.iter().filter(|g| !source.is_ready(**g)).count();
            }
            let (checks, mut work) = self.trust(*settings, &references).work(&mut workspace.fit, &mut bridge)?;
            work += self
                .resolver(settings, &mut source, &mut self.cache(&mut workspace.fit), &mut bridge)
                .work(self.method)?;
            if has_models {
                let truth = retrained.as_mut().map(|r| r as &mut dyn Counterfactuals);
                work.evaluations += gates.cost(&self.groups, &mut source, truth)?;
            }
            let models = checks + bridge.to_make;
            if self.job.known_only && (models > 0 || work != Work::default()) {
                return Ok(None);
            }
            self.estimate(models, work).report(settings, &mut workspace.measured, &mut bridge)?;
            if self.job.dry_run {
                return Ok(None);
            }
            if self.job.live && self.unlearns() && bridge.to_make > 0 {
                live = live_query(&self.queries, &self.model, settings.seed)?;
                let (schedule, seed) = (self.model.schedule(), settings.seed);
                live_pass = FullPass::run(&self.model, schedule, &live, seed, settings.batch, &mut |_, _| {
                    bridge.reporter.check()
                })?;
                bridge.follow(&self.model, &live_pass);
            }
            let mut cache = self.cache(&mut workspace.fit);
            let mut attributions =
                self.resolver(settings, &mut source, &mut cache, &mut bridge).attribute(self.method)?;
            bridge.stop_following();
            if has_models {
                let truth = retrained.as_mut().map(|r| r as &mut dyn Counterfactuals);
                let judged = gates.judge_all(&self.groups, &mut source, truth, &mut bridge)?;
                for attribution in &mut attributions {
                    for (score, judgement) in attribution.scores.iter_mut().zip(&judged) {
                        score.gate = *judgement;
                    }
                }
            }
            attributions
        };
        if self.job.null > 0 || self.job.confirm {
            self.trust(*settings, &references).run(workspace, &mut attributions, &mut bridge)?;
        }
        Ok(Some(attributions))
    }

    fn cache<'s>(&'s self, fit: &'s mut crate::cache::FitInMemory) -> StoreCache<'s> {
        StoreCache { store: &self.store, model: &self.model, seed: self.job.settings.seed, device: &self.device, fit }
    }

    fn resolver<'s>(
        &'s self,
        settings: &'s ScoreSettings,
        counterfactuals: &'s mut dyn Counterfactuals,
        cache: &'s mut StoreCache<'_>,
        report: &'s mut ProgressBridge<'_, '_, '_>,
    ) -> Resolver<'s> {
        Resolver { request: self.request(settings), counterfactuals, cache, report }
    }

    /// Work still to be done.
    fn estimate(&self, models: usize, work: Work) -> RemainingWork<'_> {
        let created = match (self.groups.first(), self.method.counterfactuals(), &self.training) {
            (Some(group), _, _) if self.unlearns() => Some(Created::Unlearned(Forget::group(&self.dataset, *group))),
            (_, Some(CounterfactualKind::Retrained), Some(config)) => Some(Created::Trained(config)),
            _ => None,
        };
        RemainingWork {
            models,
            held: self.groups.len() * if self.job.confirm { 2 } else { 1 } + self.job.null,
            created: created.filter(|_| models > 0),
            work,
            passes: 0,
            parts: self.parts(),
        }
    }

    /// The nearest training images of each group to each query.
    fn nearest(&self, reporter: &Reporter<'_>) -> Result<Vec<Vec<GroupNeighbours>>> {
        let mut found = Vec::with_capacity(self.queries.len());
        for query in &self.queries {
            reporter.check()?;
            let of = |&group: &usize| GroupNeighbours {
                group,
                nearest: nearest(&self.dataset, &query.pixels, group, self.job.neighbours),
            };
            found.push(self.groups.iter().map(of).collect());
        }
        Ok(found)
    }

    /// The closed form's ranking of the first query, for the window to show at once.
    fn preview(&self, workspace: &mut Workspace, reporter: &mut Reporter<'_>) -> Result<()> {
        let Some(query) = self.queries.first() else { return Ok(()) };
        let mut bridge = ProgressBridge::new(reporter, &self.dataset, Counting::Phase(0.0));
        let mut source = self.source(&mut workspace.resident);
        let mut cache = self.cache(&mut workspace.fit);
        let settings = self.job.settings;
        let fitted = self.resolver(&settings, &mut source, &mut cache, &mut bridge).gaussian()?;
        let values = fitted.scores(&query.pixels, self.model.schedule(), settings.timesteps, &self.groups)?;
        let groups = self.groups.iter().zip(values);
        let scores = groups.map(|(&g, value)| GroupScore::exact(self.dataset.group_name(g), value));
        let attribution = Attribution::new(&query.name, "gaussian", scores.collect());
        reporter.state(EventKind::PreviewRanking(Box::new(attribution)));
        Ok(())
    }
}
