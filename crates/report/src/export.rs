//! Single tables for people and other programs: the ranking of one image, the scores of many, a comparison of methods.

use std::path::Path;

use serde::Serialize;

use super::tables::{csv_bytes, result_json, score_rows, write_csv};
use whence_base::{Error, Result};
use whence_data::ImageShape;
use whence_evaluation::tables::text_cell;
use whence_methods::Attribution;

/// How a table is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TableFormat {
    /// Comma-separated values.
    #[default]
    Csv,
    /// JSON.
    Json,
}

impl TableFormat {
    /// All, in the order of menus.
    pub const ALL: [Self; 2] = [Self::Csv, Self::Json];

    /// Ending of its files.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }
}

/// Scores of one image's groups by several methods or recipes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Comparison {
    /// Name of the image.
    pub query: String,
    /// What is compared: the columns.
    pub methods: Vec<String>,
    /// Names of the groups: the rows.
    pub groups: Vec<String>,
    /// Scores in the unit of each method, one row per group, one column per method; none where a method has not scored a group.
    pub scores: Vec<Vec<Option<f64>>>,
}

/// Writes the scores of images: as `scores.csv` of `whence attribute`, or as its `attributions` in JSON.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_scores(path: &Path, format: TableFormat, attributions: &[Attribution], shape: ImageShape) -> Result<()> {
    match format {
        TableFormat::Csv => {
            let rows: Vec<_> = attributions.iter().flat_map(|a| score_rows(a, shape.numel())).collect();
            write_csv(path, &rows)
        }
        TableFormat::Json => {
            let results: Vec<_> = attributions.iter().map(result_json).collect();
            write_document(path, "attributions", &results)
        }
    }
}

/// Writes a comparison: in CSV one column of group names and one per method.
///
/// # Errors
/// Matrices of another size than their names, and where the file cannot be written.
pub fn write_comparison(path: &Path, format: TableFormat, comparison: &Comparison) -> Result<()> {
    let (rows, columns) = (comparison.groups.len(), comparison.methods.len());
    if comparison.scores.len() != rows || comparison.scores.iter().any(|row| row.len() != columns) {
        return Err(Error::internal(format!("the comparison is not a table of {rows} groups and {columns} methods")));
    }
    match format {
        TableFormat::Csv => {
            let methods = comparison.methods.iter().map(|m| text_cell(m).into_owned());
            let header = std::iter::once("group".to_owned()).chain(methods).collect();
            let body = comparison.groups.iter().zip(&comparison.scores).map(|(group, scores)| {
                let cells = scores.iter().map(|s| s.map_or_else(String::new, |value| value.to_string()));
                std::iter::once(text_cell(group).into_owned()).chain(cells).collect()
            });
            let table: Vec<Vec<String>> = std::iter::once(header).chain(body).collect();
            whence_store::write_atomic(
                path,
                &csv_bytes(path, |writer| table.iter().try_for_each(|r| writer.write_record(r)))?,
            )
        }
        TableFormat::Json => write_document(path, "comparison", comparison),
    }
}

fn write_document(path: &Path, name: &str, content: &impl Serialize) -> Result<()> {
    whence_store::write_json(
        path,
        &serde_json::json!({
            "schema_version": 1,
            "program": {"name": "whence", "version": env!("CARGO_PKG_VERSION")},
            name: content,
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use whence_diffusion::elbo::Estimate;
    use whence_methods::{GroupScore, Unit};

    const SHAPE: ImageShape = ImageShape { channels: 3, height: 4, width: 4 };

    fn attributions() -> Vec<Attribution> {
        ["a.png", "b, \"quoted\".png"]
            .iter()
            .map(|name| {
                let score = |group: &str, nats: f64| GroupScore {
                    estimate: Estimate::new(nats, 0.1 + nats.abs() / 7.0),
                    evaluations: 50,
                    ..GroupScore::exact(group, nats)
                };
                Attribution::new(name, "guda", vec![score("ink", 1.0 / 3.0), score("oil", 2.0f64.sqrt())])
            })
            .collect()
    }

    #[test]
    fn scores_keep_every_digit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/scores.csv");
        write_scores(&path, TableFormat::Csv, &attributions(), SHAPE).unwrap();
        let mut reader = csv::Reader::from_path(&path).unwrap();
        let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
        assert_eq!(
            header.join(","),
            "query,group,score_nats,std_err,low_95,high_95,rank,bits_per_dim,evaluations,method,score,unit"
        );
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 4);
        let first = &attributions()[0].scores[1];
        assert_eq!((&rows[0][0], &rows[0][1], &rows[0][6]), ("a.png", "oil", "1"));
        assert_eq!(rows[0][2].parse::<f64>().unwrap().to_bits(), first.estimate.score.to_bits());
        assert_eq!(rows[0][5].parse::<f64>().unwrap().to_bits(), first.estimate.interval_95().1.to_bits());
        assert_eq!(&rows[2][0], "b, \"quoted\".png");
    }

    #[test]
    fn cosines_are_not_called_nats_and_are_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scores.csv");
        let scores = vec![GroupScore::exact("ink", 0.25), GroupScore::exact("oil", 1.0 / 3.0)];
        let cosines = Attribution { unit: Unit::Cosine, ..Attribution::new("a.png", "feature-similarity", scores) };
        write_scores(&path, TableFormat::Csv, std::slice::from_ref(&cosines), SHAPE).unwrap();
        let mut reader = csv::Reader::from_path(&path).unwrap();
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!((&rows[0][1], &rows[0][2], &rows[0][7], &rows[0][11]), ("oil", "", "", "cosine"));
        assert_eq!(rows[0][10].parse::<f64>(), Ok(1.0 / 3.0));
        assert_eq!(rows[0][4].parse::<f64>(), Ok(1.0 / 3.0), "the interval is in the score's unit");
        let table = whence_evaluation::ScoreTable::read(&path, None).unwrap();
        assert_eq!(table.values, [[1.0 / 3.0, 0.25]]);
        write_scores(&path, TableFormat::Json, &[cosines], SHAPE).unwrap();
        let json: serde_json::Value = whence_store::read_json(&path).unwrap();
        assert_eq!(json["attributions"][0]["unit"], "cosine");
    }

    #[test]
    fn json_is_read_back_as_the_same_scores() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scores.json");
        write_scores(&path, TableFormat::Json, &attributions(), SHAPE).unwrap();
        let json: serde_json::Value = whence_store::read_json(&path).unwrap();
        assert_eq!(json["schema_version"], 1);
        let scores: Vec<GroupScore> = serde_json::from_value(json["attributions"][1]["scores"].clone()).unwrap();
        for (found, score) in scores.iter().zip(&attributions()[1].scores) {
            assert_eq!((&found.group, found.estimate), (&score.group, score.estimate));
        }
        assert_eq!(scores.len(), 2);
        assert_eq!(json["attributions"][0]["verdict"], whence_methods::verdict(&attributions()[0]));
    }

    #[test]
    fn names_are_no_formulas_and_numbers_stay_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scores.csv");
        let scores = vec![GroupScore::exact("=1+1", -0.5), GroupScore::exact("@cmd", 0.25)];
        write_scores(&path, TableFormat::Csv, &[Attribution::new("-q.png", "guda", scores)], SHAPE).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("'-q.png,'@cmd,0.25,") && text.contains("'-q.png,'=1+1,-0.5,"), "{text}");
        let table = whence_evaluation::ScoreTable::read(&path, None).unwrap();
        assert_eq!(table.queries, ["-q.png"]);
        assert_eq!(table.groups.iter().map(whence_evaluation::Group::label).collect::<Vec<_>>(), ["@cmd", "=1+1"]);
    }

    #[test]
    fn a_comparison_is_a_matrix_and_a_hole_is_a_hole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("comparison.csv");
        let comparison = Comparison {
            query: "a.png".into(),
            methods: vec!["guda".into(), "gaussian, closed form".into()],
            groups: vec!["ink".into(), "oil".into()],
            scores: vec![vec![Some(0.1 + 0.2), None], vec![Some(-1e-300), Some(3.0)]],
        };
        write_comparison(&path, TableFormat::Csv, &comparison).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("group,guda,\"gaussian, closed form\"\nink,0.30000000000000004,\noil,"), "{text}");
        let cell = text.lines().nth(2).and_then(|l| l.split(',').nth(1)).unwrap();
        assert_eq!(cell.parse::<f64>(), Ok(-1e-300));
        write_comparison(&path, TableFormat::Json, &comparison).unwrap();
        let json: serde_json::Value = whence_store::read_json(&path).unwrap();
        assert_eq!(json["comparison"]["scores"][0], serde_json::json!([0.1 + 0.2, null]));
        let crooked = Comparison { groups: vec!["ink".into()], ..comparison };
        assert!(write_comparison(&path, TableFormat::Csv, &crooked).is_err());
        assert!(path.is_file(), "what was there stays");
    }
}
