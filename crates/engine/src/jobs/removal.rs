//! Removal checks: the model retrained without the groups or images that an attribution ranks first, and without
//! equally many random ones. If the attribution is right, the query's loss rises more, and the same seed generates a
//! different image (as in the evaluation of AbU, Wang et al. 2024).

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use rand::seq::SliceRandom as _;
use serde::Serialize;

use super::{attribute, groups_by_name, open, sample, short_hash};
use crate::counterfactuals::{Imported, Resident, training_of};
use crate::reporter::Reporter;
use crate::workspace::Workspace;
use whence_base::random::stream;
use whence_base::{Error, Result, Setting};
use whence_data::{Dataset, nearest};
use whence_diffusion::elbo::{Estimate, FullPass, ScorerQuery, Timesteps};
use whence_diffusion::{GroupConditions, Pipeline};
use whence_evaluation::{Group, Matching, Pairing, ScoreTable};
use whence_jobs::{QuerySource, RemovalJob, Remove, SampleSettings};
use whence_methods::{Query, ScoreSettings};
use whence_report::{write_png, write_side_by_side};
use whence_store::folder_name;
use whence_training::{LeftOut, Training, TrainingConfig};

/// Units of progress of one training; scoring and generation count one each.
const TRAINING: f64 = 20.0;

/// One retraining.
#[derive(Debug, Serialize)]
struct Outcome {
    query: String,
    /// `top` or `random`.
    choice: String,
    /// Groups, or the number of images.
    removed: String,
    #[serde(rename = "pictures")]
    images: usize,
    /// ELBO(query; full) - ELBO(query; without), nats.
    score_nats: f64,
    std_err: f64,
    /// Rise of the mean squared error of the predicted noise, averaged over the timesteps.
    loss_rise: f64,
    /// Root mean square difference of the image regenerated from the same seed, in grey levels from 0 to 255.
    redraw_difference: Option<f64>,
}

/// Inputs that all trainings of a job share.
struct Check<'a> {
    job: &'a RemovalJob,
    model: &'a Pipeline,
    dataset: &'a Dataset,
    conditions: GroupConditions,
    config: TrainingConfig,
}

pub(super) fn run(workspace: &mut Workspace, job: &RemovalJob, reporter: &mut Reporter<'_>) -> Result<String> {
    check_grid(&job.settings)?;
    attribute::check_size(&job.settings)?;
    let (model, dataset) = open(workspace, &job.model, &job.data, job.group_column.as_deref(), reporter)?;
    let groups = groups_by_name(&dataset, &[])?;
    let config = training_of(&model, &job.model, &dataset, job.config.as_ref())?;
    config.check()?;
    whence_store::check_writable(&job.out)?;
    let conditions = super::conditions(&model, &dataset, job.class_map.as_ref())?;
    let sampling = SampleSettings { class: job.settings.class, ..job.sampling };
    let queries = attribute::read_queries(&job.queries, &sampling, &model, reporter)?;
    let scores = job.scores.as_deref().map(|path| ScoreTable::read(path, None)).transpose()?;
    let check = Check { job, model: &model, dataset: &dataset, conditions, config };
    let plans: Vec<Vec<(String, LeftOut)>> =
        queries.iter().map(|q| check.choices(q, &groups, scores.as_ref())).collect::<Result<_>>()?;
    let trainings: usize = plans.iter().map(Vec::len).sum();
    reporter.plan(trainings as f64 * (TRAINING + 2.0) + queries.len() as f64);
    let mut outcomes = Vec::new();
    for ((query, source), plan) in queries.iter().zip(&job.queries).zip(plans) {
        outcomes.extend(check.query(query, source, plan, reporter)?);
        write(&check, &outcomes)?;
    }
    Ok(summary(&outcomes, &job.out))
}

impl Check<'_> {
    /// The choices to leave out for a query: the top one, then random ones of the same size.
    fn choices(&self, query: &Query, groups: &[usize], scores: Option<&ScoreTable>) -> Result<Vec<(String, LeftOut)>> {
        let mut rng = stream("whence 2026 removal", self.job.settings.seed, &query.pixels, 0);
        let mut choices = Vec::new();
        match self.job.remove {
            Remove::Groups(count) => {
                let order = self.order(query, scores)?;
                check_count(count, groups.len(), Setting::RemoveGroups)?;
                let (top, mut others): (Vec<usize>, Vec<usize>) =
                    (order.iter().take(count).copied().collect(), order.iter().skip(count).copied().collect());
                choices.push(("top".to_owned(), LeftOut::groups(top)));
                add_random(&mut choices, self.job.random, || {
                    others.shuffle(&mut rng);
                    LeftOut::groups(others.iter().take(count).copied())
                });
            }
            Remove::Images(count) => {
                check_count(count, self.dataset.len(), Setting::RemoveImages)?;
                let mut near: Vec<_> =
                    groups.iter().flat_map(|g| nearest(self.dataset, &query.pixels, *g, count)).collect();
                near.sort_by(|a, b| a.distance.total_cmp(&b.distance).then(a.index.cmp(&b.index)));
                let top: Vec<usize> = near.iter().take(count).map(|n| n.index).collect();
                let named: HashSet<usize> = top.iter().copied().collect();
                let mut others: Vec<usize> = (0..self.dataset.len()).filter(|i| !named.contains(i)).collect();
                choices.push(("top".to_owned(), LeftOut::images(top)));
                add_random(&mut choices, self.job.random, || {
                    others.shuffle(&mut rng);
                    LeftOut::images(others.iter().take(count).copied())
                });
            }
        }
        Ok(choices)
    }

    /// Groups from the highest score of the table to the lowest.
    fn order(&self, query: &Query, scores: Option<&ScoreTable>) -> Result<Vec<usize>> {
        let table = scores.ok_or_else(|| {
            Error::setting(
                "there are no scores to choose groups by",
                [Setting::Scores],
                "give the scores.csv of an attribution",
            )
        })?;
        let names = self.dataset.groups();
        let one = ScoreTable {
            source: "the query".into(),
            method: None,
            queries: vec![query.name.clone()],
            groups: names.iter().enumerate().map(|(i, n)| Group { id: Some(i), name: Some(n.clone()) }).collect(),
            values: vec![vec![0.0; names.len()]],
            errors: None,
        };
        let matching = Matching { group_names: Some(names), allow_subset: true };
        let pairing = Pairing::new(table, &one, &matching)?;
        let mut order: Vec<(usize, f64)> = pairing
            .groups
            .iter()
            .zip(pairing.scores.first().into_iter().flatten())
            .filter_map(|(name, score)| Some((names.iter().position(|g| g == name)?, *score)))
            .collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        Ok(order.into_iter().map(|(group, _)| group).collect())
    }

    fn query(
        &self,
        query: &Query,
        source: &QuerySource,
        plan: Vec<(String, LeftOut)>,
        reporter: &mut Reporter<'_>,
    ) -> Result<Vec<Outcome>> {
        let settings = &self.job.settings;
        let timesteps = settings.timesteps.plan(self.model.schedule(), settings.draws, settings.seed, &query.pixels)?;
        let prepared = [ScorerQuery::of_image(self.model.codec(), query.pixels.clone(), query.condition, timesteps)];
        let what = format!("{}: full model", query.name);
        let pass =
            FullPass::run(self.model, self.model.schedule(), &prepared, settings.seed, settings.batch, &mut |d, t| {
                reporter.within(&what, d, t, 1.0)
            })?;
        reporter.advance(1.0);
        let seed = match source {
            QuerySource::Seed(seed) => Some(*seed),
            QuerySource::File(_) | QuerySource::Image { .. } => None,
        };
        let mut images = vec![query.pixels.clone()];
        let mut outcomes = Vec::new();
        for (choice, left_out) in plan {
            let other = self.train(&query.name, &choice, &left_out, reporter)?;
            reporter.advance(TRAINING);
            let what = format!("{}: scoring without {choice}", query.name);
            let terms = pass.terms(&other, &mut |d, t| reporter.within(&what, d, t, 1.0))?;
            let terms = terms.into_iter().next().unwrap_or_default();
            reporter.advance(1.0);
            let regenerated = match seed {
                Some(seed) => Some(other.codec().decode(&sample::generate_samples(
                    &other,
                    &self.job.sampling,
                    &[seed],
                    1.0,
                    false,
                    reporter,
                )?)),
                None => None,
            };
            reporter.advance(1.0);
            let numel = self.model.sample_shape().numel() as f64;
            let rises = terms.iter().filter(|t| t.weight > 0.0).map(|t| t.value / t.weight / numel);
            let estimate = Estimate::from_terms(&terms, settings.draws);
            outcomes.push(Outcome {
                query: query.name.clone(),
                choice,
                removed: self.describe(&left_out),
                images: self.dataset.len() - left_out.remaining(self.dataset),
                score_nats: estimate.score,
                std_err: estimate.std_err,
                loss_rise: rises.sum::<f64>() / terms.len().max(1) as f64,
                redraw_difference: regenerated.as_ref().map(|r| difference(r, &query.pixels)),
            });
            images.extend(regenerated);
        }
        let shape = self.model.image_shape();
        let stem = folder_name(query.name.trim_end_matches(".png"));
        if images.len() > 1 {
            let path = self.job.out.join("regenerated").join(format!("{stem}.png"));
            write_side_by_side(&path, &images, shape)?;
        } else {
            write_png(&self.job.out.join("queries").join(format!("{stem}.png")), &query.pixels, shape)?;
        }
        Ok(outcomes)
    }

    fn describe(&self, left_out: &LeftOut) -> String {
        match (left_out.single_group(self.dataset), left_out.record(self.dataset)) {
            (Some(name), _) => name.clone(),
            (None, Some(record)) if record.images.is_empty() => record.groups.join(" + "),
            (None, Some(record)) => format!("{} images", record.images.len()),
            (None, None) => String::new(),
        }
    }

    fn train(&self, query: &str, choice: &str, left_out: &LeftOut, reporter: &mut Reporter<'_>) -> Result<Pipeline> {
        if let (Some(folder), Some(name)) = (&self.job.counterfactuals, left_out.single_group(self.dataset)) {
            let group = self.dataset.groups().iter().position(|g| g == name).unwrap_or_default();
            let resident = &mut Resident::default();
            return Imported { model: self.model, dataset: self.dataset, folder, resident }.load(group);
        }
        let out = self.folder(left_out);
        let training = Training {
            dataset: self.dataset,
            config: &self.config,
            left_out,
            conditions: Some(&self.conditions),
            out: &out,
            device: self.model.device(),
        };
        if let Some(model) = training.finished()? {
            return Ok(model);
        }
        training.run(&mut |step| {
            let phase = format!(
                "{query}: training without {choice} {}, step {} of {}",
                self.describe(left_out),
                step.step,
                step.steps
            );
            reporter.within(&phase, step.step, step.steps, TRAINING)
        })
    }

    /// One folder per set of images, so that queries share trainings and a stopped job resumes.
    fn folder(&self, left_out: &LeftOut) -> PathBuf {
        let name = match left_out.single_group(self.dataset) {
            Some(name) => short_hash(name),
            None => short_hash(&left_out.record(self.dataset)),
        };
        self.job.out.join("trained").join(name)
    }
}

/// More than half of the images cannot be compared with equally many random ones.
fn check_count(count: usize, of: usize, setting: Setting) -> Result<()> {
    if (1..=of / 2).contains(&count) {
        return Ok(());
    }
    Err(Error::setting(
        format!("{count} of {of} cannot be removed"),
        [setting],
        format!("give 1 to {}, half of all", of / 2),
    ))
}

/// Adds up to `count` distinct random choices; duplicates would be counted twice.
fn add_random(choices: &mut Vec<(String, LeftOut)>, count: usize, mut choose: impl FnMut() -> LeftOut) {
    let enough = choices.len() + count;
    for _ in 0..count.saturating_mul(50) {
        let choice = choose();
        if choices.iter().all(|(_, known)| *known != choice) {
            choices.push(("random".to_owned(), choice));
        }
        if choices.len() >= enough {
            return;
        }
    }
}

/// Root mean square difference in grey levels.
fn difference(a: &[u8], b: &[u8]) -> f64 {
    let sum: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum();
    (sum / a.len().max(1) as f64).sqrt()
}

fn write(check: &Check<'_>, outcomes: &[Outcome]) -> Result<()> {
    let job = check.job;
    let path = job.out.join("removal.csv");
    let broken = |e: csv::Error| Error::internal(format!("{} cannot be encoded: {e}", path.display()));
    let mut writer = csv::Writer::from_writer(Vec::new());
    for outcome in outcomes {
        writer.serialize(outcome).map_err(broken)?;
    }
    let bytes =
        writer.into_inner().map_err(|e| Error::internal(format!("{} cannot be encoded: {e}", path.display())))?;
    whence_store::write_atomic(&path, &bytes)?;
    let document = serde_json::json!({
        "schema_version": 1,
        "version": env!("CARGO_PKG_VERSION"),
        "job": job,
        "model": check.model.hash(),
        "dataset": check.dataset.hash(),
        "training": check.config,
        "outcomes": outcomes,
    });
    whence_store::write_json(&job.out.join("removal.json"), &document)
}

fn summary(outcomes: &[Outcome], out: &Path) -> String {
    let mean = |choice: &str, of: fn(&Outcome) -> f64| {
        let values: Vec<f64> = outcomes.iter().filter(|o| o.choice == choice).map(of).collect();
        values.iter().sum::<f64>() / values.len().max(1) as f64
    };
    let top = format!(
        "Without the top choice the queries lose {:+.2} nats on average (loss {:+.5})",
        mean("top", |o| o.score_nats),
        mean("top", |o| o.loss_rise)
    );
    let random = if outcomes.iter().any(|o| o.choice == "random") {
        format!(
            ", without a random one {:+.2} ({:+.5})",
            mean("random", |o| o.score_nats),
            mean("random", |o| o.loss_rise)
        )
    } else {
        String::new()
    };
    format!("{top}{random}: {}", out.display())
}

/// A check scores on a fixed grid: the mean loss over sampled timesteps would depend on the sampling distribution.
fn check_grid(settings: &ScoreSettings) -> Result<()> {
    match settings.timesteps {
        Timesteps::Range { .. } => Ok(()),
        Timesteps::Count(_) => Err(Error::setting(
            "the loss rise needs a grid of timesteps",
            [Setting::Timesteps],
            "write 10../10, or 10..1000/50",
        )),
    }
}
