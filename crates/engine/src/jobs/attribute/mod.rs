//! The main job: which groups made the queries likely.

mod progress_bridge;
mod queries;
mod remaining_work;
mod trust;

pub(super) use queries::{check_size, read_queries};

use super::{groups_by_name, open};
use crate::counterfactuals::{Imported, Resident, Retrained, SharedNeighbours, StoreTermCache, Unlearned, training_of};
use crate::gates::Gates;
use crate::reporter::Reporter;
use crate::workspace::Workspace;
use progress_bridge::{ProgressBridge, live_queries};
use remaining_work::RemainingWork;
use trust::{References, TrustChecks};
use whence_base::{Error, Result, Setting};
use whence_data::{Dataset, nearest};
use whence_diffusion::Model;
use whence_diffusion::elbo::{FullPass, Timesteps};
use whence_jobs::{AttributeJob, EventKind, GroupNeighbours, SampleSettings};
use whence_methods::{Attribution, Context, CounterfactualKind, Counterfactuals, GroupScore, Query, method};
use whence_store::Store;
use whence_training::unlearning::Forget;

/// Most random control groups.
const MAX_RANDOM_GROUPS: usize = 1000;

pub(super) fn run(workspace: &mut Workspace, job: &AttributeJob, reporter: &mut Reporter<'_>) -> Result<String> {
    job.recipe.check()?;
    let method = method(&job.method)?;
    if job.queries.is_empty() {
        return Err(Error::setting("there is no query", [Setting::Query, Setting::Seeds], "give an image or a seed"));
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
    check_size(&job.settings)?;
    let (model, dataset) = open(workspace, &job.model, &job.data, job.group_column.as_deref(), reporter)?;
    model.check_class(job.settings.class)?;
    let groups = groups_by_name(&dataset, &job.groups)?;
    let draw = SampleSettings { class: job.settings.class, ..job.draw };
    let queries = read_queries(&job.queries, &draw, &model, reporter)?;
    let mut settings = job.settings;
    if let Some(out) = &job.out {
        // Before hours of work, not after.
        whence_store::check_writable(out)?;
    }
    let store = Store::open(&job.keep_in)?;
    let recipe = job.recipe.resolved(&model, Some(&job.model))?;
    let device = workspace.device(model.network.config())?.name;

    let neighbours = neighbours(&dataset, &queries, &groups, job.neighbours, reporter)?;
    if let Some(first) = neighbours.first() {
        reporter.state(EventKind::Neighbours(first.clone()));
    }
    if method.counterfactuals().is_some() && job.live {
        preview(workspace, &dataset, &queries, &groups, &model, settings.timesteps, reporter)?;
    }

    // Refuses timesteps that the model does not have before anything is trained.
    settings.timesteps.plan(model.schedule(), settings.draws, settings.seed, b"")?;
    let (seed, class) = (settings.seed, settings.class);
    let mut kept = StoreTermCache { store: &store, model: &model, seed, class, device: &device };
    let found = SharedNeighbours::default();
    let references = References::new(job, &dataset, &recipe);
    let asked = TrustChecks {
        job,
        method,
        model: &model,
        dataset: &dataset,
        groups: &groups,
        queries: &queries,
        settings,
        recipe: &recipe,
        store: &store,
        neighbours: &found,
        references: &references,
    };
    let (live, live_pass);
    let mut report = ProgressBridge::new(reporter, &dataset, &model);
    let mut attributions = {
        let (mut imported, mut unlearned, mut retrained);
        let training;
        let resident = &mut workspace.resident;
        let source: &mut dyn Counterfactuals = if let Some(folder) = &job.counterfactuals {
            imported = Imported { model: &model, dataset: &dataset, folder, resident };
            if method.counterfactuals().is_some() {
                imported.check(&groups)?;
            }
            &mut imported
        } else if method.counterfactuals() == Some(CounterfactualKind::Retrained) {
            training = training_of(&model, &job.model, &dataset, None)?;
            report.making_units = (training.steps * training.batch * 4) as f64;
            let folder = job.keep_in.with_file_name("retrained");
            retrained = Retrained { model: &model, dataset: &dataset, config: &training, folder, resident };
            &mut retrained
        } else {
            // In forward passes of one image: a training step costs about three, and trains on twice its batch.
            report.making_units = (recipe.steps * recipe.batch * 7) as f64;
            unlearned = Unlearned::new(&model, &dataset, &recipe, &store, resident).sharing(&found);
            &mut unlearned
        };
        // An unlearned model is judged beside the truth, where that was trained before.
        let truth = if unlearns { training_of(&model, &job.model, &dataset, None).ok() } else { None };
        let mut memory = Resident::default();
        let mut retrained = truth.as_ref().map(|config| {
            let (folder, resident) = (job.keep_in.with_file_name("retrained"), &mut memory);
            Retrained { model: &model, dataset: &dataset, config, folder, resident }
        });
        let mut gates = Gates::new(&model, &dataset, &store, recipe.held_out);
        if method.counterfactuals().is_some() {
            report.to_make = groups.iter().filter(|g| !source.is_ready(**g)).count();
            let (models, mut work) = asked.ahead(&mut kept, &mut report)?;
            work += method.work(Context {
                model: &model,
                dataset: &dataset,
                groups: &groups,
                queries: &queries,
                settings: &settings,
                counterfactuals: source,
                kept: &mut kept,
                report: &mut report,
            })?;
            let truth = retrained.as_mut().map(|r| r as &mut dyn Counterfactuals);
            work.evaluations += gates.cost(&groups, source, truth)?;
            let models = models + report.to_make;
            if job.known_only && models + work.evaluations > 0 {
                return Ok(String::new());
            }
            // Any group's unlearning takes as long.
            let unlearns = groups.first().filter(|_| unlearns && models > 0).map(|g| Forget::group(&dataset, *g));
            let held = groups.len() * if job.confirm { 2 } else { 1 } + job.null;
            let ahead =
                RemainingWork { models, held, unlearns, work, recipe: &recipe, store: &store, neighbours: &found };
            ahead.tell(&mut settings, &mut report)?;
            if job.dry_run {
                return Ok(String::new());
            }
        }
        if job.live && unlearns && report.to_make > 0 {
            live = live_queries(&queries, &model, seed, class)?;
            live_pass = FullPass::run(&model, model.schedule(), &live, seed, settings.batch, &mut |_, _| {
                report.reporter.check()
            })?;
            report.live = Some(&live_pass);
        }
        let mut attributions = method.attribute(Context {
            model: &model,
            dataset: &dataset,
            groups: &groups,
            queries: &queries,
            settings: &settings,
            counterfactuals: source,
            kept: &mut kept,
            report: &mut report,
        })?;
        report.live = None;
        if method.counterfactuals().is_some() {
            let retrained = retrained.as_mut().map(|r| r as &mut dyn Counterfactuals);
            let judged = gates.judge_all(&groups, source, retrained, &mut report)?;
            for attribution in &mut attributions {
                for (score, judgement) in attribution.scores.iter_mut().zip(&judged) {
                    score.gate = *judgement;
                }
            }
        }
        attributions
    };
    if job.null > 0 || job.confirm {
        let asked = TrustChecks { settings, ..asked };
        asked.answer(workspace, &mut attributions, &mut kept, &mut report)?;
    }

    if let Some(out) = &job.out {
        let provenance = whence_report::Provenance {
            job,
            recipe: &recipe,
            settings: &settings,
            model_hash: model.hash(),
            dataset: &dataset,
            device: &device,
            queries: &queries,
        };
        whence_report::write_attribution(out, &provenance, &attributions, &neighbours, model.shape())?;
    }
    let summary = match (attributions.as_slice(), &job.out) {
        ([one], _) => whence_methods::verdict(one),
        (many, Some(out)) => format!("{} queries, {} groups: results in {}", many.len(), groups.len(), out.display()),
        (many, None) => format!("{} queries, {} groups", many.len(), groups.len()),
    };
    reporter.state(EventKind::Attributed(attributions));
    Ok(summary)
}

/// The training images nearest to each query, of each group.
fn neighbours(
    dataset: &Dataset,
    queries: &[Query],
    groups: &[usize],
    count: usize,
    reporter: &Reporter<'_>,
) -> Result<Vec<Vec<GroupNeighbours>>> {
    queries
        .iter()
        .map(|q| {
            reporter.check()?;
            let of = |&group: &usize| GroupNeighbours { group, nearest: nearest(dataset, &q.pixels, group, count) };
            Ok(groups.iter().map(of).collect())
        })
        .collect()
}

/// The closed form's ranking of the first query, for the window to show at once.
fn preview(
    workspace: &mut Workspace,
    dataset: &Dataset,
    queries: &[Query],
    groups: &[usize],
    model: &Model,
    timesteps: Timesteps,
    reporter: &mut Reporter<'_>,
) -> Result<()> {
    let Some(query) = queries.first() else { return Ok(()) };
    let fitted = workspace.gaussian(dataset, &mut |d, t| reporter.within("closed form", d, t, 0.0))?;
    let values = fitted.scores(&query.pixels, model.schedule(), timesteps, groups)?;
    let scores = groups.iter().zip(values).map(|(&g, value)| GroupScore::exact(dataset.group_name(g), value));
    let attribution = Attribution::new(&query.name, "gaussian", scores.collect());
    reporter.state(EventKind::PreviewRanking(Box::new(attribution)));
    Ok(())
}
