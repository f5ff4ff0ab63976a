//! `whence report`: a project's images explained, as one HTML file.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::arguments::ReportArguments;
use super::attribute::{recipe, summary};
use super::drive::{Outcome, drive, duration};
use super::output::{self, path_text};
use super::parse;
use crate::command_line::command_line;
use whence_base::{Error, Result};
use whence_data::{Dataset, ImageShape, LoadOptions, load_image};
use whence_engine::now;
use whence_jobs::{AttributeJob, JobSpec, QuerySource};
use whence_methods::Attribution;
use whence_report::{Facts, GroupStyle, Report, ReportImage, ReportQuery};
use whence_store::Project;
use whence_store::folder_name;
use whence_training::unlearning::Recipe;

pub(super) fn run(arguments: ReportArguments) -> Result<()> {
    let project = Project::open(&arguments.project)?;
    // Before hours of work, not after.
    whence_store::check_writable(folder_of(&arguments.out))?;
    let results = tempfile::tempdir().map_err(Error::io("create a folder in", &std::env::temp_dir()))?;
    let job = job(&arguments, &project, results.path())?;
    let begun = std::time::Instant::now();
    let outcome = drive(&arguments.common.device, JobSpec::Attribute(Box::new(job)))?;
    if arguments.scoring.dry_run {
        if arguments.common.json {
            output::json(&serde_json::json!({ "forecast": outcome.estimate }))?;
        }
        return Ok(());
    }
    let took = begun.elapsed().as_secs_f64();
    let report = assemble(&arguments, &project, &outcome, results.path(), took)?;
    report.write(&arguments.out)?;
    if arguments.common.json {
        let document = serde_json::json!({
            "report": path_text(&arguments.out),
            "warnings": outcome.warnings,
            "forecast": outcome.estimate,
            "took": {"seconds": took},
            "queries": outcome.attributions.iter().map(summary).collect::<Vec<_>>(),
        });
        output::json(&document)?;
    } else {
        output::note(&format!("The report is in {}", arguments.out.display()));
    }
    Ok(())
}

/// The folder a file is to lie in.
fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The job that explains what was chosen, as `whence attribute` would.
fn job(arguments: &ReportArguments, project: &Project, out: &Path) -> Result<AttributeJob> {
    let named = |path: &Option<PathBuf>, what: &str| {
        path.clone().ok_or_else(|| {
            Error::file(
                format!("the project names no {what}"),
                &project.root.join("project.json"),
                "open it in Whence, choose one and save, or use whence attribute",
            )
        })
    };
    let mut recipe_arguments = arguments.scoring.recipe.clone();
    if recipe_arguments.recipe.is_none() {
        recipe_arguments.recipe.clone_from(&project.file.recipe);
    }
    Ok(AttributeJob {
        model: named(&project.file.model, "model")?,
        data: named(&project.file.data, "dataset")?,
        group_column: group_column(arguments, project),
        class_map: match &arguments.class_map {
            Some(path) => super::attribute::class_map(Some(path))?,
            None => project.file.class_map.clone(),
        },
        queries: queries(arguments, project)?,
        sampling: arguments.drawing.settings(),
        method: arguments.scoring.method.clone(),
        groups: parse::all_names(arguments.scoring.groups.clone()),
        settings: arguments.scoring.settings(arguments.drawing.class_label),
        null: arguments.scoring.null,
        confirm: arguments.scoring.confirm,
        recipe: recipe(&recipe_arguments)?,
        counterfactuals: arguments.scoring.counterfactuals.clone(),
        keep_in: project.store(),
        out: Some(out.to_owned()),
        neighbours: 0,
        live: false,
        dry_run: arguments.scoring.dry_run,
        known_only: false,
    })
}

/// The column of a parquet dataset that names the group: as given, else as the project says.
fn group_column(arguments: &ReportArguments, project: &Project) -> Option<String> {
    arguments.group_column.clone().or_else(|| project.file.group_column.clone())
}

/// The chosen images: all of the project's where nothing is chosen.
fn queries(arguments: &ReportArguments, project: &Project) -> Result<Vec<QuerySource>> {
    let all = &project.file.queries;
    let name = |path: &Path| path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let mut chosen = Vec::new();
    for wanted in &arguments.queries {
        let found = all.iter().find(|p| name(p) == *wanted || p.file_stem().is_some_and(|s| s == wanted.as_str()));
        let path = found.ok_or_else(|| {
            let known: Vec<String> = all.iter().map(|p| name(p)).collect();
            Error::input(
                format!("the project has no image {wanted}"),
                "--queries",
                format!("its images are {}", known.join(", ")),
            )
        })?;
        chosen.push(QuerySource::File(path.clone()));
    }
    chosen.extend(arguments.query.iter().cloned().map(QuerySource::File));
    chosen.extend(arguments.seeds.iter().flat_map(|s| &s.0).map(|seed| QuerySource::Seed(*seed)));
    if chosen.is_empty() {
        chosen.extend(all.iter().cloned().map(QuerySource::File));
    }
    if chosen.is_empty() {
        return Err(Error::file(
            "the project names no images",
            &project.root.join("project.json"),
            "give --seeds, or open it in Whence, add images and save",
        ));
    }
    Ok(chosen)
}

/// The report of what was found; `results` holds what the job wrote of it.
fn assemble(
    arguments: &ReportArguments,
    project: &Project,
    outcome: &Outcome,
    results: &Path,
    took: f64,
) -> Result<Report> {
    let path = results.join("attribution.json");
    let document: Value = whence_store::read_json(&path)?;
    let part = |pointer: &str| document.pointer(pointer).cloned().unwrap_or_default();
    let read =
        |e: serde_json::Error| Error::internal(format!("{} does not hold what was just written: {e}", path.display()));
    let shape: ImageShape = serde_json::from_value(part("/model/shape")).map_err(read)?;
    let data = project.file.data.clone().unwrap_or_default();
    let options =
        LoadOptions { shape: Some(shape), group_column: group_column(arguments, project), ..LoadOptions::default() };
    let dataset = Dataset::load(&data, &options, &mut |_, _| Ok(()))?;
    let queries: Result<Vec<ReportQuery>> = outcome
        .attributions
        .iter()
        .map(|attribution| {
            let stem = folder_name(attribution.query.trim_end_matches(".png"));
            let image = load_image(&results.join("queries").join(format!("{stem}.png")), shape)?;
            Ok(query(attribution, image.pixels, &dataset, arguments.neighbours))
        })
        .collect();
    let recipe: Recipe = serde_json::from_value(part("/recipe")).map_err(read)?;
    let recipe = toml::to_string(&recipe).map_err(|e| Error::internal(format!("the recipe cannot be encoded: {e}")))?;
    let groups = dataset.groups().iter().zip(crate::palette::group_colours(dataset.groups().len()));
    Ok(Report {
        title: arguments.title.clone().unwrap_or_else(|| project.file.name.clone()),
        date: now().replace('T', " ").replace('Z', " UTC"),
        groups: groups.map(|(name, [light, dark])| GroupStyle { name: name.clone(), light, dark }).collect(),
        queries: queries?,
        facts: vec![
            Facts::of(
                "Made with",
                &serde_json::json!({
                    "program": format!("Whence {}", env!("CARGO_PKG_VERSION")),
                    "device": part("/device"),
                    "time": duration(took),
                    "project": path_text(&std::path::absolute(&project.root).unwrap_or_else(|_| project.root.clone())),
                    "command run in": std::env::current_dir().ok().as_deref().map(path_text),
                }),
            ),
            Facts::of(
                "Model",
                &serde_json::json!({
                    "folder": part("/job/model"), "blake3": part("/model/blake3"), "image": part("/model/shape"),
                }),
            ),
            Facts::of(
                "Dataset",
                &serde_json::json!({
                    "path": part("/job/data"),
                    "blake3": part("/dataset/blake3"),
                    "images": part("/dataset/images"),
                    "skipped": part("/dataset/skipped"),
                    "images of group": Value::Object(
                        dataset.groups().iter().enumerate().map(|(i, g)| (g.clone(), dataset.indices_of(i).len().into())).collect(),
                    ),
                }),
            ),
            Facts::of(
                "Scores",
                &serde_json::json!({
                    "method": part("/job/method"),
                    "estimates": part("/estimates"),
                    "settings": part("/settings"),
                    "random groups": part("/job/null"),
                    "second seed": part("/job/confirm"),
                    "counterfactuals": part("/job/counterfactuals"),
                    "drawing": part("/job/draw"),
                }),
            ),
            Facts::of(
                "Images, blake3 of their values",
                &Value::Object(
                    outcome
                        .attributions
                        .iter()
                        .zip(part("/queries").as_array().cloned().unwrap_or_default())
                        .map(|(a, q)| (a.query.clone(), q.get("blake3").cloned().unwrap_or_default()))
                        .collect(),
                ),
            ),
        ],
        recipes: vec![("with everything decided".into(), recipe)],
        commands: vec![command_line(std::env::args_os().skip(1))],
        warnings: outcome.warnings.clone(),
    })
}

/// One image's part of the report.
fn query(attribution: &Attribution, pixels: Vec<u8>, dataset: &Dataset, neighbours: usize) -> ReportQuery {
    let shape = dataset.shape();
    let caption = format!("{}, {} x {} pixels", attribution.query, shape.width, shape.height);
    let image = ReportImage { pixels, shape, caption };
    let attribution = attribution.clone();
    let mut query =
        ReportQuery { image, attribution, nearest: Vec::new(), reference: None, regenerated: Vec::new(), map: None };
    query.add_nearest(dataset, neighbours);
    query
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Arguments, Command};
    use crate::command_line::{JobSources, job_command};
    use whence_diffusion::elbo::anytime::Settings as StopSettings;
    use whence_jobs::SampleSettings;
    use whence_methods::ScoreSettings;

    /// The words of a line, as a shell splits those that are plain or in single quotes.
    fn split(line: &str) -> Vec<String> {
        let (mut words, mut inside) = (vec![String::new()], false);
        for c in line.chars() {
            match (c, inside, words.last_mut()) {
                ('\'', ..) => inside = !inside,
                (' ', false, _) => words.push(String::new()),
                (c, _, Some(word)) => word.push(c),
                _ => {}
            }
        }
        words
    }

    fn job() -> AttributeJob {
        AttributeJob {
            model: "/p/model".into(),
            data: "/p/data".into(),
            group_column: None,
            class_map: None,
            queries: vec![],
            sampling: SampleSettings { steps: 20, ..SampleSettings::default() },
            method: "guda".into(),
            groups: vec![],
            settings: ScoreSettings { draws: 3, seed: 9, class: Some(2), ..ScoreSettings::default() },
            null: 16,
            confirm: true,
            recipe: Recipe::default(),
            counterfactuals: None,
            keep_in: "/p/store".into(),
            out: None,
            neighbours: 0,
            live: false,
            dry_run: false,
            known_only: false,
        }
    }

    #[test]
    fn the_command_asks_for_the_same_job() {
        let sources = JobSources {
            names: vec!["a b.png".into()],
            files: vec!["/other/c.png".into()],
            seeds: vec![3, 5],
            recipe: "my recipe.toml".into(),
        };
        let line = |project, job: &AttributeJob| job_command(project, Path::new("r.html"), job, &sources);
        let parse = |job: &AttributeJob| {
            let line = line(Some(Path::new("/my projects/x")), job);
            match Arguments::try_parse_from(split(&line)).unwrap().command {
                Some(Command::Report(found)) => found,
                other => panic!("{other:?}"),
            }
        };
        let found = parse(&job());
        assert_eq!(found.project, Path::new("/my projects/x"));
        assert_eq!((found.queries, found.seeds.unwrap().0), (vec!["a b.png".to_owned()], vec![3, 5]));
        assert_eq!(found.query, [PathBuf::from("/other/c.png")]);
        assert_eq!(found.drawing.settings(), SampleSettings { class: Some(2), ..job().sampling });
        assert_eq!(found.scoring.settings(Some(2)), job().settings);
        assert_eq!(found.scoring.recipe.recipe, Some("my recipe.toml".into()));
        assert!(found.scoring.null == 16 && found.scoring.confirm && found.scoring.method == "guda");
        let stop = Some(StopSettings { level: 0.9, top: 2, budget: 300, ..StopSettings::default() });
        let early = AttributeJob { settings: ScoreSettings { stop, draws: 1, ..job().settings }, ..job() };
        assert_eq!(parse(&early).scoring.settings(Some(2)), early.settings);
        let drawn = ScoreSettings { timesteps: "50".parse().unwrap(), ..job().settings };
        let drawn = AttributeJob { settings: drawn, ..job() };
        assert_eq!(parse(&drawn).scoring.settings(Some(2)), drawn.settings);
        let alone = JobSources { names: vec![], ..sources.clone() };
        let alone = job_command(None, Path::new("results"), &job(), &alone);
        match Arguments::try_parse_from(split(&alone)).unwrap().command {
            Some(Command::Attribute(found)) => {
                assert_eq!((found.model, found.data), (job().model, job().data));
                assert_eq!(found.scoring.settings(Some(2)), job().settings);
            }
            other => panic!("{other:?}"),
        }
    }
}
