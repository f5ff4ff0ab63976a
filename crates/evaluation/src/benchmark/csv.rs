//! The table as CSV: one line per row and metric, on each part of the queries.

use super::table::{Line, Table};
use crate::tables::text_cell;
use crate::{Agreement, Measured};
use whence_base::{Error, Result};

const HEADER: [&str; 18] = [
    "row",
    "kind",
    "family",
    "chosen",
    "part",
    "queries",
    "metric",
    "value",
    "low_95",
    "high_95",
    "chance",
    "chance_corrected",
    "ceiling",
    "evaluations_per_query",
    "make_seconds",
    "score_seconds",
    "trained_pictures",
    "bytes",
];

/// The whole table.
///
/// # Errors
/// None in practice: text in memory.
pub fn table_csv(table: &Table) -> Result<Vec<u8>> {
    let broken = |e: csv::Error| Error::internal(format!("table.csv cannot be encoded: {e}"));
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(HEADER).map_err(broken)?;
    for line in &table.lines {
        let wholes = [("reported", &line.reported), ("choosing", &line.choosing), ("all", &line.all)];
        for (part, agreement) in wholes.into_iter().chain([("all, mean of the oracles", &line.with_mean)]) {
            let Some(agreement) = agreement else { continue };
            write(&mut out, line, part, agreement.queries, &agreement.metrics).map_err(broken)?;
        }
        for split in line.all.iter().flat_map(|a: &Agreement| &a.splits) {
            let part = format!("all, {}", split.name);
            write(&mut out, line, &part, split.queries, &split.metrics).map_err(broken)?;
        }
    }
    out.into_inner().map_err(|e| Error::internal(format!("table.csv cannot be encoded: {e}")))
}

fn write(
    out: &mut csv::Writer<Vec<u8>>,
    line: &Line,
    part: &str,
    queries: usize,
    metrics: &[Measured],
) -> std::result::Result<(), csv::Error> {
    let kind = serde_json::to_value(line.kind).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
    let optional = |v: Option<f64>| v.map(|v| v.to_string()).unwrap_or_default();
    for m in metrics {
        out.write_record([
            text_cell(&line.name).as_ref(),
            &kind,
            text_cell(&line.family).as_ref(),
            &line.chosen.to_string(),
            part,
            &queries.to_string(),
            m.name,
            &m.value.to_string(),
            &m.low_95.to_string(),
            &m.high_95.to_string(),
            &m.chance.to_string(),
            &optional(m.chance_corrected),
            &optional(m.ceiling),
            &line.cost.evaluations_per_query.to_string(),
            &format!("{:.1}", line.cost.make_seconds),
            &format!("{:.1}", line.cost.score_seconds),
            &line.cost.trained_images.to_string(),
            &line.cost.bytes.to_string(),
        ])?;
    }
    Ok(())
}
