//! The plain data of a table or a report, taken from the window at once, and written on a thread of its own.

use std::path::PathBuf;

use super::{Export, ExportRequest, Table, free, group_colours};
use crate::attribution::Attribution;
use crate::dataset::ImageShape;
use crate::engine::api::{AttributeJob, JobSpec, QueryOrigin};
use crate::report::{
    Facts, GroupLook, JobSources, Report, ReportPicture, ReportQuery, TableFormat, job_command, write_scores,
};

use crate::app::state::{Answer, Query, State};

/// Nearest training images of each of the groups that lead: a row on paper.
const NEAREST: usize = 8;

/// Work that no frame waits for: writes a file and says where it is.
pub type Work = Box<dyn FnOnce() -> Result<PathBuf, String> + Send>;

/// What writes a table or a report of what is known now.
///
/// # Errors
/// Where there is nothing to write.
pub fn work(request: ExportRequest, state: &State) -> Result<Work, String> {
    match request.what {
        Export::Table { table, format } => {
            let shape = state.query().or_else(|| state.queries.first()).map(|q| q.picture.shape);
            let shape = shape.ok_or("There is no picture")?;
            let scores: Vec<Attribution> = match table {
                Table::Ranking => state.answer().and_then(|a| a.complete.clone()).into_iter().collect(),
                Table::All => explained(state).map(|(_, _, all)| all.clone()).collect(),
            };
            Ok(Box::new(move || write_table(request, format, &scores, shape)))
        }
        Export::Report => {
            let dataset = state.dataset.clone().ok_or("The training images are not open")?;
            let mut report = report(state, &request);
            Ok(Box::new(move || {
                free(&request)?;
                report.queries.iter_mut().for_each(|query| query.add_nearest(&dataset, NEAREST));
                report.write(&request.path).map_err(|e| e.to_string())?;
                Ok(request.path)
            }))
        }
        Export::Picture { .. } => Err("A picture of the view is taken by the window".into()),
    }
}

fn write_table(
    request: ExportRequest,
    format: TableFormat,
    scores: &[Attribution],
    shape: ImageShape,
) -> Result<PathBuf, String> {
    free(&request)?;
    write_scores(&request.path, format, scores, shape).map_err(|e| e.to_string())?;
    Ok(request.path)
}

/// The pictures that are explained.
fn explained(state: &State) -> impl Iterator<Item = (&Query, &Answer, &Attribution)> {
    state.queries.iter().filter_map(|q| {
        let answer = q.answer.as_ref()?;
        Some((q, answer, answer.complete.as_ref()?))
    })
}

/// The job that found an answer, as far as it is remembered.
pub fn job_of<'a>(state: &'a State, answer: &Answer) -> Option<&'a AttributeJob> {
    state.jobs.iter().chain(&state.history).find(|j| j.id == answer.job).and_then(|j| match &j.spec {
        JobSpec::Attribute(job) => Some(job.as_ref()),
        _ => None,
    })
}

/// Pictures that were explained in the same way.
struct Alike {
    job: AttributeJob,
    pictures: Vec<String>,
    sources: JobSources,
}

fn report(state: &State, request: &ExportRequest) -> Report {
    let colours = group_colours(state.groups().len());
    let looks = state.groups().iter().zip(colours);
    let project = state.project.as_ref();
    let alike = alike(state);
    let root = project.map(|p| p.root.as_path());
    let out = if root.is_some() { request.path.clone() } else { PathBuf::from("results") };
    let mut facts = vec![Facts::of(
        "Made with",
        &serde_json::json!({
            "program": format!("Whence {}", env!("CARGO_PKG_VERSION")),
            "device": state.model.as_ref().map(|m| &m.device),
            "project": root,
        }),
    )];
    facts.extend(state.model.as_ref().map(|m| {
        Facts::of(
            "Model",
            &serde_json::json!({
                "folder": m.path, "blake3": m.hash, "picture": m.shape,
                "parameters": m.parameters, "timesteps": m.timesteps, "classes": m.classes,
            }),
        )
    }));
    facts.extend(state.dataset.as_ref().map(|d| {
        Facts::of(
            "Dataset",
            &serde_json::json!({
                "path": d.path(), "blake3": d.hash(), "images": d.len(),
                "groups": d.groups(), "skipped": d.skipped().len(),
            }),
        )
    }));
    for group in &alike {
        let title = match alike.as_slice() {
            [_] => "Scores, as asked for".into(),
            _ => format!("Scores of {}, as asked for", group.pictures.join(", ")),
        };
        let job = &group.job;
        facts.push(Facts::of(
            &title,
            &serde_json::json!({
                "method": job.method, "settings": job.settings, "recipe": job.recipe,
                "random groups": job.null, "second seed": job.confirm, "drawing": job.draw,
            }),
        ));
    }
    let hashes = explained(state)
        .map(|(q, _, _)| (q.picture.name.clone(), blake3::hash(&q.picture.pixels).to_hex().to_string().into()));
    facts.push(Facts::of("Pictures, blake3 of their values", &serde_json::Value::Object(hashes.collect())));
    Report {
        title: project.map_or_else(|| "Whence".into(), |p| p.file.name.clone()),
        date: crate::engine::now().replace('T', " ").replace('Z', " UTC"),
        groups: looks.map(|(name, [light, dark])| GroupLook { name: name.clone(), light, dark }).collect(),
        queries: explained(state).map(|(q, _, all)| query(q, all)).collect(),
        facts,
        recipes: alike
            .iter()
            .filter_map(|g| Some((g.sources.recipe.clone(), toml::to_string(&g.job.recipe).ok()?)))
            .collect(),
        commands: alike.iter().map(|g| job_command(root, &out, &g.job, &g.sources)).collect(),
        warnings: Vec::new(),
    }
}

/// Puts pictures together that were explained in the same way, in the order they are listed.
fn alike(state: &State) -> Vec<Alike> {
    let mut all: Vec<Alike> = Vec::new();
    let listed = state.project.as_ref().map_or(&[][..], |p| p.file.queries.as_slice());
    for (query, answer, _) in explained(state) {
        let Some(job) = job_of(state, answer) else { continue };
        let job = AttributeJob { queries: Vec::new(), ..job.clone() };
        let place = all.iter().position(|g| g.job == job).unwrap_or_else(|| {
            let recipe = if all.is_empty() { "recipe.toml".into() } else { format!("recipe-{}.toml", all.len() + 1) };
            let sources = JobSources { recipe, ..JobSources::default() };
            all.push(Alike { job, pictures: Vec::new(), sources });
            all.len() - 1
        });
        let Some(group) = all.get_mut(place) else { continue };
        group.pictures.push(query.picture.name.clone());
        match &query.picture.origin {
            QueryOrigin::Seed(seed) => group.sources.seeds.push(*seed),
            QueryOrigin::File(path) if listed.contains(path) => {
                group.sources.names.extend(path.file_name().map(|n| n.to_string_lossy().into_owned()));
            }
            QueryOrigin::File(path) => group.sources.files.push(path.clone()),
        }
    }
    all
}

fn query(query: &Query, attribution: &Attribution) -> ReportQuery {
    let picture = &query.picture;
    let origin = match &picture.origin {
        QueryOrigin::Seed(seed) => format!("drawn from seed {seed}"),
        QueryOrigin::File(path) => path.display().to_string(),
    };
    let mut caption = vec![origin, format!("{} x {} pixels", picture.shape.width, picture.shape.height)];
    caption.extend(picture.notes.iter().cloned());
    let caption = caption.join(", ");
    let picture = ReportPicture { pixels: picture.pixels.clone(), shape: picture.shape, caption };
    let attribution = Attribution { query: query.picture.name.clone(), ..attribution.clone() };
    ReportQuery { picture, attribution, nearest: Vec::new(), redrawn: Vec::new(), map: None }
}
