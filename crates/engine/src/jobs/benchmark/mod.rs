//! The complete benchmark: a full model, oracles, methods, their agreement and their cost. Every finished
//! result is stored under the hash of its inputs, so that a stopped run resumes where it was.

mod baselines;
mod results;
mod rows;
mod source;

use std::path::{Path, PathBuf};

use super::{groups_by_name, open, sample, short_hash, train};
use crate::reporter::Reporter;
use crate::workspace::Workspace;
use rows::Bench;
use source::Source;
use whence_base::{Error, Result};
use whence_data::load_image;
use whence_diffusion::{Condition, Pipeline};
use whence_evaluation::benchmark::{Grid, Kind, NEAREST_IMAGES, Row, Table, average, other_noise, sum_of_z};
use whence_jobs::{BenchmarkJob, TrainJob};
use whence_methods::Query;
use whence_report::write_png;

pub(super) fn run(workspace: &mut Workspace, job: &BenchmarkJob, reporter: &mut Reporter<'_>) -> Result<String> {
    job.plan.check()?;
    whence_store::check_writable(&job.out)?;
    let folder = full_model(workspace, job, reporter)?;
    let (model, dataset) = open(workspace, &folder, &job.data, job.group_column.as_deref(), reporter)?;
    if model.classes().is_some() {
        return Err(Error::file(
            "benchmarks of class-conditional models are not supported",
            &folder,
            "use a model without classes, or score with whence attribute and compare with whence evaluate",
        ));
    }
    let groups = groups_by_name(&dataset, &[])?;
    reporter.plan(1.0);
    let queries = queries(job, &model, reporter)?;
    let device = workspace.device(&model.network.config())?.name;
    let bench = Bench::new(job, folder, model, dataset, groups, queries, device)?;
    bench.check()?;
    let rows = all_rows(&bench, reporter)?;
    let names: Vec<String> = bench.queries.iter().map(|q| q.name.clone()).collect();
    let groups: Vec<String> = bench.group_names();
    let table = Table::new(&names, &groups, &rows, NEAREST_IMAGES, &job.plan.versus, &mut |done, of| {
        reporter.within("measuring agreement", done, of, 0.0)
    })?;
    results::write(&bench, &table, &rows)?;
    Ok(format!("{} rows, {} queries, {} groups: {}", rows.len(), names.len(), groups.len(), job.out.display()))
}

/// The plan's model, or one trained here.
fn full_model(workspace: &mut Workspace, job: &BenchmarkJob, reporter: &mut Reporter<'_>) -> Result<PathBuf> {
    if let Some(folder) = &job.plan.model {
        return Ok(folder.clone());
    }
    let config = job.plan.training.clone().unwrap_or_default();
    // Other settings are another model: what is finished is not overwritten.
    let out = job.out.join(format!("model-{}", short_hash(&config)));
    let train = TrainJob {
        data: job.data.clone(),
        group_column: job.group_column.clone(),
        config,
        exclude_group: None,
        out: out.clone(),
    };
    train::run(workspace, &train, reporter)?;
    Ok(out)
}

/// Queries from the plan's folder, or generated here and saved as files.
fn queries(job: &BenchmarkJob, model: &Pipeline, reporter: &mut Reporter<'_>) -> Result<Vec<Query>> {
    let plan = &job.plan.queries;
    let files: Vec<PathBuf> = match &plan.folder {
        Some(folder) => images(folder, plan.count)?,
        None => {
            let folder = job.out.join("queries").join(short_hash(&(model.hash(), &plan.sampling)));
            let file = |seed: u64| folder.join(format!("seed-{seed}.png"));
            let seeds: Vec<u64> = (plan.first_seed..).take(plan.count).collect();
            let missing: Vec<u64> = seeds.iter().copied().filter(|s| !file(*s).is_file()).collect();
            for some in missing.chunks(job.plan.batch) {
                let samples = sample::generate_samples(model, &plan.sampling, some, 0.0, false, reporter)?;
                for (seed, image) in some.iter().zip(samples.chunks(model.sample_shape().numel())) {
                    write_png(&file(*seed), &model.codec().decode(image), model.image_shape())?;
                }
            }
            seeds.into_iter().map(file).collect()
        }
    };
    files
        .iter()
        .map(|path| {
            let image = load_image(path, model.image_shape())?;
            Ok(Query { name: image.name, pixels: image.pixels, condition: Condition::None })
        })
        .collect()
}

fn images(folder: &Path, count: usize) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(Error::io("read", folder))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(|p| p.is_file()).collect();
    files.sort();
    files.truncate(count);
    if files.len() < 2 {
        return Err(Error::file("there are fewer than two images here", folder, "give a folder of images"));
    }
    Ok(files)
}

/// Every row, oracles first.
fn all_rows(bench: &Bench<'_>, reporter: &mut Reporter<'_>) -> Result<Vec<Row>> {
    let plan = bench.plan;
    reporter.plan(bench.units());
    let mut rows = Vec::new();
    for (number, oracle) in plan.oracles.iter().enumerate() {
        let source = Source::of_oracle(bench, oracle)?;
        let grid = plan.reference_of(number, false);
        rows.push(bench.oracle(&oracle.name, Kind::Oracle, source.clone(), grid, reporter)?);
        if number == 0 {
            let again = plan.reference_of(number, true);
            let name = other_noise(&oracle.name);
            rows.push(bench.oracle(&name, Kind::Baseline, source, again, reporter)?);
        }
    }
    if let Some(reference) = rows.first() {
        let usual = baselines::usual_order(reference);
        rows.push(usual);
    }
    rows.push(baselines::nearest_images(bench, reporter)?);
    for method in &plan.methods {
        for &weighting in &method.weightings {
            let names = method.seed_rows(weighting);
            let seeds = if method.seeds.is_empty() { vec![method.recipe.seed] } else { method.seeds.clone() };
            let mut singles = Vec::with_capacity(seeds.len());
            let kind = if seeds.len() > 1 { Kind::Seed } else { Kind::Method };
            for (name, seed) in names.iter().zip(seeds) {
                let row = bench.method(name, method, seed, weighting, reporter)?;
                singles.push(Row { kind, ..row });
            }
            let mean = method.mean_row(weighting).map(|name| {
                let of: Vec<&Row> = singles.iter().collect();
                average(&name, Kind::Mean, method.family.as_deref().unwrap_or(&method.name), &of)
            });
            rows.extend(singles);
            rows.extend(mean);
        }
    }
    for sum in &plan.sums {
        let of: Vec<&Row> = sum.of.iter().filter_map(|name| rows.iter().find(|r| r.name == *name)).collect();
        rows.push(sum_of_z(&sum.name, &of));
    }
    Ok(rows)
}

fn counterfactual_points(bench: &Bench<'_>, grid: &Grid) -> Result<usize> {
    Ok(grid.timesteps.plan(bench.model.schedule(), grid.draws, grid.seed, b"")?.points.len())
}
