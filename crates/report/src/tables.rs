//! The tables that `whence attribute` writes. Names and columns are a promise to users and scripts.

use std::path::Path;

use serde::Serialize;

use super::image_file::write_png;
use super::image_scores::image_rows;
use whence_base::{Error, Result};
use whence_data::{Dataset, ImageShape};
use whence_diffusion::elbo::Estimate;
use whence_evaluation::tables::serialize_text_cell;
use whence_jobs::{AttributeJob, GroupNeighbours};
use whence_methods::{Attribution, Query, ScoreSettings, Unit, rank, verdict};
use whence_training::unlearning::{Judgement, Recipe};

/// What results were computed from.
pub struct Provenance<'a> {
    /// The job.
    pub job: &'a AttributeJob,
    /// The recipe with everything decided.
    pub recipe: &'a Recipe,
    /// The score settings with everything decided.
    pub settings: &'a ScoreSettings,
    /// blake3 of the full model.
    pub model_hash: &'a str,
    /// The dataset.
    pub dataset: &'a Dataset,
    /// Name of the device.
    pub device: &'a str,
    /// The query images.
    pub queries: &'a [Query],
}

/// A row of `scores.csv`; what is no column is for other readers.
#[derive(Serialize)]
pub(super) struct ScoreRow<'a> {
    #[serde(serialize_with = "serialize_text_cell")]
    pub query: &'a str,
    #[serde(serialize_with = "serialize_text_cell")]
    pub group: &'a str,
    /// Empty where the score is in another unit.
    pub score_nats: Option<f64>,
    pub std_err: f64,
    pub low_95: f64,
    pub high_95: f64,
    pub rank: usize,
    /// Only a likelihood has bits.
    pub bits_per_dim: Option<f64>,
    pub evaluations: usize,
    #[serde(serialize_with = "serialize_text_cell")]
    pub method: &'a str,
    pub score: f64,
    pub unit: &'static str,
    #[serde(skip)]
    pub estimate: Estimate,
    #[serde(skip)]
    pub tied: bool,
    #[serde(skip)]
    pub gate: Option<Judgement>,
}

/// The scores of one query, highest first; `numel` is the number of values in its image.
pub(super) fn score_rows(attribution: &Attribution, numel: usize) -> Vec<ScoreRow<'_>> {
    rank(&attribution.scores)
        .into_iter()
        .filter_map(|place| {
            let score = attribution.scores.get(place.index)?;
            let (low_95, high_95) = score.estimate.interval_95();
            let score_nats = (attribution.unit == Unit::Nats).then_some(score.estimate.score);
            Some(ScoreRow {
                query: &attribution.query,
                group: &score.group,
                score_nats,
                std_err: score.estimate.std_err,
                low_95,
                high_95,
                rank: place.rank,
                bits_per_dim: score_nats.map(|nats| nats / (std::f64::consts::LN_2 * numel as f64)),
                evaluations: score.evaluations,
                method: &attribution.method,
                score: score.estimate.score,
                unit: attribution.unit.name(),
                estimate: score.estimate,
                tied: place.tied_with_previous,
                gate: score.gate,
            })
        })
        .collect()
}

/// One query's results in `attribution.json`.
pub(super) fn result_json(attribution: &Attribution) -> serde_json::Value {
    serde_json::json!({
        "query": attribution.query,
        "method": attribution.method,
        "unit": attribution.unit.name(),
        "verdict": verdict(attribution),
        "scores": attribution.scores,
        "trust": attribution.trust,
        "ranking": rank(&attribution.scores),
    })
}

#[derive(Serialize)]
struct CheckRow<'a> {
    #[serde(serialize_with = "serialize_text_cell")]
    query: &'a str,
    #[serde(serialize_with = "serialize_text_cell")]
    group: &'a str,
    gate_passed: Option<bool>,
    group_error_rise: Option<f64>,
    others_error_rise: Option<f64>,
    retrained_rise: Option<f64>,
    /// Above what random groups score.
    stands_out: Option<bool>,
}

#[derive(Serialize)]
struct OfficialRow<'a> {
    #[serde(serialize_with = "serialize_text_cell")]
    image: &'a str,
    class_id: usize,
    delta_elbo: f64,
}

#[derive(Serialize)]
struct NeighbourRow<'a> {
    #[serde(serialize_with = "serialize_text_cell")]
    query: &'a str,
    #[serde(serialize_with = "serialize_text_cell")]
    group: &'a str,
    rank: usize,
    #[serde(serialize_with = "serialize_text_cell")]
    image: &'a str,
    distance: f64,
}

/// Index of a scored group in the dataset.
fn class_id(dataset: &Dataset, group: &str) -> Result<usize> {
    let missing = || Error::internal(format!("the scored group {group} is not in the dataset"));
    dataset.groups().iter().position(|g| g == group).ok_or_else(missing)
}

/// A table; where it has no rows, none, not even that of an earlier run by another method.
fn write_or_remove<R: Serialize>(path: &Path, rows: &[R]) -> Result<()> {
    if !rows.is_empty() {
        return write_csv(path, rows);
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Writes `scores.csv`, `checks.csv`, `neighbours.csv`, `attribution.json`, and the queries as PNG, into `out`; also
/// `scores_guda.csv` where scores are in nats, and `images.csv` where the method scores images.
///
/// # Errors
/// Where a file cannot be written.
pub fn write_attribution(
    out: &Path,
    provenance: &Provenance<'_>,
    attributions: &[Attribution],
    neighbours: &[Vec<GroupNeighbours>],
    shape: ImageShape,
) -> Result<()> {
    let dataset = provenance.dataset;
    let mut scores = Vec::new();
    let mut official = Vec::new();
    let mut checks = Vec::new();
    let mut results = Vec::new();
    for attribution in attributions {
        scores.extend(score_rows(attribution, shape.numel()));
        let null = attribution.trust.as_ref().and_then(|t| t.null.as_ref());
        for score in &attribution.scores {
            checks.push(CheckRow {
                query: &attribution.query,
                group: &score.group,
                gate_passed: score.gate.map(|g| g.passed()),
                group_error_rise: score.gate.map(|g| g.forget.rise),
                others_error_rise: score.gate.map(|g| g.others.rise),
                retrained_rise: score.gate.and_then(|g| g.retrained_rise),
                stands_out: null.map(|n| n.stands_out(&score.group, score.estimate.score)),
            });
            if attribution.unit == Unit::Nats {
                official.push(OfficialRow {
                    image: &attribution.query,
                    class_id: class_id(dataset, &score.group)?,
                    delta_elbo: score.estimate.score,
                });
            }
        }
        results.push(result_json(attribution));
    }
    let near: Vec<NeighbourRow<'_>> = provenance
        .queries
        .iter()
        .zip(neighbours)
        .flat_map(|(query, groups)| groups.iter().map(move |g| (query, g)))
        .flat_map(|(query, group)| {
            group.nearest.iter().enumerate().map(move |(i, n)| NeighbourRow {
                query: &query.name,
                group: dataset.groups().get(group.group).map_or("", String::as_str),
                rank: i + 1,
                image: dataset.image_name(n.index),
                distance: n.distance,
            })
        })
        .collect();
    write_csv(&out.join("scores.csv"), &scores)?;
    write_or_remove(&out.join("scores_guda.csv"), &official)?;
    write_csv(&out.join("checks.csv"), &checks)?;
    write_csv(&out.join("neighbours.csv"), &near)?;
    let images: Vec<_> = attributions.iter().flat_map(|a| image_rows(a, dataset)).collect();
    write_or_remove(&out.join("images.csv"), &images)?;
    for query in provenance.queries {
        let stem = whence_store::folder_name(query.name.trim_end_matches(".png"));
        write_png(&out.join("queries").join(format!("{stem}.png")), &query.pixels, shape)?;
    }
    let queries: Vec<_> =
        provenance.queries.iter().map(|q| serde_json::json!({"name": q.name, "blake3": q.pixels_hash()})).collect();
    let timesteps_are_sampled = matches!(provenance.settings.timesteps, whence_diffusion::elbo::Timesteps::Count(_));
    let document = serde_json::json!({
        "schema_version": 1,
        "program": {"name": "whence", "version": env!("CARGO_PKG_VERSION")},
        "device": provenance.device,
        "job": provenance.job,
        "settings": provenance.settings,
        "estimates": if provenance.settings.stop.is_some() {
            "unbiased estimates of the weighted sum over 10../10; groups left behind early have wide intervals"
        } else if timesteps_are_sampled {
            "unbiased estimates of the weighted sum over 10../10, from timesteps drawn by importance"
        } else {
            "the weighted sum over the grid, averaged over draws"
        },
        "recipe": provenance.recipe,
        "model": {"blake3": provenance.model_hash, "shape": shape},
        "dataset": {
            "name": dataset.name(),
            "blake3": dataset.hash(),
            "images": dataset.len(),
            "groups": dataset.groups().iter().enumerate().map(|(i, name)| serde_json::json!({
                "class_id": i, "name": name, "images": dataset.indices_of(i).len(),
            })).collect::<Vec<_>>(),
            "skipped": dataset.skipped().len(),
        },
        "queries": queries,
        "attributions": results,
    });
    whence_store::write_json(&out.join("attribution.json"), &document)
}

pub(super) fn write_csv<T: Serialize>(path: &Path, rows: &[T]) -> Result<()> {
    whence_store::write_atomic(path, &csv_bytes(path, |writer| rows.iter().try_for_each(|row| writer.serialize(row)))?)
}

/// What `fill` writes; `path` is for errors.
pub(super) fn csv_bytes(
    path: &Path,
    fill: impl FnOnce(&mut csv::Writer<Vec<u8>>) -> Result<(), csv::Error>,
) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    fill(&mut writer).map_err(|e| Error::internal(format!("{} cannot be encoded: {e}", path.display())))?;
    writer.into_inner().map_err(|e| Error::internal(format!("{} cannot be encoded: {e}", path.display())))
}
