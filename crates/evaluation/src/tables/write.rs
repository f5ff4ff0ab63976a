//! The official layouts, byte for byte as the published scripts write them.

use std::collections::HashSet;
use std::path::Path;

use csv::{Terminator, WriterBuilder};

use super::{Group, ScoreTable, text_cell, with_class_order};
use whence_base::{Error, Result, Setting};

/// Positions of the groups in class order, with their ids and names.
fn in_class_order(table: &ScoreTable, class_order: Option<&[String]>) -> Result<Vec<(usize, usize, Group)>> {
    let groups = with_class_order(&table.groups, class_order, &table.source)?;
    let mut ordered = Vec::with_capacity(groups.len());
    for (column, group) in groups.into_iter().enumerate() {
        let id = group.id.ok_or_else(|| {
            let what = format!("{} has no class id, and the official layouts need one", group.label());
            Error::setting(what, [Setting::GroupOrder], "list the groups in class order")
                .in_file(Path::new(table.source.as_str()))
        })?;
        ordered.push((id, column, group));
    }
    ordered.sort_by_key(|(id, ..)| *id);
    Ok(ordered)
}

pub(super) fn official_long(table: &ScoreTable, path: &Path, class_order: Option<&[String]>) -> Result<()> {
    let groups = in_class_order(table, class_order)?;
    let mut rows = vec![["image", "class_id", "delta_elbo"].map(str::to_owned).to_vec()];
    for (query, values) in table.queries.iter().zip(&table.values) {
        for (id, column, _) in &groups {
            let score = values.get(*column).copied().map(in_full).unwrap_or_default();
            rows.push(vec![text_cell(query).into_owned(), id.to_string(), score]);
        }
    }
    write(path, &rows)
}

pub(super) fn official_sorted(table: &ScoreTable, path: &Path, class_order: Option<&[String]>) -> Result<()> {
    let groups = in_class_order(table, class_order)?;
    let file_name = |query: &str| query.rsplit(['/', '\\']).next().unwrap_or(query).to_owned();
    let distinct: HashSet<String> = table.queries.iter().map(|q| file_name(q)).collect();
    let without_folders = distinct.len() == table.queries.len();
    let mut header = vec!["image".to_owned()];
    for place in 1..=groups.len() {
        header.extend(["Cls", "Name", "Sc"].map(|part| format!("R{place}_{part}")));
    }
    let mut rows = vec![header];
    for (query, values) in table.queries.iter().zip(&table.values) {
        let mut sorted: Vec<(usize, &Group, f64)> =
            groups.iter().filter_map(|(id, column, group)| Some((*id, group, *values.get(*column)?))).collect();
        sorted.sort_by(|(_, _, a), (_, _, b)| b.partial_cmp(a).unwrap_or(std::cmp::Ordering::Equal));
        let shown = if without_folders { file_name(query) } else { query.clone() };
        let mut row = vec![text_cell(&shown).into_owned()];
        for (id, group, score) in sorted {
            let name = group.name.clone().unwrap_or_else(|| id.to_string());
            row.extend([id.to_string(), format!("{id}: {name}"), rounded(score)]);
        }
        rows.push(row);
    }
    write(path, &rows)
}

fn write(path: &Path, rows: &[Vec<String>]) -> Result<()> {
    // The published scripts end lines as Python's csv module does by default.
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).map_err(|e| Error::internal(format!("{} cannot be encoded: {e}", path.display())))?;
    }
    let bytes =
        writer.into_inner().map_err(|e| Error::internal(format!("{} cannot be encoded: {e}", path.display())))?;
    whence_store::write_atomic(path, &bytes)
}

/// The shortest digits that give the same number back, as Python's `repr` writes them.
pub(super) fn in_full(value: f64) -> String {
    with_python_exponent(&format!("{value:?}"))
}

/// 4 decimals; 6 below 1e-3; 6 digits and an exponent below 1e-6, except for zero.
pub(super) fn rounded(value: f64) -> String {
    let size = value.abs();
    if size < 1e-6 && size > 0.0 {
        with_python_exponent(&format!("{value:.6e}"))
    } else if size < 1e-3 {
        format!("{value:.6}")
    } else {
        format!("{value:.4}")
    }
}

/// Python writes a sign and at least two digits after the `e`.
fn with_python_exponent(text: &str) -> String {
    let Some((digits, exponent)) = text.split_once('e') else { return text.to_owned() };
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    // Rust keeps `.0` before an exponent of large whole numbers, Python does not.
    let digits = digits.strip_suffix(".0").unwrap_or(digits);
    format!("{digits}e{sign}{exponent:0>2}")
}
