//! The plain data of a table or a report, taken from the window at once, and written on a thread of its own.

use std::path::{Path, PathBuf};

use super::evidence::{Maps, add_redrawn, maps};
use super::explanations::{comparison, labels, selected_first};
use super::{Export, ExportRequest, SaveError, Table, free, portable_path};
use crate::command_line::{JobSources, job_command};
use crate::palette::group_colours;
use whence_data::{Dataset, ImageShape};
use whence_jobs::{AttributeJob, QueryOrigin};
use whence_methods::Attribution;
use whence_report::svg::write_svg;
use whence_report::{Facts, GroupStyle, Report, ReportImage, ReportQuery, TableFormat, write_comparison, write_scores};

use crate::app::state::{Explanation, Query, State};

/// Nearest training images of each of the groups that lead: a row on paper.
const NEAREST: usize = 8;

/// Writes a file off the window's thread, and returns its path.
pub type Work = Box<dyn FnOnce() -> Result<PathBuf, SaveError> + Send>;

/// What writes a table or a report of what is known now.
///
/// # Errors
/// Where there is nothing to write.
pub fn work(request: ExportRequest, state: &State) -> Result<Work, String> {
    match request.what {
        Export::Table { table: Table::Comparison, format } => {
            let table = state.query().and_then(comparison).ok_or("The image on screen has only one explanation")?;
            Ok(Box::new(move || {
                free(&request)?;
                write_comparison(&request.path, format, &table).map_err(|e| e.to_string())?;
                Ok(request.path)
            }))
        }
        Export::Table { table, format } => {
            let shape = state.query().or_else(|| state.queries.first()).map(|q| q.image.shape);
            let shape = shape.ok_or("There is no image")?;
            let scores: Vec<Attribution> = match table {
                Table::Ranking => state.explanation().and_then(|a| a.complete.clone()).into_iter().collect(),
                Table::All | Table::Comparison => explained(state).map(|(_, _, all)| all.clone()).collect(),
            };
            Ok(Box::new(move || write_table(request, format, &scores, shape)))
        }
        Export::Drawing(drawing) => {
            let figure = super::figures::figure(state, drawing)?;
            Ok(Box::new(move || {
                free(&request)?;
                write_svg(&request.path, &figure).map_err(|e| e.to_string())?;
                Ok(request.path)
            }))
        }
        Export::Report => {
            let dataset = state.dataset.clone().ok_or("The training images are not open")?;
            let mut report = report(state, &request);
            let sections = sections(state);
            Ok(Box::new(move || {
                free(&request)?;
                report.queries = sections.into_iter().map(|section| section.finish(&dataset)).collect();
                report.write(&request.path).map_err(|e| e.to_string())?;
                Ok(request.path)
            }))
        }
        Export::Image { .. } => Err("An image of the view is taken by the window".into()),
    }
}

fn write_table(
    request: ExportRequest,
    format: TableFormat,
    scores: &[Attribution],
    shape: ImageShape,
) -> Result<PathBuf, SaveError> {
    free(&request)?;
    write_scores(&request.path, format, scores, shape).map_err(|e| e.to_string())?;
    Ok(request.path)
}

/// The explained queries, with the explanation on screen.
fn explained(state: &State) -> impl Iterator<Item = (&Query, &Explanation, &Attribution)> {
    let first = |q| selected_first(q).into_iter().next().map(|(explanation, all)| (q, explanation, all));
    state.queries.iter().filter_map(first)
}

/// All explanations: of each query the one on screen first.
fn all_explanations(state: &State) -> Vec<(&Query, &Explanation, &Attribution)> {
    let of = |query| selected_first(query).into_iter().map(move |(explanation, all)| (query, explanation, all));
    state.queries.iter().flat_map(of).collect()
}

/// Images that were explained in the same way.
struct SameSettings {
    job: AttributeJob,
    images: Vec<String>,
    sources: JobSources,
}

impl SameSettings {
    /// The command that explains the images again, beside the project's folder, or beside model and dataset.
    fn command(&self, root: Option<&Path>, out: &Path) -> String {
        let project = root.map(|root| portable_path(root, None));
        let model = portable_path(&self.job.model, None);
        let data = portable_path(&self.job.data, None);
        job_command(project.as_deref(), out, &AttributeJob { model, data, ..self.job.clone() }, &self.sources)
    }
}

fn report(state: &State, request: &ExportRequest) -> Report {
    let colours = group_colours(state.groups().len());
    let styles = state.groups().iter().zip(colours);
    let project = state.project.as_ref();
    let same_settings = same_settings(state);
    let root = project.map(|p| p.root.as_path());
    // The report may be sent to anybody: it names files, and not where they lie on this computer.
    let portable = |path: &Path| portable_path(path, root);
    let out = if root.is_some() { portable_path(&request.path, None) } else { PathBuf::from("results") };
    let mut facts = vec![Facts::of(
        "Made with",
        &serde_json::json!({
            "program": format!("Whence {}", env!("CARGO_PKG_VERSION")),
            "device": state.model.as_ref().map(|m| &m.device),
            "project": project.map(|p| &p.file.name),
        }),
    )];
    facts.extend(state.model.as_ref().map(|m| {
        Facts::of(
            "Model",
            &serde_json::json!({
                "folder": portable(&m.path), "blake3": m.hash, "image": m.shape,
                "parameters": m.parameters, "timesteps": m.timesteps, "classes": m.classes,
            }),
        )
    }));
    facts.extend(state.dataset.as_ref().map(|d| {
        Facts::of(
            "Dataset",
            &serde_json::json!({
                "path": portable(d.path()), "blake3": d.hash(), "images": d.len(),
                "groups": d.groups(), "skipped": d.skipped().len(),
            }),
        )
    }));
    for group in &same_settings {
        let title = match same_settings.as_slice() {
            [_] => "Scoring settings".into(),
            _ => format!("Scoring settings of {}", group.images.join(", ")),
        };
        let job = &group.job;
        facts.push(Facts::of(
            &title,
            &serde_json::json!({
                "method": job.method, "settings": job.settings, "recipe": job.recipe,
                "random control groups": job.null, "second seed": job.confirm, "sampling": job.sampling,
            }),
        ));
    }
    let said = &state.annotations;
    facts.push(Facts::of("Notes on groups", &said.group_notes.as_ref()));
    facts.push(Facts::of("Notes on training images", &said.image_notes.as_ref()));
    let hashes = explained(state).map(|(q, _, _)| (q.image.name.clone(), super::reopen::pixels_hash(q).into()));
    facts.push(Facts::of("Images, blake3 of their values", &serde_json::Value::Object(hashes.collect())));
    Report {
        title: project.map_or_else(|| "Whence".into(), |p| p.file.name.clone()),
        date: whence_engine::now().replace('T', " ").replace('Z', " UTC"),
        groups: styles.map(|(name, [light, dark])| GroupStyle { name: name.clone(), light, dark }).collect(),
        // Parts that take time are added off the window's thread.
        queries: Vec::new(),
        facts,
        recipes: same_settings
            .iter()
            .filter_map(|g| Some((g.sources.recipe.clone(), toml::to_string(&g.job.recipe).ok()?)))
            .collect(),
        commands: same_settings.iter().map(|g| g.command(root, &out)).collect(),
        warnings: Vec::new(),
    }
}

/// Groups the queries by how they were explained, in their order.
fn same_settings(state: &State) -> Vec<SameSettings> {
    let mut all: Vec<SameSettings> = Vec::new();
    let root = state.project.as_ref().map(|p| p.root.as_path());
    let listed = state.project.as_ref().map_or(&[][..], |p| p.file.queries.as_slice());
    for (query, explanation, _) in all_explanations(state) {
        let Some(job) = explanation.request.as_deref() else { continue };
        // A recalled explanation was computed in the same way once.
        let job = AttributeJob { queries: Vec::new(), live: true, known_only: false, ..job.clone() };
        let place = all.iter().position(|g| g.job == job).unwrap_or_else(|| {
            let recipe = if all.is_empty() { "recipe.toml".into() } else { format!("recipe-{}.toml", all.len() + 1) };
            let sources = JobSources { recipe, ..JobSources::default() };
            all.push(SameSettings { job, images: Vec::new(), sources });
            all.len() - 1
        });
        let Some(group) = all.get_mut(place) else { continue };
        group.images.push(query.image.name.clone());
        match &query.image.origin {
            QueryOrigin::Seed(seed) => group.sources.seeds.push(*seed),
            QueryOrigin::File(path) if listed.contains(path) => {
                group.sources.names.extend(path.file_name().map(|n| n.to_string_lossy().into_owned()));
            }
            QueryOrigin::File(path) => group.sources.files.push(portable_path(path, root)),
        }
    }
    all
}

/// A query's part of the report by one explanation, before what takes time is added.
struct Section {
    query: ReportQuery,
    /// Whether the image was shown above already, so that only the ranking is.
    again: bool,
    maps: Option<Maps>,
}

impl Section {
    fn finish(self, dataset: &Dataset) -> ReportQuery {
        let Self { mut query, again, maps } = self;
        if !again {
            query.add_nearest(dataset, NEAREST);
        }
        query.map = maps.and_then(|m| m.draw(query.image.shape, &query.image.pixels));
        query
    }
}

/// The parts of the report: each query by the explanation on screen, with all evidence, then by its others.
fn sections(state: &State) -> Vec<Section> {
    let root = state.project.as_ref().map(|p| p.root.as_path());
    state.queries.iter().flat_map(|query| sections_of(query, state.groups(), root)).collect()
}

fn sections_of(query: &Query, groups: &[String], root: Option<&Path>) -> Vec<Section> {
    let (explanations, scores): (Vec<&Explanation>, Vec<&Attribution>) = selected_first(query).into_iter().unzip();
    let named = labels(&explanations).into_iter().zip(scores).enumerate();
    let section = |(place, (label, all)): (usize, (String, &Attribution))| {
        let name =
            if explanations.len() > 1 { format!("{}, by {label}", query.image.name) } else { query.image.name.clone() };
        let mut part = part(query, Attribution { query: name, ..all.clone() }, root);
        let again = place > 0;
        if !again {
            add_redrawn(&mut part, query, groups);
        }
        let maps = if again { None } else { maps(&part, query, groups) };
        Section { query: part, again, maps }
    };
    named.map(section).collect()
}

fn part(query: &Query, attribution: Attribution, root: Option<&Path>) -> ReportQuery {
    let image = &query.image;
    let origin = match &image.origin {
        QueryOrigin::Seed(seed) => format!("generated from seed {seed}"),
        QueryOrigin::File(path) => portable_path(path, root).display().to_string(),
    };
    let mut caption = vec![origin, format!("{} × {} pixels", image.shape.width, image.shape.height)];
    caption.extend(image.notes.iter().cloned());
    caption.extend(Some(query.rating.words()).filter(|words| !words.is_empty()));
    caption.extend(Some(&query.note).filter(|note| !note.is_empty()).map(|note| format!("note: {note}")));
    let caption = caption.join(", ");
    let image = ReportImage { pixels: image.pixels.clone(), shape: image.shape, caption };
    ReportQuery { image, attribution, nearest: Vec::new(), reference: None, regenerated: Vec::new(), map: None }
}
