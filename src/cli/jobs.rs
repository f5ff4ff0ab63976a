//! `whence sample`, `whence train`, `whence unlearn`, `whence retrain`, `whence benchmark`,
//! `whence removal`.

use std::path::Path;

use super::arguments::{
    BenchmarkArguments, Common, RemovalArguments, RetrainArguments, SampleArguments, TrainArguments, UnlearnArguments,
};
use super::attribute::{class_map, recipe};
use super::drive::drive;
use super::output::{self, path_text};
use super::parse;
use crate::command_line::command_line;
use whence_base::{Error, Result};
use whence_evaluation::benchmark::{OraclePlan, Plan};
use whence_jobs::{
    BenchmarkJob, JobSpec, QuerySource, RemovalJob, Remove, RetrainJob, SampleJob, TrainJob, UnlearnJob,
};
use whence_methods::ScoreSettings;
use whence_training::TrainingConfig;

fn finish(common: &Common, out: &Path, spec: JobSpec) -> Result<()> {
    let outcome = drive(&common.device, spec)?;
    if common.json {
        let (summary, warnings) = (outcome.summary, outcome.warnings);
        return output::json(&serde_json::json!({"out": path_text(out), "summary": summary, "warnings": warnings}));
    }
    output::note(&outcome.summary);
    Ok(())
}

pub(super) fn sample(arguments: SampleArguments) -> Result<()> {
    let job = SampleJob {
        model: arguments.model,
        seeds: arguments.seeds.0,
        sampling: arguments.drawing.settings(),
        batch: arguments.batch,
        tensors: arguments.tensors,
        out: arguments.out.clone(),
    };
    finish(&arguments.common, &arguments.out, JobSpec::Sample(job))
}

/// Training settings of a TOML file.
pub(super) fn training_config(path: Option<&Path>) -> Result<TrainingConfig> {
    let Some(path) = path else { return Ok(TrainingConfig::default()) };
    let config: TrainingConfig = whence_training::read_settings(path, "a file of training settings")?;
    config.check()?;
    Ok(config)
}

pub(super) fn train(arguments: TrainArguments) -> Result<()> {
    let mut config = training_config(arguments.config.as_deref())?;
    if let Some(steps) = arguments.steps {
        config.steps = steps;
    }
    let job = TrainJob {
        data: arguments.data,
        group_column: arguments.group_column,
        config,
        exclude_group: arguments.exclude_group,
        out: arguments.out.clone(),
    };
    finish(&arguments.common, &arguments.out, JobSpec::Train(Box::new(job)))
}

pub(super) fn unlearn(arguments: UnlearnArguments) -> Result<()> {
    let job = UnlearnJob {
        model: arguments.model,
        data: arguments.data,
        group_column: arguments.group_column,
        class_map: class_map(arguments.class_map.as_deref())?,
        groups: parse::all_names(arguments.groups),
        recipe: recipe(&arguments.recipe)?,
        out: arguments.out.clone(),
    };
    finish(&arguments.common, &arguments.out, JobSpec::Unlearn(Box::new(job)))
}

pub(super) fn retrain(arguments: RetrainArguments) -> Result<()> {
    let job = RetrainJob {
        model: arguments.model,
        data: arguments.data,
        group_column: arguments.group_column,
        class_map: class_map(arguments.class_map.as_deref())?,
        groups: parse::all_names(arguments.groups),
        config: arguments.config.as_deref().map(|path| training_config(Some(path))).transpose()?,
        seed: arguments.seed,
        out: arguments.out.clone(),
    };
    finish(&arguments.common, &arguments.out, JobSpec::Retrain(Box::new(job)))
}

pub(super) fn benchmark(arguments: BenchmarkArguments) -> Result<()> {
    let mut plan = arguments.plan.as_deref().map(Plan::load).transpose()?.unwrap_or_default();
    if arguments.model.is_some() {
        plan.model = arguments.model;
    }
    if let Some(config) = &arguments.config {
        (plan.model, plan.training) = (None, Some(training_config(Some(config))?));
    }
    if let Some(count) = arguments.queries {
        plan.queries.count = count;
    }
    if !arguments.oracle.is_empty() {
        plan.oracles = arguments
            .oracle
            .into_iter()
            .map(|folder| {
                let name = format!("retrained, {}", folder.display());
                OraclePlan { name, folder: Some(folder), ..OraclePlan::default() }
            })
            .collect();
    }
    plan.check()?;
    let job = BenchmarkJob {
        data: arguments.data,
        group_column: arguments.group_column,
        plan,
        command: command_line(std::env::args_os().skip(1)),
        out: arguments.out.clone(),
    };
    finish(&arguments.common, &arguments.out, JobSpec::Benchmark(Box::new(job)))?;
    if !arguments.common.json {
        let table = arguments.out.join("table.md");
        output::block(&std::fs::read_to_string(&table).map_err(Error::io("read", &table))?)?;
    }
    Ok(())
}

pub(super) fn removal(arguments: RemovalArguments) -> Result<()> {
    let remove = match (arguments.remove_groups, arguments.remove_images) {
        (Some(count), _) => Remove::Groups(count),
        (None, count) => Remove::Images(count.unwrap_or(1)),
    };
    let mut queries: Vec<QuerySource> = arguments.query.into_iter().map(QuerySource::File).collect();
    queries.extend(arguments.seeds.into_iter().flat_map(|s| s.0).map(QuerySource::Seed));
    let job = RemovalJob {
        model: arguments.model,
        data: arguments.data,
        group_column: arguments.group_column,
        class_map: class_map(arguments.class_map.as_deref())?,
        queries,
        sampling: arguments.drawing.settings(),
        counterfactuals: arguments.counterfactuals,
        scores: arguments.scores,
        remove,
        random: arguments.random,
        config: arguments.config.as_deref().map(|path| training_config(Some(path))).transpose()?,
        settings: ScoreSettings {
            timesteps: arguments.timesteps,
            draws: arguments.draws,
            seed: arguments.seed,
            class: arguments.drawing.class_label,
            ..ScoreSettings::default()
        },
        out: arguments.out.clone(),
    };
    finish(&arguments.common, &arguments.out, JobSpec::Removal(Box::new(job)))
}
