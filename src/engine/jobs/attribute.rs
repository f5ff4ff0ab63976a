//! The main job: which groups made the queries likely.

use burn::module::Module as _;

use super::{groups_by_name, sample, warn_of_skipped};
use crate::attribution::{
    Attribution, Context, Counterfactuals, GroupScore, Made, Query, Report, ScoreSettings, method,
};
use crate::dataset::{Dataset, ImageShape, load_picture, nearest};
use crate::diffusion::Model;
use crate::diffusion::generate::to_bytes;
use crate::elbo::{FullPass, ScorerQuery, Timesteps};
use crate::engine::api::{AttributeJob, DrawSettings, EventKind, GroupNeighbours, QuerySource, UnlearningPoint};
use crate::engine::counterfactuals::{Imported, Retrained, Unlearned, training_of};
use crate::engine::reporter::Reporter;
use crate::engine::workspace::Workspace;
use crate::error::{Error, Result};
use crate::report;
use crate::training::TrainingStep;
use crate::unlearning::UnlearningStep;

/// The query is scored on this many timesteps while a group is unlearned.
const LIVE_TIMESTEPS: usize = 8;

/// And at every so many steps.
const LIVE_EVERY: usize = 6;

pub(super) fn run(workspace: &mut Workspace, job: &AttributeJob, reporter: &mut Reporter<'_>) -> Result<String> {
    job.recipe.check()?;
    workspace.choose_column(job.group_column.as_deref());
    let method = method(&job.method)?;
    if job.queries.is_empty() {
        return Err(Error::input("there is no query", "--query or --seeds", "give a picture or a seed"));
    }
    let model = workspace.model(&job.model)?;
    model.check_class(job.settings.class)?;
    let dataset = workspace
        .dataset(&job.data, Some(model.shape()), &mut |d, t| reporter.within("reading pictures", d, t, 0.0))?;
    warn_of_skipped(&dataset, reporter);
    let groups = groups_by_name(&dataset, &job.groups)?;
    let draw = DrawSettings { class: job.settings.class, ..job.draw };
    let queries = read_queries(&job.queries, &draw, &model, reporter)?;
    let mut settings = job.settings;
    if let Some(budget) = job.budget {
        settings.timesteps = Timesteps::Count((budget / (settings.draws.max(1) * (groups.len() + 1))).max(1));
    }
    check_size(&settings)?;
    if let Some(out) = &job.out {
        // Before hours of work, not after.
        crate::store::check_writable(out)?;
    }
    let recipe = job.recipe.resolved(&model, Some(&job.model))?;
    let device = workspace.device(model.network.config())?.name;

    let neighbours: Vec<Vec<GroupNeighbours>> = queries
        .iter()
        .map(|q| {
            reporter.check()?;
            Ok(groups
                .iter()
                .map(|&group| GroupNeighbours { group, nearest: nearest(&dataset, &q.pixels, group, job.neighbours) })
                .collect())
        })
        .collect::<Result<_>>()?;
    if let Some(first) = neighbours.first() {
        reporter.state(EventKind::Neighbours(first.clone()));
    }
    if method.counterfactuals().is_some() && job.live {
        preview(workspace, &dataset, &queries, &groups, &model, settings.timesteps, reporter)?;
    }

    let points = settings.timesteps.plan(model.schedule(), settings.draws, settings.seed, b"")?.points.len();
    let evaluations = (points * queries.len()) as f64;
    let (mut imported, mut unlearned, mut retrained);
    let training;
    let mut todo = 0;
    // In forward passes of one picture: a training step costs about four, and unlearning trains on twice its batch.
    let mut making_units = (recipe.steps * recipe.batch * 7) as f64;
    let source: &mut dyn Counterfactuals = if let Some(folder) = &job.counterfactuals {
        imported = Imported { model: &model, dataset: &dataset, folder };
        if method.counterfactuals().is_some() {
            imported.check(&groups)?;
        }
        &mut imported
    } else if method.counterfactuals() == Some(Made::Retrained) {
        training = training_of(&model, &job.model, &dataset, None)?;
        making_units = (training.steps * training.batch * 4) as f64;
        retrained = Retrained {
            model: &model,
            dataset: &dataset,
            config: &training,
            folder: job.keep_in.with_file_name("retrained"),
            resident: Some(&mut workspace.counterfactuals),
        };
        todo = groups.iter().filter(|g| !retrained.is_ready(**g)).count();
        &mut retrained
    } else {
        unlearned = Unlearned {
            model: &model,
            dataset: &dataset,
            recipe: &recipe,
            folder: job.keep_in.clone(),
            resident: Some(&mut workspace.counterfactuals),
        };
        if method.counterfactuals().is_some() {
            todo = groups.iter().filter(|g| !unlearned.is_ready(**g)).count();
        }
        &mut unlearned
    };
    reporter.plan(evaluations * (groups.len() + 1) as f64 + todo as f64 * making_units);
    let live = (job.live && todo > 0 && method.counterfactuals() == Some(Made::Unlearned))
        .then(|| live_queries(&queries, &model, settings.seed, settings.class))
        .transpose()?
        .unwrap_or_default();
    let live_pass = (!live.is_empty())
        .then(|| {
            FullPass::run(&model, model.schedule(), &live, settings.seed, LIVE_TIMESTEPS, &mut |_, _| reporter.check())
        })
        .transpose()?;
    let mut report = Told {
        reporter,
        dataset: &dataset,
        model: &model,
        live: live_pass.as_ref(),
        evaluations,
        making_units,
        phase: Phase::Full,
    };
    let attributions = method.attribute(Context {
        model: &model,
        dataset: &dataset,
        groups: &groups,
        queries: &queries,
        settings: &settings,
        counterfactuals: source,
        report: &mut report,
    })?;

    if let Some(out) = &job.out {
        let provenance = report::Provenance {
            job,
            recipe: &recipe,
            settings: &settings,
            model_hash: model.hash(),
            dataset: &dataset,
            device: &device,
            queries: &queries,
        };
        report::write_attribution(out, &provenance, &attributions, &neighbours, model.shape())?;
    }
    let summary = match (attributions.as_slice(), &job.out) {
        ([one], _) => crate::attribution::verdict(one),
        (many, Some(out)) => format!("{} queries, {} groups: results in {}", many.len(), groups.len(), out.display()),
        (many, None) => format!("{} queries, {} groups", many.len(), groups.len()),
    };
    reporter.state(EventKind::Attributed(attributions));
    Ok(summary)
}

/// Refuses numbers that no machine can hold.
pub(super) fn check_size(settings: &ScoreSettings) -> Result<()> {
    let points = match settings.timesteps {
        Timesteps::Count(n) => n,
        Timesteps::Range { .. } => 1,
    };
    if settings.draws.saturating_mul(points) > 1_000_000 || settings.batch > 1 << 16 {
        return Err(Error::input(
            format!("{points} timesteps, {} draws and batches of {}", settings.draws, settings.batch),
            "--timesteps, --draws, --batch",
            "give at most a million evaluations and batches of at most 65,536",
        ));
    }
    Ok(())
}

/// The pictures asked about, at the model's size.
pub(super) fn read_queries(
    sources: &[QuerySource],
    draw: &DrawSettings,
    model: &Model,
    reporter: &mut Reporter<'_>,
) -> Result<Vec<Query>> {
    let mut queries: Vec<Query> = Vec::with_capacity(sources.len());
    for source in sources {
        let query = match source {
            QuerySource::File(path) => {
                let picture = load_picture(path, model.shape())?;
                if !picture.notes.is_empty() {
                    let text = format!("{}: {}", picture.name, picture.notes.join("; "));
                    reporter.state(EventKind::Warning(text));
                }
                Query { name: picture.name, pixels: picture.pixels }
            }
            QuerySource::Seed(seed) => {
                let pixels = to_bytes(&sample::draw(model, draw, &[*seed], 0.0, false, reporter)?);
                Query { name: format!("seed-{seed}"), pixels }
            }
            QuerySource::Picture { name, pixels } => {
                let ImageShape { channels, height, width } = model.shape();
                if pixels.len() != model.shape().numel() {
                    return Err(Error::input(
                        "the picture has another size than the model's",
                        name.clone(),
                        format!("give it at {width}x{height} with {channels} channels"),
                    ));
                }
                Query { name: name.clone(), pixels: pixels.clone() }
            }
        };
        queries.push(query);
    }
    tell_apart(&mut queries);
    Ok(queries)
}

/// Gives queries of the same name a number, so that no row or file stands for two.
fn tell_apart(queries: &mut [Query]) {
    let mut seen = std::collections::HashSet::new();
    for query in queries {
        let (stem, end) = match query.name.rsplit_once('.') {
            Some((stem, end)) => (stem.to_owned(), format!(".{end}")),
            None => (query.name.clone(), String::new()),
        };
        let mut number = 1;
        while !seen.insert(query.name.clone()) {
            number += 1;
            query.name = format!("{stem}-{number}{end}");
        }
    }
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
    let scores = groups.iter().zip(values).map(|(&g, value)| GroupScore {
        group: dataset.groups().get(g).cloned().unwrap_or_default(),
        estimate: crate::elbo::Estimate::exact(value),
        evaluations: 0,
        terms: Vec::new(),
        draws: 1,
    });
    let attribution = Attribution { query: query.name.clone(), method: "gaussian".into(), scores: scores.collect() };
    reporter.state(EventKind::PreviewRanking(Box::new(attribution)));
    Ok(())
}

fn live_queries(queries: &[Query], model: &Model, seed: u64, class: Option<usize>) -> Result<Vec<ScorerQuery>> {
    queries
        .iter()
        .take(1)
        .map(|q| {
            let plan = Timesteps::Count(LIVE_TIMESTEPS).plan(model.schedule(), 1, seed, &q.pixels)?;
            Ok(ScorerQuery { pixels: q.pixels.clone(), plan, class })
        })
        .collect()
}

#[derive(PartialEq)]
enum Phase {
    Full,
    Making,
    Scoring,
}

/// Turns what the method tells into events and overall progress.
struct Told<'a, 'b, 'c> {
    reporter: &'a mut Reporter<'b>,
    dataset: &'a Dataset,
    model: &'a Model,
    live: Option<&'a FullPass<'c>>,
    evaluations: f64,
    making_units: f64,
    phase: Phase,
}

impl Told<'_, '_, '_> {
    fn live_score(&self, step: &UnlearningStep<'_>) -> Result<Option<f64>> {
        let due = step.step == 1 || step.step.is_multiple_of(LIVE_EVERY) || step.step == step.steps;
        let Some(pass) = self.live.filter(|_| due) else { return Ok(None) };
        let now = self.model.with_network(step.network.valid())?;
        let terms = pass.terms(&now, &mut |_, _| self.reporter.check())?;
        Ok(terms.first().map(|terms| terms.iter().map(|t| t.value).sum()))
    }
}

impl Report for Told<'_, '_, '_> {
    fn progress(&mut self, what: &str, done: usize, total: usize) -> Result<()> {
        if self.phase == Phase::Making {
            self.phase = Phase::Scoring;
            self.reporter.advance(self.making_units);
        }
        self.reporter.within(what, done, total, self.evaluations)?;
        if self.phase == Phase::Full && done == total {
            self.phase = Phase::Scoring;
            self.reporter.advance(self.evaluations);
        }
        Ok(())
    }

    fn unlearning(&mut self, group: usize, step: &UnlearningStep<'_>) -> Result<()> {
        self.phase = Phase::Making;
        let name = self.dataset.groups().get(group).map_or("", String::as_str);
        let phase = format!("unlearning {name}, step {} of {}", step.step, step.steps);
        self.reporter.within(&phase, step.step, step.steps, self.making_units)?;
        let query_score = self.live_score(step)?;
        self.reporter.passing(EventKind::Unlearning(UnlearningPoint {
            group,
            step: step.step,
            steps: step.steps,
            forget_loss: step.forget_loss,
            retain_loss: step.retain_loss,
            query_score,
        }));
        Ok(())
    }

    fn retraining(&mut self, group: usize, step: &TrainingStep) -> Result<()> {
        self.phase = Phase::Making;
        let name = self.dataset.groups().get(group).map_or("", String::as_str);
        let phase = format!("training without {name}, step {} of {}", step.step, step.steps);
        self.reporter.within(&phase, step.step, step.steps, self.making_units)
    }

    fn group_done(&mut self, group: usize, scores: &[GroupScore]) -> Result<()> {
        self.reporter.advance(self.evaluations);
        self.phase = Phase::Scoring;
        if let Some(first) = scores.first() {
            self.reporter.state(EventKind::GroupScored { group, score: Box::new(first.clone()) });
        }
        self.reporter.check()
    }
}
